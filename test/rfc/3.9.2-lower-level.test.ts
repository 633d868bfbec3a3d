import { describe, expect, test } from 'vitest';
import {
  ECONNREFUSED,
  EHOSTUNREACH,
  ENETUNREACH,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
} from '../../src/base/errno.ts';
import { buildIcmp, buildSegment } from '../../src/sim/build.ts';
import { IP_RECVERR, IP_TTL, IPV6_UNICAST_HOPS, SOL_IP, SOL_IPV6 } from '../../src/socket/constants.ts';
import { Lab } from './kit.ts';

describe('time to live', () => {
  test('MUST-49: IP_TTL sets it for a connection, ip_default_ttl for a host', () => {
    const lab = new Lab({ sysctl: { ip_default_ttl: 77 } });
    const c = lab.accepted();
    c.send('x');
    expect(c.take().ttl).toBe(77);
    c.say('.');
    c.set(SOL_IP, IP_TTL, 5);
    c.send('y');
    expect(c.take().ttl).toBe(5);
    expect(new Lab().accepted().lab.all[0]?.ttl).toBe(64);
  });

  test('MUST-49: IPV6_UNICAST_HOPS does for IPv6', () => {
    const c = new Lab({ family: 6 }).accepted();
    c.set(SOL_IPV6, IPV6_UNICAST_HOPS, 9);
    c.send('x');
    expect(c.take().ttl).toBe(9);
  });
});

/** The datagram with IPv4 options put in, a multiple of four bytes. */
function withIpOptions(datagram: Uint8Array, options: readonly number[]): Uint8Array {
  const out = new Uint8Array(datagram.length + options.length);
  out.set(datagram.subarray(0, 20));
  out.set(options, 20);
  out.set(datagram.subarray(20), 20 + options.length);
  out[0] = 0x40 | (5 + options.length / 4);
  out[2] = out.length >> 8;
  out[3] = out.length & 255;
  out[10] = 0;
  out[11] = 0;
  let sum = 0;
  for (let i = 0; i < 20 + options.length; i += 2) sum += (out[i]! << 8) | out[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  out[10] = (~sum >> 8) & 255;
  out[11] = ~sum & 255;
  return out;
}

test.each([
  ['router alert', [0x94, 4, 0, 0]],
  ['an unknown option', [0x9e, 4, 1, 2]],
  ['no-operations and an end', [1, 1, 1, 0]],
  ['record route', [7, 7, 4, 0, 0, 0, 0, 0]],
  ['a timestamp', [68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
])('MUST-50: %s in the IP header does not keep a connection from opening', (_, options) => {
  const lab = new Lab();
  lab.listen();
  const syn = buildSegment({
    source: lab.peerAddress,
    destination: lab.hostAddress,
    sourcePort: 4000,
    destinationPort: 80,
    seq: 1,
    flags: 'S',
  });
  lab.inject(withIpOptions(syn, options));
  expect(lab.segments.map(s => s.flags)).toEqual(['S.']);
});

describe('ICMP', () => {
  test('MUST-54: an error reaches the connection that it quotes, and no other', () => {
    const lab = new Lab();
    const c = lab.accepted();
    const other = lab.accepted();
    c.send('x');
    other.send('x');
    const [sent] = c.heard();
    lab.icmp(3, 1, sent!.datagram);
    expect(other.error()).toBe(0);
    expect(c.error()).toBe(EHOSTUNREACH);
  });

  test('MUST-54: one that quotes what is not in flight is ignored', () => {
    const c = new Lab().accepted();
    c.send('x');
    const [sent] = c.heard();
    const forged = Uint8Array.from(sent!.datagram);
    forged[20 + 4] = (forged[20 + 4]! + 0x40) & 255;
    c.lab.icmp(3, 1, forged);
    expect(c.error()).toBe(0);
  });

  test('MUST-54: "fragmentation needed" is acted upon: what is out is sent again in smaller pieces', () => {
    const c = new Lab().accepted();
    c.send(1460);
    const [sent] = c.heard();
    expect(sent!.datagram.length).toBe(1500);
    c.lab.icmp(3, 4, sent!.datagram, 1000);
    c.lab.run(1);
    const again = c.heard();
    expect(again.length).toBeGreaterThan(0);
    expect(Math.max(...again.map(h => h.datagram.length))).toBeLessThanOrEqual(1000);
  });

  test('MUST-54: so is "packet too big"', () => {
    const lab = new Lab({ family: 6 });
    const c = lab.accepted();
    c.send(1440);
    const [sent] = c.heard();
    lab.inject(
      buildIcmp({
        source: lab.peerAddress,
        destination: lab.hostAddress,
        type: 2,
        code: 0,
        rest: 1300,
        original: sent!.datagram,
      }),
    );
    lab.run(1);
    const again = c.heard();
    expect(again.length).toBeGreaterThan(0);
    expect(Math.max(...again.map(h => h.datagram.length))).toBeLessThanOrEqual(1300);
  });

  test('MUST-55: Source Quench changes nothing', () => {
    const c = new Lab().accepted();
    c.send('x');
    const [sent] = c.heard();
    const before = c.info();
    c.lab.icmp(4, 0, sent!.datagram);
    expect(c.error()).toBe(0);
    expect(c.info()).toEqual(before);
    expect(c.heard()).toEqual([]);
  });

  const SOFT = [
    ['Destination Unreachable, net', 3, 0, ENETUNREACH],
    ['Destination Unreachable, host', 3, 1, EHOSTUNREACH],
    ['Destination Unreachable, source route failed', 3, 5, EOPNOTSUPP],
    ['Time Exceeded', 11, 0, EHOSTUNREACH],
    ['Parameter Problem', 12, 0, EPROTO],
  ] as const;

  test.each(SOFT)('MUST-56, SHLD-25: %s does not abort, and can be asked for', (_, type, code, errno) => {
    const c = new Lab().accepted();
    c.send('x');
    const [sent] = c.heard();
    c.lab.icmp(type, code, sent!.datagram);
    expect(c.state()).toBe('ESTABLISHED');
    expect(c.error()).toBe(errno);
    c.say('.');
    c.send('y');
    c.drain();
    expect(c.ack).toBe(3);
  });

  test.each([
    ['Destination Unreachable, no route', 1, 0],
    ['Destination Unreachable, address', 1, 3],
    ['Time Exceeded', 3, 0],
    ['Parameter Problem, erroneous field', 4, 0],
    ['Parameter Problem, next header', 4, 1],
    ['Parameter Problem, option', 4, 2],
  ])('MUST-56, SHLD-25: ICMPv6 %s does not abort', (_, type, code) => {
    const c = new Lab({ family: 6 }).accepted();
    c.send('x');
    const [sent] = c.heard();
    c.lab.icmp(type, code, sent!.datagram);
    expect(c.state()).toBe('ESTABLISHED');
    expect(c.error()).toBeGreaterThan(0);
  });

  test.each([
    ['protocol', 2, ENOPROTOOPT],
    ['port', 3, ECONNREFUSED],
  ])('SHLD-26: a hard error (%s unreachable) aborts an open that is under way', (_, code, errno) => {
    const c = new Lab().dialled();
    c.lab.icmp(3, code, c.lab.all[0]!.datagram);
    expect(c.state()).toBe('CLOSED');
    expect(c.error()).toBe(errno);
  });

  test('SHLD-26: on an established connection it does so only for those who ask with IP_RECVERR', () => {
    const lab = new Lab();
    const c = lab.accepted();
    const asking = lab.accepted();
    asking.set(SOL_IP, IP_RECVERR, 1);
    for (const x of [c, asking]) {
      x.send('x');
      lab.icmp(3, 3, x.heard()[0]!.datagram);
    }
    expect(c.state()).toBe('ESTABLISHED');
    expect(asking.poll() & 8).toBe(8);
  });
});

describe('addresses that are no peer', () => {
  test.each(['255.255.255.255', '10.9.0.255', '224.0.0.1'])(
    'MUST-57: a SYN to %s is dropped in silence',
    destination => {
      const lab = new Lab();
      const fd = lab.socket();
      lab.bind(fd, '0.0.0.0', 80);
      lab.call(s => s.listen(fd, 5));
      const c = lab.peer();
      c.say('S', { seq: 0, destination });
      c.say('.', { seq: 0, destination });
      lab.run(1);
      expect(lab.all).toEqual([]);
      expect(lab.datagrams).toEqual([]);
    },
  );

  test('MUST-57: a SYN to an IPv6 multicast address is dropped in silence', () => {
    const lab = new Lab({ family: 6 });
    const fd = lab.socket();
    lab.bind(fd, '::', 80);
    lab.call(s => s.listen(fd, 5));
    const c = lab.peer();
    c.say('S', { seq: 0, destination: 'ff02::1' });
    lab.run(1);
    expect(lab.all).toEqual([]);
  });

  test.each(['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '10.9.0.255', '10.9.0.2'])(
    'MUST-63: a SYN from %s is ignored',
    source => {
      const lab = new Lab();
      lab.listen();
      const c = lab.peer();
      c.say('S', { seq: 0, source });
      lab.run(5);
      expect(lab.all).toEqual([]);
      expect(lab.states()).toEqual([]);
    },
  );

  test.each(['::', '::1', 'ff02::1'])('MUST-63: a SYN from %s is ignored', source => {
    const lab = new Lab({ family: 6 });
    lab.listen();
    lab.peer().say('S', { seq: 0, source });
    lab.run(5);
    expect(lab.all).toEqual([]);
  });
});
