import { BsdHost } from '../../src/api/bsd.ts';
import { seededRandom } from '../../src/base/random.ts';
import { NodeDriver, NodeLoop } from '../../src/driver/node.ts';
import type { Link } from '../../src/link/link.ts';
import { Stack } from '../../src/stack/stack.ts';
import { TIME_WAIT } from '../../src/tcp/state.ts';

// Where a slow machine makes a probe repeat the last FIN, the second ACK meets nobody, and the reset that answers
// it ends a TIME_WAIT (RFC 1337), as on Linux, unless the host is told otherwise.
export const KEEP_TIME_WAIT = { tcp_rfc1337: 1 };

/** A host in real time on one link. */
export interface LinkHost {
  readonly stack: Stack;
  readonly driver: NodeDriver;
  readonly os: BsdHost;
}

/** Hosts in real time, all on one loop. */
export class Hosts {
  readonly loop = new NodeLoop();
  private readonly made: LinkHost[] = [];

  add(name: string, address: string, link: Link, gateway = ''): LinkHost {
    const stack = new Stack({
      name,
      random: seededRandom(name),
      sysctl: KEEP_TIME_WAIT,
      start: this.loop.now(),
    });
    const driver = new NodeDriver(stack, this.loop);
    const ifc = stack.addInterface({ name: 'eth0', medium: link.medium, mtu: link.mtu });
    if (ifc.addAddress(address) < 0) throw new Error(address);
    if (gateway !== '') stack.routes.add({ destination: 'default', via: gateway, interface: ifc });
    driver.attach(ifc, link);
    const host = { stack, driver, os: new BsdHost(driver) };
    this.made.push(host);
    return host;
  }

  async close(): Promise<void> {
    await Promise.all(this.made.splice(0).map(h => h.driver.close(0)));
    this.loop.stop();
  }
}

/** `n` bytes from `client` to `server`, an answer back, both close. @returns what each has got */
export async function converse(
  client: LinkHost,
  server: LinkHost,
  address: string,
  n = 200_000,
): Promise<{ question: number; answer: string; waits: number }> {
  const listener = server.os.serve(address, 7);
  const serving = (async () => {
    const fd = await server.os.accept(listener);
    let question = 0;
    for await (const chunk of server.os.stream(fd)) question += chunk.length;
    await server.os.send(fd, `${question} bytes, thank you`);
    await server.os.close(fd);
    await server.os.close(listener);
    return question;
  })();
  const fd = await client.os.open(address, 7);
  await client.os.send(fd, new Uint8Array(n));
  client.os.shutdown(fd, 1);
  let answer = '';
  for await (const chunk of client.os.stream(fd)) answer += new TextDecoder().decode(chunk);
  await client.os.close(fd);
  const question = await serving;
  await until(() => client.stack.tcp.counts()[TIME_WAIT] === 1);
  return { question, answer, waits: client.stack.tcp.counts()[TIME_WAIT]! };
}

/** Waits until a condition holds. */
export async function until(holds: () => boolean, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${holds}`);
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}
