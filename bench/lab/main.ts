import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { writePlace } from '../../lab/url/url.ts';
import { Bench, CHROMIUM, type Watched } from '../../test/lab/browser/kit.ts';
import { LONG_RUN } from '../../test/lab/long-run.ts';
import { blocksOf, origin, writeBook } from '../book/book.ts';
import { comparison } from '../book/compared.ts';
import { type Figure, figure, figureLine, machine, machineLine } from '../harness.ts';
import { options } from '../options.ts';

const USAGE = `npm run bench:lab [-- options]

What the lab weighs, how soon it is seen, and how a ladder of 100,000 segments moves; the latter want chromium.

  --write    puts the table into BENCHMARKS.md
  --json     one JSON object instead of lines
  --quick    three rounds instead of seven
  --help     this text`;
const { json, quick, write } = options(USAGE);
const rounds = quick ? 3 : 7;

/** Frames of one scroll through the long ladder, and pixels between two of them. */
const FRAMES = 240;
const STRIDE = 37;

/** What the lab weighs, how soon it is seen, and how a ladder of 100,000 segments moves. */
async function lab(): Promise<Figure[]> {
  const out = sizes();
  if (CHROMIUM === null) {
    console.error('bench: chromium is not installed, so the lab is weighed but not shown');
    return out;
  }
  const bench = await Bench.open();
  try {
    out.push(...(await firstPaint(bench)), ...(await longRun(bench)));
  } finally {
    await bench.close();
  }
  return out;
}

function sizes(): Figure[] {
  const site = join('dist', 'lab');
  const files = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter(f => /\.\w+$/.test(f));
  const packed = (f: string): number => gzipSync(readFileSync(join(site, f)), { level: 9 }).length / 1000;
  const of = (name: string, list: string[]): Figure =>
    figure('lab size', name, 'kB gzipped', [list.reduce((n, f) => n + packed(f), 0)]);
  return [
    of(
      'page',
      files.filter(f => !/worker/.test(f)),
    ),
    of(
      'engine',
      files.filter(f => /worker/.test(f)),
    ),
    of('all', files),
  ];
}

async function firstPaint(bench: Bench): Promise<Figure[]> {
  const painted: number[] = [];
  const ready: number[] = [];
  for (let i = 0; i <= rounds; i++) {
    const seen = await bench.page();
    await seen.page.goto(bench.url);
    await seen.known();
    const [paint, known] = await seen.page.evaluate(() => [
      performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
      performance.now(),
    ]);
    if (i > 0) {
      painted.push(paint!);
      ready.push(known!);
    }
    await seen.end();
  }
  return [
    figure('lab first paint', 'with content', 'ms', painted),
    figure('lab first paint', 'the run known to its end', 'ms', ready),
  ];
}

async function longRun(bench: Bench): Promise<Figure[]> {
  const seen = await bench.page();
  const begun = performance.now();
  await seen.page.goto(bench.url + writePlace({ lesson: '', script: LONG_RUN, time: 0, lang: 'en' }));
  await seen.known(LONG_RUN);
  const known = performance.now() - begun;
  const segments = await seen.page.evaluate(
    () => globalThis.lastackLab!.log().columns.kind.filter((k: number) => k === 0).length,
  );
  const medians: number[] = [];
  const slow: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const intervals = await scroll(seen, (i + 1) / (rounds + 1));
    intervals.sort((a, b) => a - b);
    medians.push(intervals[intervals.length >> 1]!);
    slow.push(intervals[Math.floor(intervals.length * 0.95)]!);
  }
  const moments = await goingBack(seen);
  await seen.end();
  return [
    figure('lab long run', 'segments', '', [segments]),
    figure('lab long run', 'run and handed over', 'ms', [known]),
    figure('lab scroll', 'between frames, median', 'ms', medians),
    figure('lab scroll', 'between frames, 95 of 100 within', 'ms', slow),
    figure('lab going back', 'the ladder shows the moment', 'ms', moments),
  ];
}

/** Scrolls evenly from a share of the ladder on. @returns milliseconds between the frames */
function scroll(seen: Watched, share: number): Promise<number[]> {
  return seen.page.evaluate(
    ([from, frames, stride]) =>
      new Promise<number[]>(done => {
        const box = document.getElementById('ladder')!;
        box.dispatchEvent(new WheelEvent('wheel'));
        box.scrollTop = box.scrollHeight * from!;
        const intervals: number[] = [];
        let last = performance.now();
        requestAnimationFrame(function frame(now) {
          intervals.push(now - last);
          last = now;
          box.scrollTop += stride!;
          if (intervals.length < frames!) requestAnimationFrame(frame);
          else done(intervals.slice(5));
        });
      }),
    [share, FRAMES, STRIDE],
  );
}

/** From the end to somewhere in the middle, until the hosts of that moment, or of one near it, are shown. */
async function goingBack(seen: Watched): Promise<number[]> {
  const out: number[] = [];
  for (let i = 0; i < rounds; i++) {
    await seen.toEnd();
    await new Promise(done => setTimeout(done, 500));
    out.push(
      await seen.page.evaluate(
        share =>
          new Promise<number>(done => {
            const { time } = globalThis.lastackLab!.known();
            const table = document.querySelector('.side-a .vars')!;
            const begun = performance.now();
            new MutationObserver((_, observer) => {
              observer.disconnect();
              requestAnimationFrame(() => done(performance.now() - begun));
            }).observe(table, { subtree: true, characterData: true, childList: true });
            globalThis.lastackLab!.go((time * share) / 1e6);
          }),
        // The transfer takes up a small part of the run's time at its beginning.
        0.02 + 0.007 * i,
      ),
    );
  }
  return out;
}

const m = machine();
const figures = await lab();
if (json) console.log(JSON.stringify({ machine: m, figures }, null, 2));
else for (const line of [machineLine(m), ...figures.map(figureLine)]) console.log(line);
if (write) {
  const rows = figures.map(f => ({
    what: [f.measurement, f.side, f.unit].filter(s => s !== '').join(', '),
    ours: f,
  }));
  writeBook(origin(m, `medians of ${rounds} rounds`), blocksOf([comparison('lab', 'the lab', '', rows)]));
}
