import type { Address } from '../base/address.ts';
import { halfSipHash, randomKey, type SipKey } from '../base/random.ts';
import { MICROS_PER_SECOND, type Micros } from '../base/time.ts';
import { copyBytes, put16 } from '../wire/bytes.ts';
import { checksum } from '../wire/checksum.ts';
import { type Frame, HEADROOM } from '../wire/frame.ts';
import type { Ipv4Header } from '../wire/ipv4.ts';
import type { Ipv6Header } from '../wire/ipv6.ts';
import type { IpEnv } from './env.ts';

/** Memory that a datagram and each of its pieces are charged beside their bytes. */
const DATAGRAM_COST = 512;
const PIECE_COST = 128;
const BUCKETS = 1024;
const ECN = 3;
const CE = 3;

/** One piece: its place in the datagram's payload and a copy of its bytes. */
class Piece {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;

  constructor(from: number, bytes: Uint8Array) {
    this.from = from;
    this.to = from + bytes.length;
    this.bytes = bytes;
  }
}

/** A datagram of which pieces are still missing. */
export class Partial {
  readonly source: Address;
  readonly destination: Address;
  readonly id: number;
  /** IPv4: the protocol, part of the key (RFC 791); IPv6: 0, as there the first fragment names it (RFC 8200 §4.5). */
  readonly protocol: number;
  readonly is4: boolean;
  readonly interfaceIndex: number;
  readonly expires: Micros;
  readonly hash: number;
  /** Ordered by place, disjoint. */
  readonly pieces: Piece[] = [];
  /** Payload bytes present, and the whole length, −1 until the last piece is here. */
  have = 0;
  total = -1;
  charged = DATAGRAM_COST;
  /** Headers in front of the payload, from the piece with offset 0; null until it comes. */
  header: Uint8Array | null = null;
  /** IPv6: offset in `header` of the next-header field that named the fragment header; and what followed that. */
  nextAt = 0;
  nextHeader = 0;
  /** ECN code points seen, one bit each. */
  ecn = 0;
  /** Poisoned by an overlap: what else comes of it is dropped until it expires (RFC 5722). */
  dead = false;
  /** In the bucket, and in the list of all by age. */
  next: Partial | null = null;
  older: Partial | null = null;
  newer: Partial | null = null;

  constructor(
    source: Address,
    destination: Address,
    id: number,
    protocol: number,
    is4: boolean,
    interfaceIndex: number,
    expires: Micros,
    hash: number,
  ) {
    this.source = source;
    this.destination = destination;
    this.id = id;
    this.protocol = protocol;
    this.is4 = is4;
    this.interfaceIndex = interfaceIndex;
    this.expires = expires;
    this.hash = hash;
  }
}

/**
 * Reassembly for both families (RFC 791, RFC 815's task by ordered pieces, RFC 8200 §4.5). Pieces that overlap
 * kill their datagram (RFC 5722; Linux does so for IPv4 too); exact repetitions are ignored. Memory is bounded by
 * `ipfrag_high_thresh` and `ip6frag_high_thresh`: beyond it the oldest datagram goes. Finding a piece's place is
 * a binary search, whatever the order of arrival (CVE-2018-5391).
 */
export class Reassembler {
  private readonly env: IpEnv;
  private readonly is4: boolean;
  private readonly key: SipKey;
  private readonly buckets: (Partial | null)[] = new Array<Partial | null>(BUCKETS).fill(null);
  private oldest: Partial | null = null;
  private newest: Partial | null = null;
  /** Bytes charged now. */
  memory = 0;
  /** Datagrams in the making. */
  count = 0;

  constructor(env: IpEnv, is4: boolean) {
    this.env = env;
    this.is4 = is4;
    this.key = randomKey(env.random);
  }

  /**
   * Takes an IPv4 fragment whose header is `h`, at `bytes[start..]`.
   * @returns the whole datagram as a new frame if this was the last missing piece
   */
  add4(bytes: Uint8Array, start: number, h: Ipv4Header, interfaceIndex: number): Frame | null {
    const p = this.obtain(h.source, h.destination, h.id, h.protocol, interfaceIndex);
    if (h.fragmentOffset === 0) this.keepHeader(p, bytes, start, h.at);
    return this.insert(p, bytes, h.at, h.end, h.fragmentOffset, h.moreFragments, h.tos & ECN, 65535 - 20);
  }

  /** The same for an IPv6 fragment. */
  add6(bytes: Uint8Array, start: number, h: Ipv6Header, interfaceIndex: number): Frame | null {
    const p = this.obtain(h.source, h.destination, h.fragmentId, 0, interfaceIndex);
    if (h.fragmentOffset === 0 && this.keepHeader(p, bytes, start, h.fragmentAt)) {
      p.nextAt = h.fragmentNextAt - start;
      p.nextHeader = h.protocol;
    }
    return this.insert(p, bytes, h.at, h.end, h.fragmentOffset, h.moreFragments, h.trafficClass & ECN, 65535);
  }

  deadline(): Micros {
    return this.oldest === null ? Number.POSITIVE_INFINITY : this.oldest.expires;
  }

  /**
   * Gives up datagrams whose time has come.
   * @param gaveUp told of each that was not dead, so that "reassembly time exceeded" can be sent
   */
  expire(now: Micros, budget: number, gaveUp: (p: Partial) => void): number {
    let n = 0;
    while (n < budget && this.oldest !== null && this.oldest.expires <= now) {
      const p = this.oldest;
      this.remove(p);
      n++;
      if (p.dead) continue;
      this.failed();
      if (this.is4) this.env.mib.IpReasmTimeout++;
      else this.env.mib.Ip6ReasmTimeout++;
      this.env.mib.countDrop('fragment-timeout');
      gaveUp(p);
    }
    return n;
  }

  clear(): void {
    while (this.oldest !== null) this.remove(this.oldest);
  }

  private insert(
    p: Partial,
    bytes: Uint8Array,
    at: number,
    end: number,
    offset: number,
    more: boolean,
    ecn: number,
    most: number,
  ): Frame | null {
    const { mib } = this.env;
    if (this.is4) mib.IpReasmReqds++;
    else mib.Ip6ReasmReqds++;
    if (p.dead) return null;
    const n = end - at;
    const to = offset + n;
    if (to > most) return this.poison(p, 'fragment-too-big');
    if (!more) {
      // Two different ends, or pieces beyond the end.
      if (p.total >= 0 ? p.total !== to : this.last(p) > to) return this.poison(p, 'fragment-length');
      p.total = to;
    } else if (p.total >= 0 && to > p.total) return this.poison(p, 'fragment-length');
    const place = this.placeOf(p, offset);
    const before = p.pieces[place - 1];
    const after = p.pieces[place];
    if (after !== undefined && after.from === offset && after.to === to) return null;
    if ((before !== undefined && before.to > offset) || (after !== undefined && after.from < to)) {
      if (this.is4) mib.IpExtReasmOverlaps++;
      return this.poison(p, 'fragment-overlap');
    }
    p.pieces.splice(place, 0, new Piece(offset, bytes.slice(at, end)));
    p.have += n;
    p.ecn |= 1 << ecn;
    this.charge(p, n + PIECE_COST);
    if (p.have === p.total && p.header !== null) return this.finish(p);
    this.makeRoom(p);
    return null;
  }

  private finish(p: Partial): Frame | null {
    this.remove(p);
    // RFC 3168 §5.3: congestion marks survive, but never beside pieces of a sender without ECN.
    const marked = (p.ecn & (1 << CE)) !== 0;
    if (marked && (p.ecn & 1) !== 0) {
      this.failed();
      return null;
    }
    const header = p.header!;
    const size = header.length + p.total;
    if (p.is4 && size > 65535) {
      this.failed();
      this.env.mib.countDrop('fragment-too-big');
      return null;
    }
    const frame = this.env.frames.take(HEADROOM + size);
    const b = frame.bytes;
    const start = frame.start;
    copyBytes(b, start, header, 0, header.length);
    for (const piece of p.pieces)
      copyBytes(b, start + header.length + piece.from, piece.bytes, 0, piece.bytes.length);
    frame.end = start + size;
    if (p.is4) {
      put16(b, start + 2, size);
      put16(b, start + 6, 0);
      if (marked) b[start + 1]! |= CE;
      put16(b, start + 10, 0);
      put16(b, start + 10, checksum(b, start, start + header.length));
      this.env.mib.IpReasmOKs++;
    } else {
      put16(b, start + 4, size - 40);
      b[start + p.nextAt] = p.nextHeader;
      if (marked) b[start + 1]! |= CE << 4;
      this.env.mib.Ip6ReasmOKs++;
    }
    return frame;
  }

  private keepHeader(p: Partial, bytes: Uint8Array, start: number, end: number): boolean {
    if (p.dead || p.header !== null) return false;
    p.header = bytes.slice(start, end);
    this.charge(p, end - start);
    return true;
  }

  private last(p: Partial): number {
    return p.pieces[p.pieces.length - 1]?.to ?? 0;
  }

  /** Index of the first piece that begins at or behind `offset`. */
  private placeOf(p: Partial, offset: number): number {
    let low = 0;
    let high = p.pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (p.pieces[middle]!.from < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Frees what the datagram holds and refuses the rest of it. */
  private poison(p: Partial, why: 'fragment-overlap' | 'fragment-too-big' | 'fragment-length'): null {
    p.dead = true;
    p.pieces.length = 0;
    p.header = null;
    this.memory -= p.charged - DATAGRAM_COST;
    p.charged = DATAGRAM_COST;
    this.failed();
    this.env.mib.countDrop(why);
    return null;
  }

  private failed(): void {
    if (this.is4) this.env.mib.IpReasmFails++;
    else this.env.mib.Ip6ReasmFails++;
  }

  private charge(p: Partial, n: number): void {
    p.charged += n;
    this.memory += n;
  }

  /** Throws out the oldest datagrams while memory is over the limit, this one last. */
  private makeRoom(current: Partial): void {
    const { sysctl, mib } = this.env;
    const most = this.is4 ? sysctl.ipfrag_high_thresh : sysctl.ip6frag_high_thresh;
    while (this.memory > most && this.oldest !== null) {
      const victim = this.oldest === current && current.newer !== null ? current.newer : this.oldest;
      if (!victim.dead) this.failed();
      mib.countDrop('fragment-limit');
      this.remove(victim);
    }
  }

  private obtain(
    source: Address,
    destination: Address,
    id: number,
    protocol: number,
    index: number,
  ): Partial {
    const hash = halfSipHash(
      this.key,
      source.d,
      source.a ^ source.b ^ source.c,
      destination.d,
      destination.a ^ destination.b ^ destination.c,
      id,
      protocol ^ (index << 8),
    );
    const at = hash & (BUCKETS - 1);
    for (let p = this.buckets[at] ?? null; p !== null; p = p.next) {
      if (p.hash !== hash || p.id !== id || p.protocol !== protocol || p.interfaceIndex !== index) continue;
      if (p.source.equals(source) && p.destination.equals(destination)) return p;
    }
    const { sysctl, now } = this.env;
    const seconds = this.is4 ? sysctl.ipfrag_time : sysctl.ip6frag_time;
    const expires = now + seconds * MICROS_PER_SECOND;
    const p = new Partial(source.clone(), destination.clone(), id, protocol, this.is4, index, expires, hash);
    p.next = this.buckets[at] ?? null;
    this.buckets[at] = p;
    p.older = this.newest;
    if (this.newest !== null) this.newest.newer = p;
    else this.oldest = p;
    this.newest = p;
    this.memory += p.charged;
    this.count++;
    return p;
  }

  private remove(p: Partial): void {
    const at = p.hash & (BUCKETS - 1);
    if (this.buckets[at] === p) this.buckets[at] = p.next;
    else {
      for (let q = this.buckets[at] ?? null; q !== null; q = q.next) {
        if (q.next !== p) continue;
        q.next = p.next;
        break;
      }
    }
    if (p.older !== null) p.older.newer = p.newer;
    else this.oldest = p.newer;
    if (p.newer !== null) p.newer.older = p.older;
    else this.newest = p.older;
    p.next = null;
    p.older = null;
    p.newer = null;
    this.memory -= p.charged;
    this.count--;
  }
}
