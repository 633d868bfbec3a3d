import { parseAddress } from '../../src/base/address.ts';
import { Mib } from '../../src/base/mib.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Seq } from '../../src/base/seq.ts';
import { Sysctl } from '../../src/base/sysctl.ts';
import { type Micros, NEVER } from '../../src/base/time.ts';
import { TcpHost } from '../../src/stack/tcp-host.ts';
import type { Connection } from '../../src/tcp/connection.ts';
import type { Listener } from '../../src/tcp/listener.ts';
import { TcpOptions } from '../../src/tcp/options.ts';
import type { Frame } from '../../src/wire/frame.ts';
import { IcmpError } from '../../src/wire/icmp-error.ts';
import { OK } from '../../src/wire/reason.ts';
import { ACK, FIN, Segment, SYN } from '../../src/wire/segment.ts';
import { decodeTcp, putTcpHeader } from '../../src/wire/tcp.ts';
import { CountingPool, LeanNet, type Line } from '../explore/net.ts';

export const HOST = parseAddress('10.0.0.1')!;
export const PEER = parseAddress('10.0.0.2')!;
export const HOST_PORT = 80;
export const PEER_PORT = 5000;

/** One segment to the host, numbers absolute; `options` are bytes as they stand in the header. */
export interface Shot {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly number[];
  readonly length: number;
}

export const shot = (flags: number, seq: number, ack: number, more: Partial<Shot> = {}): Shot => ({
  flags,
  seq: seq | 0,
  ack: ack | 0,
  window: 65_535,
  urgent: 0,
  options: [],
  length: 0,
  ...more,
});

/** A TCP host alone: what it sends goes nowhere, but is looked at. */
export class Lone implements Line {
  readonly host: TcpHost;
  readonly pool = new CountingPool();
  readonly mib = new Mib();
  now: Micros = 1_000_000_000;
  /** The connection under fire, once there is one. */
  connection: Connection | null = null;
  listener: Listener | null = null;
  /** What the host last said: its next number, and what it acknowledged. */
  sent = 0;
  next = 0;
  acked = 0;
  lastFlags = 0;
  echo = 0;
  readonly segment = new Segment();
  private readonly seen = new Segment();
  private readonly bytes = new Uint8Array(8192);
  private readonly error = new IcmpError();

  constructor(sack: boolean, timestamps: boolean) {
    const sysctl = new Sysctl({ tcp_sack: sack ? 1 : 0, tcp_timestamps: timestamps ? 1 : 0 });
    this.host = new TcpHost({
      sysctl: sysctl.values,
      mib: this.mib,
      random: seededRandom('lone'),
      hz: 1000,
      net: new LeanNet(HOST, 0, this.pool, this),
    });
    this.host.now = this.now;
    this.host.expire(this.now, 1);
    for (let i = 0; i < this.bytes.length; i++) this.bytes[i] = i * 7;
  }

  emit(_side: 0 | 1, frame: Frame): void {
    const s = this.seen;
    if (decodeTcp(frame.bytes, frame.start, frame.end, s, true) !== OK) throw new Error('sent a bad segment');
    this.sent++;
    this.lastFlags = s.flags;
    this.next = (s.seq + s.length + (s.flags & SYN ? 1 : 0) + (s.flags & FIN ? 1 : 0)) | 0;
    if (s.flags & ACK) this.acked = s.ack;
    if (s.hasTimestamps) this.echo = s.tsVal;
    frame.release();
  }

  listen(): void {
    const bound = this.host.ports.bind(HOST, HOST_PORT, {
      reuseAddr: true,
      reusePort: false,
      v6only: false,
      owner: null,
    });
    if (typeof bound === 'number') throw new Error(`bind ${bound}`);
    const listener = this.host.listen(new TcpOptions(), bound, 4);
    if (typeof listener === 'number') throw new Error(`listen ${listener}`);
    this.listener = listener;
  }

  connect(): void {
    const c = this.host.connect(new TcpOptions(), { address: HOST, port: HOST_PORT }, PEER, PEER_PORT);
    if (typeof c === 'number') throw new Error(`connect ${c}`);
    this.connection = c;
    this.host.output();
  }

  /** Delivers a segment through the decoder; one that it refuses goes no further. */
  fire(s: Shot): void {
    const { bytes } = this;
    const header = 20 + s.options.length;
    putTcpHeader(bytes, 0, PEER_PORT, HOST_PORT, s.seq, s.ack, header, s.flags, s.window, s.urgent);
    bytes.set(s.options, 20);
    const g = this.segment;
    g.source.assign(PEER);
    g.destination.assign(HOST);
    if (decodeTcp(bytes, 0, header + s.length, g, true) !== OK) return;
    this.host.receive(g);
    this.after();
  }

  icmp(type: number, code: number, seq: number, mtu: number): void {
    const e = this.error;
    e.source.assign(HOST);
    e.destination.assign(PEER);
    e.sourcePort = HOST_PORT;
    e.destinationPort = PEER_PORT;
    e.seq = seq as Seq;
    e.family = 4;
    e.protocol = 6;
    e.type = type;
    e.code = code;
    e.mtu = mtu;
    this.host.icmpError(e);
    this.after();
  }

  /** Lets time pass, timers included. */
  wait(micros: Micros): void {
    const end = this.now + micros;
    for (let rounds = 0; rounds < 100_000; rounds++) {
      const due = this.host.deadline();
      if (due > end || due === NEVER) {
        this.now = end;
        this.host.now = end;
        return;
      }
      if (due > this.now) this.now = due;
      this.host.expire(this.now, 64);
      this.after();
    }
    throw new Error('its timers never stop');
  }

  after(): void {
    this.host.output();
    this.host.takeChanged();
  }

  /** The application takes what waits to be accepted. */
  accept(): Connection | null {
    const c = this.listener?.accept() ?? null;
    if (c !== null && this.connection === null) this.connection = c;
    return c;
  }
}
