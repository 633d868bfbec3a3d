import { fixed, table, type Verdict } from '../book/markdown.ts';
import type { Progress, Section } from './report.ts';
import { jain, median } from './statistics.ts';
import { transfer } from './transfer.ts';

/** Flows with CUBIC that share one bottleneck with a drop-tail queue; and how full one flow keeps a long path. */

const FLOWS = [2, 4, 16, 64] as const;
const RATE = 100_000_000;
/** Bytes of an IP packet, and of the stream in it. */
const PACKET = 1500;
const PAYLOAD = 1448;

/** Packets that one product of rate and round trip holds. */
const product = (rate: number, rtt: number): number => Math.round((rate * rtt) / 8e6 / PACKET);

/** What is measured: so many flows over so long a round trip, from `warm` seconds on for `seconds`. */
interface Setting {
  readonly flows: number;
  /** Microseconds. */
  readonly rtt: number;
  readonly warm: number;
  readonly seconds: number;
}

interface Share extends Setting {
  readonly jain: readonly number[];
  readonly least: readonly number[];
  readonly most: readonly number[];
}

const SHORT = { rtt: 20_000, warm: 20, seconds: 60 };
/** Over longer round trips CUBIC's plateau is long, and shares even out over minutes. */
const LONG: readonly Setting[] = [
  { flows: 4, rtt: 50_000, warm: 60, seconds: 300 },
  { flows: 4, rtt: 100_000, warm: 60, seconds: 300 },
];

const chosen = (quick: boolean): readonly Setting[] =>
  quick ? [{ ...SHORT, flows: 2, seconds: 10 }] : [...FLOWS.map(flows => ({ ...SHORT, flows })), ...LONG];

export const fairnessCount = (seeds: number, quick: boolean): number => seeds * chosen(quick).length;

export function fairness(seeds: number, quick: boolean, progress: Progress): Section {
  const shares = chosen(quick).map((setting): Share => {
    const { flows, rtt } = setting;
    const runs = Array.from({ length: seeds }, (_, i) => {
      const share = measure(setting, i + 1);
      progress.step(`fairness: ${flows} flows, ${rtt / 1000} ms, seed ${i + 1}`);
      return share;
    });
    const mean = runs.map(run => run.reduce((a, b) => a + b, 0) / flows);
    return {
      ...setting,
      jain: runs.map(jain),
      least: runs.map((run, i) => Math.min(...run) / mean[i]!),
      most: runs.map((run, i) => Math.max(...run) / mean[i]!),
    };
  });
  const verdicts = shares.map(
    (s): Verdict => ({
      what: `fairness of ${s.flows} flows, ${s.rtt / 1000} ms: Jain's index at least 0.95 (${fixed(median(s.jain), 3)})`,
      holds: median(s.jain) >= 0.95,
    }),
  );
  const text = [
    'Flows begin within two seconds; what each has carried. 100 Mbit/s, a drop-tail queue of one product of rate and ' +
      `round trip; ${seeds} seeds. Over long round trips CUBIC's plateau is long, and shares even out over minutes.`,
    table(
      [
        'flows',
        'RTT, ms',
        'from – to, s',
        "Jain's index, median (least – most)",
        'smallest share of the mean',
        'largest',
      ],
      shares.map(s => [
        `${s.flows}`,
        `${s.rtt / 1000}`,
        `${s.warm} – ${s.warm + s.seconds}`,
        `${fixed(median(s.jain), 3)} (${fixed(Math.min(...s.jain), 3)} – ${fixed(Math.max(...s.jain), 3)})`,
        fixed(median(s.least)),
        fixed(median(s.most)),
      ]),
    ),
  ].join('\n\n');
  return { name: 'fairness', title: 'Fairness', text, verdicts, data: shares };
}

function measure({ flows, rtt, warm, seconds }: Setting, seed: number): number[] {
  const { carried, samples } = transfer({
    name: `fairness ${flows} ${rtt}`,
    seed,
    flows,
    spread: 2,
    bytes: Number.MAX_SAFE_INTEGER,
    buffer: null,
    ...{ kind: 'random', loss: 0, rtt, rate: RATE, queue: product(RATE, rtt) },
    every: warm * 1_000_000,
    until: (warm + seconds) * 1_000_000,
    maxEvents: 1e9,
  });
  return carried.map((bytes, i) => bytes - samples[0]![i]!);
}

interface Long {
  readonly name: string;
  readonly rate: number;
  readonly rtt: number;
  readonly need: number;
  readonly sysctl?: Record<string, string>;
}

const PATHS: readonly Long[] = [
  { name: '100 Mbit/s × 100 ms', rate: RATE, rtt: 100_000, need: 0.95 },
  {
    name: '1 Gbit/s × 50 ms, tcp_rmem and tcp_wmem up to 16 MB',
    rate: 1_000_000_000,
    rtt: 50_000,
    need: 0.9,
    sysctl: { tcp_rmem: '4096 131072 16777216', tcp_wmem: '4096 16384 16777216' },
  },
];
export const utilisationCount = (quick: boolean): number => (quick ? 1 : PATHS.length);

/** Nothing is random here: one run is all. */
export function utilisation(quick: boolean, progress: Progress): Section {
  const seconds = quick ? 10 : 30;
  const found = PATHS.slice(0, utilisationCount(quick)).map(path => {
    const { rate, rtt, sysctl } = path;
    const t = transfer({
      name: `utilisation ${path.name}`,
      seed: 1,
      bytes: Number.MAX_SAFE_INTEGER,
      buffer: null,
      ...{ kind: 'random', loss: 0, rtt, rate, queue: product(rate, rtt) },
      every: 1_000_000,
      until: seconds * 1_000_000,
      maxEvents: 1e9,
      ...(sysctl === undefined ? {} : { sysctl }),
    });
    progress.step(`utilisation: ${path.name}`);
    const share = (bytes: number, over: number): number => (bytes * 8 * PACKET) / PAYLOAD / over / rate;
    const half = Math.floor(seconds / 2);
    const later = t.carried[0]! - t.samples[half - 1]![0]!;
    return {
      name: path.name,
      need: path.need,
      all: share(t.carried[0]!, t.seconds),
      later: share(later, seconds - half),
    };
  });
  const verdicts = found.map(f => ({
    what: `${f.name}: at least ${f.need} used, the beginning included (${fixed(f.all, 3)})`,
    holds: f.all >= f.need,
  }));
  const text = [
    `One connection for ${seconds} s, buffers tuned by the stack; the share of the link's rate that its packets take.`,
    table(
      ['path', 'from connect() on', 'second half'],
      found.map(f => [f.name, fixed(f.all, 3), fixed(f.later, 3)]),
    ),
  ].join('\n\n');
  return { name: 'utilisation', title: 'Long paths', text, verdicts, data: found };
}
