import { describe, expect, test } from 'vitest';
import { type Conn, Lab } from '../kit.ts';
import { ack, CWR_STATE, MSS, OPEN, RECOVERY, ROUND, sender, sent, timeout, write } from './kit.ts';

const ECN = 8;
const ECN_SEEN = 16;
const NOT_ECT = 0;
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;

/** A host that has let in a peer whose SYN said so. */
function asked(
  tcp_ecn: number,
  synFlags: string,
  tos = 0,
  family: 4 | 6 = 4,
): { synAck: string; ecn: boolean } {
  const lab = new Lab({ sysctl: { tcp_ecn }, family });
  const listener = lab.listen();
  const c = lab.peer({});
  c.say(`S${synFlags}`, { seq: 0, options: c.synOptions, tos });
  const synAck = c.take().flags;
  c.say('.');
  c.fd = lab.accept(listener);
  return { synAck, ecn: (c.info().options & ECN) !== 0 };
}

/** A connection that the host has opened with ECN, and its peer agreed. */
const marking = (sysctl: Record<string, string | number> = {}): Conn =>
  sender({ sysctl: { tcp_ecn: 1, tcp_congestion_control: 'reno', ...sysctl }, peer: { synFlags: 'E' } });

describe('ECN: opening (RFC 3168 §6.1.1)', () => {
  test.each([4, 6] as const)(
    'the server, IPv%d: what a SYN asks for, and what tcp_ecn lets it have',
    family => {
      const rows: [tcp_ecn: number, syn: string, tos: number, synAck: string][] = [
        [0, 'EW', 0, 'S.'],
        [1, 'EW', 0, 'SE.'],
        [2, 'EW', 0, 'SE.'],
        // Either flag alone asks for nothing.
        [2, 'E', 0, 'S.'],
        [2, 'W', 0, 'S.'],
        [2, '', 0, 'S.'],
        // A SYN must not be ECT …
        [2, 'EW', ECT_0, 'S.'],
        [2, 'EW', CE, 'S.'],
        // … but one that offers accurate ECN (RFC 9768: AE too) may; it is offered the classic kind.
        [2, 'EWA', 0, 'SE.'],
        [2, 'EWA', ECT_0, 'SE.'],
        [0, 'EWA', 0, 'S.'],
      ];
      for (const [tcp_ecn, syn, tos, synAck] of rows)
        expect(asked(tcp_ecn, syn, tos, family), `${tcp_ecn} S${syn} ${tos}`).toEqual({
          synAck,
          ecn: synAck.includes('E'),
        });
    },
  );

  test('the client: only ECE without CWR agrees; a SYN-ACK that reflects both flags is that of a broken host', () => {
    const rows: [synAck: string, ecn: boolean][] = [
      ['E', true],
      ['', false],
      ['EW', false],
      ['W', false],
    ];
    for (const [synFlags, ecn] of rows) {
      const c = sender({ sysctl: { tcp_ecn: 1 }, peer: { synFlags } });
      expect((c.info().options & ECN) !== 0, synFlags).toBe(ecn);
      write(c, 1);
      expect(c.take().tos & 3).toBe(ecn ? ECT_0 : NOT_ECT);
    }
  });

  test('the client: whoever did not ask gets none, whatever the SYN-ACK says', () => {
    for (const tcp_ecn of [0, 2]) {
      const c = sender({ sysctl: { tcp_ecn }, peer: { synFlags: 'E' } });
      expect(c.lab.all[0]!.flags).toBe('S');
      expect(c.info().options & ECN).toBe(0);
    }
  });

  test('§6.1.1.1: a SYN that is not answered is repeated without asking (tcp_ecn_fallback)', () => {
    for (const [tcp_ecn_fallback, second] of [
      [1, 'S'],
      [0, 'SEW'],
    ] as const) {
      const lab = new Lab({ sysctl: { tcp_ecn: 1, tcp_ecn_fallback } });
      lab.dialled();
      lab.run(1.5);
      expect(lab.all.map(s => s.flags)).toEqual(['SEW', second]);
    }
  });

  test('with cookies: the timestamp keeps what was agreed upon', () => {
    const lab = new Lab({ sysctl: { tcp_ecn: 2, tcp_syncookies: 2 } });
    const listener = lab.listen();
    const c = lab.peer({ timestamps: true, sackOk: true, synFlags: 'EW' });
    c.knock();
    expect(c.take().flags).toBe('SE.');
    c.say('.');
    c.fd = lab.accept(listener);
    expect(c.info().options & ECN).toBe(ECN);
  });
});

describe('ECN: the sender (RFC 3168 §6.1.2)', () => {
  test('an ECE reduces the window as a loss would, without a repetition; the next new data says CWR, once', () => {
    const c = marking();
    write(c, 10);
    sent(c);
    c.lab.run(ROUND);
    ack(c, 1, [], 'E.');
    expect(c.info()).toMatchObject({ ca_state: CWR_STATE, snd_ssthresh: 5, retrans: 0, lost: 0 });
    for (let n = 2; n <= 10; n++) ack(c, n, [], 'E.');
    expect(c.info(), 'once in a window').toMatchObject({ snd_ssthresh: 5 });
    write(c, 3);
    const news = c.heard().filter(h => h.data.length > 0);
    expect(news.map(h => h.flags.includes('W'))).toEqual([true, ...news.slice(1).map(() => false)]);
    ack(c, 13);
    expect(c.info()).toMatchObject({ ca_state: OPEN, snd_cwnd: 5, total_retrans: 0, delivered_ce: 10 });
  });

  test('what is marked in the next window reduces again', () => {
    const c = marking();
    write(c, 10);
    sent(c);
    c.lab.run(ROUND);
    for (let n = 1; n <= 10; n++) ack(c, n, [], 'E.');
    write(c, 4);
    sent(c);
    c.lab.run(ROUND);
    ack(c, 11);
    expect(c.info()).toMatchObject({ ca_state: OPEN, snd_ssthresh: 5 });
    ack(c, 12, [], 'E.');
    expect(c.info().ca_state).toBe(CWR_STATE);
    expect(c.info().snd_ssthresh).toBeLessThan(5);
  });

  test('a loss in a window that was reduced for a mark reduces no further', () => {
    const c = marking();
    write(c, 10);
    sent(c);
    c.lab.run(ROUND);
    ack(c, 1, [], 'E.');
    ack(c, 1, [[2, 5]], 'E.');
    expect(sent(c)).toContain(1);
    expect(c.info()).toMatchObject({ ca_state: RECOVERY, snd_ssthresh: 5 });
  });

  test('CUBIC’s answer to a mark is its answer to a loss: 0.7', () => {
    const c = marking({ tcp_congestion_control: 'cubic' });
    write(c, 10);
    sent(c);
    c.lab.run(ROUND);
    ack(c, 1, [], 'E.');
    expect(c.info().snd_ssthresh).toBe(7);
  });

  test('whoever did not agree hears no ECE', () => {
    const c = sender({ sysctl: { tcp_ecn: 1 } });
    write(c, 10);
    sent(c);
    ack(c, 1, [], 'E.');
    expect(c.info()).toMatchObject({ ca_state: OPEN, delivered_ce: 0 });
  });
});

describe('ECN: the receiver (RFC 3168 §6.1.3)', () => {
  const receiver = (): Conn => new Lab().accepted({ synFlags: 'EW', sackOk: true, mss: MSS });
  const echoed = (c: Conn): boolean[] => c.heard().map(h => h.flags.includes('E'));

  test('from the first CE on every ACK has ECE, until CWR; a CE with the CWR begins anew', () => {
    const c = receiver();
    c.say('P.', { data: MSS, tos: ECT_0 });
    c.say('P.', { data: MSS, tos: CE });
    c.say('P.', { data: MSS, tos: ECT_0 });
    c.say('P.', { data: MSS, tos: ECT_0 });
    expect(echoed(c)).toEqual([false, true, true, true]);
    c.say('PW.', { data: MSS, tos: ECT_0 });
    c.say('P.', { data: MSS, tos: ECT_0 });
    expect(echoed(c)).toEqual([false, false]);
    c.say('P.', { data: MSS, tos: CE });
    c.say('PW.', { data: MSS, tos: CE });
    expect(echoed(c), 'a mark on the very segment that says CWR is another').toEqual([true, true]);
    expect(c.info().options & ECN_SEEN).toBe(ECN_SEEN);
  });

  test('data of ours has it too, and CE out of order counts', () => {
    const c = receiver();
    c.say('.', { seq: 1 + MSS, data: MSS, tos: CE });
    expect(echoed(c)).toEqual([true]);
    c.send('answer');
    expect(c.take().flags).toContain('E');
  });

  test('ECT(1) is taken as ECT(0) is (RFC 8311)', () => {
    const c = receiver();
    c.say('P.', { data: MSS, tos: ECT_1 });
    expect(echoed(c)).toEqual([false]);
    expect(c.info().options & ECN_SEEN).toBe(ECN_SEEN);
  });

  test('a mark on a segment that is not acceptable says nothing', () => {
    const c = receiver();
    c.say('P.', { data: MSS, tos: ECT_0 });
    c.heard();
    c.say('P.', { seq: 1, data: MSS, tos: CE });
    expect(echoed(c)).toEqual([false]);
  });
});

describe('ECN: what is not ECT (RFC 3168 §6.1.4 to 6.1.6)', () => {
  const marks = (c: Conn, from: number): [string, number][] =>
    c.lab.all.slice(from).map(h => [h.data.length > 0 ? 'data' : h.flags, h.tos & 3]);

  test('§6.1.5: repetitions, after a timeout and in fast recovery', () => {
    const c = marking({ tcp_early_retrans: 0 });
    write(c, 10);
    const n = c.lab.all.length;
    expect(c.lab.all.at(-1)!.tos & 3).toBe(ECT_0);
    sent(c);
    ack(c, 0, [[1, 4]]);
    c.lab.run(0.03);
    expect(sent(c)).toEqual([0]);
    timeout(c);
    expect(marks(c, n).every(([, mark]) => mark === NOT_ECT)).toBe(true);
    expect(marks(c, n).length).toBeGreaterThanOrEqual(2);
  });

  test('§6.1.4, §6.1.6: pure ACKs, window probes and keep-alives; SYN, FIN alone and RST', () => {
    const c = marking();
    c.say('P.', { data: 10 });
    c.heard();
    c.window = 0;
    c.say('.');
    c.send('x'.repeat(100));
    c.lab.run(2);
    expect(c.heard().length).toBeGreaterThan(0);
    c.window = 1000;
    c.say('.');
    expect(c.take().tos & 3, 'the data that waited').toBe(ECT_0);
    c.close();
    c.say('R.');
    expect(c.lab.all.filter(h => h.data.length === 0).every(h => (h.tos & 3) === NOT_ECT)).toBe(true);
  });

  test('IP_TOS sets the other six bits and never these two', () => {
    const c = marking();
    c.set(0, 1, 0xff);
    write(c, 1);
    expect(c.take().tos).toBe(0xfc | ECT_0);
  });
});
