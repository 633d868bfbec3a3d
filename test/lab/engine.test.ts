import { describe, expect, test } from 'vitest';
import { EventLog, NOTE, SEGMENT } from '../../lab/engine/log.ts';
import type { Answer } from '../../lab/engine/protocol.ts';
import { Run } from '../../lab/engine/run.ts';
import { parseScript, timeText, upTo, withLine } from '../../lab/engine/script.ts';
import { Server } from '../../lab/engine/server.ts';
import { lessonOf } from '../../lab/lessons/index.ts';
import { pathOf, rowsOf, runOf, segmentsOf } from './run.ts';

const CLOSE = lessonOf('close-four')!.script;

describe('scripts', () => {
  test.each([
    ['1s A dance', /dance/],
    ['later A close a', /later/],
    ['1s C close a', /'C'/],
    ['1s A connect a', /2 words/],
    ['frame x drop', /frame NUMBER/],
    ['1s A constructor x', /constructor/],
  ])('say what they do not understand: %s', (text, error) => {
    const parsed = parseScript(`end 1s\n${text}`);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) {
      expect(parsed.error).toMatch(error);
      expect(parsed.line).toBe(2);
    }
  });

  test('times are written so that they are read back', () => {
    for (const t of [0, 1, 250, 1000, 20_500, 999_999, 1_000_000, 12_345_678, 61_000_001]) {
      const parsed = parseScript(`${timeText(t)} A crash`);
      expect(parsed.ok && parsed.script.lines[0]?.at).toBe(t);
    }
  });

  test('grow by a line, replace a head, and forget what is to come', () => {
    expect(withLine('end 1s\n0 A crash', 'end 5s')).toBe('0 A crash\nend 5s');
    expect(upTo('end 9s\n0 A crash\n2s A restart\nframe 3 drop', 1_000_000)).toBe(
      'end 9s\n0 A crash\nframe 3 drop',
    );
  });
});

describe('runs', () => {
  test('the same script gives the same events', () => {
    expect(rowsOf(runOf(CLOSE))).toEqual(rowsOf(runOf(CLOSE)));
  });

  test('going back and forward gives the same moments', () => {
    const run = runOf(CLOSE);
    const steps = [3, 12, 7, run.steps, 0, 9];
    const first = steps.map(s => JSON.stringify(run.moment(s)));
    const again = runOf(CLOSE);
    expect(steps.map(s => JSON.stringify(again.moment(s)))).toEqual(first);
  });

  test('a moment that was not kept is found by running again', () => {
    const long =
      'end 60s\n0 wire delay 1ms\n0 B listen s 80\n0 B serve s reply 10\n0 A fetch 2000 B:80 pool\n0 A fetch 2000 B:80 pool';
    const run = runOf(long);
    expect(run.steps).toBeGreaterThan(5000);
    const late = run.moment(run.steps - 5);
    expect(late.step).toBe(run.steps - 5);
    const earlier = run.moment(4500);
    expect(earlier.step).toBe(4500);
    expect(JSON.stringify(run.moment(run.steps - 5))).toBe(JSON.stringify(late));
  });

  test('a frame that is dropped leaves all before it as it was, and changes what comes after', () => {
    const whole = runOf(CLOSE);
    const fin = segmentsOf(whole).find(
      i => whole.log.columns.side[i] === 1 && whole.log.columns.flags[i]! & 1,
    )!;
    const frame = whole.log.columns.frame[fin]!;
    const broken = runOf(withLine(CLOSE, `frame ${frame} drop`));
    const before = whole.log.columns.step[fin]! - 1;
    expect(rowsOf(broken, before)).toEqual(rowsOf(whole, before));
    const lost = segmentsOf(broken).find(i => broken.log.columns.frame[i] === frame)!;
    expect(broken.log.columns.fate[lost]).toBe(1);
    expect(segmentsOf(broken).length).toBeGreaterThan(segmentsOf(whole).length);
    expect(pathOf(broken, 0, 0)).toMatch(/TIME_WAIT CLOSED$/);
  });

  test.each(['delay 400ms', 'duplicate', 'reorder', 'corrupt'])('a frame may meet another fate: %s', fate => {
    const run = runOf(withLine(CLOSE, `frame 3 ${fate}`));
    const row = segmentsOf(run).find(i => run.log.columns.frame[i] === 3)!;
    expect(run.log.columns.fate[row]).not.toBe(0);
    expect(pathOf(run, 0, 0)).toMatch(/CLOSED$/);
  });

  test('timers are known by name with the moment at which they go off', () => {
    const run = runOf(CLOSE);
    const waits = run.moment(run.log.columns.step[run.log.length - 1]! - 1).hosts[0].sockets[0];
    expect(waits?.timers[0]?.name).toBe('time_wait');
    expect(waits?.timers[0]?.at).toBeGreaterThan(60_000_000);
  });

  test('captures hold what each host sent and received', () => {
    const [a, b] = runOf(CLOSE).captures(10);
    expect(a.length).toBeGreaterThan(500);
    expect(b.length).toBeGreaterThan(500);
  });

  test('a rule that can not be read is told in the log and harms nothing', () => {
    const run = runOf(`${CLOSE}\n0 wire rule drop everything now`);
    const notes = segmentsOf(run).length;
    expect(notes).toBe(7);
    expect(run.log.strings.some(s => s.includes('expected'))).toBe(true);
  });
});

describe('the log', () => {
  test('goes to the page in pieces and is the same there', () => {
    const run = runOf(CLOSE);
    const copy = new EventLog();
    const half = new Run(run.script);
    half.advance(6);
    copy.take(half.log.piece(0, 1));
    const [rows, strings] = [half.log.length, half.log.strings.length];
    half.finish();
    copy.take(half.log.piece(rows, strings));
    expect(copy.length).toBe(run.log.length);
    for (let i = 0; i < copy.length; i++) expect(copy.textOf(i)).toBe(run.log.textOf(i));
    expect(copy.lastOfTime(300_000)).toBe(run.log.lastOfTime(300_000));
    expect(copy.columns.kind[0]).not.toBe(NOTE);
  });
});

describe('the worker', () => {
  function serve(): { server: Server; answers: Answer[]; work: () => void } {
    const answers: Answer[] = [];
    const jobs: (() => void)[] = [];
    const server = new Server(
      a => answers.push(structuredClone(a)),
      job => jobs.push(job),
    );
    return { server, answers, work: () => jobs.splice(0).forEach(j => void j()) };
  }

  test('runs ahead, then answers questions about any event', () => {
    const { server, answers, work } = serve();
    server.take({ ask: 'run', run: 1, script: CLOSE });
    work();
    const log = answers[0];
    expect(log?.answer === 'log' && log.done && log.piece.count > 20 && log.known === 70_000_000).toBe(true);
    server.take({ ask: 'moment', run: 1, step: 5 });
    server.take({ ask: 'bytes', run: 1, frame: 0 });
    server.take({ ask: 'moment', run: 0, step: 5 });
    expect(answers.slice(1).map(a => a.answer)).toEqual(['moment', 'bytes']);
    const bytes = answers[2];
    expect(bytes?.answer === 'bytes' && bytes.bytes?.[0]).toBe(0x45);
  });

  test('goes further when it is asked to', () => {
    const { server, answers, work } = serve();
    server.take({ ask: 'run', run: 1, script: CLOSE.replace('end 70s', 'end 1s') });
    work();
    server.take({ ask: 'further', run: 1, until: 90_000_000 });
    work();
    const rows = answers.reduce((n, a) => n + (a.answer === 'log' ? a.piece.count : 0), 0);
    expect(rows).toBe(runOf(CLOSE).log.length);
  });

  test('says which line is wrong', () => {
    const { server, answers } = serve();
    server.take({ ask: 'run', run: 3, script: 'end 1s\n1s A dance' });
    expect(answers).toEqual([expect.objectContaining({ answer: 'error', run: 3, line: 2 })]);
  });
});

test('a socket that connects to itself is seen although nothing is on the wire', () => {
  const run = runOf(lessonOf('self-connect')!.script);
  const { columns: c } = run.log;
  expect(segmentsOf(run).length).toBeGreaterThan(4);
  for (const i of segmentsOf(run)) expect([c.kind[i], c.side[i], c.frame[i]]).toEqual([SEGMENT, 0, -1]);
});
