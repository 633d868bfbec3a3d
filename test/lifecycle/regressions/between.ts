/** What went wrong between beginning and end. */
import { expect, it } from 'vitest';
import { NEVER } from '../../../src/base/time.ts';
import { filled, options, segment } from '../golden/packet.ts';
import { established, Raw } from '../golden/raw.ts';
import type { Script } from '../golden/stage.ts';
import { ackFromB, first, SO_KEEPALIVE, SO_RCVBUF, SOL_SOCKET } from '../golden/vocabulary.ts';
import { drain, scenario, states, stuffed, text } from '../scenario.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';
const NONE = new Uint8Array(0);
const FOR_EVER = Number.POSITIVE_INFINITY;

export function between(): void {
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
      for (let i = 0, room = 536; i < 20 && room > 0; i++) {
        yield* r.send('P.', r.snd, r.rcv, { data: 'd'.repeat(Math.min(536, room)) });
        yield* L.sleep(0.3);
        const last = r.rx.at(-1)!;
        r.snd = last.ack;
        room = last.win;
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
      const ls = yield* L.A.listen(80);
      const buffer = new Uint8Array(200);
      const who = (i: number): string => `10.9.0.${10 + i}`;
      function* say(i: number, flags: string, seq: number, ack: number): Script {
        const fields = { source: who(i), destination: A, sport: 1000 + i, dport: 80, seq, ack, flags };
        const raw = segment({ ...fields, options: flags === 'S' ? options({ mss: 1460 }) : NONE });
        buffer.set(raw);
        yield* L.inject(L.A, buffer.subarray(0, raw.length));
        buffer.fill(255);
      }
      const told = (): string[] => r.rx.splice(0).map(p => `${p.destination}:${p.dport}`);
      const peers = [1, 2, 3, 4, 5].map(i => `${who(i)}:${1000 + i}`);
      for (const i of [1, 2, 3, 4, 5]) yield* say(i, 'S', 7, 0);
      yield* L.sleep(1.5);
      expect(told().sort()).toEqual([...peers, ...peers].sort());
      // Connections, too, know whom they are with.
      for (const i of [6, 7, 8]) {
        yield* say(i, 'S', 7, 0);
        yield* say(i, '.', 8, (yield* r.wait(p => p.S)).seq + 1);
      }
      for (const _ of [6, 7, 8]) yield* (yield* ls.accepted()).send('x');
      yield* L.sleep(0.01);
      expect(told()).toEqual([6, 7, 8].map(i => `${who(i)}:${1000 + i}`));
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
}
