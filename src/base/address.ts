/**
 * Addresses: four 32-bit words, IPv4 held as an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), so that
 * one code path serves both families. An `Address` that somebody keeps is never changed; only a
 * decoder's own scratch addresses (those inside a `Segment` or a decoded header) are assigned.
 */
const MAPPED = 0x0000ffff;

export class Address {
  /** The words, first to last, as signed 32-bit integers. */
  a: number;
  b: number;
  c: number;
  d: number;
  /** Interface index for link-local IPv6 addresses, else 0. */
  scope: number;

  constructor(a: number, b: number, c: number, d: number, scope = 0) {
    this.a = a | 0;
    this.b = b | 0;
    this.c = c | 0;
    this.d = d | 0;
    this.scope = scope | 0;
  }

  static v4(word: number): Address {
    return new Address(0, 0, MAPPED, word);
  }

  /** True for IPv4 (mapped) addresses, the IPv4 wildcard 0.0.0.0 included. */
  get is4(): boolean {
    return this.a === 0 && this.b === 0 && this.c === MAPPED;
  }

  /** True for 0.0.0.0 and ::. */
  get isAny(): boolean {
    return this.a === 0 && this.b === 0 && this.d === 0 && (this.c === 0 || this.c === MAPPED);
  }

  get isMulticast(): boolean {
    return this.is4 ? this.d >>> 28 === 0xe : this.a >>> 24 === 0xff;
  }

  get isLoopback(): boolean {
    return this.is4 ? this.d >>> 24 === 127 : this.a === 0 && this.b === 0 && this.c === 0 && this.d === 1;
  }

  get isLinkLocal(): boolean {
    return this.is4 ? this.d >>> 16 === 0xa9fe : this.a >>> 22 === 0x3fa;
  }

  equals(o: Address): boolean {
    return this.d === o.d && this.c === o.c && this.b === o.b && this.a === o.a && this.scope === o.scope;
  }

  /** A copy that may be kept when `this` is a decoder's scratch address. */
  clone(): Address {
    return new Address(this.a, this.b, this.c, this.d, this.scope);
  }

  /** Decoders only: become the IPv4 address at `bytes[at..at+4)`. */
  assign4(bytes: Uint8Array, at: number): void {
    this.a = 0;
    this.b = 0;
    this.c = MAPPED;
    this.d = word(bytes, at);
    this.scope = 0;
  }

  /** Decoders only: become the IPv6 address at `bytes[at..at+16)`. */
  assign6(bytes: Uint8Array, at: number, scope: number): void {
    this.a = word(bytes, at);
    this.b = word(bytes, at + 4);
    this.c = word(bytes, at + 8);
    this.d = word(bytes, at + 12);
    this.scope = this.a >>> 22 === 0x3fa || this.a >>> 16 === 0xff02 ? scope : 0;
  }

  /** Decoders only. */
  assign(o: Address): void {
    this.a = o.a;
    this.b = o.b;
    this.c = o.c;
    this.d = o.d;
    this.scope = o.scope;
  }

  write4(bytes: Uint8Array, at: number): void {
    put(bytes, at, this.d);
  }

  write6(bytes: Uint8Array, at: number): void {
    put(bytes, at, this.a);
    put(bytes, at + 4, this.b);
    put(bytes, at + 8, this.c);
    put(bytes, at + 12, this.d);
  }

  /** Text form: dotted quad, or RFC 5952 for IPv6 (IPv4-mapped addresses print as IPv4). */
  toString(): string {
    if (this.is4) return `${this.d >>> 24}.${(this.d >>> 16) & 255}.${(this.d >>> 8) & 255}.${this.d & 255}`;
    const groups: number[] = [];
    for (const w of [this.a, this.b, this.c, this.d]) groups.push(w >>> 16, w & 0xffff);
    let best = -1;
    let bestLength = 1;
    for (let i = 0; i < 8; i++) {
      let n = 0;
      while (i + n < 8 && groups[i + n] === 0) n++;
      if (n > bestLength) {
        best = i;
        bestLength = n;
      }
    }
    const hex = (from: number, to: number): string =>
      groups
        .slice(from, to)
        .map(g => g.toString(16))
        .join(':');
    const text = best < 0 ? hex(0, 8) : `${hex(0, best)}::${hex(best + bestLength, 8)}`;
    return this.scope ? `${text}%${this.scope}` : text;
  }
}

export const ANY4 = Address.v4(0);
export const ANY6 = new Address(0, 0, 0, 0);
export const LOOPBACK4 = Address.v4(0x7f000001);
export const LOOPBACK6 = new Address(0, 0, 0, 1);

/** Parses dotted-quad IPv4 or any RFC 4291 IPv6 text (with %scope as a number); null if it is neither. */
export function parseAddress(text: string): Address | null {
  const v4 = parse4(text);
  if (v4 !== null) return Address.v4(v4);
  return parse6(text);
}

function parse4(text: string): number | null {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!m) return null;
  let w = 0;
  for (let i = 1; i <= 4; i++) {
    const n = Number(m[i]);
    if (n > 255) return null;
    w = (w << 8) | n;
  }
  return w;
}

function parse6(text: string): Address | null {
  const m = /^([0-9a-fA-F:.]+)(?:%(\d{1,9}))?$/.exec(text);
  if (!m?.[1]?.includes(':')) return null;
  let body = m[1];
  const lastColon = body.lastIndexOf(':');
  const tail = parse4(body.slice(lastColon + 1));
  if (tail !== null) {
    body = `${body.slice(0, lastColon + 1)}${(tail >>> 16).toString(16)}:${(tail & 0xffff).toString(16)}`;
  } else if (body.includes('.')) return null;
  const halves = body.split('::');
  if (halves.length > 2) return null;
  const group = (s: string): number[] | null => {
    if (s === '') return [];
    const parts = s.split(':');
    return parts.every(p => /^[0-9a-fA-F]{1,4}$/.test(p)) ? parts.map(p => Number.parseInt(p, 16)) : null;
  };
  const left = group(halves[0] ?? '');
  const right = halves.length === 2 ? group(halves[1] ?? '') : [];
  if (!left || !right) return null;
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const g = [...left, ...new Array<number>(missing).fill(0), ...right];
  const w = (i: number): number => ((g[i] ?? 0) << 16) | (g[i + 1] ?? 0);
  return new Address(w(0), w(2), w(4), w(6), m[2] ? Number(m[2]) : 0);
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function put(bytes: Uint8Array, at: number, w: number): void {
  bytes[at] = w >>> 24;
  bytes[at + 1] = w >>> 16;
  bytes[at + 2] = w >>> 8;
  bytes[at + 3] = w;
}
