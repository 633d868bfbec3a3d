import { type SipKey, siphash } from '../base/siphash.ts';
import type { Micros } from '../base/time.ts';
import type { Segment } from '../wire/segment.ts';

/**
 * SYN cookies (RFC 4987 §3.6, in Linux's form): the ISN itself remembers what a SYN queue entry would.
 * 8 bits of a minute counter, 24 bits of hash with an MSS index; window scale, SACK and ECN ride in the
 * low bits of the timestamp.
 */
const MSS_4 = [536, 1300, 1440, 1460];
const MSS_6 = [1220, 1420, 1440, 8940];
const PERIOD: Micros = 60_000_000;
/** Cookies of this many periods are still good. */
const MAX_AGE = 2;
const MASK = 0xffffff;

const minute = (now: Micros): number => Math.floor(now / PERIOD) & 0xff_ffff;

function hash(key: SipKey, s: Segment, count: number, which: number): number {
  const ports = (s.sourcePort << 16) | s.destinationPort;
  const a = s.source;
  const b = s.destination;
  return siphash(key, a.a ^ a.b ^ a.c, a.d, b.a ^ b.b ^ b.c ^ (which << 8), b.d, ports, count);
}

/** The ISN for a SYN, and the MSS that it can remember (the largest of the table that fits). */
export function makeCookie(
  key: SipKey,
  syn: Segment,
  mss: number,
  now: Micros,
): { isn: number; mss: number } {
  const table = syn.source.is4 ? MSS_4 : MSS_6;
  let index = table.length - 1;
  while (index > 0 && table[index]! > mss) index--;
  const count = minute(now);
  const isn = hash(key, syn, 0, 0) + syn.seq + (count << 24) + ((hash(key, syn, count, 1) + index) & MASK);
  return { isn: isn | 0, mss: table[index]! };
}

/** The MSS that a cookie carries, or 0 if the ACK is not a valid cookie's. */
export function checkCookie(key: SipKey, ack: Segment, now: Micros): number {
  const cookie = (ack.ack - 1) | 0;
  const seq = (ack.seq - 1) | 0;
  const rest = (cookie - hash(key, ack, 0, 0) - seq) | 0;
  const count = minute(now);
  const age = (count - (rest >>> 24)) & 0xff;
  if (age >= MAX_AGE) return 0;
  const index = (rest - hash(key, ack, (count - age) & 0xff_ffff, 1)) & MASK;
  const table = ack.source.is4 ? MSS_4 : MSS_6;
  return table[index] ?? 0;
}

const SACK_BIT = 0x10;
const ECN_BIT = 0x20;
const OPTION_BITS = 6;

/** A timestamp that carries what the SYN offered, no later than now. */
export function cookieTimestamp(now: number, wscale: number, sack: boolean, ecn: boolean): number {
  const options = (wscale < 0 ? 0xf : wscale) | (sack ? SACK_BIT : 0) | (ecn ? ECN_BIT : 0);
  let ts = ((now >> OPTION_BITS) << OPTION_BITS) | options;
  if (((ts - now) | 0) > 0) ts -= 1 << OPTION_BITS;
  return ts | 0;
}

/** What an echoed timestamp carries; wscale −1 for none. */
export function readCookieTimestamp(echo: number): { wscale: number; sack: boolean; ecn: boolean } {
  const w = echo & 0xf;
  return { wscale: w === 0xf ? -1 : w, sack: (echo & SACK_BIT) !== 0, ecn: (echo & ECN_BIT) !== 0 };
}
