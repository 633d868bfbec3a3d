import { createInterface } from 'node:readline';
import { BsdHost, SocketError } from '../../../src/api/bsd.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { NodeDriver, NodeLoop } from '../../../src/driver/node.ts';
import { openTun } from '../../../src/link/tun/index.ts';
import { Stack } from '../../../src/stack/stack.ts';
import { FIRST_CLIENT_PORT } from './segment.ts';

/** A host of lastack's in a namespace whose kernel forwards between its device and the relay's. */
export const LASTACK = '10.79.3.2';
export const DEVICE = 'lastack';

/** Of what `hosts.py` knows, the client's half; it writes for ever, until the server ends the connection. */
export type LastackCommand = { readonly connect: number; readonly to: string };

/** Runs as a process of its own, told by standard input until that ends. */
export function serveLastack(namespace: string): void {
  const loop = new NodeLoop();
  const link = openTun({ kind: 'tun', name: DEVICE, mtu: 1500, offload: false, namespace, clock: loop });
  const sysctl = {
    'net.ipv4.tcp_no_metrics_save': 1,
    'net.ipv4.ip_local_port_range': `${FIRST_CLIENT_PORT} 60999`,
  };
  const random = seededRandom(`${process.pid} ${performance.timeOrigin}`);
  const stack = new Stack({ random, start: loop.now(), sysctl });
  const ifc = stack.addInterface({ name: DEVICE, medium: link.medium, mtu: link.mtu, ...link.offloads });
  ifc.addAddress(`${LASTACK}/16`);
  const driver = new NodeDriver(stack, loop);
  driver.attach(ifc, link);
  const host = new BsdHost(driver);
  const chunk = new Uint8Array(1 << 16);
  const send = async (port: number, to: string): Promise<void> => {
    const fd = await host.open(to, port);
    process.stdout.write(`${JSON.stringify({ connected: port, took: 0, at: 0 })}\n`);
    try {
      for (;;) await host.send(fd, chunk);
    } catch (e) {
      if (!(e instanceof SocketError)) throw e;
    }
    await host.close(fd).catch(() => {});
  };
  const lines = createInterface({ input: process.stdin });
  lines.on('line', line => {
    const command = JSON.parse(line) as LastackCommand;
    void send(command.connect, command.to);
  });
  lines.once('close', () => process.exit(0));
  process.stdout.write('{}\n');
}
