/**
 * How other TCPs' connections got stuck: each test is named after a report against one of them, by the
 * number it has in regressions.md, and tells in its own words what must happen instead.
 */
import { describe, expect, it } from 'vitest';
import { NEVER } from '../../src/base/time.ts';
import type { Lab, Script } from './golden/lab.ts';
import { filled, options, segment } from './golden/packet.ts';
import { established, Raw } from './golden/raw.ts';
import {
  ackFromB,
  all,
  errorName,
  finFromA,
  first,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SO_REUSEPORT,
  SOL_SOCKET,
  SOL_TCP,
  type Sock,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
} from './golden/vocabulary.ts';
import { drain, scenario, sent, states, text } from './scenario.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';
const FOR_EVER = Number.POSITIVE_INFINITY;

/** A has written until its buffer was full; B, with a small buffer, has not read. */
function* stuffed(L: Lab): Script<{ a: Sock; b: Sock; bytes: number }> {
  const { a, b } = yield* L.connect({ server: s => s.set(SOL_SOCKET, SO_RCVBUF, 4096) });
  a.setblocking(false);
  let bytes = 0;
  for (;;) {
    const o = yield* a.send('z'.repeat(4096));
    if (o.error !== 0) break;
    bytes += Number(o.value);
  }
  yield* L.sleep(1);
  return { a, b, bytes };
}

describe('how other stacks got stuck: ends', () => {
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
});

describe('how other stacks got stuck: beginnings', () => {
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
});

describe('how other stacks got stuck: in between', () => {
  it('#20 an old segment does not change the window', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L);
      yield* r.send('P.', r.snd, r.rcv, { data: 'x', win: 500 });
      r.snd++;
      yield* r.send('.', r.snd - 1, r.rcv, { win: 65535 });
      r.rx.length = 0;
      yield* a.send('y'.repeat(5000));
      yield* L.sleep(0.01);
      expect(r.rx.reduce((n, p) => n + p.length, 0)).toBeLessThanOrEqual(500);
    });
  });

  it('#22 a reset or SYN that is only in the window is challenged, and the connection lives', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L);
      for (const [flags, offset] of [
        ['R', 10],
        ['S', 10],
        ['R.', 1000],
      ] as const) {
        r.rx.length = 0;
        yield* r.send(flags, r.snd + offset, r.rcv);
        const challenge = yield* r.wait();
        expect([challenge.seq, challenge.ack]).toEqual([r.rcv, r.snd]);
        yield* L.sleep(1);
      }
      yield* r.send('P.', r.snd, r.rcv, { data: 'alive' });
      expect(yield* text(a)).toBe('alive');
    });
  });

  it('#23 an old duplicate from a wrapped sequence space is refused by its timestamp', () => {
    scenario(function* (L) {
      const { r, a } = yield* established(L, { ts: true });
      yield* r.send('P.', r.snd, r.rcv, { data: 'new' });
      r.snd += 3;
      yield* r.send('P.', r.snd, r.rcv, { data: 'OLD', ts: [500, r.tsr] });
      yield* r.send('P.', r.snd, r.rcv, { data: 'ok!' });
      expect(yield* text(a)).toBe('newok!');
    });
  });

  it('#24 an empty probe of a zero window is answered', () => {
    scenario(function* (L) {
      const r = new Raw(L);
      const a = yield* L.A.socket();
      yield* a.set(SOL_SOCKET, SO_RCVBUF, 2304);
      yield* r.accept(a);
      for (let i = 0; i < 20; i++) {
        yield* r.send('P.', r.snd, r.rcv, { data: 'd'.repeat(536) });
        yield* L.sleep(0.3);
        const last = r.rx.at(-1)!;
        r.snd = last.ack;
        if (last.win === 0) break;
      }
      expect(r.rx.at(-1)!.win).toBe(0);
      for (const seq of [r.snd - 1, r.snd]) {
        r.rx.length = 0;
        yield* r.send('.', seq, r.rcv);
        if (seq === r.snd) continue;
        expect((yield* r.wait()).ack).toBe(r.snd);
      }
    });
  });

  it('#25 a FIN that comes while the application does not read is kept: it reads everything, and the end', () => {
    scenario(function* (L) {
      const { a, b, bytes } = yield* stuffed(L);
      yield* a.shutdown(1);
      yield* L.sleep(30);
      expect(yield* drain(b)).toBe(bytes);
      yield* b.close();
      yield* L.sleep(0.01);
      expect(yield* text(a)).toBe('');
      yield* a.close();
      yield* L.sleep(61);
      expect([...states(L, 'A'), ...states(L, 'B')]).toEqual([]);
    });
  });

  it('#26 replies go to whom they are for, though the frames they answer were in one buffer used again', () => {
    scenario(function* (L) {
      const r = new Raw(L);
      yield* L.A.listen(80);
      const buffer = new Uint8Array(200);
      for (let i = 1; i <= 5; i++) {
        const source = `10.9.0.${10 + i}`;
        const fields = { source, destination: A, sport: 1000 + i, dport: 80, seq: 7, ack: 0, flags: 'S' };
        const raw = segment({ ...fields, options: options({ mss: 1460 }) });
        buffer.set(raw);
        yield* L.inject(L.A, buffer.subarray(0, raw.length));
        buffer.fill(255);
      }
      yield* L.sleep(1.5);
      const answered = r.rx.filter(p => p.S && p.A).map(p => `${p.destination}:${p.dport}`);
      expect(answered).toHaveLength(10);
      expect(new Set(answered)).toEqual(new Set([1, 2, 3, 4, 5].map(i => `10.9.0.${10 + i}:${1000 + i}`)));
    });
  });

  it('#27 TIME_WAITs hold no connections: two thousand of them leave the table of connections empty', () => {
    scenario(function* (L) {
      const ls = yield* L.B.listen(5000);
      for (let i = 0; i < 2000; i++) {
        const a = yield* L.A.socket();
        yield* a.connect(B, 5000);
        const b = yield* ls.accepted();
        yield* a.close();
        yield* text(b);
        yield* b.close();
      }
      yield* L.sleep(0.1);
      expect([...L.A.sim.stack.tcp.connections()]).toEqual([]);
      expect([...L.A.sim.stack.tcp.timeWaits()]).toHaveLength(2000);
      yield* (yield* L.A.socket()).connect(B, 5000);
      yield* ls.accepted();
    });
  });

  it('#28 closing a stack frees its timers and its connections', () => {
    scenario(function* (L) {
      const { a, b } = yield* L.connect();
      L.policy = first(FOR_EVER, ackFromB);
      yield* a.send(String.fromCharCode(...filled('x', 100)));
      yield* b.set(SOL_SOCKET, SO_KEEPALIVE, 1);
      const dying = yield* L.A.socket();
      dying.setblocking(false);
      yield* dying.connect('10.9.0.77', 1);
      for (const host of [L.A, L.B]) {
        host.sim.crash();
        expect(host.sim.stack.deadline()).toBe(NEVER);
        expect([...host.sim.stack.tcp.connections()]).toEqual([]);
        for (const s of host.socks) s.closed = true;
      }
    });
  });
});
