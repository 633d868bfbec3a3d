import type { Address } from '../base/address.ts';
import { FlowTable } from '../link/flow.ts';
import { frameBytes, PACKET_TCP, Packet } from '../link/packet.ts';
import type { Frame } from '../wire/frame.ts';
import { ACK, FIN, RST, SYN } from '../wire/segment.ts';
import { type BuildOptions, buildIcmp, buildSegment, toAddress } from './build.ts';
import type { Waitable } from './call.ts';
import { formatSegment } from './format.ts';
import type { SegmentEvent } from './log.ts';
import { describe } from './observe.ts';
import type { SimNode, WireEnd } from './wire.ts';
import type { World } from './world.ts';

export interface RawOptions {
  /** Its address; it takes whatever arrives, so others may be used in `send`. */
  address: string;
  /** Add timestamps to what it sends and remember those it gets. @default false */
  timestamps?: boolean;
}

/** A segment that a raw peer has received. Sequence numbers are absolute here, as unsigned numbers. */
export interface RawSegment {
  readonly event: SegmentEvent;
  /** The whole IP datagram. */
  readonly bytes: Uint8Array;
  readonly data: Uint8Array;
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  readonly syn: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly hasAck: boolean;
}

/** What `RawPeer.send` takes beside flags and numbers. */
export interface RawSend {
  data?: Uint8Array | string;
  window?: number;
  urgent?: number;
  options?: BuildOptions;
  /** Instead of the peer's own automatic ones; null for none. */
  timestamps?: readonly [number, number] | null;
  port?: number;
  peerPort?: number;
  source?: string;
  tos?: number;
  ttl?: number;
  checksum?: number;
}

/**
 * A peer without a stack: a script reads what arrives and sends segments made by hand, right or wrong. It
 * answers nothing by itself. What it sends reaches the other end of its wire at once, by no rule.
 *
 * `snd` and `rcv` are the script's own notes of what it sends next and expects next.
 */
export class RawPeer implements SimNode {
  readonly name: string;
  readonly world: World;
  readonly address: Address;
  /** Segments that no `take` or `wait` has taken yet, oldest first. */
  received: RawSegment[] = [];
  /** Datagrams other than TCP, whole. */
  other: Uint8Array[] = [];
  /** Its own port and the peer's, as the last `accept` or `connect` set them. */
  port = 5000;
  peerPort = 0;
  isn = 0;
  peerIsn = 0;
  snd = 0;
  rcv = 0;
  readonly timestamps: boolean;
  /** The next TSval it sends, and the last that it got. */
  tsVal = 1000;
  tsEcr = 0;
  private readonly packet = new Packet();
  private readonly flows = new FlowTable();
  private end: WireEnd | null = null;
  private peerAddress: Address | null = null;

  constructor(world: World, name: string, options: RawOptions) {
    this.world = world;
    this.name = name;
    this.address = toAddress(options.address);
    this.timestamps = options.timestamps ?? false;
  }

  plug(end: WireEnd): void {
    if (end.wire.medium !== 'ip') throw new Error(`raw peer ${this.name}: its wire must be of medium 'ip'`);
    this.end = end;
  }

  arrive(_end: WireEnd, frame: Frame): void {
    const bytes = frameBytes(frame);
    frame.release();
    const p = this.packet;
    p.readBytes(bytes, 0, bytes.length, 'ip');
    if (p.kind !== PACKET_TCP) {
      this.other.push(bytes);
      return;
    }
    this.flows.observe(p);
    const s = p.segment;
    if (s.hasTimestamps) this.tsEcr = s.tsVal >>> 0;
    this.peerAddress ??= s.source.clone();
    this.received.push({
      event: describe(p, this.world.now, '', '', this.name, -1, 'delivered', '', null, null) as SegmentEvent,
      bytes,
      data: bytes.slice(s.at, s.at + s.length),
      flags: s.flags,
      seq: s.seq >>> 0,
      ack: s.ack >>> 0,
      syn: (s.flags & SYN) !== 0,
      fin: (s.flags & FIN) !== 0,
      rst: (s.flags & RST) !== 0,
      hasAck: (s.flags & ACK) !== 0,
    });
  }

  /** Takes the first received segment that passes, if there is one. */
  take(test: (segment: RawSegment) => boolean = () => true): RawSegment | null {
    const at = this.received.findIndex(test);
    return at < 0 ? null : (this.received.splice(at, 1)[0] ?? null);
  }

  /** All that was received and not taken, as log lines without times; forgets it. */
  replies(): string[] {
    const lines = this.received.map(s => formatSegment(s.event));
    this.received = [];
    return lines;
  }

  /** Waits for a segment that passes (taking it), at most `timeout` seconds: then null. */
  *wait(
    test: (segment: RawSegment) => boolean = () => true,
    timeout = 3,
  ): Generator<Waitable, RawSegment | null, unknown> {
    yield* this.world.when(() => this.received.some(test), timeout);
    return this.take(test);
  }

  /** The same where it must come. @throws Error if it does not */
  *expect(
    test: (segment: RawSegment) => boolean = () => true,
    timeout = 3,
  ): Generator<Waitable, RawSegment, unknown> {
    const segment = yield* this.wait(test, timeout);
    if (segment === null) {
      const got = this.replies();
      throw new Error(
        `raw peer ${this.name}: nothing of the kind came within ${timeout} s; got [${got.join(' | ')}]`,
      );
    }
    return segment;
  }

  /** Sends one segment; numbers are taken modulo 2^32. */
  send(flags: string, seq: number, ack: number, more: RawSend = {}): void {
    const options: BuildOptions = { ...more.options };
    if (more.timestamps) options.timestamps = more.timestamps;
    else if (this.timestamps && more.timestamps === undefined && !flags.includes('R') && !options.timestamps)
      options.timestamps = [this.tsVal++, flags.includes('.') ? this.tsEcr : 0];
    this.inject(
      buildSegment({
        source: more.source ?? this.address,
        destination: this.peer,
        sourcePort: more.port ?? this.port,
        destinationPort: more.peerPort ?? this.peerPort,
        seq: seq | 0,
        ack: ack | 0,
        flags,
        options,
        ...(more.data === undefined ? {} : { data: more.data }),
        ...(more.window === undefined ? {} : { window: more.window }),
        ...(more.urgent === undefined ? {} : { urgent: more.urgent }),
        ...(more.tos === undefined ? {} : { tos: more.tos }),
        ...(more.ttl === undefined ? {} : { ttl: more.ttl }),
        ...(more.checksum === undefined ? {} : { checksum: more.checksum }),
      }),
    );
  }

  /** Sends an ICMP error about a datagram that it got, from any address. */
  icmp(
    type: number,
    code: number,
    original: Uint8Array,
    rest = 0,
    source: Address | string = this.address,
  ): void {
    this.inject(buildIcmp({ source, destination: this.peer, type, code, rest, original }));
  }

  /** Sends any IP datagram. */
  inject(bytes: Uint8Array): void {
    if (this.end === null) throw new Error(`raw peer ${this.name}: no wire yet`);
    this.packet.readBytes(bytes, 0, bytes.length, 'ip');
    this.flows.observe(this.packet);
    this.end.wire.inject(this.end.other.node.name, bytes);
  }

  /**
   * Answers the connection that the other end is opening to `port`: waits for its SYN, sends the SYN-ACK and
   * waits for the ACK. Afterwards `snd` and `rcv` are the next numbers of both directions.
   */
  *accept(
    isn = 50_000,
    port = 5000,
    options: BuildOptions = { mss: 1460 },
  ): Generator<Waitable, void, unknown> {
    const syn = yield* this.expect(s => s.syn && !s.hasAck);
    this.port = port;
    this.begin(isn, syn);
    this.send('S.', isn, syn.seq + 1, { options: this.timestamps ? { sackOk: true, ...options } : options });
    yield* this.expect(s => s.hasAck && !s.syn);
    this.snd = isn + 1;
    this.rcv = (syn.seq + 1) >>> 0;
  }

  /** Opens a connection to `peerPort` of the other end: SYN, SYN-ACK, ACK. */
  *connect(
    peerPort: number,
    port = 40_000,
    isn = 90_000,
    options: BuildOptions = { mss: 1460 },
  ): Generator<Waitable, void, unknown> {
    this.port = port;
    this.peerPort = peerPort;
    this.send('S', isn, 0, { options: this.timestamps ? { sackOk: true, ...options } : options });
    const synAck = yield* this.expect(s => s.syn && s.hasAck);
    this.begin(isn, synAck);
    this.snd = isn + 1;
    this.rcv = (synAck.seq + 1) >>> 0;
    this.send('.', this.snd, this.rcv);
  }

  /** Whom it sends to if nobody has sent to it: set this, or connect its wire to a host with an address. */
  set peer(address: Address | string) {
    this.peerAddress = toAddress(address);
  }

  get peer(): Address {
    const known = this.peerAddress ?? this.end?.other.node.primaryAddress?.() ?? null;
    if (known === null)
      throw new Error(`raw peer ${this.name}: the other end's address is not known; set 'peer'`);
    return known;
  }

  private begin(isn: number, segment: RawSegment): void {
    this.isn = isn;
    this.peerIsn = segment.seq;
    this.peerPort = segment.event.sourcePort;
  }
}
