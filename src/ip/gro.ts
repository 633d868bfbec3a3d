import { copyBytes, i32, put16, u16 } from '../wire/bytes.ts';
import { adjust, fold, sum, sumView } from '../wire/checksum.ts';
import { CSUM_GOOD, CSUM_PARTIAL, CSUM_UNKNOWN, type Frame, type FramePool } from '../wire/frame.ts';
import { IP_DF, IPV4_HEADER } from '../wire/ipv4.ts';
import { IPV6_HEADER } from '../wire/ipv6.ts';
import { ACK, PSH } from '../wire/segment.ts';
import {
  PROTOCOL_TCP,
  TCP_AT_ACK,
  TCP_AT_CHECKSUM,
  TCP_AT_OFFSET_FLAGS,
  TCP_AT_SEQ,
  TCP_HEADER,
} from '../wire/tcp.ts';

/** Streams whose segments are gathered at the same time; one more, and the oldest goes on. */
const MOST_TRAINS = 8;
/** Largest IP datagram. */
const MOST_BYTES = 65535;
/** Where the flags of TCP are, from the start of its header. */
const AT_FLAGS = TCP_AT_OFFSET_FLAGS + 1;

/** Consecutive segments of one stream, gathered in one frame. */
class Train {
  frame: Frame;
  /** Offsets in the frame: of the IP header, of the TCP header, and of the payload. */
  readonly ip: number;
  readonly tcp: number;
  readonly payload: number;
  /** Bytes of payload of the first segment, and so of each but the last. */
  readonly size: number;
  /** Sequence number of what comes next. */
  next: number;
  segments = 1;
  /** Nothing may follow: the last was short, or asked for delivery. */
  ended = false;

  constructor(frame: Frame, ip: number, tcp: number, payload: number) {
    this.frame = frame;
    this.ip = ip;
    this.tcp = tcp;
    this.payload = payload;
    this.size = frame.end - payload;
    this.next = (i32(frame.bytes, tcp + TCP_AT_SEQ) + this.size) | 0;
  }
}

/**
 * Generic receive offload in software: of the frames that a link delivers at one moment, consecutive TCP segments of
 * one stream become one super-segment, so that all that follows is done once for many. `segmentInSoftware` would cut
 * it into the same segments again: only those are joined that have good checksums, the same headers but for sequence
 * number, PSH and IPv4 identification, and the same size but for the last (Linux's `tcp_gro_receive`). What else comes
 * passes as it is, behind what came before it on its connection.
 */
export class Coalescer {
  private readonly pool: FramePool;
  private readonly link: number;
  private readonly out: (frame: Frame) => void;
  private readonly trains: Train[] = [];
  // Of the frame at hand, as `read` has found it.
  private ip = 0;
  private tcp = 0;
  private payload = 0;

  /**
   * @param link bytes of link header before each datagram: 0, or Ethernet's 14
   * @param out takes frames over; must not call back
   */
  constructor(pool: FramePool, link: number, out: (frame: Frame) => void) {
    this.pool = pool;
    this.link = link;
    this.out = out;
  }

  /** Takes the next frame of a batch over. */
  add(frame: Frame): void {
    if (!this.read(frame)) {
      this.out(frame);
      return;
    }
    const train = this.find(frame);
    if (train !== null) {
      if (this.follows(train, frame)) {
        this.append(train, frame);
        if (train.ended) this.end(train);
        return;
      }
      this.end(train);
    }
    if (!this.mayBegin(frame)) {
      this.out(frame);
      return;
    }
    if (this.trains.length === MOST_TRAINS) this.end(this.trains[0]!);
    this.trains.push(new Train(frame, this.ip, this.tcp, this.payload));
  }

  /** Ends a batch: passes on what has been gathered. */
  flush(): void {
    while (this.trains.length > 0) this.end(this.trains[0]!);
  }

  /** Finds the headers; false if this is no whole TCP segment behind plain ones. */
  private read(frame: Frame): boolean {
    const { bytes, end } = frame;
    const ip = frame.start + this.link;
    const length = end - ip;
    if (length < IPV4_HEADER + TCP_HEADER || frame.gsoSize > 0) return false;
    let tcp = ip + IPV4_HEADER;
    if (bytes[ip] === 0x45) {
      // A datagram that may be cut up has an identification that means something (RFC 6864).
      if (u16(bytes, ip + 2) !== length || u16(bytes, ip + 6) !== IP_DF || bytes[ip + 9] !== PROTOCOL_TCP)
        return false;
    } else {
      tcp = ip + IPV6_HEADER;
      if (bytes[ip]! >>> 4 !== 6 || length < IPV6_HEADER + TCP_HEADER) return false;
      if (u16(bytes, ip + 4) !== length - IPV6_HEADER || bytes[ip + 6] !== PROTOCOL_TCP) return false;
    }
    const payload = tcp + ((bytes[tcp + TCP_AT_OFFSET_FLAGS]! >>> 4) << 2);
    if (payload < tcp + TCP_HEADER || payload > end) return false;
    this.ip = ip;
    this.tcp = tcp;
    this.payload = payload;
    return true;
  }

  /** The train of the frame's connection, or null. */
  private find(frame: Frame): Train | null {
    const headers = this.tcp - this.ip;
    const from = addressesAt(headers);
    for (const t of this.trains) {
      // The ports lie behind the addresses.
      if (t.tcp - t.ip === headers && same(t.frame, t.ip + from, frame, this.ip + from, headers - from + 4))
        return t;
    }
    return null;
  }

  /** Data with ACK alone, and a checksum that holds. */
  private mayBegin(frame: Frame): boolean {
    const { bytes, end } = frame;
    return (
      end > this.payload &&
      (u16(bytes, this.tcp + TCP_AT_OFFSET_FLAGS) & 0x1ff) === ACK &&
      this.verifies(frame)
    );
  }

  /** Whether the frame is in all respects the next segment of a train. */
  private follows(t: Train, frame: Frame): boolean {
    const { ip, tcp, payload } = this;
    const held = t.frame;
    const { bytes, view } = frame;
    const length = frame.end - payload;
    if (length === 0 || length > t.size || held.end - t.ip + length > MOST_BYTES) return false;
    if (view.getInt32(tcp + TCP_AT_SEQ) !== t.next) return false;
    // The length of the header, flags and window are one word.
    const word = view.getInt32(tcp + TCP_AT_OFFSET_FLAGS) ^ held.view.getInt32(t.tcp + TCP_AT_OFFSET_FLAGS);
    if ((word & ~(PSH << 16)) !== 0) return false;
    if (!same(frame, tcp + TCP_AT_ACK, held, t.tcp + TCP_AT_ACK, 4)) return false;
    if (!same(frame, tcp + TCP_HEADER, held, t.tcp + TCP_HEADER, payload - tcp - TCP_HEADER)) return false;
    const is4 = tcp - ip === IPV4_HEADER;
    const hops = is4 ? 8 : 7;
    if (bytes[ip + hops] !== held.bytes[t.ip + hops]) return false;
    // TOS; or traffic class and flow label.
    if (is4 ? bytes[ip + 1] !== held.bytes[t.ip + 1] : !same(frame, ip, held, t.ip, 4)) return false;
    for (let i = 1; i <= this.link; i++) if (bytes[ip - i] !== held.bytes[t.ip - i]) return false;
    return this.verifies(frame);
  }

  /** Whether the checksums hold. */
  private verifies(frame: Frame): boolean {
    const { ip, tcp } = this;
    const { bytes, end } = frame;
    if (tcp - ip === IPV4_HEADER && fold(sum(bytes, ip, tcp)) !== 0xffff) return false;
    if (frame.csum !== CSUM_UNKNOWN) return true;
    return fold(sumView(frame.view, ip + addressesAt(tcp - ip), end) + PROTOCOL_TCP + end - tcp) === 0xffff;
  }

  private append(t: Train, frame: Frame): void {
    const length = frame.end - this.payload;
    if (t.segments === 1) t.frame = this.enlarge(t.frame);
    const { bytes, end } = t.frame;
    copyBytes(bytes, end, frame.bytes, this.payload, length);
    t.frame.end = end + length;
    t.next = (t.next + length) | 0;
    t.segments++;
    const flags = frame.bytes[this.tcp + AT_FLAGS]!;
    bytes[t.tcp + AT_FLAGS] = flags;
    t.ended = length < t.size || (flags & PSH) !== 0;
    frame.release();
  }

  /** The same in a frame that has room for a train. */
  private enlarge(frame: Frame): Frame {
    const { start, end } = frame;
    const large = this.pool.take(start + this.link + MOST_BYTES);
    copyBytes(large.bytes, start, frame.bytes, start, end - start);
    large.start = start;
    large.end = end;
    frame.release();
    return large;
  }

  /** Passes a train on, as one super-segment if it has more than one segment. */
  private end(t: Train): void {
    this.trains.splice(this.trains.indexOf(t), 1);
    const { frame, ip, tcp } = t;
    if (frame.csum === CSUM_UNKNOWN) frame.csum = CSUM_GOOD;
    if (t.segments > 1) {
      const { bytes, end } = frame;
      const length = end - tcp;
      if (tcp - ip === IPV4_HEADER) {
        const before = u16(bytes, ip + 2);
        put16(bytes, ip + 2, end - ip);
        put16(bytes, ip + 10, adjust(u16(bytes, ip + 10), before, end - ip));
      } else put16(bytes, ip + 4, length);
      const pseudo = sumView(frame.view, ip + addressesAt(tcp - ip), tcp) + PROTOCOL_TCP + length;
      put16(bytes, tcp + TCP_AT_CHECKSUM, fold(pseudo));
      frame.csum = CSUM_PARTIAL;
      frame.gsoSize = t.size;
    }
    this.out(frame);
  }
}

/** Where the addresses are, from the start of an IP header of so many bytes. */
const addressesAt = (headers: number): number => (headers === IPV4_HEADER ? 12 : 8);

/** Whether `n` bytes of two frames are the same: a multiple of 4. */
function same(a: Frame, at: number, b: Frame, from: number, n: number): boolean {
  for (let i = 0; i < n; i += 4) if (a.view.getInt32(at + i) !== b.view.getInt32(from + i)) return false;
  return true;
}
