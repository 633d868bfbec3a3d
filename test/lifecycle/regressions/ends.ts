/** How connections got stuck at their end. */
import { expect, it } from 'vitest';
import { NEVER } from '../../../src/base/time.ts';
import { established } from '../golden/raw.ts';
import {
  all,
  finFromA,
  first,
  SO_KEEPALIVE,
  SOL_SOCKET,
  SOL_TCP,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
} from '../golden/vocabulary.ts';
import { drain, scenario, sent, states, stuffed, text } from '../scenario.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';

export function ends(): void {
  it('#1 FIN behind a closed window: leaves once the window opens, though the socket is long closed', () => {
    scenario(function* (L) {
      const { a, b, bytes } = yield* stuffed(L);
      yield* a.close();
      expect(states(L, 'A')).toEqual(['FIN-WAIT-1']);
      yield* L.sleep(20);
      expect(yield* drain(b)).toBe(bytes);
      yield* b.close();
      yield* L.sleep(0.1);
      expect(states(L, 'A')).toEqual(['TIME-WAIT']);
      expect(states(L, 'B')).toEqual([]);
    });
  });

  it('#2 the ACK of our FIN that comes with out-of-order data is noticed', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L);
      yield* a.shutdown(1);
      yield* r.wait(p => p.F);
      expect(states(L, 'A')).toEqual(['FIN-WAIT-1']);
      yield* r.send('P.', r.snd + 5, r.rcv + 1, { data: 'later' });
      expect(states(L, 'A')).toEqual(['FIN-WAIT-2']);
    });
  });

  it('#3 data sent in CLOSE_WAIT and lost is sent again', () => {
    scenario(function* (L) {
      const { a, b } = yield* L.connect();
      yield* b.shutdown(1);
      yield* L.sleep(0.1);
      expect(states(L, 'A')).toEqual(['CLOSE-WAIT']);
      L.policy = first(1, p => p.dir === 'A>B' && p.length > 0);
      yield* a.send('late words');
      expect(yield* text(b)).toBe('late words');
      expect(L.now).toBeLessThan(2);
    });
  });

  it('#4 the end of one side of a proxy reaches the other: no slot stays in CLOSE_WAIT', () => {
    scenario(function* (L) {
      const front = yield* L.B.listen(5000);
      const back = yield* L.B.listen(6000);
      for (let i = 0; i < 20; i++) {
        const client = yield* L.A.socket();
        yield* client.connect(B, 5000);
        const outer = yield* front.accepted();
        const inner = yield* L.B.socket();
        yield* inner.connect(B, 6000);
        const server = yield* back.accepted();
        yield* client.send('hi');
        yield* client.shutdown(1);
        yield* inner.send(yield* text(outer));
        expect(yield* text(outer)).toBe('');
        yield* inner.shutdown(1);
        expect(yield* text(server)).toBe('hi');
        expect(yield* text(server)).toBe('');
        for (const s of [server, inner, outer, client]) yield* s.close();
      }
      yield* L.sleep(1);
      expect(new Set([...states(L, 'A'), ...states(L, 'B')])).toEqual(new Set(['TIME-WAIT']));
      yield* L.sleep(70);
      expect([...states(L, 'A'), ...states(L, 'B')]).toEqual([]);
    });
  });

  it('#5 a FIN that comes while the connection waits to be accepted: accept() gives the end of a stream', () => {
    scenario(function* (L) {
      const ls = yield* L.B.listen(5000);
      const a = yield* L.A.socket();
      yield* a.connect(B, 5000);
      yield* a.send('all');
      yield* a.close();
      yield* L.sleep(5);
      const b = yield* ls.accepted();
      expect(yield* text(b)).toBe('all');
      expect(yield* text(b)).toBe('');
      yield* b.close();
      yield* L.sleep(0.1);
      expect(states(L, 'B')).toEqual([]);
      expect(states(L, 'A')).toEqual(['TIME-WAIT']);
    });
  });

  it('#6 FIN_WAIT_1 after the peer vanished ends: an orphan in two minutes, a socket in sixteen', () => {
    scenario(function* (L) {
      const { a } = yield* L.connect();
      L.policy = all;
      yield* a.close();
      yield* L.sleep(100);
      expect(states(L, 'A')).toEqual(['FIN-WAIT-1']);
      yield* L.sleep(20);
      expect(states(L, 'A')).toEqual([]);
    });
    scenario(function* (L) {
      const { a } = yield* L.connect();
      L.policy = all;
      yield* a.shutdown(1);
      yield* L.sleep(960);
      expect(states(L, 'A')).toEqual([]);
      expect(yield* text(a)).toBe('ETIMEDOUT');
    });
  });

  it('#7 FIN_WAIT_2 for ever: an orphan is gone after tcp_fin_timeout', () => {
    scenario(function* (L) {
      const { a } = yield* L.connect();
      yield* a.close();
      yield* L.sleep(59);
      expect(states(L, 'A')).toEqual(['FIN-WAIT-2']);
      yield* L.sleep(2);
      expect(states(L, 'A')).toEqual([]);
      expect(L.A.sim.deadline()).toBe(NEVER);
    });
  });

  it('#8 LAST_ACK ends with the ACK of its FIN and no other, or by its timer', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L);
      yield* r.send('F.', r.snd, r.rcv);
      yield* a.close();
      expect(states(L, 'A')).toEqual(['LAST-ACK']);
      yield* r.send('.', r.snd + 1, r.rcv);
      yield* r.send('.', r.snd + 1, r.rcv + 1000);
      yield* r.send('.', r.snd + 1, r.rcv - 1);
      yield* L.sleep(0.1);
      expect(states(L, 'A')).toEqual(['LAST-ACK']);
      yield* r.send('.', r.snd + 1, r.rcv + 1);
      expect(states(L, 'A')).toEqual([]);
    });
    scenario(function* (L) {
      const { r, a } = yield* established(L);
      yield* r.send('F.', r.snd, r.rcv);
      yield* a.close();
      yield* L.sleep(130);
      expect(states(L, 'A')).toEqual([]);
    });
  });

  it('#9 a lingering close() in CLOSE_WAIT returns as soon as its FIN is acknowledged', () => {
    scenario(function* (L) {
      L.delay = 0.1;
      const { a, b } = yield* L.connect();
      yield* b.close();
      yield* L.sleep(1);
      expect(states(L, 'A')).toEqual(['CLOSE-WAIT']);
      yield* a.linger(1, 30);
      L.mark();
      yield* a.close();
      expect(L.now).toBeGreaterThan(0.19);
      expect(L.now).toBeLessThan(0.25);
    });
  });

  it('#10 simultaneous close: a FIN that waits behind a window is sent though the peer has ended', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L);
      yield* r.send('.', r.snd, r.rcv, { win: 0 });
      yield* a.send('abc');
      yield* a.close();
      yield* r.send('F.', r.snd, r.rcv, { win: 0 });
      r.snd++;
      yield* L.sleep(0.1);
      expect(states(L, 'A')).toEqual(['CLOSING']);
      r.rx.length = 0;
      yield* r.send('.', r.snd, r.rcv);
      const last = yield* r.wait(p => p.F);
      expect(last.length).toBe(3);
      yield* r.send('.', r.snd, r.rcv + 4);
      expect(states(L, 'A')).toEqual(['TIME-WAIT']);
      yield* L.sleep(61);
      expect(states(L, 'A')).toEqual([]);
    });
  });

  it('#10 simultaneous close: the FIN sent again in CLOSING is a FIN', () => {
    const t = scenario(function* (L) {
      L.delay = 0.02;
      const { a, b } = yield* L.connect();
      L.policy = first(1, finFromA);
      yield* a.close();
      yield* b.close();
      yield* L.sleep(1);
      expect(states(L, 'A')).toEqual(['TIME-WAIT']);
      yield* L.sleep(61);
      expect(states(L, 'A')).toEqual([]);
      expect(states(L, 'B')).toEqual([]);
    });
    expect(sent(t, 'A').filter(s => s.includes('F'))).toEqual(['F.', 'F.']);
  });

  it('#11 TIME_WAIT lasts its 60 s, answers a repeated FIN, has no keepalive, and RFC 1337 keeps it', () => {
    scenario(function* (L) {
      L.A.sysctl('net.ipv4.tcp_rfc1337', 1);
      const { r, a } = yield* established(L);
      yield* a.set(SOL_SOCKET, SO_KEEPALIVE, 1);
      yield* a.set(SOL_TCP, TCP_KEEPIDLE, 2);
      yield* a.set(SOL_TCP, TCP_KEEPINTVL, 2);
      yield* a.close();
      yield* r.wait(p => p.F);
      yield* r.send('F.', r.snd, r.rcv + 1);
      yield* L.sleep(0.1);
      r.rx.length = 0;
      yield* L.sleep(30);
      expect(r.rx).toEqual([]);
      yield* r.send('R', r.snd + 1, 0);
      expect(states(L, 'A')).toEqual(['TIME-WAIT']);
      yield* r.send('F.', r.snd, r.rcv + 1);
      expect((yield* r.wait()).ack).toBe(r.snd + 1);
      yield* L.sleep(59);
      expect(states(L, 'A')).toEqual(['TIME-WAIT']);
      yield* L.sleep(2);
      expect(states(L, 'A')).toEqual([]);
    });
  });

  it('#12 a peer that uses its port again within our TIME_WAIT is let in', () => {
    scenario(function* (L) {
      const ls = yield* L.B.listen(5000);
      for (let i = 0; i < 3; i++) {
        const a = yield* L.A.socket();
        yield* a.reuseAddr();
        yield* a.bind(A, 4321);
        L.mark();
        yield* a.connect(B, 5000);
        expect(L.now).toBeLessThan(0.01);
        const b = yield* ls.accepted();
        yield* b.close();
        expect(yield* text(a)).toBe('');
        yield* a.close();
        yield* L.sleep(0.5);
        expect(states(L, 'B')).toEqual(['TIME-WAIT']);
      }
    });
  });
}
