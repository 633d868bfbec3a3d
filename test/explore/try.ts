import { parseLife, settings } from './life.ts';
import { again, emptyTally, explore, Pairs } from './search.ts';

if (process.argv[2]?.includes('/')) {
  const [name, start] = process.argv[2].split('@');
  console.log(again(parseLife(name!)!, Number(start ?? 1), l => console.log(l)));
} else {
  const [f, c, n] = process.argv.slice(2).map(Number);
  const tally = emptyTally();
  const pairs = new Pairs();
  const t = performance.now();
  let i = 0;
  for (const s of settings()) {
    const before = tally.lives;
    explore(s, { faults: f!, faultsWithCut: c! }, pairs, tally);
    if (++i >= n!) break;
    if (i % 8 === 0) console.log(s.when, s.order, tally.lives - before, tally.findings.length);
  }
  const dt = (performance.now() - t) / 1000;
  console.log(
    tally.lives,
    'lives',
    dt.toFixed(1),
    's',
    (tally.lives / dt).toFixed(0),
    '/s',
    tally.segments / tally.lives,
    'segments',
    tally.events / tally.lives,
    'events',
    tally.findings.length,
    'findings',
  );
  const kinds = new Map<string, [number, string]>();
  for (const x of tally.findings) {
    const k = x.what.split('\n')[0]!.replace(/\d+/g, '#');
    const e = kinds.get(k);
    if (e) e[0]++;
    else kinds.set(k, [1, `${x.life}@${x.start}`]);
  }
  for (const [k, v] of kinds) console.log(v[0], k, v[1]);
}
