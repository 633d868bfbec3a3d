import { ByteRing } from '../base/ring.ts';
import { type Seq, seqDiff } from '../base/seq.ts';
import { CHRONO_BUSY, CHRONO_SNDBUF, startChrono, stopChrono } from './chrono.ts';
import { MSG_EOR, MSG_MORE, MSG_OOB } from './constants.ts';
import { unsent } from './decide.ts';
import type { Tcb } from './tcb.ts';

/** The sending half of the buffers: what the application wrote and the peer has not acknowledged. */

/** Bytes held, of the `sndbuf` that may be. */
export const sendQueued = (tcb: Tcb): number => seqDiff(tcb.writeSeq, tcb.sndUna);

/** Room for a write now. */
export function sendSpace(tcb: Tcb): number {
  const space = tcb.sndbuf - sendQueued(tcb);
  return space > 0 ? space : 0;
}

const notsentLowat = (tcb: Tcb): number => tcb.options.notsentLowat || tcb.ctx.sysctl.tcp_notsent_lowat;

/** POLLOUT: a third of the buffer is free, and not too much waits unsent (TCP_NOTSENT_LOWAT). */
export function isWritable(tcb: Tcb): boolean {
  const queued = sendQueued(tcb);
  return tcb.sndbuf - queued >= queued >> 1 && unsent(tcb) < notsentLowat(tcb);
}

/** Grows an automatic buffer with the congestion window (twice the window in flight). */
export function expandSendBuffer(tcb: Tcb): void {
  if (tcb.options.sndbufLocked) return;
  const mss = Math.max(tcb.mssClamp, tcb.mssCache) + 320;
  const perSegment = 2 ** Math.ceil(Math.log2(mss)) + 256;
  const segments = Math.max(10, tcb.cwnd, tcb.reordering + 1);
  const want = 2 * segments * perSegment;
  if (tcb.sndbuf < want) tcb.sndbuf = Math.min(want, tcb.ctx.sysctl.tcp_wmem[2]);
}

/**
 * Copies what fits of `bytes[at..at+n)` into the buffer; the caller's bytes are its own again.
 * @returns how much was taken, 0 if there is no room
 */
export function enqueue(tcb: Tcb, bytes: Uint8Array, at: number, n: number, flags: number): number {
  let space = sendSpace(tcb);
  if (space === 0) return 0;
  // Linux lets the last packet of a write exceed the limit; a write larger than the room is cut.
  if (space > n) space = n;
  let ring = tcb.sendRing;
  if (ring === null) {
    ring = new ByteRing(tcb.ctx.slabs);
    ring.reset(tcb.writeSeq);
    tcb.sendRing = ring;
  }
  ring.write(tcb.writeSeq, bytes, at, space);
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
