/** Linux's rules for TIME_WAIT, opening, ports, keepalive and ICMP that no golden timeline shows. */
import { describe, expect, it } from 'vitest';
import type { SimLab as Lab, Script } from '../golden/lab.ts';
import { icmpError, options, type Packet } from '../golden/packet.ts';
import { established, Raw } from '../golden/raw.ts';
import {
  all,
  errorName,
  SO_KEEPALIVE,
  SOL_SOCKET,
  SOL_TCP,
  type Sock,
  TCP_DEFER_ACCEPT,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_USER_TIMEOUT,
} from '../golden/vocabulary.ts';
import { scenario, segmentsOf, states, text } from '../scenario.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';
const TCP_SYNCNT = 7;

/** Name of the error of a call, '' if it succeeded. */
function* error(call: Script<{ error: number }>): Script<string> {
  return errorName((yield* call).error);
}

/** A server's end of a connection to the script's peer, in TIME_WAIT; `listens` says if the listener stays. */
function* timeWait(L: Lab, o: { ts?: boolean; listens?: boolean } = {}): Script<Raw> {
  const r = new Raw(L, o.ts ?? false);
  const ls = yield* L.A.listen(80);
  yield* r.connect(80);
  const s = yield* ls.accepted();
  yield* s.close();
  yield* r.wait(p => p.F);
  yield* r.send('F.', r.snd, ++r.rcv);
  r.snd++;
  if (o.listens === false) yield* ls.close();
  yield* L.sleep(0.05);
  expect(states(L, 'A')).toEqual(['TIME-WAIT']);
  r.rx.length = 0;
  return r;
}

/** What A answers, or nothing. */
function* answer(L: Lab, r: Raw): Script<Packet | null> {
  yield* L.sleep(0.01);
  return r.rx.splice(0)[0] ?? null;
}

const syn = (ts: readonly [number, number] | null = null) =>
  options(ts === null ? { mss: 1460 } : { mss: 1460, sackOk: true, ts });

/** Whole seconds that the TIME_WAIT row has left. */
const left = (L: Lab): number => Math.round(Number(/timewait,(\d+)ms/.exec(L.A.ss().join(' '))![1]) / 1000);

describe('TIME_WAIT', () => {
  it('a pure ACK at RCV.NXT has no answer and starts the 60 s again', () => {
    scenario(function* (L) {
      const r = yield* timeWait(L);
      yield* L.sleep(20);
      expect(left(L)).toBe(40);
      yield* r.send('.', r.snd, r.rcv);
      expect(yield* answer(L, r)).toBeNull();
      expect(left(L)).toBe(60);
    });
  });

  it('a reset with ACK at RCV.NXT ends it', () => {
    scenario(function* (L) {
      const r = yield* timeWait(L);
      yield* r.send('R.', r.snd, r.rcv);
      expect(states(L, 'A')).toEqual([]);
    });
  });

  it('a SYN at RCV.NXT, or below it with timestamps that the old connection lacked: challenged, time runs on', () => {
    for (const [seq, ts] of [
      [0, null],
      [-5000, [99999, 0]],
    ] as const)
      scenario(function* (L) {
        const r = yield* timeWait(L);
        yield* L.sleep(20);
        yield* r.send('S', r.snd + seq, 0, { options: syn(ts), ts: null });
        const challenge = yield* answer(L, r);
        expect([challenge?.seq, challenge?.ack, challenge?.S]).toEqual([r.rcv, r.snd, false]);
        expect(states(L, 'A')).toEqual(['TIME-WAIT']);
        expect(left(L)).toBe(40);
      });
  });

  it('a SYN that would be let in finds no listener: an ACK', () => {
    scenario(function* (L) {
      const r = yield* timeWait(L, { listens: false });
      yield* r.send('S', r.snd + 1000, 0, { options: syn(), ts: null });
      const ack = yield* answer(L, r);
      expect([ack?.S, ack?.R, ack?.ack]).toEqual([false, false, r.snd]);
      expect(states(L, 'A')).toEqual(['TIME-WAIT']);
    });
  });

  it('is not used again: at once with tw_reuse, ever without it or without timestamps', () => {
    for (const [mode, timestamps, wait] of [
      [0, 1, 1.3],
      [1, 1, 0.3],
      [1, 0, 1.3],
    ] as const)
      scenario(function* (L) {
        L.A.sysctl('tcp_tw_reuse', mode);
        L.A.sysctl('tcp_timestamps', timestamps);
        L.A.sysctl('ip_local_port_range', '40000 40000');
        yield* closedByA(L);
        yield* L.sleep(wait);
        expect(yield* error((yield* L.A.socket()).connect(B, 5000))).toBe('EADDRNOTAVAIL');
      });
  });

  it('an explicit bind() with SO_REUSEADDR uses it again at once, whatever tw_reuse says', () => {
    scenario(function* (L) {
      L.A.sysctl('tcp_tw_reuse', 0);
      yield* closedByA(L, 4321);
      const again = yield* L.A.socket();
      yield* again.reuseAddr();
      expect(yield* error(again.bind(A, 4321))).toBe('');
      expect(yield* error(again.connect(B, 5000))).toBe('');
    });
  });
});

/** One life: A connects (from a port, if one is given), closes first, and is left in TIME_WAIT. */
function* closedByA(L: Lab, port = 0): Script {
  const ls = yield* L.B.listen(5000);
  const a = yield* L.A.socket();
  if (port !== 0) {
    yield* a.reuseAddr();
    yield* a.bind(A, port);
  }
  yield* a.connect(B, 5000);
  const b = yield* ls.accepted();
  yield* a.close();
  yield* L.sleep(0.05);
  yield* b.close();
  yield* L.sleep(0.02);
  expect(states(L, 'A')).toEqual(['TIME-WAIT']);
}

describe('opening', () => {
  it('TCP_SYNCNT 2: SYNs at 0 to 5 s, ETIMEDOUT at 7 s', () => {
    const t = scenario(function* (L) {
      L.policy = all;
      const a = yield* L.A.socket();
      yield* a.set(SOL_TCP, TCP_SYNCNT, 2);
      L.mark();
      expect(yield* error(a.connect(B, 5000))).toBe('ETIMEDOUT');
      expect(L.now).toBeCloseTo(7, 0);
    });
    expect(segmentsOf(t, 'A').map(e => Math.round(e.t))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('TCP_USER_TIMEOUT bounds it', () => {
    scenario(function* (L) {
      L.policy = all;
      const a = yield* L.A.socket();
      yield* a.set(SOL_TCP, TCP_USER_TIMEOUT, 5000);
      L.mark();
      expect(yield* error(a.connect(B, 5000))).toBe('ETIMEDOUT');
      expect(L.now).toBeCloseTo(5, 0);
    });
  });

  it('a third segment that finds the accept queue full is reset with tcp_abort_on_overflow', () => {
    scenario(function* (L) {
      L.B.sysctl('tcp_abort_on_overflow', 1);
      L.B.sysctl('tcp_syncookies', 0);
      yield* L.B.listen(5000, 3);
      for (let i = 0; i < 3; i++) yield* (yield* L.A.socket()).connect(B, 5000);
      L.delay = 0.05;
      const cs: Sock[] = [];
      for (let i = 0; i < 3; i++) {
        const c = yield* L.A.socket();
        c.setblocking(false);
        yield* c.connect(B, 5000);
        cs.push(c);
      }
      yield* L.sleep(0.5);
      const results: string[] = [];
      for (const c of cs) results.push(yield* text(c));
      expect(results.sort()).toEqual(['EAGAIN', 'ECONNRESET', 'ECONNRESET']);
    });
  });

  it('TCP_DEFER_ACCEPT: data completes the handshake at once', () => {
    scenario(function* (L) {
      const ls = yield* L.B.listen(5000, 8, s => s.set(SOL_TCP, TCP_DEFER_ACCEPT, 10));
      const a = yield* L.A.socket();
      yield* a.connect(B, 5000);
      yield* L.sleep(1);
      expect(states(L, 'B')).toEqual(['SYN-RECV']);
      yield* a.send('now');
      expect(yield* text(yield* ls.accepted())).toBe('now');
    });
  });

  it('a reset before accept(): the entry stays, its socket tells', () => {
    scenario(function* (L) {
      const ls = yield* L.B.listen(5000);
      const a = yield* L.A.socket();
      yield* a.connect(B, 5000);
      yield* a.linger(1, 0);
      yield* a.close();
      yield* L.sleep(0.1);
      const b = yield* ls.accepted();
      expect(yield* error(b.peer())).toBe('ENOTCONN');
      expect(yield* text(b)).toBe('ECONNRESET');
    });
  });

  it('tcp_syncookies 2: always cookies, and they work', () => {
    scenario(function* (L) {
      L.B.sysctl('tcp_syncookies', 2);
      const ls = yield* L.B.listen(5000);
      const a = yield* L.A.socket();
      yield* a.connect(B, 5000);
      const b = yield* ls.accepted();
      yield* a.send('cookie');
      expect(yield* text(b)).toBe('cookie');
      expect(L.B.sim.stack.mib.TcpExtSyncookiesRecv).toBe(1);
    });
  });

  it('a simultaneous open is completed by a plain ACK, ended by a reset with ECONNRESET', () => {
    for (const [flags, state, name] of [
      ['.', ['ESTAB'], ''],
      ['R', [], 'ECONNRESET'],
    ] as const)
      scenario(function* (L) {
        const r = new Raw(L);
        const a = yield* L.A.socket();
        a.setblocking(false);
        yield* a.connect(B, 5000);
        const s = yield* r.wait(p => p.S);
        [r.sport, r.dport] = [5000, s.sport];
        yield* r.send('S', 300, 0, { options: syn() });
        yield* r.send(flags, 301, s.seq + 1);
        expect(states(L, 'A')).toEqual(state);
        expect(yield* error(a.connect(B, 5000))).toBe(name);
      });
  });

  it('a handshake whose SYN-ACK was repeated and had no timestamps starts with 3 s', () => {
    scenario(function* (L) {
      const r = new Raw(L);
      const ls = yield* L.A.listen(80);
      [r.sport, r.dport] = [4000, 80];
      yield* r.send('S', 100, 0, { options: syn() });
      yield* r.wait(p => p.S);
      const again = yield* r.wait(p => p.S);
      yield* r.send('.', 101, again.seq + 1);
      const s = yield* ls.accepted();
      yield* s.send('x');
      expect(L.A.ss().join(' ')).toMatch(/timer:\(on,(3000|299\d)ms,0\)/);
    });
  });
});

describe('keepalive', () => {
  it('a reset in answer to a probe is ECONNRESET', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L);
      yield* a.set(SOL_SOCKET, SO_KEEPALIVE, 1);
      yield* a.set(SOL_TCP, TCP_KEEPIDLE, 2);
      yield* a.set(SOL_TCP, TCP_KEEPINTVL, 1);
      yield* a.set(SOL_TCP, TCP_KEEPCNT, 3);
      const probe = yield* r.wait();
      expect([probe.seq, probe.length]).toEqual([(r.rcv - 1) >>> 0, 0]);
      yield* r.send('R', r.snd, 0);
      expect(yield* text(a)).toBe('ECONNRESET');
    });
  });
});

describe('retransmission', () => {
  it('tcp_retries2 3: ETIMEDOUT at the first time-out after 3.0 s of repeating', () => {
    scenario(function* (L) {
      L.A.sysctl('tcp_retries2', 3);
      const { a } = yield* L.connect();
      L.policy = all;
      L.mark();
      yield* a.send('x');
      expect(yield* text(a)).toBe('ETIMEDOUT');
      expect(L.now).toBeGreaterThan(6);
      expect(L.now).toBeLessThan(6.8);
    });
  });
});

describe('ICMP', () => {
  /** Type, code, errno while connecting, errno (soft) on an established connection; '' if it is ignored. */
  const table = [
    [3, 0, 'ENETUNREACH', 'ENETUNREACH'],
    [3, 1, 'EHOSTUNREACH', 'EHOSTUNREACH'],
    [3, 2, 'ENOPROTOOPT', 'ENOPROTOOPT'],
    [3, 3, 'ECONNREFUSED', 'ECONNREFUSED'],
    [3, 5, 'EOPNOTSUPP', 'EOPNOTSUPP'],
    [3, 6, 'ENETUNREACH', 'ENETUNREACH'],
    [3, 7, 'EHOSTDOWN', 'EHOSTDOWN'],
    [3, 9, 'ENETUNREACH', 'ENETUNREACH'],
    [3, 10, 'EHOSTUNREACH', 'EHOSTUNREACH'],
    [3, 13, 'EHOSTUNREACH', 'EHOSTUNREACH'],
    [11, 0, 'EHOSTUNREACH', 'EHOSTUNREACH'],
    [11, 1, '', ''],
    [12, 0, 'EPROTO', 'EPROTO'],
    [4, 0, '', ''],
  ] as const;

  for (const [type, code, connecting, connected] of table)
    it(`type ${type} code ${code}: ${connecting || 'ignored'} while connecting, ${connected || 'ignored'} for SO_ERROR after`, () => {
      scenario(function* (L) {
        const r = new Raw(L);
        const a = yield* L.A.socket();
        a.setblocking(false);
        yield* a.connect(B, 5000);
        const s = yield* r.wait(p => p.S);
        yield* L.inject(L.A, icmpError('10.9.0.99', A, type, code, s.raw, 0));
        expect(states(L, 'A')).toEqual(connecting === '' ? ['SYN-SENT'] : []);
        expect(errorName(yield* a.number(a.error()))).toBe(connecting);
      });
      scenario(function* (L) {
        const { r, a } = yield* established(L);
        yield* a.send('x');
        const s = yield* r.wait(p => p.length > 0);
        yield* L.inject(L.A, icmpError('10.9.0.99', A, type, code, s.raw, 0));
        expect(states(L, 'A')).toEqual(['ESTAB']);
        expect(errorName(yield* a.number(a.error()))).toBe(connected);
        expect(errorName(yield* a.number(a.error()))).toBe('');
      });
    });

  it('one that quotes a sequence number that is not outstanding is ignored', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L);
      yield* a.send('x');
      const s = yield* r.wait(p => p.length > 0);
      const forged = s.raw.slice();
      forged[24] = forged[24]! ^ 0x40;
      yield* L.inject(L.A, icmpError('10.9.0.99', A, 3, 1, forged, 0));
      expect(errorName(yield* a.number(a.error()))).toBe('');
    });
  });
});
