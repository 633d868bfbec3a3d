/** Linux's rules for the end of a connection that no golden timeline shows: close, orphans, FIN_WAIT_2. */
import { describe, expect, it } from 'vitest';
import type { SimLab as Lab, Script } from '../golden/lab.ts';
import { options } from '../golden/packet.ts';
import { established, Raw } from '../golden/raw.ts';
import {
  ackFromB,
  all,
  errorName,
  finFromA,
  first,
  SO_RCVBUF,
  SOL_SOCKET,
  SOL_TCP,
  type Sock,
  TCP_LINGER2,
} from '../golden/vocabulary.ts';
import { scenario, segmentsOf, sent, states, text } from '../scenario.ts';

const B = '10.9.0.2';
const FOR_EVER = Number.POSITIVE_INFINITY;

/** Name of the error of a call, '' if it succeeded. */
function* error(call: Script<{ error: number }>): Script<string> {
  return errorName((yield* call).error);
}

/** Seconds until host A has no socket left but its listeners. */
function* gone(L: Lab, limit: number): Script<number> {
  const began = L.now;
  while (states(L, 'A').length > 0) {
    if (L.now - began > limit) return FOR_EVER;
    yield* L.sleep(0.05);
  }
  return L.now - began;
}

/** A, orphan in FIN_WAIT_2, with a peer played by the script. */
function* finWait2(L: Lab): Script<Raw> {
  const { r, a } = yield* established(L);
  yield* a.close();
  yield* r.wait(p => p.F);
  r.rcv++;
  yield* r.send('.', r.snd, r.rcv);
  expect(states(L, 'A')).toEqual(['FIN-WAIT-2']);
  r.rx.length = 0;
  return r;
}

describe('close() and shutdown()', () => {
  it('in SYN_SENT: nothing is sent, the socket is gone', () => {
    const t = scenario(function* (L) {
      L.policy = all;
      const a = yield* L.A.socket();
      a.setblocking(false);
      yield* a.connect(B, 5000);
      yield* a.close();
      yield* L.sleep(5);
      expect(states(L, 'A')).toEqual([]);
    });
    expect(sent(t, 'A')).toEqual(['S']);
  });

  it('in SYN_RECV of a simultaneous open: FIN_WAIT_1, and the SYN-ACK is what is repeated', () => {
    scenario(function* (L) {
      const r = new Raw(L);
      const a = yield* L.A.socket();
      a.setblocking(false);
      yield* a.connect(B, 5000);
      const syn = yield* r.wait(p => p.S);
      [r.sport, r.dport] = [5000, syn.sport];
      yield* r.send('S', 300, 0, { options: options({ mss: 1460 }) });
      yield* r.wait(p => p.S && p.A);
      yield* a.close();
      expect(states(L, 'A')).toEqual(['FIN-WAIT-1']);
      const fin = yield* r.wait(p => p.F);
      expect(fin.seq).toBe((syn.seq + 1) >>> 0);
      const again = yield* r.wait();
      expect([again.S, again.A, again.F]).toEqual([true, true, false]);
    });
  });

  it('with unread data: the peer reads what came, then ECONNRESET once, then the end', () => {
    scenario(function* (L) {
      const { a, b } = yield* L.connect();
      yield* a.send('first');
      yield* b.send('unread');
      yield* L.sleep(0.1);
      yield* a.close();
      yield* L.sleep(0.1);
      expect(yield* text(b)).toBe('first');
      expect(yield* text(b)).toBe('ECONNRESET');
      expect(yield* text(b)).toBe('');
    });
  });

  it('with SO_LINGER 0 while the peer is in CLOSE_WAIT: the peer reads the end and may not send', () => {
    scenario(function* (L) {
      const { a, b } = yield* L.connect();
      yield* a.linger(1, 0);
      yield* a.shutdown(1);
      yield* L.sleep(0.1);
      yield* a.close();
      yield* L.sleep(0.1);
      expect(yield* text(b)).toBe('');
      expect(yield* error(b.send('x'))).toBe('EPIPE');
    });
  });

  it('with SO_LINGER 0 in TIME_WAIT: nothing is sent and the row stays', () => {
    scenario(function* (L) {
      const { a, b } = yield* L.connect();
      yield* a.linger(1, 0);
      yield* a.shutdown(1);
      yield* L.sleep(0.1);
      yield* b.close();
      yield* L.sleep(0.1);
      expect(states(L, 'A')).toEqual(['TIME-WAIT']);
      yield* a.close();
      expect(states(L, 'A')).toEqual(['TIME-WAIT']);
    });
  });

  it('with SO_LINGER waits on a non-blocking socket too', () => {
    scenario(function* (L) {
      L.delay = 0.1;
      const { a } = yield* L.connect();
      yield* a.linger(1, 5);
      a.setblocking(false);
      L.mark();
      yield* a.close();
      expect(L.now).toBeGreaterThan(0.2);
      expect(L.now).toBeLessThan(0.3);
    });
  });

  it('a FIN behind a closed window shows FIN_WAIT_1, and probes go out in its place', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L);
      yield* r.send('.', r.snd, r.rcv, { win: 0 });
      r.rx.length = 0;
      yield* a.shutdown(1);
      expect(states(L, 'A')).toEqual(['FIN-WAIT-1']);
      const probe = yield* r.wait();
      expect([probe.F, probe.length, probe.seq]).toEqual([false, 0, (r.rcv - 1) >>> 0]);
      yield* r.send('.', r.snd, r.rcv, { win: 1000 });
      expect((yield* r.wait()).F).toBe(true);
    });
  });

  it('lost data before a FIN that came: its one octet is SACKed, and the data is repaired within a round trip', () => {
    const t = scenario(function* (L) {
      const { a, b } = yield* L.connect();
      L.policy = first(1, p => p.dir === 'A>B' && p.length > 0);
      L.mark();
      yield* a.send('lost');
      yield* a.close();
      expect(yield* text(b)).toBe('lost');
      expect(L.now).toBeLessThan(0.1);
    });
    const sacks = segmentsOf(t, 'B').flatMap(e => e.shown.sack);
    expect(sacks[0]).toEqual([5, 6]);
  });
});

describe('orphans', () => {
  it('tcp_orphan_retries 2 and 3 give up at the first time-out after 1.4 and 3.0 s of repeating', () => {
    for (const [n, least, most] of [
      [2, 2.9, 3.5],
      [3, 6, 6.8],
    ] as const)
      scenario(function* (L) {
        L.A.sysctl('tcp_orphan_retries', n);
        const { a } = yield* L.connect();
        L.policy = first(FOR_EVER, finFromA);
        yield* a.close();
        const t = yield* gone(L, 20);
        expect(t).toBeGreaterThan(least);
        expect(t).toBeLessThan(most);
      });
  });

  it('at a closed window whose peer is silent: gone after eight probes, without a reset', () => {
    const t = scenario(function* (L) {
      const { a } = yield* L.connect({ server: s => s.set(SOL_SOCKET, SO_RCVBUF, 4096) });
      a.setblocking(false);
      while ((yield* a.send('z'.repeat(4096))).error === 0);
      yield* L.sleep(0.1);
      L.policy = all;
      yield* a.close();
      const after = yield* gone(L, 400);
      expect(after).toBeGreaterThan(100);
      expect(after).toBeLessThan(225);
    });
    expect(sent(t, 'A').some(s => s.includes('R'))).toBe(false);
  });

  it('beyond tcp_max_orphans a close() resets', () => {
    const t = scenario(function* (L) {
      L.A.sysctl('tcp_max_orphans', 0);
      const { a } = yield* L.connect();
      L.policy = first(FOR_EVER, ackFromB);
      yield* a.send('x');
      yield* a.close();
      yield* L.sleep(0.1);
      expect(states(L, 'A')).toEqual([]);
      expect(L.A.sim.stack.mib.TcpExtTCPAbortOnMemory).toBe(1);
    });
    expect(sent(t, 'A').at(-1)).toBe('R.');
  });
});

describe('FIN_WAIT_2', () => {
  it('lasts tcp_fin_timeout or TCP_LINGER2; above a minute what is above it twice', () => {
    for (const [asked, lasts] of [
      [5, 5],
      [65, 10],
      [120, 120],
    ] as const)
      scenario(function* (L) {
        const { a } = yield* L.connect({ client: s => s.set(SOL_TCP, TCP_LINGER2, asked) });
        yield* a.close();
        expect(yield* gone(L, 130)).toBeCloseTo(lasts, 0);
      });
    scenario(function* (L) {
      L.A.sysctl('tcp_fin_timeout', 5);
      const { a } = yield* L.connect();
      yield* a.close();
      expect(yield* gone(L, 130)).toBeCloseTo(5, 0);
    });
  });

  it('is counted from close() where shutdown() came before', () => {
    scenario(function* (L) {
      const { a } = yield* L.connect();
      yield* a.shutdown(1);
      yield* L.sleep(40);
      yield* a.close();
      expect(yield* gone(L, 130)).toBeCloseTo(60, 0);
    });
  });

  it('does not exist with TCP_LINGER2 −1: the ACK of the FIN is answered with a reset', () => {
    const t = scenario(function* (L) {
      const { a, b } = yield* L.connect({ client: s => s.set(SOL_TCP, TCP_LINGER2, -1) });
      yield* a.close();
      yield* L.sleep(0.1);
      expect(states(L, 'A')).toEqual([]);
      expect(yield* text(b)).toBe('');
      expect(yield* error(b.send('x'))).toBe('EPIPE');
    });
    expect(sent(t, 'A').at(-1)).toBe('R');
  });

  it('a FIN in time brings TIME_WAIT for its whole 60 s', () => {
    scenario(function* (L) {
      const { a, b } = yield* L.connect();
      yield* a.close();
      yield* L.sleep(30);
      yield* b.close();
      yield* L.sleep(0.1);
      expect(states(L, 'A')).toEqual(['TIME-WAIT']);
      expect(yield* gone(L, 130)).toBeCloseTo(60, 0);
    });
  });

  it('a FIN after its end meets a reset: the peer in LAST_ACK has read the end, and is told when it sends', () => {
    scenario(function* (L) {
      const { a, b } = yield* L.connect();
      yield* a.close();
      yield* L.sleep(65);
      yield* b.shutdown(1);
      yield* L.sleep(0.1);
      expect(states(L, 'B')).toEqual([]);
      expect(yield* text(b)).toBe('');
      expect(yield* error(b.send('x'))).toBe('ECONNRESET');
      expect(yield* error(b.send('x'))).toBe('EPIPE');
    });
  });

  it('a segment out of the window is acknowledged, at most once in 500 ms', () => {
    scenario(function* (L) {
      const r = yield* finWait2(L);
      for (const answers of [1, 0]) {
        yield* r.send('.', r.snd - 100000, r.rcv);
        yield* L.sleep(0.01);
        expect(r.rx.splice(0)).toHaveLength(answers);
      }
      yield* L.sleep(0.6);
      yield* r.send('.', r.snd - 100000, r.rcv);
      yield* L.sleep(0.01);
      expect(r.rx).toHaveLength(1);
      expect(states(L, 'A')).toEqual(['FIN-WAIT-2']);
    });
  });

  it('a SYN at or above RCV.NXT is answered with a reset, and that is its end', () => {
    scenario(function* (L) {
      const r = yield* finWait2(L);
      yield* r.send('S', r.snd + 100, 0, { options: options({ mss: 1460 }) });
      const answer = yield* r.wait();
      expect([answer.R, answer.A]).toEqual([true, true]);
      expect(states(L, 'A')).toEqual([]);
    });
  });

  it('an out-of-order FIN on a live socket waits for what precedes it; one ACK answers all', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L, { ts: true });
      yield* r.send('F.', r.snd + 3, r.rcv);
      const dup = yield* r.wait();
      expect([dup.ack, dup.sack]).toEqual([r.snd, [[r.snd + 3, r.snd + 4].map(n => n - r.isn)]]);
      expect(states(L, 'A')).toEqual(['ESTAB']);
      yield* r.send('P.', r.snd, r.rcv, { data: 'abc' });
      expect((yield* r.wait()).ack).toBe(r.snd + 4);
      expect(states(L, 'A')).toEqual(['CLOSE-WAIT']);
      expect(yield* text(a)).toBe('abc');
      expect(yield* text(a)).toBe('');
    });
  });
});

describe('a reset', () => {
  const cases: [state: string, error: string, then: string, prepare: (r: Raw, a: Sock) => Script][] = [
    ['CLOSE-WAIT', 'EPIPE', 'EPIPE', (r, _a) => peerEnds(r)],
    [
      'LAST-ACK',
      'ECONNRESET',
      'EPIPE',
      function* (r, a) {
        yield* peerEnds(r);
        yield* a.shutdown(1);
      },
    ],
    [
      'CLOSING',
      'ECONNRESET',
      'EPIPE',
      function* (r, a) {
        yield* a.shutdown(1);
        yield* peerEnds(r);
      },
    ],
  ];
  function* peerEnds(r: Raw): Script {
    yield* r.send('F.', r.snd, r.rcv);
    r.snd++;
  }
  for (const [state, errno, then, prepare] of cases)
    for (const offset of [0, -1])
      it(`in ${state}, at RCV.NXT${offset || ''}: reads end, writes tell ${errno}`, () => {
        scenario(function* (L) {
          const { r, a } = yield* established(L);
          yield* prepare(r, a);
          expect(states(L, 'A')).toEqual([state]);
          yield* r.send('R', r.snd + offset, 0);
          expect(states(L, 'A')).toEqual([]);
          expect(yield* text(a)).toBe('');
          expect(yield* error(a.send('x'))).toBe(errno);
          expect(yield* error(a.send('x'))).toBe(then);
        });
      });

  it('at the right edge of the highest SACK block resets too', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L, { ts: true });
      yield* r.send('P.', r.snd + 10, r.rcv, { data: 'later' });
      yield* r.send('R', r.snd + 15, 0);
      expect(states(L, 'A')).toEqual([]);
      expect(yield* text(a)).toBe('ECONNRESET');
    });
  });
});
