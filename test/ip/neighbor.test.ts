import { describe, expect, it } from 'vitest';
import { EHOSTUNREACH } from '../../src/base/errno.ts';
import { nudName } from '../../src/ip/neighbor.ts';
import type { Stack } from '../../src/stack/stack.ts';
import { ARP_LENGTH, ARP_REPLY, ARP_REQUEST, putArp } from '../../src/wire/arp.ts';
import { BROADCAST_MAC, Mac, putEthernet } from '../../src/wire/ethernet.ts';
import { address, Bench, bytes } from '../stack/net.ts';

function stateOf(s: Stack, text: string): string {
  for (const n of s.neighbors.all()) if (n.address.toString().startsWith(text)) return nudName(n.state);
  return 'NONE';
}

function ethernetPair(sysctl: Record<string, number> = {}) {
  const b = new Bench();
  const A = b.host('A', sysctl);
  const B = b.host('B');
  const [x, y] = b.wire(A, B, ['10.9.0.1/24', 'fd00::1/64'], ['10.9.0.2/24', 'fd00::2/64'], {
    medium: 'ethernet',
  });
  return { b, A, B, x, y };
}

function say(
  A: Stack,
  x: { mac: Mac | null; index: number },
  operation: number,
  mac: Mac,
  sender: string,
  target: string,
  to: Mac,
) {
  const frame = A.frames.take(200);
  putArp(frame.bytes, frame.start, operation, mac, address(sender), to, address(target));
  frame.end = frame.start + ARP_LENGTH;
  frame.start -= 14;
  putEthernet(frame.bytes, frame.start, to.isZero ? BROADCAST_MAC : to, mac, 0x0806);
  A.receive(A.interfaces.find(i => i.index === x.index)!, frame, A.now);
}

describe('the neighbour machine', () => {
  for (const [peer, name] of [
    ['10.9.0.2', 'ARP'],
    ['fd00::2', 'neighbour discovery'],
  ] as const) {
    it(`resolves by ${name}, holding what is sent meanwhile in order`, () => {
      const { b, A, B } = ethernetPair();
      const server = B.udp.socket(peer.includes(':') ? 6 : 4);
      server.bind(address(peer), 5);
      const client = A.udp.socket(peer.includes(':') ? 6 : 4);
      for (let i = 1; i <= 3; i++) client.send(bytes(i), 0, i, address(peer), 5);
      expect(stateOf(A, peer)).toBe('INCOMPLETE');
      b.settle();
      expect(stateOf(A, peer)).toBe('REACHABLE');
      const lengths = [server.receive(), server.receive(), server.receive()].map(d =>
        typeof d === 'number' ? d : d.bytes.length,
      );
      expect(lengths).toEqual([1, 2, 3]);
      // The one that was asked has learnt who asks, without asking.
      const own = peer.includes(':') ? 'fd00::1' : '10.9.0.1';
      expect(['STALE', 'DELAY']).toContain(stateOf(B, own));
    });

    it(`goes REACHABLE, STALE, DELAY, PROBE and back by ${name} (RFC 4861 §7.3)`, () => {
      const { b, A } = ethernetPair();
      const client = A.udp.socket(peer.includes(':') ? 6 : 4);
      const send = (): number => client.send(bytes(1), 0, 1, address(peer), 5);
      send();
      b.settle();
      b.run(60e6);
      client.takeError();
      send();
      expect(stateOf(A, peer)).toBe('DELAY');
      b.run(4.9e6);
      expect(stateOf(A, peer)).toBe('DELAY');
      const before = b.seen.length;
      b.run(0.2e6);
      expect(stateOf(A, peer)).toBe('REACHABLE');
      // The probe went to the known hardware address, not to everybody.
      const probe = b.seen[before]!;
      expect(probe.way).toBe('A>B');
      expect(probe.bytes[0]! & 1).toBe(0);
    });

    it(`gives up after three unanswered ${name} questions a second apart, and tells the sender`, () => {
      const { b, A } = ethernetPair();
      b.lose = () => true;
      const client = A.udp.socket(peer.includes(':') ? 6 : 4);
      client.options.recverr = true;
      client.connect(address(peer), 5);
      client.send(bytes(1), 0, 1, null, 5);
      b.run(2.9e6);
      expect(stateOf(A, peer)).toBe('INCOMPLETE');
      expect(b.seen.length).toBe(3);
      b.run(0.2e6);
      expect(stateOf(A, peer)).toBe('FAILED');
      expect(client.receive()).toBe(-EHOSTUNREACH);
      // Later traffic asks again.
      b.lose = () => false;
      b.run(1e6);
      client.send(bytes(1), 0, 1, null, 5);
      b.settle();
      expect(stateOf(A, peer)).toBe('REACHABLE');
    });
  }

  it('fails when a peer that was there no longer answers probes', () => {
    const { b, A } = ethernetPair();
    const client = A.udp.socket(4);
    client.send(bytes(1), 0, 1, address('10.9.0.2'), 5);
    b.run(60e6);
    b.lose = () => true;
    client.send(bytes(1), 0, 1, address('10.9.0.2'), 5);
    b.run(5.1e6);
    expect(stateOf(A, '10.9.0.2')).toBe('PROBE');
    b.run(3e6);
    expect(stateOf(A, '10.9.0.2')).toBe('FAILED');
  });

  it('makes no entry of an answer that nobody asked for, nor of one from off the link', () => {
    const { A, x } = ethernetPair();
    const mac = new Mac(0x0200, 0x99);
    say(A, x, ARP_REPLY, mac, '10.9.0.77', '10.9.0.1', x.mac!);
    say(A, x, ARP_REQUEST, mac, '192.0.2.5', '10.9.0.1', new Mac(0, 0));
    expect(stateOf(A, '10.9.0.77')).toBe('NONE');
    expect(stateOf(A, '192.0.2.5')).toBe('NONE');
    say(A, x, ARP_REQUEST, mac, '10.9.0.77', '10.9.0.1', new Mac(0, 0));
    expect(stateOf(A, '10.9.0.77')).toBe('STALE');
  });

  it('never learns a group hardware address, nor anything about its own address', () => {
    const { A, x } = ethernetPair();
    say(A, x, ARP_REQUEST, BROADCAST_MAC, '10.9.0.77', '10.9.0.1', new Mac(0, 0));
    say(A, x, ARP_REQUEST, new Mac(0x0200, 5), '10.9.0.1', '10.9.0.1', new Mac(0, 0));
    expect(A.neighbors.size).toBe(0);
  });

  it('stays within gc_thresh3 under a scan, and known neighbours survive it', () => {
    const { b, A, x } = ethernetPair({ neigh_gc_thresh3: 64, neigh_gc_thresh2: 32 });
    const client = A.udp.socket(4);
    client.send(bytes(1), 0, 1, address('10.9.0.2'), 5);
    b.settle();
    x.addAddress('10.10.0.1/16');
    for (let i = 2; i < 2000; i++) client.send(bytes(1), 0, 1, address(`10.10.${i >> 8}.${i & 255}`), 5);
    expect(A.neighbors.size).toBeLessThanOrEqual(64);
    expect(stateOf(A, '10.9.0.2')).toBe('REACHABLE');
    b.run(10e6);
    expect(A.deadline()).toBeGreaterThan(b.now);
  });

  it('bounds what waits for one neighbour', () => {
    const { A } = ethernetPair();
    const client = A.udp.socket(4);
    for (let i = 0; i < 5000; i++) client.send(bytes(1000), 0, 1000, address('10.9.0.3'), 5);
    const n = [...A.neighbors.all()][0]!;
    expect(n.waitingBytes).toBeLessThanOrEqual(212992);
    expect(n.waiting.length).toBeLessThanOrEqual(104);
  });

  it('takes a changed hardware address from a gratuitous ARP, at most once a second', () => {
    const { b, A, x } = ethernetPair();
    A.udp.socket(4).send(bytes(1), 0, 1, address('10.9.0.2'), 5);
    b.settle();
    const n = [...A.neighbors.all()][0]!;
    b.run(2e6);
    say(A, x, ARP_REQUEST, new Mac(0x0200, 0x51), '10.9.0.2', '10.9.0.2', new Mac(0, 0));
    expect(n.mac.low).toBe(0x51);
    say(A, x, ARP_REQUEST, new Mac(0x0200, 0x52), '10.9.0.2', '10.9.0.2', new Mac(0, 0));
    expect(n.mac.low).toBe(0x51);
    expect(nudName(n.state)).toBe('STALE');
  });

  it('finds out that an IPv6 address is taken, before using it', () => {
    const { b, A, B, x } = ethernetPair();
    expect(x.addAddress('fd00::2/64', true)).toBe(0);
    expect(x.addAddress('fd00::33/64', true)).toBe(0);
    b.run(2e6);
    const tentative = x.addresses.filter(a => a.tentative).map(a => a.address.toString());
    expect(tentative).toEqual(['fd00::2']);
    expect(A.net.isLocal(address('fd00::33'))).toBe(true);
    expect(A.net.isLocal(address('fd00::2'))).toBe(false);
    expect(B.net.isLocal(address('fd00::2'))).toBe(true);
  });
});
