import { Address } from '../base/address.ts';
import { Buckets, NO_ROW } from '../base/buckets.ts';
import { TimerWheel } from '../base/timers.ts';
import { TIME_WAIT } from './state.ts';

/**
 * TIME_WAIT, and the FIN_WAIT_2 of orphans, without connections: rows of a typed-array table (Linux's
 * timewait mini-sockets). A row has what the segment rules need and nothing of a connection's buffers.
 * IPv4 rows take 44 bytes, IPv6 rows 72; to each come 12 in the timing wheel and 4 in the hash table.
 */

// Columns, in 32-bit words; the local address and then the remote one follow, and for IPv6 their scopes.
const NEXT = 0;
const PORTS = 1;
const RCV_NXT = 2;
const SND_NXT = 3;
const RCV_WND = 4;
const TS_RECENT = 5;
/** When TS_RECENT was stored, in seconds modulo 2^24; TOS << 24. */
const STAMP = 6;
/** In milliseconds of the host's clock. */
const ENTERED = 7;
/** Flags, window scale << 6, OOW_AT << 10: in milliseconds of the host's clock modulo 2^22 (70 minutes). */
const META = 8;
const LOCAL = 9;

/** Flags of a row. */
export const TW_REUSE_ADDR = 1;
export const TW_OOW_SEEN = 2;
/** The connection had timestamps; they have an offset, which is computed anew when it is needed. */
const HAS_STAMP = 4;
export const TW_TS_OFFSET = 8;
const USED = 16;
/** In FIN_WAIT_2, not TIME_WAIT. */
const WAITS_FOR_FIN = 32;

const SCALE_SHIFT = 6;
const OOW_SHIFT = 10;
const OOW_MASK = 0x3fffff;
const STAMP_MASK = 0xffffff;
/** A stamp this old is remembered as this old: 97 days, where PAWS asks for 24. */
const STAMP_OLDEST = 1 << 23;

const PAGE_BITS = 10;
const PAGE = 1 << PAGE_BITS;

/** The hash under which a 4-tuple is found; the same for the same 4-tuple as long as the table lives. */
export type TupleHash = (local: Address, localPort: number, remote: Address, remotePort: number) => number;

/** Rows: nothing to copy when the table grows, no room that waits to be used, and given back when they end. */
class Page {
  readonly words: Int32Array;
  /** The first free row, a list through NEXT. */
  free: number;
  used = 0;

  constructor(first: number, stride: number) {
    this.words = new Int32Array(PAGE * stride);
    this.free = first;
    for (let i = 0; i < PAGE; i++) this.words[i * stride + NEXT] = i + 1 < PAGE ? first + i + 1 : NO_ROW;
  }
}

/** One table serves one family. */
export class TimeWaitTable {
  /** Rows in use. */
  size = 0;
  /** Counts rows that came, went or changed their state. */
  changes = 0;
  private readonly pages: (Page | null)[] = [];
  /** Numbers of pages that have free rows, and of those that were given back. */
  private readonly open: number[] = [];
  private readonly gone: number[] = [];
  private readonly buckets = new Buckets();
  private readonly hash: TupleHash;
  private readonly words: number;
  private readonly stride: number;
  private readonly local = new Address(0, 0, 0, 0);
  private readonly remote = new Address(0, 0, 0, 0);
  readonly wheel: TimerWheel;

  /** @param words 32-bit words of an address: 1 for IPv4, 4 for IPv6 */
  constructor(words: 1 | 4, startJiffy: number, hash: TupleHash) {
    this.words = words;
    this.stride = LOCAL + 2 * words + (words === 1 ? 0 : 1);
    this.hash = hash;
    this.wheel = new TimerWheel(startJiffy);
  }

  /** A new row for the 4-tuple; the caller sets all the rest, TS.Recent if there is one, and arms the wheel. */
  add(hash: number, local: Address, localPort: number, remote: Address, remotePort: number): number {
    const index = this.open.at(-1) ?? this.openPage();
    const page = this.pages[index]!;
    const row = page.free;
    const r = page.words;
    const at = this.place(row);
    page.free = r[at + NEXT]!;
    if (page.free === NO_ROW) this.open.pop();
    page.used++;
    // As many chains as rows: each row passed in looking for another is a miss of the cache.
    if (++this.size > this.buckets.count) this.split();
    this.changes++;
    r[at + TS_RECENT] = 0;
    r[at + PORTS] = (localPort << 16) | remotePort;
    r[at + META] = USED;
    this.putAddress(r, at + LOCAL, local);
    this.putAddress(r, at + LOCAL + this.words, remote);
    if (this.words !== 1) r[at + LOCAL + 2 * this.words] = scopes(local, remote);
    this.link(row, this.buckets.of(hash));
    return row;
  }

  /** The row of a 4-tuple, or −1. */
  find(hash: number, local: Address, localPort: number, remote: Address, remotePort: number): number {
    const ports = (localPort << 16) | remotePort;
    let row = this.buckets.head(this.buckets.of(hash));
    while (row !== NO_ROW) {
      const r = this.page(row);
      const at = this.place(row);
      if (
        r[at + PORTS] === ports &&
        this.isAddress(r, at + LOCAL + this.words, remote) &&
        this.isAddress(r, at + LOCAL, local) &&
        (this.words === 1 || r[at + LOCAL + 2 * this.words] === scopes(local, remote))
      )
        return row;
      row = r[at + NEXT]!;
    }
    return NO_ROW;
  }

  remove(row: number): void {
    const at = this.place(row);
    const r = this.page(row);
    const chain = this.chainOf(row);
    let walk = this.buckets.head(chain);
    if (walk === row) this.buckets.setHead(chain, r[at + NEXT]!);
    else {
      while (this.next(walk) !== row) walk = this.next(walk);
      this.page(walk)[this.place(walk) + NEXT] = r[at + NEXT]!;
    }
    this.wheel.cancel(row);
    r[at + META] = 0;
    const index = row >> PAGE_BITS;
    const page = this.pages[index]!;
    if (page.free === NO_ROW) this.open.push(index);
    r[at + NEXT] = page.free;
    page.free = row;
    this.size--;
    this.changes++;
    // Half as many rows as chains: from here on two chains go with each row.
    for (let i = 0; i < 2 && 2 * this.size < this.buckets.count && this.buckets.canMerge; i++) this.merge();
    if (--page.used === 0) this.closePage(index);
  }

  /** Visits the rows in use, in no particular order. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (let row = 0; row < this.pages.length * PAGE; row++) {
      const page = this.pages[row >> PAGE_BITS] ?? null;
      if (page === null) row += PAGE - 1;
      else if (page.words[this.place(row) + META] !== 0) yield row;
    }
  }

  /** FIN_WAIT_2 (5) or TIME_WAIT (6). */
  substate(row: number): number {
    return TIME_WAIT - ((this.meta(row) & WAITS_FOR_FIN) >> 5);
  }
  setMeta(row: number, substate: number, scale: number, flags: number, tos: number): void {
    const waits = substate === TIME_WAIT ? 0 : WAITS_FOR_FIN;
    this.put(row, META, USED | waits | flags | (scale << SCALE_SHIFT));
    this.put(row, STAMP, tos << 24);
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
  localPort(row: number): number {
    return this.get(row, PORTS) >>> 16;
  }
  remotePort(row: number): number {
    return this.get(row, PORTS) & 0xffff;
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

  /** Becomes the row's addresses. */
  readLocal(row: number, to: Address): void {
    this.getAddress(row, LOCAL, to);
    if (this.words !== 1) to.scope = this.get(row, LOCAL + 2 * this.words) >>> 16;
  }
  readRemote(row: number, to: Address): void {
    this.getAddress(row, LOCAL + this.words, to);
    if (this.words !== 1) to.scope = this.get(row, LOCAL + 2 * this.words) & 0xffff;
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

  private getAddress(row: number, word: number, to: Address): void {
    const r = this.page(row);
    const at = this.place(row) + word;
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
    return this.pages[row >> PAGE_BITS]!.words;
  }

  private place(row: number): number {
    return (row & (PAGE - 1)) * this.stride;
  }

  private get(row: number, word: number): number {
    return this.page(row)[this.place(row) + word]!;
  }

  private put(row: number, word: number, v: number): void {
    this.page(row)[this.place(row) + word] = v;
  }

  private meta(row: number): number {
    return this.get(row, META);
  }

  private next(row: number): number {
    return this.get(row, NEXT);
  }

  private openPage(): number {
    const index = this.gone.pop() ?? this.pages.length;
    this.pages[index] = new Page(index * PAGE, this.stride);
    this.open.push(index);
    return index;
  }

  /** A page without rows goes, unless it is the only one that has room. */
  private closePage(index: number): void {
    if (this.open.length === 1) return;
    this.open.splice(this.open.indexOf(index), 1);
    this.pages[index] = null;
    this.gone.push(index);
  }

  // A row does not keep its hash: computing it once more, in 0.1 µs, when a row ends or its chain is split
  // costs less than 4 bytes for as long as it lives.
  private chainOf(row: number): number {
    this.readLocal(row, this.local);
    this.readRemote(row, this.remote);
    return this.buckets.of(this.hash(this.local, this.localPort(row), this.remote, this.remotePort(row)));
  }

  private link(row: number, chain: number): void {
    this.put(row, NEXT, this.buckets.head(chain));
    this.buckets.setHead(chain, row);
  }

  private split(): void {
    const chain = this.buckets.split();
    let row = this.buckets.head(chain);
    this.buckets.setHead(chain, NO_ROW);
    while (row !== NO_ROW) {
      const next = this.next(row);
      this.link(row, this.chainOf(row));
      row = next;
    }
  }

  private merge(): void {
    let row = this.buckets.head(this.buckets.count - 1);
    const chain = this.buckets.merge();
    while (row !== NO_ROW) {
      const next = this.next(row);
      this.link(row, chain);
      row = next;
    }
  }
}

const scopes = (local: Address, remote: Address): number => (local.scope << 16) | (remote.scope & 0xffff);
