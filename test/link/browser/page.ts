import { BsdHost } from '../../../src/api/bsd.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { Driver } from '../../../src/driver/driver.ts';
import { WebLoop } from '../../../src/driver/loop.ts';
import type { Link } from '../../../src/link/link.ts';
import { memoryPair } from '../../../src/link/memory.ts';
import { connectWebSocket } from '../../../src/link/websocket/index.ts';
import { Stack } from '../../../src/stack/stack.ts';
import { ask, type Peer, serveOnce } from './http.ts';

/** What the page does when a test asks for it; bundled for the browser, without anything of Node. */
const loop = new WebLoop();

function host(name: string, address: string, link: Link): Peer {
  const stack = new Stack({
    name,
    random: seededRandom(`${name}${address}`),
    sysctl: { tcp_rfc1337: 1 },
    start: loop.now(),
  });
  const driver = new Driver(stack, loop);
  const ifc = stack.addInterface({ name: 'eth0', medium: link.medium, mtu: link.mtu });
  ifc.addAddress(`${address}/24`);
  driver.attach(ifc, link);
  return { stack, os: new BsdHost(driver) };
}

let joined: Peer | null = null;
const own = (): Peer => {
  if (joined === null) throw new Error('not joined');
  return joined;
};

const calls = {
  /** Two hosts in this page, one memory wire. */
  async twoHosts() {
    const [left, right] = memoryPair(loop, { medium: 'ethernet' });
    const a = host('A', '10.9.0.1', left);
    const b = host('B', '10.9.0.2', right);
    const served = serveOnce(b, '10.9.0.2', 80, 'from B');
    return { ...(await ask(a, '10.9.0.2', 80, '/two')), served: await served };
  },
  /** A host in this page on a WebSocket. */
  async join(url: string, address: string): Promise<void> {
    joined = host('page', address, await connectWebSocket(url, { clock: loop }));
  },
  ask: (address: string, port: number, path: string) => ask(own(), address, port, path),
  serveOnce: (address: string, port: number, body: string) => serveOnce(own(), address, port, body),
};

export type Proof = typeof calls;

declare global {
  var proof: Proof | undefined;
}
globalThis.proof = calls;
