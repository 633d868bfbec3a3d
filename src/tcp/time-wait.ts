import { TIME_WAIT } from './state.ts';
import { FIRST, META, type TupleHash, TupleTable, USED } from './tuple-table.ts';

/**
 * TIME_WAIT, and the FIN_WAIT_2 of orphans, without connections: rows of a typed-array table (Linux's
 * timewait mini-sockets). A row has what the segment rules need and nothing of a connection's buffers.
 * IPv4 rows take 44 bytes, IPv6 rows 72; to each come 12 in the timing wheel and 4 in the hash table.
 */

// Columns, in 32-bit words.
const RCV_NXT = FIRST;
const SND_NXT = FIRST + 1;
const RCV_WND = FIRST + 2;
const TS_RECENT = FIRST + 3;
/** When TS_RECENT was stored, in seconds modulo 2^24; TOS << 24. */
const STAMP = FIRST + 4;
/** In milliseconds of the host's clock. */
const ENTERED = FIRST + 5;
const COLUMNS = FIRST + 6;

// META: flags, window scale << 6, OOW_AT << 10: in milliseconds of the host's clock modulo 2^22 (70 minutes).

/** Flags of a row. */
export const TW_REUSE_ADDR = 16;
export const TW_OOW_SEEN = 2;
/** The connection had timestamps; they have an offset, which is computed anew when it is needed. */
const HAS_STAMP = 4;
export const TW_TS_OFFSET = 8;
/** In FIN_WAIT_2, not TIME_WAIT. */
const WAITS_FOR_FIN = 32;

const SCALE_SHIFT = 6;
const OOW_SHIFT = 10;
const OOW_MASK = 0x3fffff;
const STAMP_MASK = 0xffffff;
/** A stamp this old is remembered as this old: 97 days, where PAWS asks for 24. */
const STAMP_OLDEST = 1 << 23;

/** One table serves one family. */
export class TimeWaitTable extends TupleTable {
  /** @param words 32-bit words of an address: 1 for IPv4, 4 for IPv6 */
  constructor(words: 1 | 4, startJiffy: number, hash: TupleHash) {
    super(COLUMNS, words, startJiffy, hash);
  }

  /** FIN_WAIT_2 (5) or TIME_WAIT (6). */
  substate(row: number): number {
    return TIME_WAIT - ((this.meta(row) & WAITS_FOR_FIN) >> 5);
  }
  /** Once, before the rest. */
  setMeta(row: number, substate: number, scale: number, flags: number, tos: number): void {
    const waits = substate === TIME_WAIT ? 0 : WAITS_FOR_FIN;
    this.put(row, META, USED | waits | flags | (scale << SCALE_SHIFT));
    this.put(row, STAMP, tos << 24);
    this.put(row, TS_RECENT, 0);
  }
  setSubstate(row: number, substate: number): void {
    const waits = substate === TIME_WAIT ? 0 : WAITS_FOR_FIN;
    this.put(row, META, (this.meta(row) & ~WAITS_FOR_FIN) | waits);
    this.changes++;
  }
  scale(row: number): number {
    return (this.meta(row) >>> SCALE_SHIFT) & 15;
  }
  flags(row: number): number {
    return this.meta(row) & (TW_REUSE_ADDR | TW_OOW_SEEN | TW_TS_OFFSET);
  }
  tos(row: number): number {
    return this.get(row, STAMP) >>> 24;
  }
  rcvNxt(row: number): number {
    return this.get(row, RCV_NXT);
  }
  setRcvNxt(row: number, v: number): void {
    this.put(row, RCV_NXT, v);
  }
  sndNxt(row: number): number {
    return this.get(row, SND_NXT);
  }
  setSndNxt(row: number, v: number): void {
    this.put(row, SND_NXT, v);
  }
  rcvWnd(row: number): number {
    return this.get(row, RCV_WND);
  }
  setRcvWnd(row: number, v: number): void {
    this.put(row, RCV_WND, v);
  }
  hasTimestamps(row: number): boolean {
    return (this.meta(row) & HAS_STAMP) !== 0;
  }
  tsRecent(row: number): number {
    return this.get(row, TS_RECENT);
  }
  /** When TS.Recent was stored, in seconds (97 days ago if it was earlier). @param now in seconds */
  tsStamp(row: number, now: number): number {
    return now - ((now - this.get(row, STAMP)) & STAMP_MASK);
  }
  /** TS.Recent, stored at `stamp`; both times in seconds. */
  setTsRecent(row: number, value: number, stamp: number, now: number): void {
    this.put(row, TS_RECENT, value);
    const kept = now - stamp < STAMP_OLDEST ? stamp : now - STAMP_OLDEST;
    this.put(row, STAMP, (this.get(row, STAMP) & ~STAMP_MASK) | (kept & STAMP_MASK));
    this.put(row, META, this.meta(row) | HAS_STAMP);
  }
  /** Milliseconds since `setOowAt`, if that was called at all (TW_OOW_SEEN), modulo 2^22. */
  sinceOow(row: number, now: number): number {
    return (now - (this.meta(row) >>> OOW_SHIFT)) & OOW_MASK;
  }
  setOowAt(row: number, ms: number): void {
    const rest = this.meta(row) & ((1 << OOW_SHIFT) - 1);
    this.put(row, META, rest | TW_OOW_SEEN | ((ms & OOW_MASK) << OOW_SHIFT));
  }
  forgetOow(row: number): void {
    this.put(row, META, this.meta(row) & ~TW_OOW_SEEN);
  }
  /** When TIME_WAIT or FIN_WAIT_2 was entered, in milliseconds. */
  entered(row: number): number {
    return this.get(row, ENTERED);
  }
  setEntered(row: number, ms: number): void {
    this.put(row, ENTERED, ms);
  }
}
