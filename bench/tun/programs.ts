import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, pause } from '../../test/peers/kit.ts';
import type { Namespace } from '../../test/peers/tun/net.ts';
import { must } from '../harness.ts';

/** From where, and to whom, the kernel's programs speak. */
export interface Place {
  readonly name: string;
  readonly space: Pick<Namespace, 'pid' | 'exec' | 'start'>;
  readonly address: string;
  /** The device in that namespace. */
  readonly device: string;
}

/** Ports where everything is thrown away, and where bytes come without end. */
export const DISCARD = 9;
export const SOURCE = 19;

/** Bits that iperf3 has seen come in per second, in Gbit. */
export async function iperf({ space, address }: Place, seconds: number, reverse: boolean): Promise<number> {
  const r = await space.exec('iperf3', ['-c', address, '-t', `${seconds}`, '-J', ...(reverse ? ['-R'] : [])]);
  const said = JSON.parse(r.out) as { error?: string; end: { sum_received: { bits_per_second: number } } };
  must(said.error === undefined, `iperf3: ${said.error}`);
  return said.end.sum_received.bits_per_second / 1e9;
}

/** Bits on the device per second, headers counted, in Gbit, while socat speaks to one of the two ports. */
export async function bulk(
  { space, address, device }: Place,
  seconds: number,
  port: number,
): Promise<number> {
  const far = `TCP4:${address}:${port}`;
  const way = port === DISCARD ? ['OPEN:/dev/zero', far] : [far, 'OPEN:/dev/null'];
  const socat = space.start('socat', ['-u', '-b131072', ...way]);
  const column = port === DISCARD ? 8 : 0;
  try {
    await pause(500);
    const [from, began] = [bytesOf(space.pid, device, column), performance.now()];
    await pause(1000 * seconds);
    const rate = (bytesOf(space.pid, device, column) - from) / (performance.now() - began);
    must(rate > 0, `socat to ${address} port ${port} moved nothing`);
    return (rate * 8) / 1e6;
  } finally {
    await end(socat, 'SIGKILL');
  }
}

/** A counter of a device in the namespace of a process (proc_pid_net(5): receive bytes first, transmit ninth). */
function bytesOf(pid: number, device: string, column: number): number {
  const line = readFileSync(`/proc/${pid}/net/dev`, 'latin1')
    .split('\n')
    .find(l => l.trim().startsWith(`${device}:`));
  must(line !== undefined, `no device ${device}`);
  return Number(line.split(':')[1]!.trim().split(/\s+/)[column]);
}

/** Requests of 1 KB a second, a connection each, 20 at a time. */
export async function lives({ space, address }: Place, requests: number): Promise<number> {
  const r = await space.exec('ab', ['-q', '-n', `${requests}`, '-c', '20', `http://${address}/`]);
  const rate = Number(/^Requests per second: +([\d.]+)/m.exec(r.out)?.[1]);
  must(rate > 0, `ab: ${r.err}`);
  return rate;
}

/**
 * Microseconds, the median of many. What ping says goes to a file: read by this process, its lines would wake the
 * host that is to be idle.
 */
export async function rtt({ space, address }: Place, pings: number, folder: string): Promise<number> {
  const file = join(folder, 'ping');
  await space.exec('sh', ['-c', `ping -i 0.01 -c ${pings} ${address} > ${file}`]);
  const times = [...readFileSync(file, 'latin1').matchAll(/time=([\d.]+) ms/g)]
    .map(m => Number(m[1]) * 1000)
    .sort((x, y) => x - y);
  must(times.length > pings / 2, `ping ${address}: ${times.length} of ${pings} answers`);
  return times[times.length >> 1]!;
}
