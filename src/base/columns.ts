/**
 * Objects whose numbers lie in rows of typed-array pages instead of fields. In V8 without pointer
 * compression (Node) a field costs 8 bytes, and one that holds a double 24; a column costs 4, 8, or 1 for a
 * flag, and neither is ever boxed. To the code around them the columns are ordinary properties.
 */

/** Empty pages that a host keeps: a busy one has a thousand connections come and go. */
const SPARE = 256;
/** Rows of one page: what one row keeps alive when its neighbours are gone, against the cost of a page. */
const ROWS = 32;

/** The columns of a class and what they are in a fresh row. */
export class Layout {
  /** Length of a row in 32-bit words, and a fresh row. */
  readonly words: number;
  readonly fresh: Int32Array;
  readonly ints: readonly string[];
  readonly doubles: readonly string[];
  readonly flags: readonly string[];
  /** Where doubles and flags begin in a row, in units of their own. */
  readonly firstDouble: number;
  readonly firstFlag: number;

  constructor(
    ints: Readonly<Record<string, number>>,
    doubles: Readonly<Record<string, number>>,
    flags: Readonly<Record<string, boolean>>,
  ) {
    this.ints = Object.keys(ints);
    this.doubles = Object.keys(doubles);
    this.flags = Object.keys(flags);
    this.firstDouble = (this.ints.length + 1) >> 1;
    this.firstFlag = 8 * (this.firstDouble + this.doubles.length);
    const size = (this.firstFlag + this.flags.length + 7) & ~7;
    this.words = size >> 2;
    const row = new ArrayBuffer(size);
    new Int32Array(row).set(Object.values(ints));
    new Float64Array(row).set(Object.values(doubles), this.firstDouble);
    new Uint8Array(row).set(Object.values(flags).map(Number), this.firstFlag);
    this.fresh = new Int32Array(row);
  }
}

class Page {
  readonly ints: Int32Array;
  readonly doubles: Float64Array;
  readonly flags: Uint8Array;
  /** Places of free rows, in words, the first `unused` of them valid. */
  readonly free: Int32Array;
  unused: number;

  constructor(words: number, rows: number) {
    const buffer = new ArrayBuffer(4 * words * rows);
    this.ints = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.flags = new Uint8Array(buffer);
    this.free = Int32Array.from({ length: rows }, (_, i) => (rows - 1 - i) * words);
    this.unused = rows;
  }
}

/** The rows of one host. Only pages with free rows are held: a full one lives as long as its rows' owners. */
export class Rows {
  private readonly layout: Layout;
  private readonly open: Page[] = [];
  private empty = 0;
  /** Where the row of an owner that is over lies: nobody should read it, and nothing breaks if one does. */
  private readonly grave: Page;

  constructor(layout: Layout) {
    this.layout = layout;
    this.grave = new Page(layout.words, 1);
    this.grave.ints.set(layout.fresh);
  }

  /** A page with a free row. */
  get page(): Page {
    let page = this.open.at(-1);
    if (page === undefined) {
      page = new Page(this.layout.words, ROWS);
      this.open.push(page);
      this.empty++;
    }
    return page;
  }

  /** A fresh row of `this.page`: its place in words. */
  take(page: Page): number {
    const { words, fresh } = this.layout;
    if (page.unused === ROWS) this.empty--;
    const at = page.free[--page.unused]!;
    if (page.unused === 0) this.open.pop();
    // Rows are short: the call of a bulk copy would cost more than the loop.
    for (let i = 0; i < words; i++) page.ints[at + i] = fresh[i]!;
    return at;
  }

  /** Takes the row of an owner that is over; doing so twice is harmless. */
  give(owner: Row): void {
    const { page, at } = owner;
    if (page === this.grave) return;
    owner.move(this.grave, 0);
    page.free[page.unused++] = at;
    if (page.unused === 1) this.open.push(page);
    else if (page.unused === ROWS) {
      if (this.empty < SPARE) this.empty++;
      else this.open.splice(this.open.indexOf(page), 1);
    }
  }
}

/**
 * What has a row. Arrays and places are fields of their own: reached through the page, and with the places
 * computed at each access, a bulk transfer was 12 % slower; like this it is as fast as with plain fields.
 */
export class Row {
  page: Page;
  ints: Int32Array;
  doubles: Float64Array;
  flags: Uint8Array;
  /** Place of the row, in units of the three arrays. */
  at: number;
  atDouble: number;
  atFlag: number;

  constructor(rows: Rows) {
    const { page } = rows;
    this.page = page;
    this.ints = page.ints;
    this.doubles = page.doubles;
    this.flags = page.flags;
    const at = rows.take(page);
    this.at = at;
    this.atDouble = at >> 1;
    this.atFlag = at << 2;
  }

  /** For `Rows`. */
  move(page: Page, at: number): void {
    this.page = page;
    this.ints = page.ints;
    this.doubles = page.doubles;
    this.flags = page.flags;
    this.at = at;
    this.atDouble = at >> 1;
    this.atFlag = at << 2;
  }
}

/** Makes each column of the layout a property of the class: reading and writing goes to the row. */
export function defineColumns(prototype: Row, layout: Layout): void {
  const define = (name: string, get: (this: Row) => unknown, set: (this: Row, v: never) => void): void => {
    Object.defineProperty(prototype, name, { get, set });
  };
  // Each function here is small enough for V8 to inline wherever it is used (27 bytes of bytecode).
  for (const [k, name] of layout.ints.entries()) {
    define(
      name,
      function () {
        return this.ints[this.at + k];
      },
      function (v: number) {
        this.ints[this.at + k] = v;
      },
    );
  }
  for (const [i, name] of layout.doubles.entries()) {
    const k = layout.firstDouble + i;
    define(
      name,
      function () {
        return this.doubles[this.atDouble + k];
      },
      function (v: number) {
        this.doubles[this.atDouble + k] = v;
      },
    );
  }
  for (const [i, name] of layout.flags.entries()) {
    const k = layout.firstFlag + i;
    define(
      name,
      function () {
        return this.flags[this.atFlag + k] !== 0;
      },
      function (v: boolean) {
        this.flags[this.atFlag + k] = +v;
      },
    );
  }
}
