import { describe, expect, test } from 'vitest';
import { World } from '../../src/sim/index.ts';
import { stateName } from '../../src/tcp/state.ts';
import {
  conversationsOf,
  ladderText,
  PLAIN,
  socketRows,
  ssText,
  storyOf,
  tableRows,
} from '../../src/tools/see/index.ts';
import { findingText, Watch } from '../../src/tools/watch/index.ts';

const SECOND = 1_000_000;

/** A client that closes at once, and a server that closes after `wait` seconds, or never. */
function world(wait: number, rule = ''): World {
  const w = new World({ seed: 1 });
  const a = w.host('A', { addresses: ['10.9.0.1/24'] });
  const b = w.host('B', { addresses: ['10.9.0.2/24'] });
  const wire = w.wire(a, b, { delay: 250 });
  if (rule !== '') wire.rule(rule);
  w.spawn(b, function* (os) {
    const l = os.socket();
    os.bind(l, '0.0.0.0', 80);
    os.listen(l, 5);
    const c = yield* os.accept(l);
    yield* os.recv(c, 100);
    yield* os.sleep(wait);
    yield* os.close(c);
  });
  w.spawn(a, function* (os) {
    const s = os.socket();
    yield* os.connect(s, '10.9.0.2', 80);
    yield* os.send(s, 'hello');
    yield* os.close(s);
  });
  return w;
}

describe('a simulated world is seen', () => {
  test('as a ladder, with the states that its hosts went through', () => {
    const w = world(0.3, 'drop B FIN 1');
    w.run();
    const [c, ...others] = conversationsOf(w.log);
    expect(others).toEqual([]);
    const states = (host: string): string[] =>
      c!.events.flatMap(e => (e.kind === 'state' && e.host === host ? [stateName(e.state)] : []));
    expect(states('A')).toEqual([
      'SYN_SENT',
      'ESTABLISHED',
      'FIN_WAIT_1',
      'FIN_WAIT_2',
      'TIME_WAIT',
      'CLOSED',
    ]);
    expect(states('B')).toEqual(['SYN_RECV', 'ESTABLISHED', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSED']);
    const lines = ladderText(c!, { width: 100, paint: PLAIN }).map(l => l.replace(/─+/g, '─'));
    expect(lines.slice(2, 7)).toEqual([
      '   0.000000     SYN_SENT │─ SYN seq=0 win=64240 mss=1460 ws=10 sack ts ─▶│ SYN_RECV',
      '   0.000250  ESTABLISHED │◀─ SYN+ACK seq=0 ack=1 win=65160 mss=1460 ws=10 sack ts ─│',
      expect.stringMatching(/─ ACK ack=1 ─▶│ ESTABLISHED$/),
      expect.stringMatching(/─ PSH\+ACK seq=1 len=5 ack=1 ─▶│ *$/),
      expect.stringMatching(/─ FIN\+ACK seq=6 ack=1 ─▶│/),
    ]);
    expect(lines.some(l => l.includes('drop B FIN 1 ✗'))).toBe(true);
    expect(lines.some(l => /TIME_WAIT │◀─ FIN\+ACK again/.test(l))).toBe(true);
    expect(ladderText(c!, { width: 100, paint: PLAIN, headings: storyOf(c!) }).join('\n')).toContain(
      'A closes first',
    );
    expect(tableRows([c!]).filter(r => r.lost)).toHaveLength(1);
  });

  test('as the table of ss', () => {
    const w = world(5);
    w.run({ until: SECOND });
    const lines = w.hosts.flatMap(h =>
      ssText([...socketRows(h.stack, { now: h.stackTime(w.now) })], { timers: true, noHeader: true }),
    );
    expect(lines.map(l => l.replace(/\s+/g, ' ').trim())).toEqual([
      expect.stringMatching(/^FIN-WAIT-2 0 0 10\.9\.0\.1:\d+ 10\.9\.0\.2:80 timer:\(timewait,59sec,0\)$/),
      'LISTEN 0 5 0.0.0.0:80 0.0.0.0:*',
      expect.stringMatching(/^CLOSE-WAIT 1 0 10\.9\.0\.2:80 10\.9\.0\.1:\d+$/),
    ]);
  });

  test('by the watch, which names what its programs have forgotten', () => {
    const w = world(1e6);
    const b = w.hosts[1]!;
    const watch = new Watch(b.stack);
    for (let t = 1; t <= 60; t++) {
      w.run({ until: t * SECOND });
      expect(watch.look(b.stackTime(w.now))).toEqual([]);
    }
    w.run({ until: 62 * SECOND });
    const [finding] = watch.look(b.stackTime(w.now));
    expect(finding).toMatchObject({ kind: 'close-wait', host: 'B', count: 1 });
    expect(findingText(finding!)[0]).toMatch(/10\.9\.0\.2:80 ← 10\.9\.0\.1:\d+ \(socket, fd \d+\) for 6\d s/);
  });

  test('several connections on the same two ports are told apart', () => {
    const w = new World({ seed: 2 });
    const a = w.host('A', { addresses: ['10.9.0.1/24'] });
    const b = w.host('B', { addresses: ['10.9.0.2/24'] });
    w.wire(a, b, { delay: 250 });
    w.spawn(b, function* (os) {
      const l = os.socket();
      os.bind(l, '0.0.0.0', 80);
      os.listen(l, 5);
      for (;;) {
        const c = yield* os.accept(l);
        yield* os.close(c);
      }
    });
    w.spawn(a, function* (os) {
      for (let i = 0; i < 3; i++) {
        const s = os.socket();
        os.setsockopt(s, 1, 2, 1);
        os.bind(s, '10.9.0.1', 40_000);
        yield* os.connect(s, '10.9.0.2', 80);
        yield* os.recv(s, 1);
        yield* os.close(s);
        yield* os.sleep(2);
      }
    });
    w.run({ until: 10 * SECOND });
    const all = conversationsOf(w.log);
    expect(all).toHaveLength(3);
    for (const c of all) expect([c.left.port, c.left.host, c.right.host]).toEqual([40_000, 'A', 'B']);
  });
});
