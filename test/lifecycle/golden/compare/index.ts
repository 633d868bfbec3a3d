/** Sets a run beside its log, as test/lifecycle/golden/README.md says. */
import { type Event, eventText, type Timeline } from '../timeline.ts';
import type { Finding, Pairs } from './finding.ts';
import { compareIntervals } from './intervals.ts';
import { compareSegments } from './segments.ts';
import { compareStates } from './states.ts';
import { compareScript, compareTail } from './texts.ts';

export interface Comparison {
  /** By time. */
  findings: Finding[];
  pairs: Pairs;
}

export function compare(logged: Timeline, simulated: Timeline): Comparison {
  const pairs: Pairs = new Map();
  const findings = [
    ...compareSegments(logged, simulated, pairs),
    ...compareScript(logged, simulated, pairs),
    ...compareStates(logged, simulated, pairs),
    ...compareTail(logged, simulated),
  ];
  findings.push(...compareIntervals(logged, pairs));
  return { findings: findings.sort((x, y) => x.t - y.t), pairs };
}

const WIDTH = 62;
const CONTEXT = 4;

/** The first difference, with what came before and after on either side; '' if there is none. */
export function report(name: string, logged: Timeline, simulated: Timeline): string {
  const { findings, pairs } = compare(logged, simulated);
  const finding = findings[0];
  if (!finding) return '';
  const more = findings.length === 1 ? '' : ` (and ${findings.length - 1} more)`;
  const lines = [`${name}: ${finding.what}${more}`];
  lines.push(`  ${'logged'.padEnd(WIDTH)} | simulated`);
  for (const [mark, l, s] of rows(finding, logged, simulated, pairs)) {
    const [left, right] = [l ? eventText(l) : '', s ? eventText(s) : ''];
    lines.push(`${mark} ${left.slice(0, WIDTH).padEnd(WIDTH)} | ${right.slice(0, WIDTH)}`.trimEnd());
  }
  return lines.join('\n');
}

type Row = readonly [mark: '>' | ' ', logged: Event | null, simulated: Event | null];

/** The log's events around the place, each beside its partner, and what has no partner in between. */
function rows(finding: Finding, logged: Timeline, simulated: Timeline, pairs: Pairs): Row[] {
  const partners = new Set(pairs.values());
  const here = finding.logged ?? finding.simulated;
  const all: Row[] = logged.events.map(l => [
    l === finding.logged ? '>' : ' ',
    l,
    pairs.get(l) ?? (l === finding.logged ? finding.simulated : null),
  ]);
  for (const s of simulated.events)
    if (!partners.has(s) && !(s === finding.simulated && finding.logged))
      all.push([s === finding.simulated ? '>' : ' ', null, s]);
  const time = ([, l, s]: Row): number => l?.t ?? s?.t ?? 0;
  all.sort((x, y) => time(x) - time(y));
  const at = all.findIndex(r => here !== null && (r[1] === here || r[2] === here));
  return at < 0 ? all.slice(-CONTEXT) : all.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1);
}
