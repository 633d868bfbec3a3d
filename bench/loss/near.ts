import { createHash, randomBytes } from 'node:crypto';
import { BsdHost } from '../../src/api/bsd.ts';
import { parseAddress } from '../../src/base/address.ts';
import { seededRandom } from '../../src/base/random.ts';
import { NodeDriver, NodeLoop } from '../../src/driver/node.ts';
import { ImpairedLink } from '../../src/link/impair.ts';
import type { Link } from '../../src/link/link.ts';
import { memoryPair } from '../../src/link/memory.ts';
import { Stack } from '../../src/stack/stack.ts';
import { missing } from '../../test/peers/kit.ts';
import { noTun, openNamespace } from '../../test/peers/tun/net.ts';
import { near } from '../book/beside-linux.ts';
import { blocksOf, origin, writeBook } from '../book/book.ts';
import { verdicts } from '../book/compared.ts';
import { verdictLine } from '../book/markdown.ts';
import {
  type Figure,
  figureLine,
  interleave,
  machine,
  machineLine,
  must,
  type Side,
  seconds,
} from '../harness.ts';
import { options } from '../options.ts';

/**
 * A short path that loses packets, in real time: 16 MB over 1500-byte packets with a round trip of microseconds,
 * where a timeout is what loss costs. Two lastack hosts joined in memory, beside two Linux kernels over veth whose
 * firewalls drop as many, CUBIC both. Without root or nft the first stands alone.
 */
const USAGE = `npm run bench:near [-- options]

16 MB over a short path that loses 1 and 5 % of its packets, lastack beside Linux: two or three minutes.

  --rounds N    transfers of each (9)
  --write       puts the table into BENCHMARKS.md
  --json        one JSON object instead of lines
  --quick       1 MB once, figures of no worth
  --help        this text

Linux wants root, nft and python3; without them lastack is measured alone.`;
const asked = options(USAGE, { numbers: ['rounds'] });
const { quick, json } = asked;
const BYTES = quick ? 1 << 20 : 16 << 20;
const ROUNDS = asked.number('rounds') ?? (quick ? 1 : 9);
const PORT = 5001;
const HOSTS = ['10.79.1.1', '10.79.1.2'] as const;

function lastack(loss: number): Side {
  const payload = randomBytes(BYTES);
  const digest = createHash('sha256').update(payload).digest('hex');
  let round = 0;
  return {
    name: 'lastack, memory',
    async run() {
      const loop = new NodeLoop();
      const [left, right] = memoryPair(loop);
      const random = seededRandom(`near ${loss} ${round++}`);
      const wire = new ImpairedLink(left, { clock: loop, random, loss: `${100 * loss}%` });
      const [a, b] = HOSTS.map((address, i) => host(loop, address, i === 0 ? wire : right));
      const listener = b!.os.serve(HOSTS[1], PORT);
      const got = createHash('sha256');
      const receive = async (): Promise<void> => {
        const fd = await b!.os.accept(listener);
        for await (const chunk of b!.os.stream(fd)) got.update(chunk);
        await b!.os.close(fd);
      };
      const send = async (): Promise<void> => {
        const fd = a!.os.socket();
        await a!.os.connect(fd, HOSTS[1], PORT);
        await a!.os.send(fd, payload);
        a!.os.shutdown(fd, 1);
      };
      const s = await seconds(async () => {
        await Promise.all([receive(), send()]);
      });
      must(got.digest('hex') === digest, 'other bytes arrived');
      await Promise.all([a!.driver.close(0), b!.driver.close(0)]);
      loop.stop();
      return BYTES / s / 1e6;
    },
  };
}

function host(loop: NodeLoop, address: string, link: Link): { driver: NodeDriver; os: BsdHost } {
  const stack = new Stack({ name: address, random: seededRandom(address), start: loop.now() });
  const ifc = stack.addInterface({ name: 'eth0', medium: 'ip', mtu: 1500 });
  must(parseAddress(address) !== null && ifc.addAddress(`${address}/24`) === 0, `address ${address}`);
  const driver = new NodeDriver(stack, loop);
  driver.attach(ifc, link);
  return { driver, os: new BsdHost(driver) };
}

/** Reads to the end; says how long it took from the first connection on. */
const SINK = `
import socket, sys, time
l = socket.create_server((sys.argv[1], int(sys.argv[2])))
print('ready', flush=True)
while True:
    c, _ = l.accept()
    t = time.monotonic()
    n = 0
    while True:
        b = c.recv(1 << 18)
        if not b: break
        n += len(b)
    print(n, time.monotonic() - t, flush=True)
    c.close()
`;
const SOURCE = `
import os, socket, sys
s = socket.socket()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'cubic')
s.connect((sys.argv[1], int(sys.argv[2])))
s.sendall(os.urandom(int(sys.argv[3])))
s.shutdown(socket.SHUT_WR)
s.recv(1)
`;

async function linux(loss: number): Promise<Side> {
  const spaces = [await openNamespace(), await openNamespace()] as const;
  const [near, far] = spaces;
  await near.exec('ip', ['link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', `${far.pid}`]);
  const rules = `table inet bench { chain in { type filter hook input priority 0; meta l4proto tcp numgen random mod 1000 < ${Math.round(1000 * loss)} drop; }; }`;
  for (const [i, space] of spaces.entries()) {
    // One packet is one decision of the firewall: no super-segments.
    await space.exec('ip', ['link', 'set', `v${i}`, 'up', 'gso_max_segs', '1']);
    await space.exec('ip', ['addr', 'add', `${HOSTS[i]}/24`, 'dev', `v${i}`]);
    // What one run learns of the path is nothing to the next.
    await space.exec('sysctl', ['-qw', 'net.ipv4.tcp_no_metrics_save=1']);
    const r = await space.exec('nft', [rules]);
    must(r.code === 0, `nft: ${r.err}`);
  }
  const sink = far.start('python3', ['-c', SINK, HOSTS[1], `${PORT}`], 'pipe');
  const lines: string[] = [];
  let told: () => void = () => {};
  let rest = '';
  sink.stdout?.on('data', (data: Buffer) => {
    const parts = (rest + data).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    told();
  });
  const line = async (): Promise<string> => {
    while (lines.length === 0) await new Promise<void>(resolve => (told = resolve));
    return lines.shift()!;
  };
  must((await line()) === 'ready', 'the sink');
  return {
    name: 'Linux, veth',
    async run() {
      const source = near.exec('python3', ['-c', SOURCE, HOSTS[1], `${PORT}`, `${BYTES}`], {
        timeout: 300_000,
      });
      const [n, s] = (await line()).split(' ').map(Number);
      await source;
      must(n === BYTES, 'bytes that Linux got', n);
      return BYTES / s! / 1e6;
    },
    async close() {
      await Promise.all(spaces.map(s => s.close()));
    },
  };
}

const why = noTun() ?? missing('nft', 'python3');
if (why !== null) console.error(`Linux is left out: ${why}`);
const m = machine();
if (!json) console.log(machineLine(m));
const figures: Figure[] = [];
for (const loss of [0.01, 0.05]) {
  const sides = [lastack(loss), ...(why === null ? [await linux(loss)] : [])];
  const more = await interleave(`near, ${100 * loss} %`, 'MB/s', sides, ROUNDS);
  figures.push(...more);
  if (!json) for (const f of more) console.log(figureLine(f));
}
if (json) console.log(JSON.stringify({ machine: m, figures }, null, 2));
if (why === null && !quick) {
  const table = near(figures);
  for (const v of json ? [] : verdicts(table.rows)) console.log(verdictLine(v));
  if (asked.write)
    writeBook(
      origin(m, `medians of ${ROUNDS} transfers, slowest and fastest beside them`),
      blocksOf([table]),
    );
} else if (asked.write) console.error('Nothing is written without Linux beside it.');
