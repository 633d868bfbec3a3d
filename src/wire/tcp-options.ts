import { i32, put16, put32, u16 } from './bytes.ts';
import { MAX_SACK_BLOCKS, type Segment, SYN } from './segment.ts';

/** Option kinds (IANA "TCP Option Kind Numbers"). */
export const OPT_EOL = 0;
export const OPT_NOP = 1;
export const OPT_MSS = 2;
export const OPT_WINDOW_SCALE = 3;
export const OPT_SACK_PERMITTED = 4;
export const OPT_SACK = 5;
export const OPT_TIMESTAMPS = 8;
export const OPT_FAST_OPEN = 34;
/** Experimental (RFC 6994); Fast Open before its own number carried the magic 0xf989. */
export const OPT_EXPERIMENT = 254;
const FAST_OPEN_MAGIC = 0xf989;

export const MAX_WINDOW_SCALE = 14;

/** Forgets what the last segment's options said. */
export function clearTcpOptions(segment: Segment): void {
  segment.mss = -1;
  segment.windowScale = -1;
  segment.sackPermitted = false;
  segment.hasTimestamps = false;
  segment.tsVal = 0;
  segment.tsEcr = 0;
  segment.sackBlocks = 0;
  segment.cookieLength = -1;
  segment.cookieAt = 0;
  segment.cookieExperimental = false;
}

/**
 * Reads the options in `bytes[at..end)` into a segment whose flags are set (RFC 9293 §3.1, RFC 7323, RFC
 * 2018, RFC 7413). Parsing ends at EOL and at an option whose length is below 2 or runs past the end; what
 * was read before stands, and the segment lives (an injected bad option must not end a connection). An
 * option of a known kind with a wrong length is skipped. MSS, window scale, SACK-permitted and Fast Open
 * count on SYN only, SACK on others only. Of a repeated option the last counts.
 */
export function decodeTcpOptions(bytes: Uint8Array, at: number, end: number, segment: Segment): void {
  clearTcpOptions(segment);
  // By far the commonest: NOP NOP TIMESTAMPS, alone.
  if (
    end - at === 12 &&
    bytes[at] === 1 &&
    bytes[at + 1] === 1 &&
    bytes[at + 2] === 8 &&
    bytes[at + 3] === 10
  ) {
    segment.hasTimestamps = true;
    segment.tsVal = i32(bytes, at + 4);
    segment.tsEcr = i32(bytes, at + 8);
    return;
  }
  const syn = (segment.flags & SYN) !== 0;
  while (at < end) {
    const kind = bytes[at]!;
    if (kind === OPT_EOL) return;
    if (kind === OPT_NOP) {
      at++;
      continue;
    }
    if (at + 2 > end) return;
    const length = bytes[at + 1]!;
    if (length < 2 || at + length > end) return;
    decodeOption(bytes, at, kind, length, syn, segment);
    at += length;
  }
}

function decodeOption(
  bytes: Uint8Array,
  at: number,
  kind: number,
  length: number,
  syn: boolean,
  s: Segment,
): void {
  switch (kind) {
    case OPT_MSS:
      if (length === 4 && syn) s.mss = u16(bytes, at + 2);
      break;
    case OPT_WINDOW_SCALE:
      if (length === 3 && syn) s.windowScale = Math.min(bytes[at + 2]!, MAX_WINDOW_SCALE);
      break;
    case OPT_SACK_PERMITTED:
      if (length === 2 && syn) s.sackPermitted = true;
      break;
    case OPT_SACK:
      if (length >= 10 && (length - 2) % 8 === 0 && !syn) decodeSack(bytes, at, length, s);
      break;
    case OPT_TIMESTAMPS:
      if (length === 10) {
        s.hasTimestamps = true;
        s.tsVal = i32(bytes, at + 2);
        s.tsEcr = i32(bytes, at + 6);
      }
      break;
    case OPT_FAST_OPEN:
      if (syn) decodeFastOpen(at + 2, length - 2, false, s);
      break;
    case OPT_EXPERIMENT:
      if (syn && length >= 4 && u16(bytes, at + 2) === FAST_OPEN_MAGIC)
        decodeFastOpen(at + 4, length - 4, true, s);
      break;
  }
}

function decodeSack(bytes: Uint8Array, at: number, length: number, s: Segment): void {
  const n = Math.min((length - 2) >> 3, MAX_SACK_BLOCKS);
  for (let i = 0; i < n; i++) {
    s.sackLeft[i] = i32(bytes, at + 2 + 8 * i);
    s.sackRight[i] = i32(bytes, at + 6 + 8 * i);
  }
  s.sackBlocks = n;
}

/** A cookie is empty (a request) or of 4 to 16 bytes, an even number (RFC 7413 §2.1). */
function decodeFastOpen(at: number, length: number, experimental: boolean, s: Segment): void {
  if (length !== 0 && (length < 4 || length > 16 || length % 2 !== 0)) return;
  s.cookieLength = length;
  s.cookieAt = at;
  s.cookieExperimental = experimental;
}

// Writers: each puts one option at `at` with the NOPs that keep what follows 4-byte aligned, and returns the
// offset behind it.

/** 4 bytes. */
export function putMss(bytes: Uint8Array, at: number, mss: number): number {
  bytes[at] = OPT_MSS;
  bytes[at + 1] = 4;
  put16(bytes, at + 2, mss);
  return at + 4;
}

/** 4 bytes: NOP and the option. */
export function putWindowScale(bytes: Uint8Array, at: number, shift: number): number {
  bytes[at] = OPT_NOP;
  bytes[at + 1] = OPT_WINDOW_SCALE;
  bytes[at + 2] = 3;
  bytes[at + 3] = shift;
  return at + 4;
}

/** 4 bytes: two NOPs and the option. */
export function putSackPermitted(bytes: Uint8Array, at: number): number {
  bytes[at] = OPT_NOP;
  bytes[at + 1] = OPT_NOP;
  bytes[at + 2] = OPT_SACK_PERMITTED;
  bytes[at + 3] = 2;
  return at + 4;
}

/** 12 bytes: two NOPs and the option. */
export function putTimestamps(bytes: Uint8Array, at: number, value: number, echo: number): number {
  bytes[at] = OPT_NOP;
  bytes[at + 1] = OPT_NOP;
  bytes[at + 2] = OPT_TIMESTAMPS;
  bytes[at + 3] = 10;
  put32(bytes, at + 4, value);
  put32(bytes, at + 8, echo);
  return at + 12;
}

/** 12 bytes: SACK-permitted takes the place of the two NOPs, as Linux packs a SYN. */
export function putSackPermittedTimestamps(
  bytes: Uint8Array,
  at: number,
  value: number,
  echo: number,
): number {
  putTimestamps(bytes, at, value, echo);
  bytes[at] = OPT_SACK_PERMITTED;
  bytes[at + 1] = 2;
  return at + 12;
}

/** 4 + 8n bytes: two NOPs and n blocks, `left[from..]` and `right[from..]`. */
export function putSack(
  bytes: Uint8Array,
  at: number,
  left: Int32Array,
  right: Int32Array,
  n: number,
  from = 0,
): number {
  bytes[at] = OPT_NOP;
  bytes[at + 1] = OPT_NOP;
  bytes[at + 2] = OPT_SACK;
  bytes[at + 3] = 2 + 8 * n;
  at += 4;
  for (let i = 0; i < n; i++) {
    put32(bytes, at, left[from + i]!);
    put32(bytes, at + 4, right[from + i]!);
    at += 8;
  }
  return at;
}

/** Fast Open cookie of `n` bytes (0 asks for one), padded behind with NOPs to 4 bytes. */
export function putFastOpen(
  bytes: Uint8Array,
  at: number,
  cookie: Uint8Array,
  from: number,
  n: number,
  experimental = false,
): number {
  const header = experimental ? 4 : 2;
  bytes[at] = experimental ? OPT_EXPERIMENT : OPT_FAST_OPEN;
  bytes[at + 1] = header + n;
  if (experimental) put16(bytes, at + 2, FAST_OPEN_MAGIC);
  at += header;
  for (let i = 0; i < n; i++) bytes[at + i] = cookie[from + i]!;
  at += n;
  for (let pad = (header + n) & 3; pad !== 0 && pad < 4; pad++) bytes[at++] = OPT_NOP;
  return at;
}
