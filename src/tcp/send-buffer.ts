import { type Seq, seqDiff } from '../base/seq.ts';
import { CHRONO_BUSY, CHRONO_SNDBUF, startChrono, stopChrono } from './chrono.ts';
import { MSG_EOR, MSG_MORE, MSG_OOB } from './constants.ts';
import { restartAfterIdle } from './cwnd.ts';
import { unsent } from './decide.ts';
import { boundToHalfWindow } from './negotiate.ts';
import { checkAppLimited } from './rate.ts';
import type { Tcb } from './tcb.ts';

/** The sending half of the buffers: what the application wrote and the peer has not acknowledged. */

/** Bytes held, of the `sndbuf` that may be. */
export const sendQueued = (tcb: Tcb): number => seqDiff(tcb.writeSeq, tcb.sndUna);

/** What a packet in the send queue costs beyond its data (Linux's truesize, measured). */
const OVERHEAD = 704;

/** How much data one packet of the send queue takes: whole segments, no more than half the window. */
function packetSize(tcb: Tcb): number {
  const mss = Math.max(tcb.mssCache, 1);
  const most = boundToHalfWindow(tcb, 65535 - 320);
  return Math.max(most - (most % mss), mss);
}

/** Buffer memory in use, packets' overhead included: what SO_SNDBUF limits. */
function sendMemory(tcb: Tcb): number {
  const queued = sendQueued(tcb);
  return queued + Math.ceil(queued / packetSize(tcb)) * OVERHEAD;
}

/** Room for a write now: what fits the last packet, and new packets until the limit is passed. */
export function sendSpace(tcb: Tcb): number {
  const size = packetSize(tcb);
  const tail = sendQueued(tcb) % size;
  const room = tail > 0 ? size - tail : 0;
  const free = tcb.sndbuf - sendMemory(tcb);
  return free <= 0 ? room : room + Math.ceil(free / (size + OVERHEAD)) * size;
}

const notsentLowat = (tcb: Tcb): number => tcb.options.notsentLowat || tcb.ctx.sysctl.tcp_notsent_lowat;

/** POLLOUT: a third of the buffer is free, and not too much waits unsent (TCP_NOTSENT_LOWAT). */
export function isWritable(tcb: Tcb): boolean {
  const used = sendMemory(tcb);
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
 * Copies what fits of `bytes[at..at+n)` into the buffer; the caller's bytes are its own again.
 * @returns how much was taken, 0 if there is no room
 */
export function enqueue(tcb: Tcb, bytes: Uint8Array, at: number, n: number, flags: number): number {
  checkAppLimited(tcb);
  restartAfterIdle(tcb);
  let space = sendSpace(tcb);
  if (space === 0) return 0;
  // Linux lets the last packet of a write exceed the limit; a write larger than the room is cut.
  if (space > n) space = n;
  tcb.sendRing ??= tcb.ctx.slabs.takeRing(tcb.writeSeq);
  tcb.sendRing.write(tcb.writeSeq, bytes, at, space);
  tcb.writeSeq = ((tcb.writeSeq + space) | 0) as Seq;
  const whole = space === n;
  if (whole) {
    if (flags & MSG_OOB) tcb.sndUp = tcb.writeSeq;
    if (flags & MSG_EOR) {
      tcb.records ??= [];
      tcb.records.push(tcb.writeSeq);
    }
  }
  if (!(flags & MSG_MORE) || !whole) tcb.pushedSeq = tcb.writeSeq;
  tcb.more = (flags & MSG_MORE) !== 0 && whole;
  if (!whole) tcb.noSpace = true;
  startChrono(tcb, CHRONO_BUSY);
  tcb.ctx.wantOutput(tcb);
  return space;
}

/** A write had to wait and there is room again: POLLOUT may be told. */
export function spaceFreed(tcb: Tcb): void {
  if (!tcb.noSpace) return;
  if (!tcb.options.sndbufLocked && tcb.inFlight < tcb.cwnd) expandSendBuffer(tcb);
  if (!isWritable(tcb)) return;
  tcb.noSpace = false;
  stopChrono(tcb, CHRONO_SNDBUF);
}
