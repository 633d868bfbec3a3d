import { Address } from '../base/address.ts';
import type { Seq } from '../base/seq.ts';
import type { Frame } from './frame.ts';

/** TCP header flags (RFC 9293 §3.1, RFC 3168, RFC 9768 for AE). */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;
export const ECE = 0x40;
export const CWR = 0x80;
export const AE = 0x100;

export const MAX_SACK_BLOCKS = 4;

/**
 * One decoded TCP segment with the parts of its IP header that TCP reads. A host has one `Segment`, refilled for each arrival, so that decoding allocates
 * nothing; keep copies of what must outlive the call.
 */
export class Segment {
  readonly source = new Address(0, 0, 0, 0);
  readonly destination = new Address(0, 0, 0, 0);
  sourcePort = 0;
  destinationPort = 0;
  seq = 0 as Seq;
  ack = 0 as Seq;
  flags = 0;
  /** The 16-bit window field as it stands on the wire, unscaled. */
  window = 0;
  urgent = 0;

  /** Payload: `bytes[at..at+length)`, valid only during the call that delivers the segment. */
  bytes: Uint8Array = EMPTY;
  at = 0;
  length = 0;
  /** The frame that holds the payload by reference (`Frame.attached`): then `bytes` holds the headers only. */
  attached: Frame | null = null;
  /** Where the TCP header begins in `bytes`. */
  headersAt = 0;

  /** Traffic class / TOS byte and TTL / hop limit as they arrived; the index of the arrival interface. */
  tos = 0;
  ttl = 0;
  interfaceIndex = 0;
  /** How many wire segments this stands for (a merged super-segment), at least 1. */
  count = 1;
  /** Payload of each of these segments but the last; only valid if `count` is more than 1. */
  segmentSize = 0;

  /** Options; −1 or false where absent. */
  mss = -1;
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  tsVal = 0;
  tsEcr = 0;
  sackBlocks = 0;
  readonly sackLeft = new Int32Array(MAX_SACK_BLOCKS);
  readonly sackRight = new Int32Array(MAX_SACK_BLOCKS);
  /** Fast Open cookie: `bytes[cookieAt..+cookieLength)`; −1 absent, 0 a request (RFC 7413; kind 254 too). */
  cookieLength = -1;
  cookieAt = 0;
  cookieExperimental = false;

  /** RFC 9293's SEG.LEN: payload plus one each for SYN and FIN. */
  get segLen(): number {
    return this.length + (this.flags & SYN ? 1 : 0) + (this.flags & FIN ? 1 : 0);
  }
}

const EMPTY = new Uint8Array(0);
