import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MARK_AGAIN, SEGMENT, STATE } from '../../lab/engine/log.ts';
import { type Ears, follow } from '../../lab/traffic/connection.ts';
import { LiveTraffic } from '../../lab/traffic/live.ts';
import { type State, stateName } from '../../src/tcp/state.ts';
import { until } from '../tools/gateway-kit.ts';
import { lab, watch } from '../tools/lab-kit.ts';

const HELLO = {
  lastack: '1',
  instance: 'x',
  hosts: ['A', 'B'],
  fronts: ['http://127.0.0.1:8080/'],
  wire: 'a perfect wire',
  settings: {},
  now: 1_000_000_000,
};
const hello = (o: object = {}): string => JSON.stringify({ hello: { ...HELLO, ...o } });
const begin = (id: number): string =>
  JSON.stringify({
    conversation: id,
    left: { host: 'A', address: '10.77.0.1', port: 40_000 + id },
    right: { host: 'B', address: '10.78.0.1', port: 80 },
  });

/** A segment of A's, `at` microseconds after the hello. */
const segment = (of: number, n: number, at: number, o: object = {}): string =>
  JSON.stringify({
    of,
    event: {
      kind: 'segment',
      n,
      at: HELLO.now + at,
      host: 'A',
      to: 'B',
      fate: 'arrived',
      arrivedAt: HELLO.now + at + 100,
      arrivedN: n + 1,
      segment: {
        source: '10.77.0.1',
        sourcePort: 40_000 + of,
        destination: '10.78.0.1',
        destinationPort: 80,
        seq: 5000 + n,
        ack: 1,
        flags: 24,
        window: 500,
        length: 1,
        size: 53,
        ...o,
      },
    },
  });

function pathOf({ log }: LiveTraffic, side: number): string {
  const { columns: c } = log;
  const out: string[] = [];
  for (let i = 0; i < log.length; i++)
    if (c.kind[i] === STATE && c.side[i] === side) out.push(stateName(c.to[i] as State));
  return out.join(' ');
}

afterEach(() => void vi.useRealTimers());

describe('what a gateway tells', () => {
  test('a real one: its connection is a ladder of segments that ends in TIME_WAIT', async () => {
    const { port, page } = await lab({ wire: { delay: 5000, rules: ['drop B FIN 1'] } });
    const { texts } = await watch(port);
    await fetch(`http://127.0.0.1:${page}/hello`).then(r => r.text());
    const traffic = new LiveTraffic();
    let taken = 0;
    await until(() => {
      while (taken < texts.length) traffic.take(texts[taken++]!);
      traffic.flush();
      return pathOf(traffic, 1).endsWith('TIME_WAIT');
    }, 'B comes to TIME_WAIT');
    expect(pathOf(traffic, 1)).toBe('SYN_RECV ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT');
    expect(traffic.connections).toEqual([expect.stringMatching(/^10\.77\.0\.1:\d+ – 10\.78\.0\.1:80$/)]);
    expect(traffic.sides).toEqual(['A', 'B']);
    const { columns: c } = traffic.log;
    const segments = Array.from({ length: traffic.log.length }, (_, i) => i).filter(
      i => c.kind[i] === SEGMENT,
    );
    expect([c.side[segments[0]!], c.flags[segments[0]!], c.seq[segments[0]!]]).toEqual([0, 2, 0]);
    expect(c.arrival[segments[0]!]! - c.time[segments[0]!]!).toBeGreaterThanOrEqual(5000);
    const lost = segments.find(i => c.fate[i] === 1)!;
    expect(traffic.log.textOf(lost)).toMatch(/\|.*drop B FIN 1/);
    const again = segments.find(i => c.marks[i]! & MARK_AGAIN)!;
    expect([c.side[again], c.flags[again]! & 1]).toEqual([1, 1]);
    expect(traffic.log.whyOf(again)).toMatch(/^(?:tlp|rto)$/);
    await until(() => {
      while (taken < texts.length) traffic.take(texts[taken++]!);
      return traffic.sockets.value.some(h => h.rows.some(r => r.state === 6));
    }, 'the sockets are told');
    expect(traffic.socketsAt.value).toBeLessThan(20_000_000);
  });

  test('what is told later may lie earlier', () => {
    const t = new LiveTraffic();
    for (const m of [hello(), begin(0), segment(0, 4, 3000), segment(0, 2, 1000)]) t.take(m);
    expect(t.flush()).toBe(true);
    expect(t.flush()).toBe(false);
    t.take(segment(0, 3, 2000));
    t.flush();
    expect([...t.log.columns.time.subarray(0, 3)]).toEqual([0, 1000, 2000]);
    expect([...t.log.columns.step.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect(t.known.value).toBeGreaterThanOrEqual(2000);
    expect(t.version.value).toBe(2);
  });

  test('after a broken line nothing stands there twice, and another gateway begins anew', () => {
    const t = new LiveTraffic();
    const past = [hello(), begin(0), segment(0, 1, 10), segment(0, 2, 20)];
    for (const m of past) t.take(m);
    t.flush();
    for (const m of [...past, segment(0, 3, 30)]) t.take(m);
    t.flush();
    expect(t.log.length).toBe(3);
    for (const m of [hello({ instance: 'y' }), begin(0), segment(0, 1, 10)]) t.take(m);
    t.flush();
    expect(t.log.length).toBe(1);
  });

  test('costs so much and no more, and connections keep their numbers', () => {
    const t = new LiveTraffic(1000);
    t.take(hello());
    for (let id = 0; id < 300; id++) {
      t.take(begin(id));
      for (let n = 0; n < 20; n++) t.take(segment(id, n, id * 1000 + n));
    }
    t.flush();
    expect(t.log.length).toBeLessThanOrEqual(1000);
    expect(t.forgotten).toBeGreaterThan(4000);
    expect(t.connections.length).toBeLessThan(110);
    const last = t.log.columns.conn[t.log.length - 1]!;
    const label = t.connections[last];
    expect(label).toContain(':40299 ');
    t.take(begin(300));
    t.take(segment(300, 1, 400_000));
    t.flush();
    expect(t.connections[last]).toBe(label);
    const long = new LiveTraffic(1000);
    for (const m of [hello(), begin(0)]) long.take(m);
    for (let n = 0; n < 5000; n++) long.take(segment(0, n, n));
    long.flush();
    expect(long.log.length).toBeLessThanOrEqual(1001);
    expect(long.log.strings.some(s => /events in between were not kept/.test(s))).toBe(true);
    expect(long.log.columns.seq[0]).toBe(1);
  });

  test('the sockets tell what no segment does: windows and round trips', () => {
    const t = new LiveTraffic();
    const row = {
      host: 'A',
      state: 1,
      recvQ: 0,
      sendQ: 0,
      local: '10.77.0.1',
      localPort: 40_000,
      peer: '10.78.0.1',
      peerPort: 80,
      timer: { name: 'on', ms: 200, retrans: 0 },
      info: { cwnd: 10, ssthresh: -1, unacked: 2, rtt: 1500 },
    };
    const sockets = (at: number): string =>
      JSON.stringify({ at: HELLO.now + at, sockets: [{ host: 'A', rows: [row], more: 0, counts: [] }] });
    for (const m of [hello(), begin(0), segment(0, 1, 10), sockets(500), segment(0, 2, 1000)]) t.take(m);
    t.flush();
    const samples = t.samples[0]!;
    expect([...samples.subarray(8, 16)]).toEqual([1, 490, 0, 0, 10, -1, 2, 1500]);
    // What follows knows the window and the round trip from there.
    expect([samples[17], samples[20], samples[23]]).toEqual([990, 10, 1500]);
    expect([t.sockets.value[0]?.rows.length, t.socketsAt.value]).toEqual([1, 490]);
    t.take(
      JSON.stringify({ at: 1, sockets: [{ host: 'A', rows: [{ ...row, timer: 7 }], more: 0, counts: [] }] }),
    );
    expect(t.socketsAt.value).toBe(490);
  });

  test('is counted when it is missed, and ignored when it makes no sense', () => {
    const t = new LiveTraffic();
    for (const m of [hello(), begin(0), segment(0, 1, 10), '{"missed":7}', '{"missed":2}']) t.take(m);
    for (const m of [
      '',
      'x',
      'null',
      '[]',
      '{}',
      '{"of":0}',
      segment(9, 1, 1),
      segment(0, 2, 2, { seq: 'x' }),
    ])
      t.take(m);
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), text => {
        t.take(text);
        t.flush();
      }),
    );
    expect([t.missed, t.log.length]).toEqual([9, 1]);
  });
});

describe('the line to a gateway', () => {
  test('is opened again when it breaks, each time after a longer wait, until it is closed', () => {
    vi.useFakeTimers();
    const traffic = new LiveTraffic();
    const lines: Ears[] = [];
    const states: string[] = [];
    let hungUp = 0;
    const connection = follow(
      traffic,
      ears => {
        lines.push(ears);
        return () => hungUp++;
      },
      s => states.push(s),
    );
    lines[0]!.opened();
    for (const m of [hello(), begin(0), segment(0, 1, 10)]) lines[0]!.said(m);
    vi.advanceTimersByTime(300);
    expect(traffic.log.length).toBe(1);
    lines[0]!.broken();
    lines[0]!.broken();
    vi.advanceTimersByTime(999);
    expect(lines).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(lines).toHaveLength(2);
    lines[1]!.broken();
    vi.advanceTimersByTime(1999);
    expect(lines).toHaveLength(2);
    vi.advanceTimersByTime(1);
    lines[2]!.opened();
    connection.close();
    connection.close();
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(3);
    expect(hungUp).toBe(3);
    expect(states).toEqual([
      'connecting',
      'open',
      'waiting',
      'connecting',
      'waiting',
      'connecting',
      'open',
      'closed',
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
