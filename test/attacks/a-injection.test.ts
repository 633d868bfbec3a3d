import { describe, expect, test } from 'vitest';
import { EAGAIN, ECONNREFUSED, ECONNRESET, EHOSTUNREACH } from '../../src/base/errno.ts';
import { alive, type Conn, craft, footprint, Lab, respoil, spoof, text } from './kit.ts';

const CHALLENGE = ['. 1:1(0) ack 1'];
/** Longer than `tcp_invalid_ratelimit`. */
const LIMIT = 0.6;

describe('attack 1: blind RST', () => {
  test('attack 1: in the window but not at RCV.NXT, it draws one challenge ACK and the connection lives', () => {
    const c = new Lab().accepted();
    const before = footprint(c.lab);
    for (const seq of [2, 1000, 30_000, 60_000]) {
      spoof(c, 'R', { seq });
      expect(c.lines()).toEqual(CHALLENGE);
      spoof(c, 'R', { seq: seq + 1 });
      spoof(c, 'R.', { seq: seq + 2 });
      expect(c.lines(), 'within half a second no other').toEqual([]);
      c.lab.run(LIMIT);
    }
    expect(footprint(c.lab)).toEqual(before);
    alive(c);
  });

  test('attack 1: outside the window it is dropped without a word', () => {
    const c = new Lab().accepted();
    for (const seq of [-1, -70_000, 200_000, 2 ** 31]) {
      spoof(c, 'R', { seq });
      spoof(c, 'R.', { seq });
      expect(c.lines()).toEqual([]);
    }
    alive(c);
  });

  test('attack 1: at RCV.NXT it resets', () => {
    const c = new Lab().accepted();
    c.say('R', { seq: 1 });
    expect(c.state()).toBe('CLOSED');
    expect(c.recv(10)).toBe(-ECONNRESET);
    expect(footprint(c.lab)).toMatchObject({ connections: 0, timers: 0, blocks: 0 });
  });

  test('attack 1: after a FIN also at RCV.NXT − 1, and with SACK at the right edge of the highest block', () => {
    const lab = new Lab();
    const closing = lab.accepted();
    closing.say('F.');
    closing.heard();
    spoof(closing, 'R', { seq: 1 });
    expect(closing.state()).toBe('CLOSED');
    const holed = lab.accepted({ sackOk: true });
    spoof(holed, 'P.', { seq: 11, data: '0123456789' });
    holed.heard();
    spoof(holed, 'R', { seq: 15 });
    expect(holed.state()).toBe('ESTABLISHED');
    spoof(holed, 'R', { seq: 21 });
    expect(holed.state()).toBe('CLOSED');
  });
});

test('attack 2: blind SYN, whatever its number: a challenge ACK, no reset, no data lost', () => {
  const c = new Lab().accepted();
  for (const seq of [0, 1, 5000, -5000, 2 ** 31 - 1]) {
    spoof(c, 'S', { seq });
    expect(c.lines()).toEqual(CHALLENGE);
    spoof(c, 'S.', { seq });
    expect(c.lines()).toEqual([]);
    c.lab.run(LIMIT);
  }
  alive(c);
});

test('attack 3: blind data injection: with an ACK that is too old or too new the payload reaches nobody', () => {
  const c = new Lab().accepted();
  c.send('hello');
  c.drain();
  for (const ack of [-70_000, -500_000, 7, 1000, 2 ** 30]) {
    spoof(c, 'P.', { ack, data: 'INJECTED' });
    expect(c.heard(), `ack ${ack}`).toMatchObject([{ seq: 6, ack: 1, data: new Uint8Array(0) }]);
    expect(c.recv(100)).toBe(-EAGAIN);
    c.lab.run(LIMIT);
  }
  alive(c);
});

test('attack 4: ghost ACK: an ACK just below the ISS acknowledges bytes that were never sent', () => {
  const c = new Lab().accepted();
  c.send('hi');
  c.drain();
  for (const ack of [-1, -10, -1000, -60_000]) {
    spoof(c, 'P.', { ack, data: 'GHOST' });
    expect(c.recv(100), `ack ${ack}`).toBe(-EAGAIN);
    c.lab.run(LIMIT);
  }
  alive(c);
});

test('attack 5: challenge ACK counter: a burst on one connection takes nothing away from another', () => {
  const lab = new Lab();
  const victim = lab.accepted();
  const mine = lab.accepted();
  for (let i = 0; i < 300; i++) spoof(victim, 'R', { seq: 100 + i });
  expect(victim.heard()).toHaveLength(1);
  for (let n = 0; n < 2; n++) {
    spoof(mine, 'R', { seq: 100 });
    expect(mine.heard()).toHaveLength(1);
    lab.run(LIMIT);
  }
  alive(victim);
});

test('attack 6: ACK storm: replies that are fed back a hundred times die out', () => {
  const c = new Lab().accepted();
  spoof(c, 'P.', { seq: 1, ack: 5000, data: 'future' });
  let replies = c.heard().length;
  expect(replies).toBe(1);
  for (let i = 0; i < 100; i++) {
    // The other end of the storm acknowledges what was never sent, from where it thinks it stands.
    spoof(c, '.', { seq: 300_000, ack: 5000 });
    spoof(c, '.', { seq: 1, ack: 5000 });
    replies += c.heard().length;
  }
  expect(replies).toBeLessThanOrEqual(2);
  alive(c);
});

describe('attack 7: ICMP hard errors', () => {
  /** The host's last segment as a router would quote it, its sequence number moved. */
  const quote = (datagram: Uint8Array, by = 0): Uint8Array =>
    respoil(datagram, tcp => {
      const v = new DataView(tcp.buffer, tcp.byteOffset);
      v.setInt32(4, (v.getInt32(4) + by) | 0);
    });

  test('attack 7: quoting a wrong number they are ignored', () => {
    const c = new Lab().accepted();
    c.send('data');
    const { datagram } = c.take();
    for (const by of [-1000, -1, 100, 2 ** 31]) c.lab.icmp(3, 3, quote(datagram, by));
    expect(c.error()).toBe(0);
    expect(c.lab.mib.TcpExtOutOfWindowIcmps).toBe(4);
    alive(c);
  });

  test('attack 7: quoting a right one they are told to who asks, and end nothing', () => {
    const c = new Lab().accepted();
    for (const [type, code] of [
      [3, 1],
      [3, 2],
      [3, 3],
      [11, 0],
      [12, 0],
    ] as const) {
      c.send('data');
      c.lab.icmp(type, code, c.take().datagram);
      expect(c.state()).toBe('ESTABLISHED');
      expect(c.error()).toBeGreaterThan(0);
      expect(c.error(), 'once').toBe(0);
      c.drain();
      c.say('.');
    }
    alive(c);
  });

  test('attack 7: in SYN_SENT a matching one ends the attempt, another does not', () => {
    const lab = new Lab();
    const c = lab.dialled();
    const syn = lab.all.find(s => s.flags === 'S')!.datagram;
    lab.icmp(3, 1, quote(syn, 5000));
    expect(c.state()).toBe('SYN_SENT');
    lab.icmp(3, 1, syn);
    expect(c.state()).toBe('CLOSED');
    expect(c.error()).toBe(EHOSTUNREACH);
    const d = lab.dialled();
    lab.icmp(3, 3, lab.all.findLast(s => s.flags === 'S')!.datagram);
    expect(d.error()).toBe(ECONNREFUSED);
  });
});

describe('attack 8: ICMP fragmentation needed', () => {
  const mtuOf = (c: Conn): number => c.info().pmtu;

  test('attack 8: an MTU below the floor is taken as the floor; none is ever raised; it is forgotten in ten minutes', () => {
    const c = new Lab().accepted();
    c.send('x');
    const { datagram } = c.take();
    c.lab.icmp(3, 4, datagram, 9000);
    expect(mtuOf(c)).toBe(1500);
    c.lab.icmp(3, 4, datagram, 68);
    expect(mtuOf(c)).toBe(552);
    c.lab.icmp(3, 4, datagram, 1400);
    expect(mtuOf(c), 'not raised').toBe(552);
    c.drain();
    c.send(5000);
    expect(Math.max(...c.drain().map(h => h.data.length))).toBe(512);
    c.lab.run(601);
    c.send(5000);
    expect(Math.max(...c.drain().map(h => h.data.length)), 'forgotten').toBe(1460);
  });

  test('attack 8: one of MTU 0 is a guess at what old routers meant; a wrong number is ignored', () => {
    const c = new Lab().accepted();
    c.send('x');
    const { datagram } = c.take();
    c.lab.icmp(
      3,
      4,
      respoil(datagram, tcp => tcp.set([1, 2, 3, 4], 4)),
      600,
    );
    expect(mtuOf(c)).toBe(1500);
    c.lab.icmp(3, 4, datagram, 0);
    expect(mtuOf(c)).toBeLessThan(1500);
    expect(mtuOf(c)).toBeGreaterThanOrEqual(552);
    c.drain();
    alive(c);
  });

  test('attack 8: IPv6: no packet too big below 1280 makes it smaller than 1280', () => {
    const c = new Lab({ family: 6 }).accepted();
    c.send('x');
    const { datagram } = c.take();
    c.lab.icmp(2, 0, datagram, 600);
    expect(c.info().pmtu).toBe(1280);
    c.drain();
    alive(c);
  });
});

test('attack 9: ICMP source quench is ignored', () => {
  const c = new Lab().accepted();
  c.send('x');
  const before = c.info().snd_cwnd;
  c.lab.icmp(4, 0, c.take().datagram);
  expect(c.info().snd_cwnd).toBe(before);
  expect(c.error()).toBe(0);
  c.drain();
  alive(c);
});

describe('attack 10: timestamp poisoning', () => {
  const HUGE = 2 ** 30;
  test('attack 10: a huge TSval outside the window, or ahead of what was acknowledged, is not remembered', () => {
    const c = new Lab().accepted({ timestamps: true });
    for (const seq of [-100, 3000, 400_000]) {
      spoof(c, '.', { seq, options: { timestamps: [HUGE, c.echo] } });
      spoof(c, 'P.', { seq: seq + 10, ack: 50_000, data: 'x', options: { timestamps: [HUGE, c.echo] } });
    }
    alive(c);
  });
});

describe('attack 11: PAWS', () => {
  const OLD = 100;
  test('attack 11: data with an old TSval is answered and dropped', () => {
    const c = new Lab().accepted({ timestamps: true });
    spoof(c, 'P.', { data: 'old duplicate', options: { timestamps: [OLD, c.echo] } });
    expect(c.heard()).toHaveLength(1);
    alive(c);
  });

  test('attack 11: a RST is not subject to PAWS', () => {
    const c = new Lab().accepted({ timestamps: true });
    c.say('R', { seq: 1, options: { timestamps: [OLD, 0] } });
    expect(c.state()).toBe('CLOSED');
  });

  test('attack 11: after 24 days of silence the last TSval means nothing', () => {
    const c = new Lab().accepted({ timestamps: true });
    c.lab.run(25 * 86400);
    c.say('P.', { data: 'back', options: { timestamps: [OLD, c.echo] } });
    expect(text(c.recv(100))).toBe('back');
  });
});

test('attack 16: inconsistent retransmission: the first copy of each byte wins, what was delivered never changes', () => {
  const c = new Lab().accepted({ sackOk: true });
  c.say('P.', { seq: 1, data: 'aaaaa' });
  spoof(c, 'P.', { seq: 11, data: 'bbbbb' });
  // Other bytes in the place of those delivered, of those queued, and between.
  spoof(c, 'P.', { seq: 1, data: 'ZZZZZ' });
  spoof(c, 'P.', { seq: 9, data: 'yyYYYYY' });
  spoof(c, 'P.', { seq: 3, data: 'XXXxxxXX' });
  const got = String(text(c.recv(100)));
  expect(got).toHaveLength(15);
  expect(got.slice(0, 5)).toBe('aaaaa');
  expect(got.slice(10)).toBe('bbbbb');
  expect(got).toMatch(/^aaaaaxxx(X|y)(X|y)bbbbb$/);
  c.seq = 16;
  alive(c);
  expect(craft(c, '.')).toHaveLength(40);
});
