import { describe, expect, test } from 'vitest';
import { EADDRNOTAVAIL, EAGAIN, ECONNREFUSED, EINVAL } from '../../src/base/errno.ts';
import { MSG_OOB, SIOCATMARK } from '../../src/socket/constants.ts';
import { alive, craft, everything, fill, footprint, Lab, respoil, spoof, text, withOptions } from './kit.ts';

/** An ACK with this option in front of timestamps-free payload. */
const MSS = [2, 4, 5, 180];

describe('attack 46: data offset', () => {
  test('attack 46: below five words or beyond the segment: dropped before anything else is read', () => {
    const c = new Lab().accepted();
    for (const words of [0, 1, 2, 3, 4, 6, 15]) {
      for (const flags of ['.', 'R', 'S', 'F.']) {
        c.lab.inject(
          respoil(craft(c, flags), tcp => {
            tcp[12] = (words << 4) | (tcp[12]! & 15);
          }),
        );
      }
    }
    expect(c.lines()).toEqual([]);
    expect(c.lab.mib.TcpInErrs).toBe(28);
    alive(c);
  });
});

describe('attack 47: the IP length lies', () => {
  const lie = (datagram: Uint8Array, total: number): Uint8Array =>
    respoil(
      datagram,
      () => {},
      ip => {
        ip[2] = total >> 8;
        ip[3] = total;
      },
    );

  test('attack 47: shorter than its headers or longer than the frame: dropped', () => {
    const c = new Lab().accepted();
    for (const total of [0, 19, 20, 39, 45, 1500, 65_535])
      c.lab.inject(lie(craft(c, 'P.', { data: '1234' }), total));
    expect(c.lines()).toEqual([]);
    expect(c.recv(10)).toBe(-EAGAIN);
    alive(c);
  });

  test('attack 47: trailing bytes of the link are no data', () => {
    const c = new Lab().accepted();
    const padded = new Uint8Array(60);
    padded.set(craft(c, 'P.', { data: 'real' }));
    c.lab.inject(padded);
    expect(text(c.recv(100))).toBe('real');
    c.seq += 4;
    alive(c);
  });
});

describe('attacks 48 to 51: options', () => {
  const bad: Record<string, number[]> = {
    'length 0': [99, 0, 0, 0],
    'length 1': [99, 1, 0, 0],
    'past the end': [99, 40, 0, 0],
    'kind without length': [1, 1, 1, 99],
    'MSS of length 3': [2, 3, 5, 0],
    'MSS of length 2': [2, 2, 1, 1],
    'SACK of odd length': [5, 11, 0, 0, 0, 1, 0, 0, 0, 2, 7, 0],
    'SACK of length 2': [5, 2, 1, 1],
    'timestamps of length 8': [8, 8, 0, 0, 0, 1, 0, 0],
    'window scale of length 2': [3, 2, 1, 1],
    repeated: [...MSS, ...MSS, ...MSS],
    'after the end of the list': [0, ...MSS, 1, 1, 1],
    '40 no-operations': new Array<number>(40).fill(1),
    'unknown kinds': [253, 4, 1, 2, 254, 4, 3, 4, 77, 2, 1, 1],
    'window scale and SACK permitted': [3, 3, 14, 1, 4, 2, 1, 1],
  };

  for (const [name, options] of Object.entries(bad)) {
    test(`attacks 48, 49: options that are wrong (${name}): no loop, nothing torn down`, () => {
      const lab = new Lab();
      const c = lab.accepted({ sackOk: true });
      for (const flags of ['.', 'P.', 'S', '.EW']) lab.inject(withOptions(c, flags, options));
      expect(c.state()).toBe('ESTABLISHED');
      lab.run(1);
      alive(c);
      // The same on a SYN: an ordinary handshake.
      const d = lab.peer();
      d.say('S', { seq: 0, options: { raw: Uint8Array.from(options) } });
      expect(d.lines()).toEqual(['S. 0:0(0) ack 1']);
    });
  }

  test('attack 50: a window scale beyond 14 is taken as 14; outside a SYN it means nothing', () => {
    const c = new Lab().accepted({ windowScale: 255 });
    expect(c.info().snd_wscale).toBe(14);
    spoof(c, '.', { options: { windowScale: 3, sackOk: true } });
    expect(c.info().snd_wscale).toBe(14);
    c.lab.run(1);
    alive(c);
  });

  test('attack 51: an MSS of 0 is a small one, one of 65535 no larger than the MTU allows', () => {
    for (const [mss, least, most] of [
      [0, 48, 536],
      [65_535, 1460, 1460],
    ] as const) {
      const c = new Lab().accepted({ mss });
      c.feed(20_000);
      const sizes = c.drain().map(h => h.data.length);
      expect(Math.max(...sizes), `MSS ${mss}`).toBeLessThanOrEqual(most);
      expect(Math.max(...sizes)).toBeGreaterThanOrEqual(least);
    }
  });
});

describe('attack 52: urgent pointers', () => {
  for (const urgent of [0, 1, 4, 5, 65_535]) {
    test(`attack 52: pointer ${urgent}: no underflow, ordinary data unharmed`, () => {
      const c = new Lab().accepted();
      c.say('PU.', { data: 'abcd', urgent });
      const out = c.recv(1, MSG_OOB);
      expect(typeof out === 'number' ? [-EINVAL, -EAGAIN].includes(out) : out.length === 1).toBe(true);
      let all = '';
      for (let i = 0; i < 5; i++) {
        const part = c.recv(100);
        if (typeof part === 'number') break;
        all += text(part);
      }
      expect('abcd').toContain(all.slice(0, 1));
      expect(all.length).toBeGreaterThanOrEqual(3);
      c.heard();
      // An announced byte comes with later data.
      c.say('P.', { data: 'efgh' });
      while (typeof c.recv(100) !== 'number');
      expect(c.ioctl(SIOCATMARK)).toBeGreaterThanOrEqual(0);
      expect(c.state()).toBe('ESTABLISHED');
    });
  }

  test('attack 52: without payload, in a SYN, a FIN or a RST, and two marks in flight', () => {
    const lab = new Lab();
    const listener = lab.listen();
    const s = lab.peer();
    s.say('SU', { seq: 0, urgent: 7, options: s.synOptions });
    s.take();
    s.say('U.', { urgent: 3 });
    s.fd = lab.accept(listener);
    s.say('PU.', { data: 'ab', urgent: 2 });
    s.say('PU.', { data: 'cd', urgent: 2 });
    expect(text(s.recv(1, MSG_OOB))).toBe('d');
    expect(s.recv(1, MSG_OOB)).toBe(-EINVAL);
    let all = '';
    for (let part = s.recv(10); typeof part !== 'number'; part = s.recv(10)) all += text(part);
    expect(all).toMatch(/^ab?c$/);
    s.say('FU.', { urgent: 9 });
    expect(s.state()).toBe('CLOSE_WAIT');
    expect(s.recv(10)).toHaveLength(0);
    s.say('RU', { urgent: 1 });
    expect(s.state()).toBe('CLOSED');
  });
});

test('attack 53: a wrong checksum is dropped and counted, with no answer and no change', () => {
  const lab = new Lab();
  const c = lab.accepted();
  const before = footprint(lab);
  for (const flags of ['P.', 'R', 'S', 'F.']) spoof(c, flags, { data: 'x', checksum: 0x1234 });
  const d = lab.peer();
  d.say('S', { seq: 0, checksum: 0xbeef });
  expect(everything(lab)).toEqual([]);
  expect(footprint(lab)).toEqual(before);
  expect(lab.mib.TcpInCsumErrors).toBe(5);
  alive(c);
});

test('attack 54: reserved bits and ECN flags out of place are ignored', () => {
  const c = new Lab().accepted();
  c.lab.inject(
    respoil(craft(c, 'P.EW', { data: 'junk' }), tcp => {
      tcp[12] = tcp[12]! | 0x0f;
    }),
  );
  expect(text(c.recv(10))).toBe('junk');
  c.seq += 4;
  alive(c);
});

describe('attack 55: sequence wrap', () => {
  for (const isn of [-1, -3, 0x7fffffff, -0x80000000, 0xfffffff0]) {
    test(`attack 55: data, SACK and windows across the wrap of ${isn >>> 0}`, () => {
      const lab = new Lab();
      const c = lab.accepted({ isn, sackOk: true });
      spoof(c, 'P.', { seq: 5, data: 'efgh' });
      expect(c.heard().at(-1)?.sack).toEqual([[5, 9]]);
      c.say('P.', { seq: 1, data: 'abcd' });
      c.seq = 9;
      expect(c.heard().at(-1)?.ack).toBe(9);
      expect(text(c.recv(10))).toBe('abcdefgh');
      spoof(c, 'R', { seq: 20 });
      spoof(c, 'P.', { seq: -100, data: 'old' });
      lab.run(1);
      alive(c);
      c.close();
      c.drain();
      c.say('F.');
      expect(c.state()).toBe('TIME_WAIT');
    });
  }
});

describe('attack 56: sizes', () => {
  test('attack 56: a segment of 64 KiB is taken as far as it fits, one-byte ones and empty ones are fine', () => {
    const lab = new Lab();
    const c = lab.accepted();
    const huge = 65_535 - 40;
    c.say('P.', { data: huge });
    c.lab.run(0.3);
    c.seq = c.heard().at(-1)?.ack ?? 1;
    expect(c.seq).toBeGreaterThan(1);
    expect(c.readAll()).toEqual(fill(c.seq - 1));
    for (let i = 0; i < 300; i++) c.say('P.', { data: 1 });
    expect(c.readAll()).toHaveLength(300);
    for (const flags of ['P.', 'U.', '.']) spoof(c, flags, { urgent: 1 });
    while (typeof c.recv(10) !== 'number');
    spoof(c, 'F.', { seq: 200_000, data: 1000 });
    expect(c.state()).toBe('ESTABLISHED');
    const { blocks } = footprint(lab);
    expect(blocks).toBeLessThanOrEqual(1);
    c.say('F.');
    expect(c.state()).toBe('CLOSE_WAIT');
  });
});

describe('attack 57: port 0', () => {
  test('attack 57: as a source or destination it crashes nobody and finds no listener', () => {
    const lab = new Lab();
    lab.listen();
    lab.peer({ port: 0 }, 0).say('S', { seq: 0 });
    expect(everything(lab).map(h => h.flags)).toEqual(['R.']);
    lab.peer({ port: 5 }, 0).say('.', { seq: 0 });
    everything(lab);
    expect(footprint(lab)['requests']).toBe(0);
  });

  test('attack 57: connecting to it is tried as any port is, and refused', () => {
    const lab = new Lab();
    const fd = lab.socket();
    const r = lab.connect(fd, lab.peerAddress, 0);
    if (r === -EADDRNOTAVAIL || r === -ECONNREFUSED) return;
    const [syn] = everything(lab);
    expect(syn).toMatchObject({ flags: 'S', destinationPort: 0 });
    const c = lab.peer({ port: 0 }, syn!.sourcePort);
    c.fd = fd;
    c.hostIsn = syn!.seq;
    c.say('R.', { seq: 0, ack: 1 });
    expect(c.error()).toBe(ECONNREFUSED);
  });
});
