import type { Address } from '../base/address.ts';
import type { Frame } from '../wire/frame.ts';

/**
 * What TCP must know of the way to a peer. ip/ implements it; TCP keeps the object and reads it at each
 * use, so that a change of path MTU is seen at once. When `valid` turns false, ask `Network.path` again.
 */
export interface Path {
  /** The source address chosen for this path (RFC 9293 MUST-44). */
  readonly source: Address;
  readonly destination: Address;
  /** Path MTU now, bytes of the whole IP datagram (RFC 1191, 8201). */
  readonly mtu: number;
  /** MTU of the first hop, from which the MSS that we announce is derived (MUST-67). */
  readonly linkMtu: number;
  /** MSS to announce if a route says so (`advmss`), else 0. */
  readonly advmss: number;
  /** Initial congestion window in segments if a route says so, else 0. */
  readonly initcwnd: number;
  /** Both ends are on this host, through lo. */
  readonly loopback: boolean;
  /** Largest payload of one super-segment this interface takes (offload), 0 if it takes none. */
  readonly gsoMax: number;
  /** The link completes transport checksums (offload). */
  readonly checksumOffload: boolean;
  /** The interface takes frames whose payload is attached by reference. */
  readonly scatter: boolean;
  /** The first hop spreads packets in time (Linux's fq): bursts follow the pacing rate. */
  readonly paced: boolean;
  readonly valid: boolean;
  /** The first hop's queue is nearly full: a burst sent now may be dropped on this host. Send later. */
  readonly congested: boolean;
}

/** What TCP asks of the layer below. */
export interface Network {
  /**
   * The way to `destination`, from `source` if given.
   * @returns a negative errno if there is none: −ENETUNREACH, −EHOSTUNREACH, −EADDRNOTAVAIL
   */
  path(destination: Address, source: Address | null): Path | number;
  /** A frame for a transport segment of up to `size` bytes; write it at `frame.start`, set `frame.end`. */
  frame(size: number): Frame;
  /**
   * Sends a finished transport segment; takes the frame over.
   * @returns false if this host itself dropped it, for want of room in the interface's queue
   * @param tos traffic class / TOS byte
   * @param ttl hop limit, 0 for the host's default
   * @param discovery IP_MTU_DISCOVER: 0 leaves IPv4's DF clear, 1 sets it
   */
  send(
    path: Path,
    frame: Frame,
    source: Address,
    destination: Address,
    protocol: number,
    tos: number,
    ttl: number,
    discovery?: number,
  ): boolean;
  /**
   * A "fragmentation needed" or "packet too big" that the caller has found to be about a segment of its own in
   * flight (RFC 5927): lowers `path.mtu`, never below the floor, for a limited time.
   */
  lowerMtu(path: Path, mtu: number): void;
  /**
   * Negative advice (RFC 9293 §3.8.3, R1): segments on this path go unanswered. The path is looked up anew
   * and the next hop asked whether it is still there.
   */
  suspect(path: Path): void;
  /** The opposite: an answer has come back, so the next hop works (RFC 4861 §7.3.1). */
  confirm(path: Path): void;
  /** Whether the address belongs to this host (127/8 included). */
  isLocal(address: Address): boolean;
  /** Whether the address is broadcast or multicast for this host (never a TCP peer: MUST-46, MUST-57). */
  isBroadcast(address: Address): boolean;
}
