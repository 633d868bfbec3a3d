import { describe, expect, it } from 'vitest';
import {
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EDESTADDRREQ,
  EMSGSIZE,
  ENETUNREACH,
} from '../../src/base/errno.ts';
import type { Datagram } from '../../src/udp/endpoint.ts';
import { address, Bench, bytes } from '../stack/net.ts';

function pair(medium: 'ip' | 'ethernet' = 'ip'): {
  b: Bench;
  A: ReturnType<Bench['host']>;
  B: ReturnType<Bench['host']>;
} {
  const b = new Bench();
  const A = b.host('A');
  const B = b.host('B');
  b.wire(A, B, ['10.9.0.1/24', 'fd00::1/64'], ['10.9.0.2/24', 'fd00::2/64'], { medium });
  return { b, A, B };
}

function received(d: Datagram | number): Datagram {
  if (typeof d === 'number') throw new Error(`no datagram: ${d}`);
  return d;
}

describe('UDP between two hosts', () => {
  for (const medium of ['ip', 'ethernet'] as const) {
    for (const family of [4, 6] as const) {
      it(`carries a datagram and its answer over IPv${family} on ${medium}`, () => {
        const { b, A, B } = pair(medium);
        const server = B.udp.socket(family);
        expect(server.bind(address(family === 4 ? '10.9.0.2' : 'fd00::2'), 53)).toBe(0);
        const client = A.udp.socket(family);
        const text = bytes(300);
        expect(client.send(text, 0, 300, address(family === 4 ? '10.9.0.2' : 'fd00::2'), 53)).toBe(300);
        b.settle();
        expect(B.udp.takeChanged()).toEqual([server]);
        const d = received(server.receive());
        expect(d.bytes).toEqual(text);
        expect(d.source.toString()).toBe(family === 4 ? '10.9.0.1' : 'fd00::1');
        expect(d.sourcePort).toBe(client.localPort);
        expect(server.send(d.bytes, 0, 5, d.source, d.sourcePort)).toBe(5);
        b.settle();
        expect(received(client.receive()).bytes).toEqual(text.slice(0, 5));
        expect(client.receive()).toBe(-EAGAIN);
      });
    }
  }

  it('reaches a socket of the same host through lo', () => {
    const { b, A } = pair();
    const x = A.udp.socket(4);
    const y = A.udp.socket(4);
    expect(x.bind(address('127.0.0.1'), 7)).toBe(0);
    expect(y.send(bytes(9), 0, 9, address('127.0.0.1'), 7)).toBe(9);
    expect(A.deadline()).toBeLessThanOrEqual(A.now);
    b.settle();
    expect(received(x.receive()).source.toString()).toBe('127.0.0.1');
    const z = A.udp.socket(4);
    z.bind(address('10.9.0.1'), 8);
    y.send(bytes(9), 0, 9, address('10.9.0.1'), 8);
    b.settle();
    expect(received(z.receive()).bytes.length).toBe(9);
    expect(b.seen).toEqual([]);
  });

  it('serves IPv4 peers on an IPv6 wildcard socket, unless it is v6only', () => {
    const { b, A, B } = pair();
    const server = B.udp.socket(6);
    server.bind(address('::'), 9);
    const client = A.udp.socket(4);
    client.send(bytes(3), 0, 3, address('10.9.0.2'), 9);
    b.settle();
    expect(received(server.receive()).source.is4).toBe(true);
    const only = B.udp.socket(6);
    only.options.v6only = true;
    only.bind(address('::'), 10);
    client.send(bytes(3), 0, 3, address('10.9.0.2'), 10);
    b.settle();
    expect(only.receive()).toBe(-EAGAIN);
  });

  it('tells a connected socket that the port is closed, once', () => {
    const { b, A } = pair();
    const client = A.udp.socket(4);
    expect(client.connect(address('10.9.0.2'), 99)).toBe(0);
    expect(client.send(bytes(1), 0, 1, null, 0)).toBe(1);
    b.settle();
    expect(client.readiness() & 8).toBe(8);
    expect(client.receive()).toBe(-ECONNREFUSED);
    expect(client.receive()).toBe(-EAGAIN);
    const stranger = A.udp.socket(4);
    stranger.send(bytes(1), 0, 1, address('10.9.0.2'), 99);
    b.settle();
    expect(stranger.receive()).toBe(-EAGAIN);
  });

  it('takes only its peer’s datagrams once connected', () => {
    const { b, A, B } = pair();
    const x = A.udp.socket(4);
    x.bind(address('10.9.0.1'), 5);
    x.connect(address('10.9.0.2'), 6);
    const peer = B.udp.socket(4);
    peer.bind(address('10.9.0.2'), 6);
    const other = B.udp.socket(4);
    other.bind(address('10.9.0.2'), 7);
    other.send(bytes(1), 0, 1, address('10.9.0.1'), 5);
    peer.send(bytes(2), 0, 2, address('10.9.0.1'), 5);
    b.settle();
    expect(x.queued).toBe(1);
    expect(received(x.receive()).sourcePort).toBe(6);
  });

  it('bounds the queue by rcvbuf, but always takes one', () => {
    const { b, A, B } = pair();
    const server = B.udp.socket(4);
    server.options.rcvbuf = 4000;
    server.bind(address('0.0.0.0'), 5);
    const client = A.udp.socket(4);
    for (let i = 0; i < 20; i++) client.send(bytes(500), 0, 500, address('10.9.0.2'), 5);
    b.settle();
    expect(server.queued).toBe(3);
    expect(B.mib.UdpRcvbufErrors).toBe(17);
    server.options.rcvbuf = 1;
    for (let i = 0; i < 3; i++) server.receive();
    client.send(bytes(500), 0, 500, address('10.9.0.2'), 5);
    b.settle();
    expect(server.queued).toBe(1);
  });

  it('takes the wildcard address as a destination for this host', () => {
    const { b, A } = pair();
    const server = A.udp.socket(6);
    server.bind(address('::'), 5);
    A.udp.socket(4).send(bytes(3), 0, 3, address('0.0.0.0'), 5);
    A.udp.socket(6).send(bytes(4), 0, 4, address('::'), 5);
    b.settle();
    expect([received(server.receive()), received(server.receive())].map(d => d.source.toString())).toEqual([
      '127.0.0.1',
      '::1',
    ]);
  });

  it('returns the errors of sendto(2) and bind(2)', () => {
    const { A } = pair();
    const x = A.udp.socket(4);
    expect(x.send(bytes(1), 0, 1, null, 0)).toBe(-EDESTADDRREQ);
    expect(x.send(bytes(65508), 0, 65508, address('10.9.0.2'), 1)).toBe(-EMSGSIZE);
    expect(x.send(bytes(1), 0, 1, address('192.0.2.1'), 1)).toBe(-ENETUNREACH);
    expect(x.bind(address('10.9.0.1'), 1000)).toBeLessThan(0);
    const y = A.udp.socket(4);
    y.bind(address('10.9.0.1'), 1000);
    const z = A.udp.socket(4);
    expect(z.bind(address('0.0.0.0'), 1000)).toBe(-EADDRINUSE);
    expect(z.bind(address('127.0.0.1'), 1000)).toBe(0);
    const reuse = [A.udp.socket(4), A.udp.socket(4)];
    for (const r of reuse) {
      r.options.reusePort = true;
      expect(r.bind(address('0.0.0.0'), 2000)).toBe(0);
    }
  });

  it('drops what fails its checksum', () => {
    const { b, A, B } = pair();
    const server = B.udp.socket(4);
    server.bind(address('0.0.0.0'), 5);
    const client = A.udp.socket(4);
    b.lose = f => {
      f.bytes[f.end - 1]! ^= 1;
      f.csum = 0;
      return false;
    };
    client.send(bytes(50), 0, 50, address('10.9.0.2'), 5);
    b.settle();
    expect(server.queued).toBe(0);
    expect(B.mib.UdpInCsumErrors).toBe(1);
  });
});
