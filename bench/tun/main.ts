import { missing } from '../../test/peers/kit.ts';
import { serveIperf } from '../../test/peers/tun/iperf.ts';
import {
  LASTACK,
  type Net,
  type NetOptions,
  noTun,
  openNamespace,
  openNet,
} from '../../test/peers/tun/net.ts';
import { serveHttp } from '../../test/peers/tun/servers.ts';
import { type Figure, figure, figureLine, interleave, machine, machineLine, type Side } from '../harness.ts';

/**
 * lastack beside the Linux kernel: what a program of the kernel's gets from lastack over TUN, beside what it gets
 * from another kernel over veth. Needs root, iperf3, ab, nginx, ping.
 *
 *   npm run bench:tun [-- --quick] [-- --json]
 */
const quick = process.argv.includes('--quick');
const json = process.argv.includes('--json');
const rounds = quick ? 1 : 5;
const seconds = quick ? '1' : '2';
const PEER = '10.78.1.2';

const why = noTun() ?? missing('iperf3', 'ab', 'nginx', 'ping');
if (why !== null) {
  console.error(`bench:tun: ${why}`);
  process.exit(2);
}

type Exec = Net['exec'];

/** Bits that iperf3 has seen come in per second, in Gbit. */
async function iperf(exec: Exec, address: string, reverse: boolean): Promise<number> {
  const r = await exec('iperf3', ['-c', address, '-t', seconds, '-J', ...(reverse ? ['-R'] : [])]);
  const said = JSON.parse(r.out) as { error?: string; end: { sum_received: { bits_per_second: number } } };
  if (said.error !== undefined) throw new Error(`iperf3: ${said.error}`);
  return said.end.sum_received.bits_per_second / 1e9;
}

/** Requests of 1 KB a second, a connection each, 20 at a time. */
async function lives(exec: Exec, url: string): Promise<number> {
  const r = await exec('ab', ['-q', '-n', quick ? '500' : '2000', '-c', '20', url]);
  return Number(/^Requests per second: +([\d.]+)/m.exec(r.out)?.[1]);
}

/** Microseconds, the median of many. */
async function rtt(exec: Exec, address: string): Promise<number> {
  const r = await exec('ping', ['-i', '0.01', '-c', quick ? '50' : '200', address]);
  const times = [...r.out.matchAll(/time=([\d.]+) ms/g)].map(m => Number(m[1]) * 1000).sort((x, y) => x - y);
  return times[times.length >> 1] ?? Number.NaN;
}

const near = await openNamespace();
const far = await openNamespace();
await near.exec('ip', ['link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', `${far.pid}`]);
await near.exec('ip', ['addr', 'add', '10.78.1.1/24', 'dev', 'v0']);
await near.exec('ip', ['link', 'set', 'v0', 'up']);
await far.exec('ip', ['addr', 'add', `${PEER}/24`, 'dev', 'v1']);
await far.exec('ip', ['link', 'set', 'v1', 'up']);
far.start('iperf3', ['-s']);
// One worker, as lastack has one thread; 1 KB, a connection for each request.
const conf = `daemon off; master_process off; worker_processes 1; pid /tmp/lastack-bench-${process.pid}.pid; error_log /dev/null;
events { worker_connections 1024; } http { access_log off; server { listen 80; return 200 "${'x'.repeat(1024)}"; } }`;
const { writeFileSync, rmSync } = await import('node:fs');
const file = `/tmp/lastack-bench-${process.pid}.conf`;
writeFileSync(file, conf);
far.start('nginx', ['-e', '/dev/null', '-c', file]);

const lastack = async (options: NetOptions): Promise<Net> => {
  const net = await openNet(options);
  serveIperf(net.host, 5201);
  serveHttp(net.host, 80, new Uint8Array(1024));
  return net;
};
const on = await lastack({ offload: true });
const off = await lastack({ offload: false });
const sides = (work: (exec: Exec, address: string) => Promise<number>): Side[] => [
  { name: 'linux', run: () => work(near.exec, PEER) },
  { name: 'offload', run: () => work(on.exec, LASTACK[4]) },
  { name: 'no-offload', run: () => work(off.exec, LASTACK[4]) },
];
const figures: Figure[] = [];
const add = (more: readonly Figure[]): void => {
  figures.push(...more);
  if (json) return;
  for (const f of more) console.log(`${figureLine(f)}   ${(f.median / more[0]!.median).toFixed(2)}`);
};
const m = machine();
if (!json) console.log(machineLine(m));
await new Promise(resolve => setTimeout(resolve, 500));
try {
  add(
    await interleave(
      'to the server',
      'Gbit/s',
      sides((x, a) => iperf(x, a, false)),
      rounds,
    ),
  );
  add(
    await interleave(
      'from the server',
      'Gbit/s',
      sides((x, a) => iperf(x, a, true)),
      rounds,
    ),
  );
  add(
    await interleave(
      'lives',
      'connections/s',
      sides((x, a) => lives(x, `http://${a}/`)),
      rounds,
    ),
  );
  add(await interleave('ping', 'us', sides(rtt), rounds));
  const idle: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const [cpu, began] = [process.cpuUsage(), performance.now()];
    await new Promise(resolve => setTimeout(resolve, 3000));
    const used = process.cpuUsage(cpu);
    idle.push((used.user + used.system) / 10 / (performance.now() - began));
  }
  add([figure('two idle hosts', 'lastack', '% of a core', idle)]);
  if (json) console.log(JSON.stringify({ machine: m, figures }, null, 2));
} finally {
  await Promise.all([on.close(), off.close(), near.close(), far.close()]);
  rmSync(file, { force: true });
}
process.exit(0);
