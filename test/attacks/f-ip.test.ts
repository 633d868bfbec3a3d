import { describe, expect, test } from 'vitest';
import { EAGAIN } from '../../src/base/errno.ts';
import { buildDatagram, toAddress } from '../../src/sim/build.ts';
import { checksum } from '../../src/wire/checksum.ts';
import { piece, piece6, withExtensions, withIpOptions } from './fragments.ts';
import { alive, type Conn, craft, everything, fill, Lab, text } from './kit.ts';

/** Data for the connection that is 40 bytes of TCP: header and `fill(20)`. */
const datagram = (c: Conn): Uint8Array => craft(c, 'P.', { data: 20 });

describe('attack 62: overlapping fragments', () => {
  test('attack 62: an overlap kills its datagram, in both families; so do lengths that make no sense', () => {
    for (const family of [4, 6] as const) {
      const c = new Lab({ family }).accepted();
      const whole = datagram(c);
      const payload = whole.subarray(family === 4 ? 20 : 40);
      const cut = family === 4 ? piece : piece6;
      const send = (id: number, offset: number, to: number, more: boolean): void =>
        c.lab.inject(cut(whole, id, offset, payload.subarray(offset, to), more));
      send(1, 0, 24, true);
      send(1, 16, 40, false);
      send(2, 16, 40, false);
      send(2, 0, 24, true);
      send(3, 0, 40, true);
      send(3, 8, 16, true);
      send(3, 24, 24, false);
      send(4, 8, 16, true);
      send(4, 8, 24, true);
      send(4, 0, 8, true);
      send(4, 24, 40, false);
      expect(c.recv(100), `IPv${family}`).toBe(-EAGAIN);
      // The honest pieces of another make it whole.
      send(5, 16, 40, false);
      send(5, 0, 16, true);
      expect(c.recv(100)).toHaveLength(20);
      c.seq += 20;
      c.lab.run(61);
      c.lab.datagrams.length = 0;
      alive(c);
    }
  });
});

test('attack 63: ping of death: pieces that add up to more than 65535 bytes are dropped', () => {
  const c = new Lab().accepted();
  const echo = new Uint8Array(1480);
  const base = buildDatagram(toAddress(c.lab.peerAddress), toAddress(c.lab.hostAddress), 1, echo);
  for (let offset = 0; offset < 65_528; offset += 1480) c.lab.inject(piece(base, 9, offset, echo, true));
  c.lab.inject(piece(base, 9, 65_528, echo, false));
  c.lab.inject(piece(base, 10, 65_528, echo.subarray(0, 100), false));
  expect(c.lab.datagrams).toEqual([]);
  alive(c);
});

test('attack 64: FragmentSmack: endless pieces without a first one: memory has a cap, time an end, work a bound', () => {
  const lab = new Lab({ sysctl: { ipfrag_high_thresh: 200_000 } });
  const c = lab.accepted();
  const base = datagram(c);
  const begun = performance.now();
  for (let i = 0; i < 30_000; i++) {
    lab.inject(piece(base, i % 7, 8 + 8 * ((i * 2) % 8000), fill(8), true));
    if (i % 1000 === 0) lab.world.log.length = 0;
  }
  for (let i = 0; i < 5000; i++) lab.inject(piece(base, 1000 + i, 8, fill(1000), true));
  lab.world.log.length = 0;
  expect(performance.now() - begun).toBeLessThan(20_000);
  expect(lab.host.stack.mib.drops.get('fragment-limit')).toBeGreaterThan(0);
  lab.run(65);
  expect(lab.host.deadline()).toBe(Number.POSITIVE_INFINITY);
  lab.datagrams.length = 0;
  alive(c);
});

test('attack 65: tiny fragments: the TCP header is read only when the datagram is whole, and nothing overwrites flags', () => {
  const c = new Lab().accepted();
  const data = datagram(c).subarray(20);
  const base = datagram(c);
  const evil = craft(c, 'R', { seq: 1 }).subarray(20);
  // Offset 8 holds the flags: a second version of it kills the datagram.
  c.lab.inject(piece(base, 1, 0, data.subarray(0, 8), true));
  c.lab.inject(piece(base, 1, 8, data.subarray(8, 40), false));
  expect(c.recv(100)).toHaveLength(20);
  c.seq += 20;
  const next = datagram(c).subarray(20);
  c.lab.inject(piece(base, 2, 0, next.subarray(0, 16), true));
  c.lab.inject(piece(base, 2, 8, evil.subarray(8, 16), true));
  c.lab.inject(piece(base, 2, 16, next.subarray(16), false));
  expect(c.recv(100)).toBe(-EAGAIN);
  expect(c.state()).toBe('ESTABLISHED');
  c.heard();
  const six = new Lab({ family: 6 }).accepted();
  // RFC 6946: a fragment that is the whole is no fragment.
  six.lab.inject(piece6(datagram(six), 3, 0, datagram(six).subarray(40), false));
  expect(six.recv(100)).toHaveLength(20);
  alive(c);
});

describe('attack 66: IP options', () => {
  test('attack 66: source routes are refused; broken options are dropped; the rest is passed over', () => {
    const c = new Lab().accepted();
    const routes = [
      [131, 7, 4, 10, 9, 0, 9, 0],
      [137, 7, 4, 10, 9, 0, 9, 0],
    ];
    const broken = [
      [7, 0, 4, 0],
      [7, 1, 4, 0],
      [7, 40, 4, 0],
      [68, 3, 5, 0],
      [131, 3, 0, 0],
      [7, 7, 2, 0, 0, 0, 0, 0],
    ];
    for (const options of [...routes, ...broken]) c.lab.inject(withIpOptions(datagram(c), options));
    expect(c.recv(100)).toBe(-EAGAIN);
    const fine = [
      [1, 1, 1, 0],
      [7, 7, 8, 1, 2, 3, 4, 0],
      [68, 8, 9, 0x00, 1, 2, 3, 4],
      [148, 4, 0, 0],
    ];
    for (const options of fine) {
      c.lab.inject(withIpOptions(craft(c, 'P.', { data: 'okay' }), options));
      expect(text(c.recv(100)), String(options)).toBe('okay');
      c.seq += 4;
    }
    c.heard();
    alive(c);
  });

  test('attack 66: an echo request with full options gets a reply that is no longer than it should be', () => {
    const lab = new Lab();
    const message = Uint8Array.from([8, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4]);
    const sum = checksum(message, 0, message.length);
    message[2] = sum >> 8;
    message[3] = sum;
    const base = buildDatagram(toAddress(lab.peerAddress), toAddress(lab.hostAddress), 1, message);
    lab.inject(withIpOptions(base, [7, 39, 40, ...fill(36), 0]));
    for (const reply of lab.datagrams) {
      expect(reply.length).toBeLessThanOrEqual(20 + 40 + message.length);
      expect(reply.length).toBe((reply[2]! << 8) | reply[3]!);
    }
    expect(lab.datagrams.length).toBeLessThanOrEqual(1);
  });
});

describe('attack 67: IPv6 extension headers', () => {
  const skip = [0, 0, 1, 4, 0, 0, 0, 0];

  test('attack 67: hop-by-hop not first, routing type 0, a hundred headers, lengths that lie: refused', () => {
    const lab = new Lab({ family: 6 });
    const c = lab.accepted();
    const bad: (readonly (readonly [number, readonly number[]])[])[] = [
      [
        [60, skip],
        [0, skip],
      ],
      [[43, [0, 2, 0, 1, 0, 0, 0, 0, ...new Array<number>(16).fill(9)]]],
      new Array<readonly [number, readonly number[]]>(100).fill([60, skip]),
      [[60, [0, 255, 1, 4, 0, 0, 0, 0]]],
      [[60, [0, 0, 1, 200, 0, 0, 0, 0]]],
      [[0, [0, 0, 0xc2, 4, 0, 1, 0, 0]]],
      [[60, [0, 0, 0x80, 4, 0, 0, 0, 0]]],
    ];
    for (const headers of bad) lab.inject(withExtensions(datagram(c), headers));
    expect(c.recv(100)).toBe(-EAGAIN);
    // Answers are few, and every one a parameter problem.
    for (const d of lab.datagrams) expect(d[40]).toBe(4);
    expect(lab.datagrams.length).toBeLessThanOrEqual(bad.length);
    lab.inject(withExtensions(datagram(c), [[60, skip]]));
    expect(c.recv(100)).toHaveLength(20);
    c.seq += 20;
    alive(c);
  });

  test('attack 67: an unknown header is answered by a parameter problem', () => {
    const lab = new Lab({ family: 6 });
    const c = lab.accepted();
    lab.inject(withExtensions(datagram(c), [[253, skip]]));
    expect(lab.datagrams.map(d => [d[40], d[41]])).toEqual([[4, 1]]);
    alive(c);
  });
});

test('attack 68: ICMP errors that quote too little, or a broken header, are ignored', () => {
  const c = new Lab().accepted();
  c.send('x');
  const { datagram: sent } = c.take();
  const cuts = [0, 1, 8, 19, 20, 21, 27];
  for (const n of cuts) c.lab.icmp(3, 3, sent.subarray(0, n));
  const broken = sent.slice();
  broken[0] = 0x4f;
  c.lab.icmp(3, 3, broken);
  broken[0] = 0x41;
  c.lab.icmp(3, 3, broken);
  expect(c.error()).toBe(0);
  c.drain();
  c.say('.');
  alive(c);
});

test('attack 69: martians: from nobody, from loopback, from ourselves, from groups: never answered', () => {
  const lab = new Lab();
  lab.listen();
  const c = lab.accepted();
  for (const source of [
    '0.0.0.0',
    '127.0.0.1',
    '127.1.2.3',
    lab.hostAddress,
    '224.0.0.5',
    '10.9.0.255',
    '255.255.255.255',
  ]) {
    for (const flags of ['S', '.', 'P.']) lab.peer().say(flags, { seq: 0, source, data: 'x' });
  }
  expect(everything(lab)).toEqual([]);
  expect(lab.datagrams).toEqual([]);
  const six = new Lab({ family: 6 });
  six.listen();
  for (const source of ['::', '::1', six.hostAddress, 'ff02::1', '::ffff:10.0.0.1']) {
    try {
      six.peer().say('S', { seq: 0, source });
    } catch (error) {
      // A mapped address has no IPv6 form here.
      expect(String(error)).toMatch(/address|IPv4|IPv6/i);
    }
  }
  expect(everything(six)).toEqual([]);
  alive(c);
});
