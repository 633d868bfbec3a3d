import { type Seq, seqLt } from '../base/seq.ts';
import { NEVER } from '../base/time.ts';
import { fold, pseudoSum } from '../wire/checksum.ts';
import { CSUM_GOOD, CSUM_PARTIAL, type Frame } from '../wire/frame.ts';
import { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from '../wire/segment.ts';
import { putTcpChecksumFrame, putTcpHeader, TCP_AT_CHECKSUM } from '../wire/tcp.ts';
import {
  putMss,
  putSackPermitted,
  putSackPermittedTimestamps,
  putTimestamps,
  putWindowScale,
} from '../wire/tcp-options.ts';
import { ATO_MIN, HEADER, MAX_OPTION_SPACE, TIMESTAMPS_ALIGNED } from './constants.ts';
import { enterCwr } from './cwnd.ts';
import { ECN_DEMAND_CWR, ECN_OK, ECN_QUEUE_CWR } from './ecn.ts';
import { putCookieOption } from './fastopen.ts';
import { announcedMss } from './negotiate.ts';
import type { Tcb } from './tcb.ts';
import { jiffiesSince } from './timers.ts';
import type { SentKind } from './trace.ts';
import { announceWindow } from './window.ts';

/** The last step of the way out: builds the frames of one segment, or of one burst, and gives them to IP. */

const PROTOCOL_TCP = 6;
/** From how many bytes on payload travels by reference where it can: below that, copying is as fast. */
const ATTACH = 1024;
const ECT_0 = 2;

/** Of the last segment that could not be sent: this host dropped it itself, for want of room in its queue. */
let dropped = false;
export const wasDroppedHere = (): boolean => dropped;

/** Bytes of options that an ordinary segment carries now: timestamps, and the SACK blocks that are due. */
export function optionLength(tcb: Tcb): number {
  let n = tcb.tsOk ? TIMESTAMPS_ALIGNED : 0;
  const blocks = sackBlocksDue(tcb, n);
  if (blocks > 0) n += 4 + 8 * blocks;
  return n;
}

function sackBlocksDue(tcb: Tcb, used: number): number {
  const due = tcb.sackCount + (tcb.dsack ? 1 : 0);
  return due === 0 ? 0 : Math.min(due, (MAX_OPTION_SPACE - used - 4) >> 3);
}

/** Asks again for a path that is no longer valid; false if there is none now. */
function freshPath(tcb: Tcb): boolean {
  if (tcb.path.valid) return true;
  const path = tcb.ctx.net.path(tcb.remote, tcb.local);
  if (typeof path === 'number') return false;
  tcb.path = path;
  return true;
}

/**
 * Sends the sequence range that begins at `seq` and holds `length` payload bytes, as one super-segment
 * where the interface takes them, else as segments of at most `mss`.
 * @param flags of the whole; FIN and PSH go with the last segment
 * @returns false if nothing could be sent: no route, or no room in this host's own queue (`wasDroppedHere`)
 */
export function transmit(
  tcb: Tcb,
  seq: Seq,
  length: number,
  flags: number,
  mss: number,
  kind: SentKind,
): boolean {
  dropped = false;
  if (!freshPath(tcb)) return false;
  const ctx = tcb.ctx;
  if (length > 0 && tcb.inFlight === 0) tcb.congestion.transmitStart(tcb);
  const isNew = !seqLt(seq, tcb.sndNxt);
  let at = seq;
  let left = length;
  const last = flags & (FIN | PSH);
  // Many segments are one burst to the receiver: the last asks for delivery.
  const push = length > mss ? PSH : 0;
  do {
    const gso = tcb.path.gsoMax;
    const most = gso > mss && left > mss && !tcb.urgentMode ? gso - (gso % mss) : mss;
    const n = left < most ? left : most;
    const final = n === left;
    const f = final ? flags | push : flags & ~last;
    if (!sendOne(tcb, at, n, f, n > mss ? mss : 0, kind, isNew) && at === seq) dropped = true;
    at = ((at + n) | 0) as Seq;
    left -= n;
  } while (left > 0 && !dropped);
  if (length > 0) {
    const pcount = length > mss ? Math.ceil(length / mss) : 1;
    tcb.lastDataSentAt = ctx.now;
    if (jiffiesSince(ctx, tcb.lastDataReceivedAt) < tcb.ato) tcb.pingpong++;
    tcb.dataSegsOut += pcount;
    tcb.bytesSent += length;
    if (tcb.txStamps !== null) tcb.txStamps.sent(tcb, seq, ((seq + length) | 0) as Seq, dropped);
  }
  // A full local queue is congestion too; what follows the first piece can be repaired like any loss.
  if (dropped) enterCwr(tcb);
  return !dropped;
}

function sendOne(
  tcb: Tcb,
  seq: Seq,
  length: number,
  flags: number,
  gsoSize: number,
  kind: SentKind,
  isNew: boolean,
): boolean {
  const ctx = tcb.ctx;
  const attach = tcb.path.scatter && length >= ATTACH && !(flags & SYN) && !tcb.urgentMode;
  const frame = ctx.net.frame((attach ? 0 : length) + HEADER + MAX_OPTION_SPACE);
  const bytes = frame.bytes;
  const start = frame.start;
  let end = start + HEADER;
  let window: number;
  let tos = tcb.options.tos & 0xfc;
  if (flags & SYN) {
    end = synOptions(tcb, bytes, end);
    window = tcb.rcvWnd < 65535 ? tcb.rcvWnd : 65535;
  } else {
    end = options(tcb, bytes, end);
    window = announceWindow(tcb);
    if (tcb.ecnFlags & ECN_OK) {
      if (length > 0 && isNew) {
        tos |= ECT_0;
        if (tcb.ecnFlags & ECN_QUEUE_CWR) {
          tcb.ecnFlags &= ~ECN_QUEUE_CWR;
          flags |= CWR;
        }
      }
      if (tcb.ecnFlags & ECN_DEMAND_CWR) flags |= ECE;
    }
  }
  let urgent = 0;
  if (tcb.urgentMode && seqLt(seq, tcb.sndUp)) {
    const ahead = (tcb.sndUp - seq) | 0;
    if (ahead < 0x10000) {
      urgent = ahead;
      flags |= URG;
    } else if (((seq + 0xffff - tcb.sndNxt) | 0) > 0) {
      urgent = 0xffff;
      flags |= URG;
    }
  }
  const ack = flags & ACK ? tcb.rcvNxt : 0;
  putTcpHeader(bytes, start, tcb.localPort, tcb.remotePort, seq, ack, end - start, flags, window, urgent);
  if (attach) {
    tcb.sendRing!.lend(seq, length, frame.blocks);
    frame.attached = length;
    frame.attachedAt = seq;
  } else if (length > 0) {
    // The data of a SYN begin behind its own number.
    tcb.sendRing!.copyOut(flags & SYN ? (((seq + 1) | 0) as Seq) : seq, bytes, end, length);
    end += length;
  }
  frame.end = end;
  frame.gsoSize = gsoSize;
  seal(tcb, frame);
  if (flags & ACK) ackSent(tcb);
  const count = gsoSize > 0 ? Math.ceil(length / gsoSize) : 1;
  tcb.segsOut += count;
  // A tail loss probe is a repetition too.
  const again = kind === 'retransmit' || (kind === 'probe' && !isNew && (length > 0 || (flags & FIN) !== 0));
  if (again) ctx.mib.TcpRetransSegs += count;
  else ctx.mib.TcpOutSegs += count;
  if (ctx.trace !== null) ctx.trace.sent(tcb, seq, length, flags, kind);
  const { pmtudisc, ttl } = tcb.options;
  const discovery = pmtudisc === 0 ? 0 : 1;
  return ctx.net.send(tcb.path, frame, tcb.local, tcb.remote, PROTOCOL_TCP, tos, ttl, discovery);
}

/** Completes the checksum (MUST-2), or prepares it for a link that does. */
function seal(tcb: Tcb, frame: Frame): void {
  const { bytes, start } = frame;
  if (!tcb.path.checksumOffload) {
    putTcpChecksumFrame(frame, start, tcb.local, tcb.remote);
    frame.csum = CSUM_GOOD;
    return;
  }
  const field = fold(pseudoSum(tcb.local, tcb.remote, PROTOCOL_TCP, frame.length));
  bytes[start + TCP_AT_CHECKSUM] = field >>> 8;
  bytes[start + TCP_AT_CHECKSUM + 1] = field;
  frame.csum = CSUM_PARTIAL;
}

const tsVal = (tcb: Tcb): number => (tcb.tsNow + tcb.tsOffset) | 0;

/** Options of a SYN, in Linux's order: MSS, SACK permitted with timestamps, window scale. */
function synOptions(tcb: Tcb, bytes: Uint8Array, at: number): number {
  const start = at - HEADER;
  const sysctl = tcb.ctx.sysctl;
  // A SYN-ACK of a simultaneous open offers what the SYN offered.
  const ts = sysctl.tcp_timestamps !== 0;
  const sack = sysctl.tcp_sack !== 0;
  at = putMss(bytes, at, announcedMss(tcb));
  if (ts && sack) at = putSackPermittedTimestamps(bytes, at, tsVal(tcb), tcb.tsRecent);
  else if (ts) at = putTimestamps(bytes, at, tsVal(tcb), tcb.tsRecent);
  else if (sack) at = putSackPermitted(bytes, at);
  if (sysctl.tcp_window_scaling !== 0) at = putWindowScale(bytes, at, tcb.offeredWscale);
  if (tcb.fastopen !== null) at = putCookieOption(tcb.fastopen.option, bytes, start, at);
  return at;
}

function options(tcb: Tcb, bytes: Uint8Array, at: number): number {
  const begin = at;
  if (tcb.tsOk) at = putTimestamps(bytes, at, tsVal(tcb), tcb.tsRecent);
  const blocks = sackBlocksDue(tcb, at - begin);
  return blocks > 0 ? putBlocks(tcb, bytes, at, blocks) : at;
}

/** RFC 2018, with the duplicate first if there is one to report (RFC 2883). */
function putBlocks(tcb: Tcb, bytes: Uint8Array, at: number, blocks: number): number {
  bytes[at] = 1;
  bytes[at + 1] = 1;
  bytes[at + 2] = 5;
  bytes[at + 3] = 2 + 8 * blocks;
  at += 4;
  let i = 0;
  if (tcb.dsack) {
    at = putPair(bytes, at, tcb.dsackLeft, tcb.dsackRight);
    tcb.dsack = false;
    i = 1;
  }
  const pairs = tcb.sackBlocks;
  for (let k = 0; i < blocks && pairs !== null; i++, k++) {
    at = putPair(bytes, at, pairs[2 * k]!, pairs[2 * k + 1]!);
  }
  return at;
}

function putPair(bytes: Uint8Array, at: number, left: number, right: number): number {
  bytes[at] = left >>> 24;
  bytes[at + 1] = left >>> 16;
  bytes[at + 2] = left >>> 8;
  bytes[at + 3] = left;
  bytes[at + 4] = right >>> 24;
  bytes[at + 5] = right >>> 16;
  bytes[at + 6] = right >>> 8;
  bytes[at + 7] = right;
  return at + 8;
}

/** Whatever carried an ACK: nothing is owed any more. */
function ackSent(tcb: Tcb): void {
  if (tcb.compressedAcks > 0) {
    tcb.ctx.mib.TcpExtTCPAckCompressed += tcb.compressedAcks;
    tcb.compressedAcks = 0;
    tcb.compressedAckAt = NEVER;
  }
  if (tcb.quick > 0 && tcb.ackScheduled) {
    tcb.quick--;
    // Leaving quick-ack mode the delay starts from its minimum.
    if (tcb.quick === 0) tcb.ato = ATO_MIN;
  }
  tcb.ackScheduled = false;
  tcb.ackNow = false;
  tcb.ackPushed = 0;
  tcb.ackNoMem = false;
  tcb.ackTimer = false;
  tcb.delackAt = NEVER;
}

/** Sequence number of a segment without data: SND.NXT, unless the peer's window has shrunk below it. */
const acceptableSeq = (tcb: Tcb): Seq => {
  const edge = tcb.wndEnd;
  if (!seqLt(edge, tcb.sndNxt)) return tcb.sndNxt;
  // Within one unit of the window's scale the shrinking is only rounding.
  if (tcb.wscaleOk && ((tcb.sndNxt - edge) | 0) < 1 << tcb.rcvWscale) return tcb.sndNxt;
  return edge;
};

/** A pure ACK, now. */
export function sendAck(tcb: Tcb): void {
  transmit(tcb, acceptableSeq(tcb), 0, ACK, tcb.mssCache || 1, 'ack');
}

/** A probe that asks for an ACK: an old sequence number, no data (zero-window probe, keepalive). */
export function sendProbe(tcb: Tcb, urgent: boolean): boolean {
  const seq = ((tcb.sndUna - (urgent ? 0 : 1)) | 0) as Seq;
  return transmit(tcb, seq, 0, ACK, tcb.mssCache || 1, 'probe');
}

/** RFC 9293 §3.10.5: tells the peer that this connection is gone. */
export function sendReset(tcb: Tcb): void {
  tcb.ctx.mib.TcpOutRsts++;
  transmit(tcb, acceptableSeq(tcb), 0, ACK | RST, tcb.mssCache || 1, 'reset');
}
