import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Micros } from '../../../src/base/time.ts';
import { missing } from '../../../test/peers/kit.ts';
import { noTun, openNamespace } from '../../../test/peers/tun/net.ts';
import { today, writeBook } from '../../book/book.ts';
import { type Shares, sharing } from '../../book/sharing.ts';
import { machine, machineLine } from '../../harness.ts';
import type { Wire } from '../impairments.ts';
import {
  addressNumber,
  CLIENT,
  type HostTold,
  hz,
  type Lines,
  python,
  SERVER,
  setUp,
  startRelay,
  startSelf,
} from './hosts.ts';
import { DEVICE, LASTACK, type LastackCommand, serveLastack } from './lastack.ts';
import { type FlowReport, type RelayCommand, relayed } from './relay.ts';

/**
 * Flows of Linux and of lastack side by side through one bottleneck, in real time: does each get its share? All of
 * them use CUBIC, begin together and send to one Linux host for as long as a run lasts.
 */
const USAGE = `node scripts/run.mjs bench/loss/linux/beside.ts [options]

  --quick        one run of 20 seconds each, nothing written
  --seconds N    how long a run lasts (60)
  --rounds N     rounds at most (5); mixes that only show what is usual are run in two or three of them
  --table        only prints what is in bench/loss/linux/beside.json; runs that are in it are not run again
  --again        but those that lastack takes part in are
  --write        puts the table of those with jitter into BENCHMARKS.md
  --help         this text

Needs root, /dev/net/tun, koffi, python3, ip, nsenter, unshare, chrt.`;

/** 20 Mbit/s, 50 ms, and a drop-tail queue of one product of the two: 125 kB, 83 packets of 1500 bytes. */
const WIRE: Wire = { kind: 'random', loss: 0, rtt: 50_000, rate: 20_000_000, queue: 83 };
/** Flows of each kind. */
interface Mix {
  readonly linux: number;
  readonly lastack: number;
  /** Flows of Linux whose packets take LATER more to the bottleneck, as those of a user-space stack do. */
  readonly later: number;
  /** Each packet takes up to as many microseconds, at random. */
  readonly jitter: Micros;
  /** Rounds in which the mix is run. */
  readonly rounds: number;
}

const LATER: Micros = 150;
/** The time of one packet at the bottleneck, and of five. */
const ONE: Micros = 600;
const FIVE: Micros = 3000;
const MIXES: readonly Mix[] = [
  { linux: 1, lastack: 1, later: 0, jitter: FIVE, rounds: 5 },
  { linux: 4, lastack: 4, later: 0, jitter: FIVE, rounds: 5 },
  { linux: 1, lastack: 0, later: 1, jitter: FIVE, rounds: 3 },
  { linux: 4, lastack: 0, later: 4, jitter: FIVE, rounds: 3 },
  ...[ONE, 0].flatMap(jitter => [
    { linux: 1, lastack: 1, later: 0, jitter, rounds: 2 },
    { linux: 4, lastack: 4, later: 0, jitter, rounds: 2 },
    { linux: 1, lastack: 0, later: 1, jitter, rounds: 2 },
    { linux: 4, lastack: 0, later: 4, jitter, rounds: 2 },
  ]),
  { linux: 2, lastack: 0, later: 0, jitter: ONE, rounds: 2 },
  { linux: 8, lastack: 0, later: 0, jitter: ONE, rounds: 2 },
];
const KINDS = ['linux', 'lastack', 'later'] as const;
const FILE = 'bench/loss/linux/beside.json';
const SAMPLE_SECONDS = 10;
const FIRST_PORT = 2000;
const ENDLESS = 1e15;

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

interface Flow {
  readonly by: (typeof KINDS)[number];
  readonly port: number;
  /** Bytes that the server had read at each sample. */
  readonly bytes: number[];
}

interface Run {
  readonly mix: Omit<Mix, 'rounds'>;
  readonly round: number;
  readonly seconds: readonly number[];
  readonly flows: readonly Omit<Flow, 'port'>[];
  /** Packets that the queue had no room for, by flow. */
  readonly dropped: readonly number[];
  readonly late: readonly [number, number, number];
}

/** Three namespaces round the relay: clients of Linux, the server, and lastack behind a kernel that forwards. */
class Bench {
  readonly relay: Lines<FlowReport, RelayCommand>;
  readonly linux: Lines<HostTold>;
  readonly lastack: Lines<HostTold, LastackCommand>;
  readonly server: Lines<HostTold>;
  private port = FIRST_PORT;
  private readonly waiting = new Map<string, (told: HostTold & FlowReport) => void>();
  private readonly spaces: readonly { close(): Promise<void> }[];

  static async open(): Promise<Bench> {
    const [clients, server, behind] = [await openNamespace(), await openNamespace(), await openNamespace()];
    const relay = await startRelay([
      { namespace: clients.path, address: addressNumber(CLIENT) },
      { namespace: server.path, address: addressNumber(SERVER) },
      { namespace: behind.path, address: addressNumber(LASTACK) },
    ]);
    await setUp(clients, CLIENT);
    await setUp(server, SERVER);
    await setUp(behind, '10.79.3.1');
    const lastack = await startSelf<HostTold, LastackCommand>('--lastack', behind.path);
    await behind.exec('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
    await behind.exec('ip', ['link', 'set', DEVICE, 'txqueuelen', '10000', 'up']);
    await behind.exec('ip', ['route', 'add', `${LASTACK}/32`, 'dev', DEVICE]);
    return new Bench(relay, python(clients), lastack, python(server), [clients, server, behind]);
  }

  private constructor(
    relay: Bench['relay'],
    linux: Bench['linux'],
    lastack: Bench['lastack'],
    server: Bench['server'],
    spaces: Bench['spaces'],
  ) {
    this.relay = relay;
    this.linux = linux;
    this.lastack = lastack;
    this.server = server;
    this.spaces = spaces;
    for (const lines of [relay, linux, lastack, server] as Lines<HostTold & FlowReport>[]) {
      lines.ontold = told => {
        const [[what, port] = []] = Object.entries(told);
        this.waiting.get(`${what} ${port}`)?.(told);
      };
    }
  }

  async run({ rounds: _, ...mix }: Mix, round: number, seconds: number): Promise<Run> {
    const flows: Flow[] = [];
    // In turn, so that neither is always the first.
    const kinds = round % 2 === 0 ? KINDS : [...KINDS].reverse();
    for (let i = 0; i < Math.max(...KINDS.map(k => mix[k])); i++)
      for (const by of kinds) if (i < mix[by]) flows.push({ by, port: this.port++, bytes: [] });
    const name = `${this.port}`;
    for (const { by, port } of flows) {
      const seeds = { data: '', acks: '' };
      const shared = { name, jitter: mix.jitter, later: by === 'later' ? LATER : 0 };
      this.relay.tell({ flow: port, wire: WIRE, seeds, shared });
      this.server.tell({ listen: port, bytes: ENDLESS, clamp: 0 });
      await this.told('listening', port);
    }
    const connected = flows.map(({ port }) => this.told('connected', port));
    for (const { by, port } of flows) {
      if (by === 'lastack') this.lastack.tell({ connect: port, to: SERVER });
      else this.linux.tell({ connect: port, bytes: ENDLESS });
    }
    await Promise.all(connected);
    const began = performance.now();
    const samples: number[] = [];
    for (let at = SAMPLE_SECONDS; at <= seconds; at += SAMPLE_SECONDS) {
      await sleep(began + at * 1000 - performance.now());
      samples.push(at);
      for (const { port, bytes } of flows) {
        this.server.tell({ count: port });
        bytes.push(((await this.told('counted', port)) as unknown as { bytes: number }).bytes);
      }
    }
    for (const { port } of flows) this.server.tell({ drop: port });
    await sleep(1000);
    for (const { by, port } of flows) if (by !== 'lastack') this.linux.tell({ drop: port });
    await sleep(1000);
    const reports: FlowReport[] = [];
    for (const { port } of flows) {
      this.relay.tell({ end: port });
      reports.push(await this.told('ended', port));
    }
    const late = [0, 1, 2].map(i => Math.max(...reports.map(r => r.late[i]!))) as [number, number, number];
    const dropped = reports.map(r => r.data.overflowed);
    const got = flows.map(({ by, bytes }) => ({ by, bytes }));
    return { mix, round, seconds: samples, flows: got, dropped, late };
  }

  async close(): Promise<void> {
    for (const lines of [this.linux, this.lastack, this.server, this.relay] as Lines<HostTold>[]) lines.end();
    for (const space of this.spaces) await space.close();
  }

  private told(what: string, port: number): Promise<HostTold & FlowReport> {
    const key = `${what} ${port}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nobody said ${key}`)), 30_000);
      this.waiting.set(key, told => {
        clearTimeout(timer);
        this.waiting.delete(key);
        resolve(told);
      });
    });
  }
}

/** What each flow got, as a share of an even division. */
function shares({ flows }: Run): number[] {
  const got = flows.map(f => f.bytes.at(-1)!);
  const sum = got.reduce((a, b) => a + b, 0);
  return got.map(n => (n * got.length) / sum);
}

/** The runs of the book: lastack beside Linux, packets with the jitter of several packets' time. */
const together = (runs: readonly Run[]): Shares[] =>
  MIXES.filter(mix => mix.jitter === FIVE && mix.lastack > 0).map(mix => {
    const of = (by: string): number[][] =>
      runs.filter(r => isMix(r.mix, mix)).map(r => shares(r).filter((_, i) => r.flows[i]!.by === by));
    return { flows: mix.lastack, linux: of('linux'), lastack: of('lastack') };
  });

/** What each flow got as a share of an even division, and each kind all its flows together. */
function line(run: Run): string {
  const { mix, round, flows, dropped, late } = run;
  const sum = (n: readonly number[]): number => n.reduce((a, b) => a + b, 0);
  const kinds = KINDS.filter(by => mix[by] > 0).map(by => {
    const own = shares(run).filter((_, i) => flows[i]!.by === by);
    const lost = sum(dropped.filter((_, i) => flows[i]!.by === by));
    const each = own.map(n => n.toFixed(2)).join(' ');
    return `${mix[by]} ${by} ${(sum(own) / own.length).toFixed(2)} (${each}; dropped ${lost})`;
  });
  const got = sum(flows.map(f => f.bytes.at(-1)!));
  const rate = (got * 8) / flows[0]!.bytes.length / SAMPLE_SECONDS / 1e6;
  return `jitter ${mix.jitter} round ${round}: ${kinds.join(', ')}, ${rate.toFixed(1)} Mbit/s, late ${late.join(' ')}`;
}

const isMix = (a: Run['mix'], b: Mix): boolean => a.jitter === b.jitter && KINDS.every(by => a[by] === b[by]);

interface Origin {
  readonly date: string;
  readonly machine: string;
  /** The kernel's clock; null where it does not tell. */
  readonly hz: number | null;
  readonly wire: Wire;
}

interface File {
  readonly recorded: readonly Origin[];
  readonly runs: readonly Run[];
}

function save({ recorded, runs }: File): void {
  const rows = (all: readonly object[]): string => all.map(d => `    ${JSON.stringify(d)}`).join(',\n');
  writeFileSync(FILE, `{\n  "recorded": [\n${rows(recorded)}\n  ],\n  "runs": [\n${rows(runs)}\n  ]\n}\n`);
}

async function main(): Promise<void> {
  const quick = process.argv.includes('--quick');
  const kept = quick || !existsSync(FILE) ? null : (JSON.parse(readFileSync(FILE, 'utf8')) as File);
  const again = process.argv.includes('--again');
  const done: Run[] = (kept?.runs ?? []).filter(run => !again || run.mix.lastack === 0);
  const book = (from: Origin | undefined): void => {
    if (process.argv.includes('--write') && from !== undefined)
      writeBook(`${from.machine}, ${from.date}`, { beside: sharing(together(done)) });
  };
  if (process.argv.includes('--table')) {
    for (const run of done) console.log(line(run));
    book(kept?.recorded.at(-1));
    return;
  }
  const why = noTun() ?? missing('python3', 'sysctl', 'chrt');
  if (why !== null) {
    console.error(`bench/loss/linux: ${why}`);
    process.exit(2);
  }
  const seconds = option('seconds', quick ? 20 : 60);
  const rounds = option('rounds', quick ? 1 : 5);
  const origin: Origin = { date: today(), machine: machineLine(machine()), hz: hz(), wire: WIRE };
  console.error(origin.machine);
  const isNew = !kept?.recorded.some(r => JSON.stringify(r) === JSON.stringify(origin));
  const recorded = [...(kept?.recorded ?? []), ...(isNew ? [origin] : [])];
  const bench = await Bench.open();
  for (let round = 1; round <= rounds; round++)
    for (const mix of MIXES) {
      if (round > mix.rounds || done.some(d => d.round === round && isMix(d.mix, mix))) continue;
      const r = await bench.run(mix, round, seconds);
      done.push(r);
      console.log(line(r));
      if (!quick) save({ recorded, runs: done });
    }
  await bench.close();
  if (!quick) book(origin);
  process.exit(0);
}

if (process.argv.includes('--help')) console.log(USAGE);
else if (process.argv[2] === '--lastack') serveLastack(process.argv[3]!);
else if (!relayed()) await main();
