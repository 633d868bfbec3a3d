import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Address, parseAddress } from '../../src/base/address.ts';
import { EADDRNOTAVAIL } from '../../src/base/errno.ts';
import type { Seq } from '../../src/base/seq.ts';
import { Connection } from '../../src/tcp/connection.ts';
import type { HeldRequest, Listener } from '../../src/tcp/listener.ts';
import { TcpOptions } from '../../src/tcp/options.ts';
import { Request } from '../../src/tcp/request.ts';
import { RequestTable } from '../../src/tcp/request-table.ts';
import { type Conn, Lab } from '../rfc/kit.ts';

const NOW = 7_200_000_123_456;
const JIFFY = 4000;

/** Of a listener an entry needs the clock. */
const listener = { ctx: { now: NOW, jiffy: JIFFY } } as unknown as Listener;
const hash = (_l: Address, lp: number, r: Address, rp: number): number => lp ^ r.d ^ rp;
const ends = (v6: boolean): [Address, Address] =>
  v6
    ? [parseAddress('fe80::1%3')!, parseAddress('fe80::2%3')!]
    : [parseAddress('10.0.0.1')!, parseAddress('192.168.3.4')!];

function request(v6: boolean, localPort = 80, remotePort = 40_000): Request {
  const [local, remote] = ends(v6);
  return new Request(listener, local, localPort, remote, remotePort);
}

function add(t: RequestTable, r: Request): number {
  return t.add(
    hash(r.local, r.localPort, r.remote, r.remotePort),
    r.local,
    r.localPort,
    r.remote,
    r.remotePort,
  );
}

const u16 = fc.integer({ min: 0, max: 0xffff });
const u8 = fc.integer({ min: 0, max: 255 });
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const window = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const at = fc.integer({ min: 0, max: NOW });

test('what is written down of an entry is what is read', () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      u16,
      u16,
      fc.record({
        irs: i32,
        iss: i32,
        mss: u16,
        tsOk: fc.boolean(),
        sackOk: fc.boolean(),
        wscaleOk: fc.boolean(),
        ecnOk: fc.boolean(),
        sndWscale: fc.integer({ min: 0, max: 14 }),
        rcvWscale: fc.integer({ min: 0, max: 14 }),
        rcvWnd: window,
        windowClamp: window,
        tsRecent: i32,
        tsOffset: i32,
        retransmits: u16,
        timeouts: u8,
        acked: fc.boolean(),
        sentAt: fc.oneof(fc.constant(-1), at),
        // It is kept in milliseconds, for 49 days.
        lastOowAckAt: fc.oneof(
          fc.constant(Number.NEGATIVE_INFINITY),
          at.filter(t => NOW - t < 2 ** 32 * 1000).map(t => t - (t % 1000)),
        ),
      }),
      (v6, lp, rp, fields) => {
        const t = new RequestTable(v6 ? 4 : 1, 0, hash);
        // Nothing of a neighbour shows.
        const other = request(v6, lp, rp ^ 1);
        Object.assign(other, { irs: -1, rcvWnd: 2 ** 31 - 1, tsOk: true, sackOk: true, timeouts: 255 });
        t.save(add(t, other), other);
        const r = Object.assign(request(v6, lp, rp), fields);
        r.row = add(t, r);
        t.setListener(r.row, 3);
        r.deadline = NOW + 3 * JIFFY;
        t.wheel.arm(r.row, Math.ceil(r.deadline / JIFFY));
        t.save(r.row, r);
        // An entry takes nothing of what rides on the SYN, and its deadline is one of jiffies.
        r.rcvNxt = ((r.irs + 1) | 0) as Seq;
        r.deadline = Math.ceil(r.deadline / JIFFY) * JIFFY;
        expect(t.load(r.row, listener)).toEqual(r);
        expect(t.load(r.row, listener)).not.toBe(r);
        expect(t.listener(r.row)).toBe(3);
      },
    ),
  );
});

test('more than 65535 repeated SYN-ACKs are counted as so many', () => {
  const t = new RequestTable(1, 0, hash);
  const r = request(false);
  r.retransmits = 70_000;
  const row = add(t, r);
  t.save(row, r);
  expect(t.load(row, listener).retransmits).toBe(65_535);
});

describe('what has no column', () => {
  test('keeps the entry whole as long as it is there', () => {
    const t = new RequestTable(1, 0, hash);
    const r = request(false);
    const row = add(t, r);
    r.savedSyn = new Uint8Array(40);
    t.save(row, r);
    expect(t.load(row, listener)).toBe(r);
    r.savedSyn = null;
    r.held = true;
    t.save(row, r);
    expect(t.load(row, listener)).toBe(r);
    r.held = false;
    t.save(row, r);
    expect(t.load(row, listener)).not.toBe(r);
  });

  test('goes with the entry: the next in its place is another', () => {
    const t = new RequestTable(1, 0, hash);
    const r = request(false);
    const row = add(t, r);
    r.held = true;
    t.save(row, r);
    t.remove(row);
    const next = request(false, 81);
    expect(add(t, next)).toBe(row);
    expect(t.load(row, listener).localPort).toBe(81);
  });
});

describe('an entry of a SYN queue', () => {
  function knocked(): { lab: Lab; c: Conn; listener: Listener } {
    const lab = new Lab();
    lab.listen();
    const c = lab.peer();
    c.knock();
    return { lab, c, listener: [...lab.host.stack.tcp.listeners()][0]! };
  }
  const entries = (lab: Lab): number => [...lab.host.stack.tcp.requests()].length;

  test('ends with an ICMP error about its SYN-ACK, and not with one about anything else', () => {
    const { lab } = knocked();
    const [synAck] = lab.segments;
    const other = synAck!.datagram.slice();
    other[20 + 4]! ^= 1;
    lab.icmp(3, 1, other);
    expect([entries(lab), lab.mib.TcpExtOutOfWindowIcmps]).toEqual([1, 1]);
    lab.icmp(3, 1, synAck!.datagram);
    expect([entries(lab), lab.host.stack.tcp.timersArmed]).toEqual([0, 0]);
  });

  test('keeps its 4-tuple from connect()', () => {
    const { lab, c } = knocked();
    const { tcp } = lab.host.stack;
    const bound = { address: parseAddress(lab.hostAddress)!, port: 80 };
    const peer = parseAddress(lab.peerAddress)!;
    expect(tcp.connect(new TcpOptions(), bound, peer, c.port)).toBe(-EADDRNOTAVAIL);
    expect(tcp.connect(new TcpOptions(), bound, peer, c.port + 1)).toBeInstanceOf(Connection);
  });

  test('is gone when the stack is closed, and its timer too', () => {
    const { lab } = knocked();
    const { tcp } = lab.host.stack;
    expect([entries(lab), tcp.timersArmed]).toEqual([1, 1]);
    lab.host.stack.close();
    expect([entries(lab), tcp.timersArmed]).toEqual([0, 0]);
  });

  test('names its listener by a number, which is given back with the last of them', () => {
    const { lab, c, listener } = knocked();
    expect(listener.number).toBe(0);
    c.take();
    c.say('.');
    expect(listener.number).toBe(-1);
    lab.peer().knock();
    expect(listener.number).toBe(0);
  });

  test('becomes a connection that shares its addresses with others of the path', () => {
    const { lab, c } = knocked();
    c.take();
    c.say('.');
    const other = lab.peer();
    other.knock();
    other.take();
    other.say('.');
    const [a, b] = [...lab.host.stack.tcp.connections()];
    expect(a!.remote).toBe(b!.remote);
    expect(a!.local).toBe(b!.local);
  });
});

describe('a held request', () => {
  function knock(): { lab: Lab; c: Conn; held: HeldRequest; queue: Listener } {
    const lab = new Lab();
    const bound = { address: parseAddress(lab.hostAddress)!, port: 80 };
    const queue = lab.host.stack.tcp.listen(new TcpOptions(), bound, 5, true) as Listener;
    const c = lab.peer();
    c.knock();
    const [held] = queue.held();
    expect(lab.segments).toEqual([]);
    return { lab, c, held: held!, queue };
  }

  test('is answered when the embedder accepts it, and goes on as any other', () => {
    const { lab, c, held, queue } = knock();
    lab.run(2);
    lab.host.enter();
    held.accept();
    lab.run(0.01);
    expect(c.take().flags).toBe('S.');
    lab.run(1.1);
    expect(c.take().flags).toBe('S.');
    c.say('.');
    expect(queue).toMatchObject({ queueLength: 1, synQueueLength: 0 });
  });

  test('that is refused is reset, and neither word counts afterwards', () => {
    const { lab, held, queue } = knock();
    lab.host.enter();
    held.refuse();
    held.refuse();
    held.accept();
    lab.run(0.01);
    expect(lab.segments.map(s => s.flags)).toEqual(['R.']);
    expect(queue.synQueueLength).toBe(0);
  });

  test('that nobody decides about ends after 63 seconds', () => {
    const { lab, held, queue } = knock();
    lab.run(62.9);
    expect(queue.synQueueLength).toBe(1);
    lab.run(0.2);
    expect(queue.synQueueLength).toBe(0);
    held.accept();
    expect(lab.segments).toEqual([]);
  });
});
