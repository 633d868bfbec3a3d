import { seqDiff, seqLt } from '../base/seq.ts';
import { CHRONO_SNDBUF, stopChrono } from './chrono.ts';
import { hasUnsent, unsent } from './decide.ts';
import { packetSize } from './negotiate.ts';
import type { Tcb } from './tcb.ts';

/** What the send queue occupies, and so what it still takes: SO_SNDBUF, TCP_NOTSENT_LOWAT. */

/** Bytes held, of the `sndbuf` that may be. */
export const sendQueued = (tcb: Tcb): number => seqDiff(tcb.writeSeq, tcb.sndUna);

/** What a packet in the send queue costs beyond its data (Linux's truesize, measured). */
const OVERHEAD = 704;

export const sendPacketSize = (tcb: Tcb): number => packetSize(tcb, Math.max(tcb.mssCache, 1));

/** Buffer memory in use, packets' overhead included: what SO_SNDBUF limits. */
function sendMemory(tcb: Tcb, size: number): number {
  return sendQueued(tcb) + (tcb.sent.size + Math.ceil(unsent(tcb) / size)) * OVERHEAD;
}

export const sendMemoryUsed = (tcb: Tcb): number => sendMemory(tcb, sendPacketSize(tcb));

/** How much the last packet of the queue can still take: nothing if it has been sent, or ends a record. */
export function tailRoom(tcb: Tcb, size: number): number {
  if (!hasUnsent(tcb)) return 0;
  const records = tcb.records;
  if (records !== null && records.length > 0 && records[records.length - 1] === tcb.writeSeq) return 0;
  const from = seqLt(tcb.tailStart, tcb.sndNxt) ? tcb.sndNxt : tcb.tailStart;
  return size - seqDiff(tcb.writeSeq, from);
}

/** May a new packet be begun? */
export const hasMemory = (tcb: Tcb, size: number): boolean =>
  sendMemory(tcb, size) < tcb.sndbuf && unsent(tcb) < notsentLowat(tcb);

/** Room for a write now: what fits the last packet, and new packets until the limit is passed. */
export function sendSpace(tcb: Tcb): number {
  const size = sendPacketSize(tcb);
  const room = Math.max(tailRoom(tcb, size), 0);
  const free = tcb.sndbuf - sendMemory(tcb, size);
  return free <= 0 ? room : room + Math.ceil(free / (size + OVERHEAD)) * size;
}

const notsentLowat = (tcb: Tcb): number => tcb.options.notsentLowat || tcb.ctx.sysctl.tcp_notsent_lowat;

/** POLLOUT: a third of the buffer is free, and less than half of TCP_NOTSENT_LOWAT waits unsent. */
export function isWritable(tcb: Tcb): boolean {
  // Asked many times in a connection's life, mostly of an empty queue.
  if (tcb.writeSeq === tcb.sndUna && tcb.sent.size === 0) return notsentLowat(tcb) > 0;
  const used = sendMemory(tcb, sendPacketSize(tcb));
  return tcb.sndbuf - used >= used >> 1 && 2 * unsent(tcb) < notsentLowat(tcb);
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

/** A write had to wait and there is room again: POLLOUT may be told. */
export function spaceFreed(tcb: Tcb): void {
  if (!tcb.noSpace) return;
  if (!tcb.options.sndbufLocked && tcb.inFlight < tcb.cwnd) expandSendBuffer(tcb);
  if (!isWritable(tcb)) return;
  tcb.noSpace = false;
  stopChrono(tcb, CHRONO_SNDBUF);
  if (!tcb.orphan) tcb.ctx.wake(tcb);
}
