import type { Address } from '../base/address.ts';
import { TimerWheel } from '../base/timers.ts';

/**
 * TIME_WAIT, and the FIN_WAIT_2 of orphans, without connections: rows of a typed-array table (Linux's
 * timewait mini-sockets). A row has what the segment rules need and nothing of a connection's buffers;
 * IPv4 rows take 56 bytes, IPv6 rows 80, and about 25 in the hash table and the timing wheel.
 */

// Columns, in 32-bit words; the local address and then the remote one follow.
const NEXT = 0;
const PORTS = 1;
const RCV_NXT = 2;
const SND_NXT = 3;
const RCV_WND = 4;
const TS_RECENT = 5;
/** In seconds, 0 if the connection had no timestamps. */
const TS_STAMP = 6;
const TS_OFFSET = 7;
/** In milliseconds of the host's clock. */
const OOW_AT = 8;
const ENTERED = 9;
/** Substate | window scale << 8 | flags << 16 | TOS << 24. */
const META = 10;
const HASH = 11;
const LOCAL = 12;

const NONE = -1;

const PAGE_BITS = 10;
const PAGE = 1 << PAGE_BITS;

/** Flags of a row. */
export const TW_REUSE_ADDR = 1;
export const TW_OOW_SEEN = 2;

/** One table serves one family. */
export class TimeWaitTable {
  /** Rows in use. */
  size = 0;
  /** Counts rows that came, went or changed their state. */
  changes = 0;
  /** Pages of `PAGE` rows: nothing to copy when the table grows, and no room that waits to be used. */
  private readonly pages: Int32Array[] = [];
  private buckets: Int32Array;
  private free = NONE;
  private top = 0;
  private readonly words: number;
  private readonly stride: number;
  readonly wheel: TimerWheel;

  /** @param words 32-bit words of an address: 1 for IPv4, 4 for IPv6 */
  constructor(words: 1 | 4, startJiffy: number) {
    this.words = words;
    this.stride = LOCAL + 2 * words;
    this.buckets = new Int32Array(16).fill(NONE);
    this.wheel = new TimerWheel(startJiffy, 16);
  }

  /** A new row for the 4-tuple; the caller fills the rest and arms the wheel. */
  add(hash: number, local: Address, localPort: number, remote: Address, remotePort: number): number {
    let row = this.free;
    if (row !== NONE) this.free = this.page(row)[this.place(row)]!;
    else {
      row = this.top++;
      if (row === this.pages.length * PAGE) this.pages.push(new Int32Array(PAGE * this.stride));
    }
    if (this.size >= this.buckets.length) this.rehash();
    this.size++;
    this.changes++;
    const r = this.page(row);
    const at = this.place(row);
    r.fill(0, at, at + this.stride);
    r[at + PORTS] = (localPort << 16) | remotePort;
    r[at + HASH] = hash;
    this.putAddress(r, at + LOCAL, local);
    this.putAddress(r, at + LOCAL + this.words, remote);
    this.link(row, hash);
    return row;
  }

  /** The row of a 4-tuple, or −1. */
  find(hash: number, local: Address, localPort: number, remote: Address, remotePort: number): number {
    const ports = (localPort << 16) | remotePort;
    let row = this.buckets[hash & (this.buckets.length - 1)]!;
    while (row !== NONE) {
      const r = this.page(row);
      const at = this.place(row);
      if (
        r[at + PORTS] === ports &&
        r[at + HASH] === hash &&
        this.isAddress(r, at + LOCAL + this.words, remote) &&
        this.isAddress(r, at + LOCAL, local)
      )
        return row;
      row = r[at + NEXT]!;
    }
    return NONE;
  }

  remove(row: number): void {
    const at = this.place(row);
    const r = this.page(row);
    const bucket = r[at + HASH]! & (this.buckets.length - 1);
    let walk = this.buckets[bucket]!;
    if (walk === row) this.buckets[bucket] = r[at + NEXT]!;
    else {
      while (this.next(walk) !== row) walk = this.next(walk);
      this.page(walk)[this.place(walk) + NEXT] = r[at + NEXT]!;
    }
    this.wheel.cancel(row);
    r[at + PORTS] = 0;
    r[at + META] = 0;
    r[at] = this.free;
    this.free = row;
    this.size--;
    this.changes++;
  }

  /** Visits the rows in use, in no particular order. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (let row = 0; row < this.top; row++) if (this.page(row)[this.place(row) + META] !== 0) yield row;
  }

  substate(row: number): number {
    return this.page(row)[this.place(row) + META]! & 0xff;
  }
  setMeta(row: number, substate: number, scale: number, flags: number, tos: number): void {
    this.page(row)[this.place(row) + META] = substate | (scale << 8) | (flags << 16) | (tos << 24);
  }
  setSubstate(row: number, substate: number): void {
    const r = this.page(row);
    const i = this.place(row) + META;
    r[i] = (r[i]! & ~0xff) | substate;
    this.changes++;
  }
  scale(row: number): number {
    return (this.page(row)[this.place(row) + META]! >>> 8) & 0xff;
  }
  flags(row: number): number {
    return (this.page(row)[this.place(row) + META]! >>> 16) & 0xff;
  }
  addFlag(row: number, flag: number): void {
    this.page(row)[this.place(row) + META]! |= flag << 16;
  }
  tos(row: number): number {
    return this.page(row)[this.place(row) + META]! >>> 24;
  }
  localPort(row: number): number {
    return this.page(row)[this.place(row) + PORTS]! >>> 16;
  }
  remotePort(row: number): number {
    return this.page(row)[this.place(row) + PORTS]! & 0xffff;
  }
  rcvNxt(row: number): number {
    return this.page(row)[this.place(row) + RCV_NXT]!;
  }
  setRcvNxt(row: number, v: number): void {
    this.page(row)[this.place(row) + RCV_NXT] = v;
  }
  sndNxt(row: number): number {
    return this.page(row)[this.place(row) + SND_NXT]!;
  }
  setSndNxt(row: number, v: number): void {
    this.page(row)[this.place(row) + SND_NXT] = v;
  }
  rcvWnd(row: number): number {
    return this.page(row)[this.place(row) + RCV_WND]!;
  }
  setRcvWnd(row: number, v: number): void {
    this.page(row)[this.place(row) + RCV_WND] = v;
  }
  tsRecent(row: number): number {
    return this.page(row)[this.place(row) + TS_RECENT]!;
  }
  tsStamp(row: number): number {
    return this.page(row)[this.place(row) + TS_STAMP]!;
  }
  setTsRecent(row: number, value: number, stamp: number): void {
    this.page(row)[this.place(row) + TS_RECENT] = value;
    this.page(row)[this.place(row) + TS_STAMP] = stamp;
  }
  tsOffset(row: number): number {
    return this.page(row)[this.place(row) + TS_OFFSET]!;
  }
  setTsOffset(row: number, v: number): void {
    this.page(row)[this.place(row) + TS_OFFSET] = v;
  }
  oowAt(row: number): number {
    return this.page(row)[this.place(row) + OOW_AT]!;
  }
  setOowAt(row: number, ms: number): void {
    this.page(row)[this.place(row) + OOW_AT] = ms;
    this.addFlag(row, TW_OOW_SEEN);
  }
  /** When TIME_WAIT or FIN_WAIT_2 was entered, in milliseconds. */
  entered(row: number): number {
    return this.page(row)[this.place(row) + ENTERED]!;
  }
  setEntered(row: number, ms: number): void {
    this.page(row)[this.place(row) + ENTERED] = ms;
  }

  /** Becomes the row's addresses. */
  readLocal(row: number, to: Address): void {
    this.getAddress(this.page(row), this.place(row) + LOCAL, to);
  }
  readRemote(row: number, to: Address): void {
    this.getAddress(this.page(row), this.place(row) + LOCAL + this.words, to);
  }

  private putAddress(r: Int32Array, at: number, a: Address): void {
    if (this.words === 1) r[at] = a.d;
    else {
      r[at] = a.a;
      r[at + 1] = a.b;
      r[at + 2] = a.c;
      r[at + 3] = a.d;
    }
  }

  private isAddress(r: Int32Array, at: number, a: Address): boolean {
    if (this.words === 1) return r[at] === a.d;
    return r[at + 3] === a.d && r[at + 2] === a.c && r[at + 1] === a.b && r[at] === a.a;
  }

  private getAddress(r: Int32Array, at: number, to: Address): void {
    to.scope = 0;
    if (this.words === 1) {
      to.a = 0;
      to.b = 0;
      to.c = 0xffff;
      to.d = r[at]!;
    } else {
      to.a = r[at]!;
      to.b = r[at + 1]!;
      to.c = r[at + 2]!;
      to.d = r[at + 3]!;
    }
  }

  private page(row: number): Int32Array {
    return this.pages[row >> PAGE_BITS]!;
  }

  private place(row: number): number {
    return (row & (PAGE - 1)) * this.stride;
  }

  private next(row: number): number {
    return this.page(row)[this.place(row) + NEXT]!;
  }

  private link(row: number, hash: number): void {
    const bucket = hash & (this.buckets.length - 1);
    this.page(row)[this.place(row) + NEXT] = this.buckets[bucket]!;
    this.buckets[bucket] = row;
  }

  private rehash(): void {
    this.buckets = new Int32Array(this.buckets.length * 2).fill(NONE);
    for (const row of this) this.link(row, this.page(row)[this.place(row) + HASH]!);
  }
}
