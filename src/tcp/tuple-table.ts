import { Address } from '../base/address.ts';
import { Buckets, NO_ROW } from '../base/buckets.ts';
import { TimerWheel } from '../base/timers.ts';

/**
 * What a host remembers of 4-tuples without an object for each: rows of typed arrays, found through a hash table,
 * with numbers that are ids in a timing wheel. To the 32-bit words of a row come 12 bytes in the wheel and 4 in the
 * hash table.
 */

// What every row begins with, in 32-bit words. The heir's columns follow, then the local address, the remote one, and
// for IPv6 their scopes.
const NEXT = 0;
const PORTS = 1;
/** The heir's flags, of which the lowest is USED. */
export const META = 2;
/** Where the heir's columns begin. */
export const FIRST = 3;
/** In META of each row in use; the others have 0. */
export const USED = 1;

/**
 * Rows of a page. A lookup goes by the page's objects too, which therefore should stay in the cache: with 4096 rows
 * in a page instead of 512 a host with a million of them does 3 % more lives.
 */
const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
/** What the first page begins with; it doubles until it is as large as the others. */
const LEAST = 64;
/** Chains that are taken apart at once. */
const SPLITS = 16;

/** The hash under which a 4-tuple is found; the same for the same 4-tuple as long as the table lives. */
export type TupleHash = (local: Address, localPort: number, remote: Address, remotePort: number) => number;

/** Rows: nothing to copy when the table grows, no room that waits to be used, and given back when they end. */
class Page {
  words: Int32Array;
  rows: number;
  /** The first row that was free again, a list through NEXT. */
  free = NO_ROW;
  /** Rows that were in use at some time: those from here on never were. */
  touched = 0;
  used = 0;

  constructor(rows: number, stride: number) {
    this.words = new Int32Array(rows * stride);
    this.rows = rows;
  }

  get isFull(): boolean {
    return this.used === this.rows;
  }

  widen(): void {
    const { words } = this;
    this.rows *= 2;
    this.words = new Int32Array(2 * words.length);
    this.words.set(words);
  }
}

/** One table serves one family. */
export abstract class TupleTable {
  /** Rows in use. */
  size = 0;
  /** Counts rows that came and went, and what else the heir says. */
  changes = 0;
  private readonly pages: (Page | null)[] = [];
  /** Numbers of pages that have free rows, and of those that were given back. */
  private readonly open: number[] = [];
  private readonly gone: number[] = [];
  private readonly buckets = new Buckets();
  private readonly hash: TupleHash;
  private readonly words: number;
  private readonly stride: number;
  /** Where the local address lies in a row. */
  private readonly locals: number;
  private readonly local = new Address(0, 0, 0, 0);
  private readonly remote = new Address(0, 0, 0, 0);
  /** What `splitSome` has seen: nobody asks, but what nobody keeps need not be looked at. */
  private looked = 0;
  readonly wheel: TimerWheel;

  /**
   * @param columns words of a row before its addresses
   * @param words 32-bit words of an address: 1 for IPv4, 4 for IPv6
   */
  constructor(columns: number, words: 1 | 4, startJiffy: number, hash: TupleHash) {
    this.words = words;
    this.locals = columns;
    this.stride = columns + 2 * words + (words === 1 ? 0 : 1);
    this.hash = hash;
    this.wheel = new TimerWheel(startJiffy);
  }

  /** A new row for the 4-tuple; the caller sets all the rest, of which nothing is fresh, and arms the wheel. */
  add(hash: number, local: Address, localPort: number, remote: Address, remotePort: number): number {
    const index = this.open.at(-1) ?? this.openPage();
    const page = this.pages[index]!;
    const r = page.words;
    let row = page.free;
    if (row === NO_ROW) row = index * PAGE + page.touched++;
    else page.free = r[this.place(row) + NEXT]!;
    const at = this.place(row);
    page.used++;
    if (page.isFull) this.open.pop();
    // As many chains as rows, nearly: each row passed in looking for another is a miss of the cache.
    if (++this.size >= this.buckets.count + SPLITS) this.splitSome();
    this.changes++;
    r[at + PORTS] = (localPort << 16) | remotePort;
    r[at + META] = USED;
    this.putAddress(r, at + this.locals, local);
    this.putAddress(r, at + this.locals + this.words, remote);
    if (this.words !== 1) r[at + this.locals + 2 * this.words] = scopes(local, remote);
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
        this.isAddress(r, at + this.locals + this.words, remote) &&
        this.isAddress(r, at + this.locals, local) &&
        (this.words === 1 || r[at + this.locals + 2 * this.words] === scopes(local, remote))
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
    if (page.isFull) this.open.push(index);
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
    for (let index = 0; index < this.pages.length; index++) {
      const page = this.pages[index] ?? null;
      for (let i = 0; page !== null && i < page.touched; i++)
        if (page.words[i * this.stride + META] !== 0) yield index * PAGE + i;
    }
  }

  localPort(row: number): number {
    return this.get(row, PORTS) >>> 16;
  }
  remotePort(row: number): number {
    return this.get(row, PORTS) & 0xffff;
  }

  /** Becomes the row's addresses. */
  readLocal(row: number, to: Address): void {
    this.getAddress(row, this.locals, to);
    if (this.words !== 1) to.scope = this.get(row, this.locals + 2 * this.words) >>> 16;
  }
  readRemote(row: number, to: Address): void {
    this.getAddress(row, this.locals + this.words, to);
    if (this.words !== 1) to.scope = this.get(row, this.locals + 2 * this.words) & 0xffff;
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

  protected get(row: number, word: number): number {
    return this.page(row)[this.place(row) + word]!;
  }

  protected put(row: number, word: number, v: number): void {
    this.page(row)[this.place(row) + word] = v;
  }

  protected meta(row: number): number {
    return this.get(row, META);
  }

  private next(row: number): number {
    return this.get(row, NEXT);
  }

  /** Makes room. @returns the number of a page that has it */
  private openPage(): number {
    const first = this.pages[0] ?? null;
    let index = 0;
    if (first !== null && first.rows < PAGE) first.widen();
    else {
      index = this.gone.pop() ?? this.pages.length;
      this.pages[index] = new Page(index === 0 ? LEAST : PAGE, this.stride);
    }
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

  /**
   * Looks at the first rows of all chains that it takes apart before it begins: the processor then waits for them
   * together, and no longer for each by itself, which with a million rows makes 5 % more lives.
   */
  private splitSome(): void {
    for (let i = 0; i < SPLITS; i++) {
      const row = this.buckets.upcoming(i);
      if (row !== NO_ROW) this.looked ^= this.meta(row);
    }
    for (let i = 0; i < SPLITS; i++) this.split();
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
