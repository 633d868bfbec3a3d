import { expect, test } from 'vitest';
import { Moments } from '../../lab/engine/moments.ts';
import type { Answer, Ask } from '../../lab/engine/protocol.ts';
import { SAMPLE, Samples } from '../../lab/engine/samples.ts';
import { Server } from '../../lab/engine/server.ts';
import type { HostView, Moment } from '../../lab/engine/view.ts';
import { Client } from '../../lab/model/client.ts';
import type { Tcb } from '../../src/tcp/tcb.ts';
import { runOf } from './run.ts';

/** More than 4,000 events, and rules that count in relative numbers. */
const LONG = `end 60s
0 wire delay 1ms
0 B listen s 80
0 B serve s reply 10
0 A fetch 2000 B:80 pool
0 A fetch 2000 B:80 pool
1s wire rule drop A DATA 5
2s wire rule drop B ack>=40000 1
0 A fetch 1500 B:80 pool`;

/** Run once: nothing that is asked of it changes it. */
const whole = runOf(LONG);

type MomentAnswer = Extract<Answer, { answer: 'moment' }>;

function serve(script: string) {
  const answers: Answer[] = [];
  const jobs: (() => void)[] = [];
  const server = new Server(
    a => answers.push(a),
    job => jobs.push(job),
  );
  const work = (turns = Number.POSITIVE_INFINITY): void => {
    for (let i = 0; i < turns && jobs.length > 0; i++) jobs.shift()!();
  };
  const moments = (): MomentAnswer[] => answers.filter((a): a is MomentAnswer => a.answer === 'moment');
  server.take({ ask: 'run', run: 1, script });
  work();
  return { server, work, moments, jobs };
}

const look = (step: number): Ask => ({ ask: 'moment', run: 1, step });

test('a late moment is answered at once with one before it, and then exactly', () => {
  const { server, work, moments } = serve(LONG);
  const step = whole.steps - 7;
  server.take(look(step));
  const [near] = moments();
  expect(moments().length).toBe(1);
  expect(near?.exact).toBe(false);
  expect(near!.moment.step).toBeLessThan(step);
  expect(near!.moment.step).toBeGreaterThan(step - 100);
  work();
  expect(moments().length).toBe(2);
  expect(moments()[1]).toMatchObject({ step, exact: true, moment: { step } });
});

test('a newer question takes the place of the one that is being looked for', () => {
  const { server, work, moments } = serve(LONG);
  server.take(look(9001));
  work(2);
  server.take({ ask: 'bytes', run: 1, frame: 0 });
  server.take(look(6001));
  work();
  expect(moments().map(m => [m.step, m.exact])).toEqual([
    [9001, false],
    [6001, false],
    [6001, true],
  ]);
});

test('what is found again is what was there', () => {
  const seen = new Map<number, string>();
  for (let step = 4010; step < whole.steps; step++) {
    const { moment, exact } = whole.at(step);
    if (exact) seen.set(step, JSON.stringify(moment));
  }
  expect(seen.size).toBeGreaterThan(1000);
  // The same moments, found by a replay that meets none of them on its way there.
  const again = runOf(LONG);
  for (const step of [...seen.keys()].filter((_, i) => i % 400 === 0)) {
    again.aim(step);
    let found: Moment | null = null;
    while (found === null) found = again.seek(500);
    expect(JSON.stringify(found)).toBe(seen.get(step));
  }
});

test('steps beside the last question are known', () => {
  whole.moment(9001);
  for (let step = 9000; step > 8900; step--)
    expect(whole.at(step)).toMatchObject({ exact: true, moment: { step } });
});

test('the page shows the near moment until the exact one comes', () => {
  const asked: Ask[] = [];
  const line = {
    post: (ask: Ask) => void asked.push(ask),
    onanswer: null as ((answer: Answer) => void) | null,
  };
  const client = new Client(line);
  const moment = (step: number): Moment => ({ step, time: 0, hosts: [host(0), host(0)] });
  const answer = (step: number, at: number, exact: boolean): void =>
    line.onanswer?.({ answer: 'moment', run: 1, step, moment: moment(at), exact });
  client.begin('');
  client.look(100);
  client.look(200);
  client.look(300);
  answer(100, 90, false);
  expect([client.moment.value?.step, client.exact.value]).toEqual([90, false]);
  expect(asked.slice(1)).toEqual([look(100), look(300)]);
  // The exact answer to a question that is no longer asked.
  answer(100, 100, true);
  expect(client.moment.value?.step).toBe(90);
  answer(300, 290, false);
  answer(300, 300, true);
  expect([client.moment.value?.step, client.exact.value]).toEqual([300, true]);
});

const host = (rows: number): HostView => ({
  name: 'A',
  down: false,
  sockets: new Array(rows).fill(null),
  more: 0,
  counts: [],
  sysctls: [],
});

test.each([1, 60])('a million events with %i sockets fit into what moments may take', rows => {
  const moments = new Moments();
  for (let step = 0; step <= 1_000_000; step++)
    if (moments.wants(step)) moments.put({ step, time: step, hosts: [host(rows), host(rows)] });
  expect(moments.size.moments).toBeLessThan(8100);
  expect(moments.size.rows).toBeLessThan(82_000);
  // Kept evenly: none is far.
  for (let step = 10_000; step < 1_000_000; step += 9973) {
    const kept = moments.upTo(step)!.step;
    expect(kept).toBeLessThanOrEqual(step);
    expect(step - kept).toBeLessThan(rows === 1 ? 1100 : 6000);
  }
});

test('samples are thinned out evenly when there are too many, and the last stays', () => {
  const samples = new Samples();
  const total = 300_000;
  for (let i = 0; i < total; i++) {
    const tcb = { cwnd: i, ssthresh: 10, inFlight: 3, srtt: 800 } as Tcb;
    samples.note(i, i, i % 2, 0, tcb);
  }
  samples.finish();
  expect(samples.version).toBeGreaterThan(1);
  const numbers = samples.from(0);
  expect(numbers.length / SAMPLE).toBeLessThanOrEqual(60_000);
  expect(numbers.length / SAMPLE).toBeGreaterThan(25_000);
  for (const side of [0, 1]) {
    const times: number[] = [];
    for (let i = 0; i < numbers.length; i += SAMPLE) if (numbers[i + 2] === side) times.push(numbers[i + 1]!);
    expect(times.at(-1)).toBe(total - 2 + side);
    const gaps = times.slice(1).map((t, i) => t - times[i]!);
    expect(Math.min(...gaps)).toBeGreaterThan(0);
    expect(Math.max(...gaps)).toBeLessThan(40);
  }
});

test('samples tell each change of each connection', () => {
  const numbers = whole.samples.from(0);
  const pairs = new Set<string>();
  for (let i = 0; i < numbers.length; i += SAMPLE) pairs.add(`${numbers[i + 2]} ${numbers[i + 3]}`);
  expect([...pairs].sort()).toEqual(['0 0', '0 1', '0 2', '1 0', '1 1', '1 2']);
});
