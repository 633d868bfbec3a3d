import { fixed, type Progress, type Section, table, type Verdict } from './report.ts';
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

interface Share {
  readonly flows: number;
  readonly rtt: number;
  readonly jain: readonly number[];
  readonly least: readonly number[];
  readonly most: readonly number[];
}

const chosen = (quick: boolean): (readonly [flows: number, rtt: number])[] =>
  quick ? [[2, 20_000]] : [...FLOWS.map(n => [n, 20_000] as const), ...LONG];

export const fairnessCount = (seeds: number, quick: boolean): number => seeds * chosen(quick).length;

/** Longer round trips, where CUBIC's plateau is long and shares even out over minutes: shown, not required. */
const LONG: readonly (readonly [flows: number, rtt: number])[] = [
  [4, 50_000],
  [4, 100_000],
];

export function fairness(seeds: number, quick: boolean, progress: Progress): Section {
  const seconds = quick ? 10 : 60;
  const shares = chosen(quick).map(([flows, rtt]): Share => {
    const runs = Array.from({ length: seeds }, (_, i) => {
      const share = measure(flows, rtt, i + 1, seconds);
      progress.step(`fairness: ${flows} flows, ${rtt / 1000} ms, seed ${i + 1}`);
      return share;
    });
    const mean = runs.map(run => run.reduce((a, b) => a + b, 0) / flows);
    return {
      flows,
      rtt,
      jain: runs.map(jain),
      least: runs.map((run, i) => Math.min(...run) / mean[i]!),
      most: runs.map((run, i) => Math.max(...run) / mean[i]!),
    };
  });
  const verdicts = shares
    .filter(s => s.rtt === 20_000)
    .map(
      (s): Verdict => ({
        what: `fairness of ${s.flows} flows: Jain's index at least 0.95 (${fixed(median(s.jain), 3)})`,
        holds: median(s.jain) >= 0.95,
      }),
    );
  const text = [
    `Flows begin within two seconds; what each carries in ${seconds} s after the first 20. 100 Mbit/s, a drop-tail ` +
      `queue of one product of rate and round trip; ${seeds} seeds.`,
    table(
      ['flows', 'RTT, ms', "Jain's index, median (least – most)", 'smallest share of the mean', 'largest'],
      shares.map(s => [
        `${s.flows}`,
        `${s.rtt / 1000}`,
        `${fixed(median(s.jain), 3)} (${fixed(Math.min(...s.jain), 3)} – ${fixed(Math.max(...s.jain), 3)})`,
        fixed(median(s.least)),
        fixed(median(s.most)),
      ]),
    ),
  ].join('\n\n');
  return { title: 'Fairness', text, verdicts, data: shares };
}

const WARM_SECONDS = 20;

function measure(flows: number, rtt: number, seed: number, seconds: number): number[] {
  const { carried, samples } = transfer({
    name: `fairness ${flows} ${rtt}`,
    seed,
    flows,
    spread: 2,
    bytes: Number.MAX_SAFE_INTEGER,
    buffer: null,
    ...{ kind: 'random', loss: 0, rtt, rate: RATE, queue: product(RATE, rtt) },
    every: WARM_SECONDS * 1_000_000,
    until: (WARM_SECONDS + seconds) * 1_000_000,
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
  return { title: 'Long paths', text, verdicts, data: found };
}
