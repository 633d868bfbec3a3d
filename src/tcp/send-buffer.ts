import type { ByteRing } from '../base/ring.ts';
import { type Seq, seqGt, seqLt } from '../base/seq.ts';
import { CHRONO_BUSY, startChrono } from './chrono.ts';
import { MSG_EOR, MSG_MORE, MSG_OOB } from './constants.ts';
import { restartAfterIdle } from './cwnd.ts';
import { hasUnsent, NAGLE_OFF } from './decide.ts';
import { pushPending } from './output.ts';
import { checkAppLimited } from './rate.ts';
import { hasMemory, sendPacketSize, tailRoom } from './send-memory.ts';
import type { Tcb } from './tcb.ts';

/** SEND: the bytes of the application become packets of the send queue. */

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
