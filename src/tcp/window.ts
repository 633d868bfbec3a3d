import type { SysctlValues } from '../base/sysctl.ts';
import { RCV_SHUTDOWN } from './constants.ts';
import type { Tcb } from './tcb.ts';

/**
 * The window we announce (RFC 9293 §3.8.6.2.2: receiver-side silly-window avoidance).
 *
 * The receive buffer counts as Linux counts it: a segment is charged with the memory of a packet that
 * holds it, and the part of that which is data, measured on arrivals, tells how much window the free
 * buffer is worth (a half before the first arrival). So a flood of tiny segments closes the window long
 * before it fills the memory.
 */

/** How much of `space` bytes of buffer is announced as window. */
export const windowFromSpace = (tcb: Tcb, space: number): number =>
  Math.floor((space * tcb.scalingRatio) / 256);

/** The reverse: the buffer that a window takes. */
export const spaceFromWindow = (tcb: Tcb, window: number): number =>
  Math.floor((window * 256) / tcb.scalingRatio);

const PAGE = 4096;

/**
 * What a packet with `length` bytes of data occupies: header room and bookkeeping, in powers of two up to a page,
 * in whole pages beside the headers beyond.
 */
const footprint = (length: number): number =>
  length + 144 < PAGE
    ? (1 << (32 - Math.clz32(length + 435))) + 256
    : 640 + Math.ceil((length + 40) / PAGE) * PAGE;

/** Charges a packet to the buffer. */
export function charge(tcb: Tcb, length: number): void {
  tcb.rmem += footprint(length);
}

/**
 * Whether there is room for one more segment. A queue of half-empty packets is packed first, as Linux
 * collapses its own: into packets that fill a page.
 */
export function hasRoom(tcb: Tcb): boolean {
  if (tcb.rmem <= tcb.rcvbuf) return true;
  tcb.ctx.mib.TcpExtPruneCalled++;
  tcb.rmem = Math.min(tcb.rmem, Math.ceil(queuedBytes(tcb) / PACKED) * footprint(PACKED));
  return tcb.rmem <= tcb.rcvbuf;
}

/** Data bytes of a packet that fills a 4 KiB page. */
const PACKED = 3660;

/** The application took `taken` of `queued` bytes: their share of the charge is given back. */
export function discharge(tcb: Tcb, taken: number, queued: number): void {
  tcb.rmem = taken >= queued ? 0 : tcb.rmem - Math.floor((tcb.rmem * taken) / queued);
}

/** A segment of a new size: what part of a packet is data now. */
export function measureRatio(tcb: Tcb, length: number): void {
  const ratio = Math.floor((length << 8) / footprint(length)) || 1;
  if (ratio === tcb.scalingRatio) return;
  tcb.scalingRatio = ratio;
  tcb.windowClamp = windowFromSpace(tcb, tcb.rcvbuf);
  if (tcb.windowClamp < tcb.rcvSpace) tcb.rcvSpace = tcb.windowClamp;
}

export function windowOfBuffer(sysctl: SysctlValues, space: number): number {
  const scale = sysctl.tcp_adv_win_scale;
  if (scale <= 0) return space >> -scale;
  return space - (space >> scale);
}

/** Bytes held by the receive side, in order or not. */
export const queuedBytes = (tcb: Tcb): number =>
  ((tcb.rcvNxt - tcb.copiedSeq) | 0) + (tcb.ooo !== null ? tcb.ooo.bytes : 0);

export const fullSpace = (tcb: Tcb): number => windowFromSpace(tcb, tcb.rcvbuf);

/** Window bytes still free. */
const freeSpace = (tcb: Tcb): number => windowFromSpace(tcb, tcb.rcvbuf - tcb.rmem);

const alignUp = (n: number, shift: number): number => ((n + (1 << shift) - 1) >> shift) << shift;
const alignDown = (n: number, shift: number): number => (n >> shift) << shift;

/** The window that the free space justifies, in bytes. */
export function selectWindow(tcb: Tcb): number {
  let free = freeSpace(tcb);
  const allowed = fullSpace(tcb);
  const full = Math.min(tcb.windowClamp, allowed);
  let mss = tcb.rcvMss;
  if (mss > full) {
    mss = full;
    if (mss <= 0) return 0;
  }
  if (tcb.ctx.sysctl.tcp_shrink_window !== 0 && tcb.rcvWscale > 0)
    return selectShrinkingWindow(tcb, free, full, allowed, mss);
  if (free < full >> 1) {
    tcb.quick = 0;
    free = alignDown(free, tcb.rcvWscale);
    if (free < allowed >> 4 || free < mss) return 0;
  }
  if (free > tcb.rcvSsthresh) free = tcb.rcvSsthresh;
  if (tcb.rcvWscale > 0) return alignUp(free, tcb.rcvWscale);
  // Unscaled: move the edge by whole segments, or, with a tiny buffer, by halves of it.
  const window = tcb.rcvWnd;
  if (window <= free - mss || window > free) return free - (free % mss);
  if (mss === full && free > window + (full >> 1)) return free;
  return window;
}

/**
 * With `tcp_shrink_window` the window follows the free space down as well, in whole units of the scale: memory is a
 * hard limit, the slow start of the window (rcvSsthresh) is none.
 */
function selectShrinkingWindow(tcb: Tcb, space: number, full: number, allowed: number, mss: number): number {
  const scale = tcb.rcvWscale;
  let free = alignDown(space, scale);
  if (free < full >> 1) {
    tcb.quick = 0;
    if (free < allowed >> 4 || free < mss || free < 1 << scale) return 0;
  }
  if (free > tcb.rcvSsthresh) free = alignUp(tcb.rcvSsthresh, scale);
  return free;
}

/** Decides the window field of a segment that is about to leave, and remembers it. */
export function announceWindow(tcb: Tcb): number {
  const mib = tcb.ctx.mib;
  const old = tcb.rcvWnd;
  if (tcb.ackNoMem) {
    tcb.rcvWnd = 0;
    tcb.rcvWup = tcb.rcvNxt;
    return 0;
  }
  const current = tcb.receiveWindow;
  let window = selectWindow(tcb);
  const mayShrink = tcb.ctx.sysctl.tcp_shrink_window !== 0 && tcb.rcvWscale > 0;
  if (window < current && !mayShrink) {
    // SHLD-14: never move the right edge left.
    if (window === 0) mib.TcpExtTCPWantZeroWindowAdv++;
    window = alignUp(current, tcb.rcvWscale);
  }
  tcb.rcvWnd = window;
  tcb.rcvWup = tcb.rcvNxt;
  const signed = tcb.rcvWscale === 0 && tcb.ctx.sysctl.tcp_workaround_signed_windows !== 0;
  const field = Math.min(window, signed ? 32767 : 65535 << tcb.rcvWscale) >> tcb.rcvWscale;
  if (field === 0) {
    if (old !== 0) mib.TcpExtTCPToZeroWindowAdv++;
  } else if (old === 0) mib.TcpExtTCPFromZeroWindowAdv++;
  return field;
}

/** The first window of a connection and the scale that goes with it. */
export function initialWindow(
  space: number,
  mss: number,
  clamp: number,
  scalingOk: boolean,
  maxBuffer: number,
  signedWorkaround: boolean,
): { window: number; clamp: number; scale: number } {
  const limit = clamp || 65535 << 14;
  let room = Math.min(limit, Math.max(space, 0));
  if (room > mss) room -= room % mss;
  const window = signedWorkaround ? Math.min(room, 32767) : room;
  let scale = 0;
  if (scalingOk) {
    const most = Math.min(Math.max(room, maxBuffer), limit);
    scale = Math.min(Math.max(31 - Math.clz32(most) - 15, 0), 14);
  }
  return { window, clamp: Math.min(65535 << scale, limit), scale };
}

/** The window grows while data comes in whole segments (Linux's slow start for the receive window). */
export function growWindow(tcb: Tcb, length: number): void {
  const room = Math.min(tcb.windowClamp, freeSpace(tcb)) - tcb.rcvSsthresh;
  if (room <= 0) return;
  const grow = Math.max(2 * tcb.advmss, 2 * length);
  tcb.rcvSsthresh += Math.min(room, grow);
  // The sender that makes it grow is in slow start, and wants its ACKs.
  tcb.quick |= 1;
}

/** After the application has read: announce the opened window if that is worth a segment (MUST-39). */
export function windowOpened(tcb: Tcb): boolean {
  if (tcb.shut & RCV_SHUTDOWN) return false;
  const now = tcb.receiveWindow;
  if (2 * now > tcb.windowClamp) return false;
  const next = selectWindow(tcb);
  return next !== 0 && next >= 2 * now;
}
