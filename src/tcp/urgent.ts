import { type Seq, seqDiff, seqGt, seqLt } from '../base/seq.ts';
import { type Segment, SYN, URG } from '../wire/segment.ts';
import type { Tcb } from './tcb.ts';

/** Urgent data (RFC 9293 §3.8.5, RFC 6093): one byte at a mark, as BSD sockets have it. */

export const URGENT_NONE = 0;
export const URGENT_ANNOUNCED = 1;
export const URGENT_HERE = 2;
export const URGENT_READ = 3;

/** §3.10.7.4, sixth: the URG bit. */
export function receiveUrgent(tcb: Tcb, segment: Segment): void {
  if (segment.flags & URG) noteMark(tcb, segment);
  if (tcb.urgentState !== URGENT_ANNOUNCED) return;
  const at = seqDiff(tcb.urgentSeq, segment.seq) - (segment.flags & SYN ? 1 : 0);
  if (at < 0 || at >= segment.length) return;
  tcb.urgentByte = segment.bytes[segment.at + at]!;
  tcb.urgentState = URGENT_HERE;
  if (!tcb.orphan) tcb.ctx.wake(tcb);
}

function noteMark(tcb: Tcb, segment: Segment): void {
  let pointer = segment.urgent;
  // MUST-62 says the pointer stands behind the urgent byte; tcp_stdurg has the older reading.
  if (pointer !== 0 && tcb.ctx.sysctl.tcp_stdurg === 0) pointer--;
  const mark = ((segment.seq + pointer) | 0) as Seq;
  if (seqGt(tcb.copiedSeq, mark) || seqLt(mark, tcb.rcvNxt)) return;
  if (tcb.urgentState !== URGENT_NONE && !seqGt(mark, tcb.urgentSeq)) return;
  // A newer mark: the old byte, if it is next to be read and was not taken, is skipped.
  if (
    tcb.urgentSeq === tcb.copiedSeq &&
    tcb.urgentState !== URGENT_NONE &&
    !tcb.options.oobInline &&
    tcb.copiedSeq !== tcb.rcvNxt
  )
    tcb.copiedSeq = ((tcb.copiedSeq + 1) | 0) as Seq;
  tcb.urgentState = URGENT_ANNOUNCED;
  tcb.urgentSeq = mark;
  if (!tcb.orphan) tcb.ctx.wake(tcb);
}
