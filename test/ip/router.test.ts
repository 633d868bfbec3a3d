import { describe, expect, it } from 'vitest';
import { EHOSTUNREACH, EMSGSIZE, ENETUNREACH } from '../../src/base/errno.ts';
import { decodeIpv4, Ipv4Header } from '../../src/wire/ipv4.ts';
import { OK } from '../../src/wire/reason.ts';
import { address, Bench, bytes } from '../stack/net.ts';
import { inject, output, raw4, raw6 } from './raw.ts';

/** A — R — B, with a narrow second link. */
function routed(medium: 'ip' | 'ethernet' = 'ip', mtu = 1500) {
  const b = new Bench();
  const A = b.host('A');
  const R = b.host('R', { ip_forward: 1, ipv6_forwarding: 1 });
  const B = b.host('B');
  const [x, r1] = b.wire(A, R, ['10.1.0.1/24', 'fd01::1/64'], ['10.1.0.254/24', 'fd01::ff/64'], { medium });
  const [r2, y] = b.wire(R, B, ['10.2.0.254/24', 'fd02::ff/64'], ['10.2.0.1/24', 'fd02::1/64'], {
    medium,
    mtu,
  });
  A.routes.add({ destination: 'default', via: '10.1.0.254', interface: x });
  A.routes.add({ destination: 'default', via: 'fd01::ff', interface: x });
  B.routes.add({ destination: 'default', via: '10.2.0.254', interface: y });
  B.routes.add({ destination: 'default', via: 'fd02::ff', interface: y });
  return { b, A, R, B, x, r1, r2, y };
}

function socketAt(s: ReturnType<Bench['host']>, family: number, port: number) {
  const e = s.udp.socket(family);
  e.bind(address(family === 4 ? '0.0.0.0' : '::'), port);
  return e;
}

describe('a router', () => {
  for (const medium of ['ip', 'ethernet'] as const) {
    for (const [family, far] of [
      [4, '10.2.0.1'],
      [6, 'fd02::1'],
    ] as const) {
      it(`passes IPv${family} on between two ${medium} links, one hop less to live`, () => {
        const { b, A, B, R } = routed(medium);
        const server = socketAt(B, family, 5);
        A.udp.socket(family).send(bytes(100), 0, 100, address(far), 5);
        b.settle();
        const d = server.receive();
        if (typeof d === 'number') throw new Error(`${d}`);
        expect(d.bytes).toEqual(bytes(100));
        expect(d.ttl).toBe(63);
        expect(family === 4 ? R.mib.IpForwDatagrams : R.mib.Ip6OutForwDatagrams).toBe(1);
        server.send(bytes(7), 0, 7, d.source, d.sourcePort);
        b.settle();
        expect(b.seen.length).toBeGreaterThanOrEqual(4);
      });
    }
  }

  it('keeps the header checksum right for every TTL (RFC 1624)', () => {
    const { R, r1, r2 } = routed();
    const h = new Ipv4Header();
    for (let ttl = 2; ttl < 256; ttl++) {
      inject(R, r1, raw4(bytes(20), { source: '10.1.0.1', destination: '10.2.0.1', ttl, id: ttl * 257 }));
      const [d] = output(R, r2);
      expect(decodeIpv4(d!, 0, d!.length, h)).toBe(OK);
      expect(h.ttl).toBe(ttl - 1);
    }
  });

  it('answers a datagram whose hops ran out with time exceeded', () => {
    const { b, A } = routed();
    for (const [family, far] of [
      [4, '10.2.0.1'],
      [6, 'fd02::1'],
    ] as const) {
      const client = A.udp.socket(family);
      client.options.ttl = 1;
      client.options.recverr = true;
      client.connect(address(far), 5);
      client.send(bytes(10), 0, 10, null, 0);
      b.settle();
      expect(client.receive()).toBe(-EHOSTUNREACH);
    }
    expect(A.mib.IcmpInTimeExcds).toBe(1);
    expect(A.mib.Icmp6InTimeExcds).toBe(1);
  });

  it('says "net unreachable" where it knows no route', () => {
    const { b, A } = routed();
    for (const [family, far] of [
      [4, '192.0.2.1'],
      [6, '2001:db8::1'],
    ] as const) {
      const client = A.udp.socket(family);
      client.options.recverr = true;
      client.connect(address(far), 5);
      client.send(bytes(10), 0, 10, null, 0);
      b.settle();
      expect(client.receive()).toBe(-ENETUNREACH);
    }
  });

  it('says "host unreachable" when the last link does not answer', () => {
    const { b, A, R } = routed('ethernet');
    const client = A.udp.socket(4);
    client.options.recverr = true;
    client.connect(address('10.2.0.77'), 5);
    client.send(bytes(10), 0, 10, null, 0);
    b.run(4e6);
    expect(client.receive()).toBe(-EHOSTUNREACH);
    expect(R.mib.IcmpOutDestUnreachs).toBe(1);
  });

  it('fragments IPv4 without DF, and with DF teaches the sender the path MTU (RFC 1191)', () => {
    const { b, A, B, R } = routed('ip', 1000);
    const server = socketAt(B, 4, 5);
    const loose = A.udp.socket(4);
    loose.options.pmtudisc = 0;
    loose.send(bytes(1400), 0, 1400, address('10.2.0.1'), 5);
    b.settle();
    expect(R.mib.IpFragCreates).toBe(2);
    const d = server.receive();
    expect(typeof d === 'object' && d.bytes).toEqual(bytes(1400));

    const strict = A.udp.socket(4);
    strict.options.pmtudisc = 2;
    strict.connect(address('10.2.0.1'), 5);
    expect(strict.send(bytes(1400), 0, 1400, null, 0)).toBe(1400);
    b.settle();
    expect(strict.receive()).toBe(-EMSGSIZE);
    const p = A.net.path(address('10.2.0.1'), null);
    expect(typeof p === 'object' && [p.mtu, p.linkMtu]).toEqual([1000, 1500]);
    expect(strict.send(bytes(1400), 0, 1400, null, 0)).toBe(-EMSGSIZE);
    expect(strict.send(bytes(900), 0, 900, null, 0)).toBe(900);
    b.settle();
    expect(server.queued).toBe(1);
    // It is believed for ten minutes.
    b.run(601e6);
    expect(typeof p === 'object' && p.mtu).toBe(1500);
  });

  it('tells IPv6 senders "packet too big", who then fragment themselves (RFC 8201)', () => {
    const { b, A, B } = routed('ip', 1300);
    const server = socketAt(B, 6, 5);
    const client = A.udp.socket(6);
    client.connect(address('fd02::1'), 5);
    client.send(bytes(1400), 0, 1400, null, 0);
    b.settle();
    expect(server.queued).toBe(0);
    client.send(bytes(1400), 0, 1400, null, 0);
    b.settle();
    const d = server.receive();
    expect(typeof d === 'object' && d.bytes).toEqual(bytes(1400));
  });

  it('does not forward unless told to, and never broadcasts, multicasts or link-local', () => {
    const { A, R, B, x, r1, r2 } = routed();
    inject(A, x, raw4(bytes(20), { source: '10.1.0.9', destination: '10.2.0.1' }));
    expect(A.mib.IpInAddrErrors).toBe(1);
    for (const destination of [
      '255.255.255.255',
      '224.1.2.3',
      '169.254.1.1',
      '0.1.2.3',
      '240.0.0.1',
      '127.0.0.1',
    ]) {
      inject(R, r1, raw4(bytes(20), { source: '10.1.0.1', destination }));
    }
    inject(R, r1, raw6(bytes(20), 17, 'fe80::5', 'fd02::1'));
    inject(R, r1, raw6(bytes(20), 17, 'fd01::1', 'fe80::5'));
    inject(R, r1, raw6(bytes(20), 17, 'fd01::1', 'ff05::5'));
    expect(output(R, r2)).toEqual([]);
    expect(R.mib.IpForwDatagrams + R.mib.Ip6OutForwDatagrams).toBe(0);
    expect(B.mib.IpInReceives).toBe(0);
  });

  it('changes a copy when somebody else holds the frame', () => {
    const { R, r1, r2 } = routed();
    const frame = R.frames.from(raw4(bytes(20), { source: '10.1.0.1', destination: '10.2.0.1', ttl: 9 }));
    const before = frame.bytes.slice(frame.start, frame.end);
    frame.retain();
    R.receive(r1, frame, 0);
    expect(output(R, r2)[0]![8]).toBe(8);
    expect(frame.bytes.slice(frame.start, frame.end)).toEqual(before);
    expect(frame.refs).toBe(1);
  });
});
