/** How connections got stuck at their beginning. */
import { expect, it } from 'vitest';
import { options } from '../golden/packet.ts';
import { Raw } from '../golden/raw.ts';
import {
  all,
  errorName,
  finFromA,
  first,
  SO_REUSEPORT,
  SOL_SOCKET,
  type Sock,
} from '../golden/vocabulary.ts';
import { drain, scenario, states, text } from '../scenario.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';

export function beginnings(): void {
  it('#13 a backlog of n holds n + 1, and gives each place back', () => {
    scenario(function* (L) {
      const ls = yield* L.B.listen(5000, 2);
      const waiting: Sock[] = [];
      for (let i = 0; i < 6; i++) {
        const c = yield* L.A.socket();
        c.setblocking(false);
        yield* c.connect(B, 5000);
        waiting.push(c);
        yield* L.sleep(0.01);
      }
      expect(states(L, 'B')).toEqual(['ESTAB', 'ESTAB', 'ESTAB']);
      for (let i = 0; i < 6; i++) yield* (yield* ls.accepted()).close();
      expect(L.now).toBeLessThan(10);
      yield* L.sleep(0.01);
      for (const c of waiting) expect(yield* text(c)).toBe('');
    });
  });

  it('#13 a handshake whose last ACK has no timestamps, though they were agreed, takes no place for ever', () => {
    scenario(function* (L) {
      const r = new Raw(L, true);
      const ls = yield* L.A.listen(80, 0);
      ls.setblocking(false);
      r.sport = 4000;
      r.dport = 80;
      for (let i = 0; i < 4; i++, r.sport++) {
        const opts = options({ mss: 1460, sackOk: true, ts: [1000, 0] });
        yield* r.send('S', 100, 0, { options: opts, ts: null });
        const s = yield* r.wait(p => p.S);
        yield* r.send('.', 101, s.seq + 1, { ts: null });
        yield* L.sleep(70);
        const o = yield* ls.accept();
        if (o.error === 0) yield* o.sock.close();
      }
      yield* L.sleep(70);
      expect(states(L, 'A').filter(s => s === 'SYN-RECV')).toEqual([]);
    });
  });

  it('#13 one slow handshake holds nobody up', () => {
    scenario(function* (L) {
      const ls = yield* L.B.listen(5000);
      L.policy = first(1, p => p.dir === 'A>B' && p.A && !p.S);
      const slow = yield* L.A.socket();
      yield* slow.connect(B, 5000);
      expect(states(L, 'B')).toEqual(['SYN-RECV']);
      L.mark();
      for (let i = 0; i < 3; i++) {
        yield* (yield* L.A.socket()).connect(B, 5000);
        yield* ls.accepted();
      }
      expect(L.now).toBeLessThan(0.1);
      yield* ls.accepted();
    });
  });

  it('#14 of a burst of connections that fits the backlog, every one is accepted', () => {
    scenario(function* (L) {
      const ls = yield* L.B.listen(5000, 128);
      const clients: Sock[] = [];
      for (let i = 0; i < 100; i++) {
        const c = yield* L.A.socket();
        c.setblocking(false);
        expect(errorName((yield* c.connect(B, 5000)).error)).toBe('EINPROGRESS');
        clients.push(c);
      }
      yield* L.sleep(0.5);
      for (let i = 0; i < 100; i++) yield* (yield* ls.accepted()).send(`${i}`);
      yield* L.sleep(0.1);
      for (const c of clients) expect((yield* c.recv(9)).error).toBe(0);
    });
  });

  it('#15 shutdown() in SYN_SENT, twice in ESTABLISHED, and of a listener that listens again', () => {
    scenario(function* (L) {
      L.policy = all;
      const a = yield* L.A.socket();
      a.setblocking(false);
      yield* a.connect(B, 5000);
      expect((yield* a.shutdown(1)).error).toBe(0);
      expect(states(L, 'A')).toEqual([]);
      L.policy = null;
      const { a: c, ls } = yield* L.connect();
      expect((yield* c.shutdown(1)).error).toBe(0);
      expect((yield* c.shutdown(1)).error).toBe(0);
      expect((yield* ls.shutdown(0)).error).toBe(0);
      expect((yield* ls.listen(5)).error).toBe(0);
      yield* (yield* L.A.socket()).connect(B, 5000);
      yield* ls.accepted();
    });
  });

  it('#16 a FIN lost after close() is sent again: the peer reads the end', () => {
    scenario(function* (L) {
      const { a, b } = yield* L.connect();
      L.policy = first(3, finFromA);
      yield* a.send('bye');
      yield* a.close();
      expect(yield* drain(b)).toBe(3);
      expect(L.now).toBeLessThan(5);
    });
  });

  it('#17 close() with unread data resets; data for an orphan is answered with a reset', () => {
    scenario(function* (L) {
      const { a, b } = yield* L.connect();
      yield* b.send('unread');
      yield* L.sleep(0.1);
      yield* a.close();
      yield* L.sleep(0.1);
      expect(yield* text(b)).toBe('ECONNRESET');
    });
    scenario(function* (L) {
      const { a, b } = yield* L.connect();
      yield* a.close();
      yield* L.sleep(0.1);
      yield* b.send('for nobody');
      yield* L.sleep(0.1);
      expect(errorName((yield* b.send('again')).error)).toBe('EPIPE');
      expect(states(L, 'A')).toEqual([]);
    });
  });

  it('#18 close() that races connect() leaves nothing behind on either side', () => {
    for (const wait of [0, 0.0002, 0.0003, 0.0005, 0.00051, 0.0007, 0.0008, 0.001])
      scenario(function* (L) {
        const ls = yield* L.B.listen(5000);
        const a = yield* L.A.socket();
        a.setblocking(false);
        yield* a.connect(B, 5000);
        yield* L.sleep(wait);
        yield* a.close();
        yield* L.sleep(1);
        ls.setblocking(false);
        const o = yield* ls.accept();
        if (o.error === 0) {
          expect(['', 'ECONNRESET']).toContain(yield* text(o.sock));
          yield* o.sock.close();
        }
        yield* L.sleep(70);
        expect([...states(L, 'A'), ...states(L, 'B')]).toEqual([]);
      });
  });

  it('#19 a reset goes to the handshake that it is meant for, whoever else listens', () => {
    scenario(function* (L) {
      const r = new Raw(L);
      for (let i = 0; i < 2; i++) {
        const ls = yield* L.A.socket();
        yield* ls.set(SOL_SOCKET, SO_REUSEPORT, 1);
        yield* ls.bind(A, 80);
        yield* ls.listen(5);
      }
      r.dport = 80;
      for (r.sport = 4000; r.sport < 4008; r.sport++) {
        yield* r.send('S', 100, 0, { options: options({ mss: 1460 }) });
        yield* r.wait(p => p.S);
        expect(states(L, 'A')).toEqual(['SYN-RECV']);
        yield* r.send('R', 101, 0);
        expect(states(L, 'A')).toEqual([]);
      }
      expect(L.A.ss()).toHaveLength(2);
    });
  });

  it('#21 a bare SYN in SYN_SENT is a simultaneous open', () => {
    scenario(function* (L) {
      const r = new Raw(L);
      const a = yield* L.A.socket();
      a.setblocking(false);
      yield* a.connect(B, 5000);
      const syn = yield* r.wait(p => p.S);
      [r.sport, r.dport] = [5000, syn.sport];
      yield* r.send('S', 300, 0, { options: options({ mss: 1460 }) });
      expect((yield* r.wait()).A).toBe(true);
      yield* r.send('.', 301, syn.seq + 1);
      expect(states(L, 'A')).toEqual(['ESTAB']);
      expect((yield* a.connect(B, 5000)).error).toBe(0);
    });
  });
}
