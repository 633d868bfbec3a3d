import { EINVAL } from '../base/errno.ts';
import { MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import type { Socket } from './socket.ts';

/** struct linger. */
export interface Linger {
  onoff: number;
  /** Seconds. */
  linger: number;
}

/** struct timeval. */
export interface TimeVal {
  sec: number;
  usec: number;
}

/** What setsockopt may be given: an int, a string, a struct, or the bytes themselves. */
export type OptionInput = number | string | Linger | TimeVal | Uint8Array;

/** One option of one level. `set` gets an int; those with a form of their own have the byte pair. */
export interface SocketOption<S extends Socket = Socket> {
  get?(s: S): number;
  /** @returns 0 or −errno */
  set?(s: S, value: number): number;
  getBytes?(s: S): Uint8Array | number;
  setBytes?(s: S, bytes: Uint8Array): number;
}

export type OptionTable<S extends Socket = Socket> = ReadonlyMap<number, SocketOption<S>>;

export const int32 = (n: number): Uint8Array => {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setInt32(0, n | 0, true);
  return out;
};

export const readInt32 = (b: Uint8Array): number =>
  b.length < 4 ? 0 : b[0]! | (b[1]! << 8) | (b[2]! << 16) | (b[3]! << 24) | 0;

/** The bytes of any input, as C would lay them out. */
export function inputBytes(v: OptionInput): Uint8Array {
  if (v instanceof Uint8Array) return v;
  if (typeof v === 'number') return int32(v);
  if (typeof v === 'string') return text(v);
  if ('onoff' in v) return lingerBytes(v);
  const out = new Uint8Array(16);
  const d = new DataView(out.buffer);
  put64(d, 0, v.sec);
  put64(d, 8, v.usec);
  return out;
}

export function lingerBytes(l: Linger): Uint8Array {
  const out = new Uint8Array(8);
  out.set(int32(l.onoff));
  out.set(int32(l.linger), 4);
  return out;
}

/** struct timeval of a time-out held in microseconds; NEVER is all zero. */
export function timeoutBytes(t: Micros): Uint8Array {
  if (t === NEVER) return new Uint8Array(16);
  return inputBytes({ sec: Math.floor(t / MICROS_PER_SECOND), usec: t % MICROS_PER_SECOND });
}

/** The two 64-bit members of a struct timeval; null if it is too short. */
export function readTimeVal(b: Uint8Array): TimeVal | null {
  if (b.length < 16) return null;
  const d = new DataView(b.buffer, b.byteOffset, b.byteLength);
  return { sec: get64(d, 0), usec: get64(d, 8) };
}

export const text = (s: string): Uint8Array => {
  const out = new Uint8Array(s.length);
  for (let i = 0; i < s.length; i++) out[i] = s.charCodeAt(i);
  return out;
};

/** A C string: up to the first 0. */
export function readText(b: Uint8Array): string {
  let s = '';
  for (const c of b) {
    if (c === 0) break;
    s += String.fromCharCode(c);
  }
  return s;
}

/** A flag: any int other than 0 sets it. */
export const flag = <S extends Socket>(
  get: (s: S) => boolean,
  set: (s: S, on: boolean) => void,
): SocketOption<S> => ({
  get: s => (get(s) ? 1 : 0),
  set: (s, v) => {
    set(s, v !== 0);
    return 0;
  },
});

/** An int within low..high, else −EINVAL. */
export const ranged = <S extends Socket>(
  low: number,
  high: number,
  get: (s: S) => number,
  set: (s: S, v: number) => void,
): SocketOption<S> => ({
  get,
  set: (s, v) => {
    if (v < low || v > high) return -EINVAL;
    set(s, v);
    return 0;
  },
});

function put64(d: DataView, at: number, n: number): void {
  d.setUint32(at, n >>> 0, true);
  d.setInt32(at + 4, Math.floor(n / 0x100000000), true);
}

const get64 = (d: DataView, at: number): number =>
  d.getInt32(at + 4, true) * 0x100000000 + d.getUint32(at, true);
