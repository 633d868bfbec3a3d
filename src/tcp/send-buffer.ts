import type { ByteRing } from '../base/ring.ts';
import { type Seq, seqDiff, seqGt, seqLt } from '../base/seq.ts';
import { CHRONO_BUSY, CHRONO_SNDBUF, startChrono, stopChrono } from './chrono.ts';
import { MSG_EOR, MSG_MORE, MSG_OOB } from './constants.ts';
import { restartAfterIdle } from './cwnd.ts';
import { hasUnsent, NAGLE_OFF, unsent } from './decide.ts';
import { packetSize } from './negotiate.ts';
import { pushPending } from './output.ts';
import { checkAppLimited } from './rate.ts';
import type { Tcb } from './tcb.ts';

/** The sending half of the buffers: what the application wrote and the peer has not acknowledged. */

/** Bytes held, of the `sndbuf` that may be. */
export const sendQueued = (tcb: Tcb): number => seqDiff(tcb.writeSeq, tcb.sndUna);

/** What a packet in the send queue costs beyond its data (Linux's truesize, measured). */
const OVERHEAD = 704;

const sendPacketSize = (tcb: Tcb): number => packetSize(tcb, Math.max(tcb.mssCache, 1));

/** Buffer memory in use, packets' overhead included: what SO_SNDBUF limits. */
function sendMemory(tcb: Tcb, size: number): number {
  return sendQueued(tcb) + (tcb.sent.size + Math.ceil(unsent(tcb) / size)) * OVERHEAD;
}

export const sendMemoryUsed = (tcb: Tcb): number => sendMemory(tcb, sendPacketSize(tcb));

/** How much the last packet of the queue can still take: nothing if it has been sent, or ends a record. */
function tailRoom(tcb: Tcb, size: number): number {
  if (!hasUnsent(tcb)) return 0;
  const records = tcb.records;
  if (records !== null && records.length > 0 && records[records.length - 1] === tcb.writeSeq) return 0;
  const from = seqLt(tcb.tailStart, tcb.sndNxt) ? tcb.sndNxt : tcb.tailStart;
  return size - seqDiff(tcb.writeSeq, from);
}

/** May a new packet be begun? */
const hasMemory = (tcb: Tcb, size: number): boolean =>
  sendMemory(tcb, size) < tcb.sndbuf && unsent(tcb) < notsentLowat(tcb);

/** Room for a write now: what fits the last packet, and new packets until the limit is passed. */
export function sendSpace(tcb: Tcb): number {
  const size = sendPacketSize(tcb);
  const room = Math.max(tailRoom(tcb, size), 0);
  const free = tcb.sndbuf - sendMemory(tcb, size);
  return free <= 0 ? room : room + Math.ceil(free / (size + OVERHEAD)) * size;
}

const notsentLowat = (tcb: Tcb): number => tcb.options.notsentLowat || tcb.ctx.sysctl.tcp_notsent_lowat;

/** POLLOUT: a third of the buffer is free, and not too much waits unsent (TCP_NOTSENT_LOWAT). */
export function isWritable(tcb: Tcb): boolean {
  const used = sendMemory(tcb, sendPacketSize(tcb));
  return tcb.sndbuf - used >= used >> 1 && unsent(tcb) < notsentLowat(tcb);
}

/** Grows an automatic buffer with the congestion window (twice the window in flight). */
export function expandSendBuffer(tcb: Tcb): void {
  if (tcb.options.sndbufLocked) return;
  const mss = Math.max(tcb.mssClamp, tcb.mssCache) + 320;
  const perSegment = (1 << (32 - Math.clz32(mss - 1))) + 256;
  const segments = Math.max(10, tcb.cwnd, tcb.reordering + 1);
  const want = 2 * segments * perSegment;
  if (tcb.sndbuf < want) tcb.sndbuf = Math.min(want, tcb.ctx.sysctl.tcp_wmem[2]);
}

/**
 * Copies what fits of `bytes[at..at+n)` into the buffer; the caller's bytes are its own again. As in Linux
 * it goes packet by packet: what a full packet can already send leaves before the next one begins, and a
 * packet once begun is filled though it exceeds the limit.
 * @returns how much was taken, 0 if there is no room
 */
export function enqueue(tcb: Tcb, bytes: Uint8Array, at: number, n: number, flags: number): number {
  checkAppLimited(tcb);
  restartAfterIdle(tcb);
  const size = sendPacketSize(tcb);
  let taken = 0;
  while (taken < n) {
    let room = tailRoom(tcb, size);
    if (room <= 0) {
      if (!hasMemory(tcb, size)) break;
      if (tcb.pushedSeq === tcb.writeSeq && hasUnsent(tcb)) {
        tcb.pushMarks ??= [];
        tcb.pushMarks.push(tcb.pushedSeq);
      }
      tcb.tailStart = tcb.writeSeq;
      room = size;
    }
    const k = Math.min(room, n - taken);
    ringOf(tcb).write(tcb.writeSeq, bytes, at + taken, k);
    tcb.writeSeq = ((tcb.writeSeq + k) | 0) as Seq;
    taken += k;
    startChrono(tcb, CHRONO_BUSY);
    if (taken < n) pushFullPacket(tcb);
  }
  if (taken === 0) return 0;
  const whole = taken === n;
  if (whole) {
    if (flags & MSG_OOB) tcb.sndUp = tcb.writeSeq;
    if (flags & MSG_EOR) {
      tcb.records ??= [];
      tcb.records.push(tcb.writeSeq);
    }
  }
  if (whole && tcb.txStamps !== null) tcb.txStamps.written(tcb, tcb.txStamps.flags);
  if (!(flags & MSG_MORE) || !whole) tcb.pushedSeq = tcb.writeSeq;
  tcb.more = (flags & MSG_MORE) !== 0 && whole;
  if (!whole) tcb.noSpace = true;
  tcb.ctx.wantOutput(tcb);
  return taken;
}

function ringOf(tcb: Tcb): ByteRing {
  tcb.sendRing ??= tcb.ctx.slabs.takeRing(tcb.writeSeq);
  return tcb.sendRing;
}

/** A packet is full and the write goes on: it leaves now if it is the first that waits, or half a window is unpushed. */
function pushFullPacket(tcb: Tcb): void {
  const half = ((tcb.pushedSeq + (tcb.maxWindow >> 1)) | 0) as Seq;
  if (seqGt(tcb.writeSeq, half)) {
    tcb.pushedSeq = tcb.writeSeq;
    pushPending(tcb, NAGLE_OFF);
  } else if (!seqLt(tcb.sndNxt, tcb.tailStart)) pushPending(tcb, NAGLE_OFF, 1);
}

/** A write had to wait and there is room again: POLLOUT may be told. */
export function spaceFreed(tcb: Tcb): void {
  if (!tcb.noSpace) return;
  if (!tcb.options.sndbufLocked && tcb.inFlight < tcb.cwnd) expandSendBuffer(tcb);
  if (!isWritable(tcb)) return;
  tcb.noSpace = false;
  stopChrono(tcb, CHRONO_SNDBUF);
}
