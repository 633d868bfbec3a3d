import { type Seq, seqBetween, seqGt } from '../base/seq.ts';
import { ACK, CWR, ECE, RST, type Segment, SYN } from '../wire/segment.ts';
import { ACK_OK, acknowledge } from './ack.ts';
import {
  MAX_QUICKACKS,
  REXMIT_NONE,
  TIMEOUT_MIN_JIFFIES,
  TIMESTAMPS_ALIGNED,
  XMIT_RTO,
} from './constants.ts';
import { enterQuickAck, inPingpong } from './delayed-ack.ts';
import { resetByPeer } from './done.ts';
import { ECN_OK } from './ecn.ts';
import { startTransfer } from './establish.ts';
import { synAckOfFastOpen } from './fastopen-connect.ts';
import { initMtuProbing } from './mtu-probe.ts';
import { acceptSynOptions, initialReceiveMss, syncMss } from './negotiate.ts';
import { setRecent } from './paws.ts';
import { replyReset } from './reply.ts';
import { ESTABLISHED, SYN_RECV, transition } from './state.ts';
import type { Tcb } from './tcb.ts';
import { setDelack, setXmit } from './timers.ts';
import { sendAck, transmit } from './transmit.ts';
import { receiveUrgent } from './urgent.ts';

/** §3.10.7.3: a segment for a connection in SYN_SENT. */
export function arriveSynSent(tcb: Tcb, segment: Segment): void {
  const { flags, ack } = segment;
  const ctx = tcb.ctx;
  if (!(flags & ACK)) {
    // Without an ACK only a crossing SYN means anything here.
    if (flags & SYN && !(flags & RST)) crossingSyn(tcb, segment);
    else drop(tcb, flags & RST ? 'RST without ACK in SYN_SENT' : 'no SYN in SYN_SENT');
    return;
  }
  // First: is it an ACK of our SYN? The stranger's number is answered with a reset, and our SYN goes
  // again soon, for the peer may now have forgotten what it confused us with.
  if (!seqGt(ack, tcb.sndUna) || seqGt(ack, tcb.sndNxt)) {
    if (tcb.retransmits === 0) setXmit(tcb, XMIT_RTO, TIMEOUT_MIN_JIFFIES * ctx.jiffy);
    refuse(tcb, segment, 'unacceptable ACK in SYN_SENT');
    return;
  }
  const ts = segment.hasTimestamps && ctx.sysctl.tcp_timestamps !== 0;
  const echo = segment.tsEcr === 0 ? 0 : (segment.tsEcr - tcb.tsOffset) | 0;
  if (ts && echo !== 0 && !seqBetween(echo as Seq, tcb.retransStamp as Seq, tcb.tsNow as Seq)) {
    ctx.mib.TcpExtPAWSActive++;
    refuse(tcb, segment, 'timestamp echo of another time');
    return;
  }
  // Second: RST with an acceptable ACK.
  if (flags & RST) {
    resetByPeer(tcb);
    return;
  }
  // Fourth: SYN.
  if (!(flags & SYN)) {
    drop(tcb, 'no SYN in SYN_SENT');
    return;
  }
  synAck(tcb, segment, ts, echo);
}

function synAck(tcb: Tcb, segment: Segment, ts: boolean, echo: number): void {
  const ctx = tcb.ctx;
  if ((segment.flags & (ECE | CWR)) !== ECE) tcb.ecnFlags &= ~ECN_OK;
  tcb.sndWl1 = segment.seq;
  if (tcb.undoArmed && ts && echo === tcb.retransStamp) tcb.undoArmed = false;
  acceptSynOptions(tcb, segment);
  tcb.sawTimestamp = ts;
  tcb.rcvTsVal = segment.tsVal;
  tcb.rcvTsEcr = echo;
  if (acknowledge(tcb, segment, false, false) !== ACK_OK) return;
  // Nothing is repeated in SYN_SENT.
  tcb.rexmit = REXMIT_NONE;
  tcb.irs = segment.seq;
  tcb.rcvNxt = ((segment.seq + 1) | 0) as Seq;
  tcb.rcvWup = tcb.rcvNxt;
  tcb.copiedSeq = tcb.rcvNxt;
  // The window of a SYN is never scaled (RFC 7323 §2.2).
  tcb.sndWnd = segment.window;
  tcb.maxWindow = Math.max(tcb.maxWindow, segment.window);
  if (tcb.tsOk) {
    tcb.advmss -= TIMESTAMPS_ALIGNED;
    setRecent(tcb, segment.tsVal);
  }
  syncMss(tcb, tcb.path.mtu);
  initialReceiveMss(tcb);
  transition(tcb, ESTABLISHED, 'SYN+ACK received');
  tcb.lastDataReceivedAt = ctx.now;
  startTransfer(tcb);
  const refused = tcb.fastopen !== null && synAckOfFastOpen(tcb, segment);
  ctx.wake(tcb);
  if (refused) {
    ctx.wantOutput(tcb);
    return;
  }
  if (tcb.sndNxt !== tcb.writeSeq || tcb.options.deferAccept > 0 || inPingpong(tcb)) {
    // Data is waiting, or will soon: let it carry the ACK.
    tcb.ackScheduled = true;
    tcb.ackTimer = true;
    enterQuickAck(tcb, MAX_QUICKACKS);
    setDelack(tcb, ctx.now + 200_000);
  } else sendAck(tcb);
  receiveUrgent(tcb, segment);
  ctx.wantOutput(tcb);
}

/** Both ends opened at once (MUST-10): our SYN becomes a SYN-ACK with the same ISS. */
function crossingSyn(tcb: Tcb, segment: Segment): void {
  acceptSynOptions(tcb, segment);
  transition(tcb, SYN_RECV, 'crossing SYN');
  if (tcb.tsOk) setRecent(tcb, segment.tsVal);
  tcb.irs = segment.seq;
  tcb.rcvNxt = ((segment.seq + 1) | 0) as Seq;
  tcb.copiedSeq = tcb.rcvNxt;
  tcb.rcvWup = tcb.rcvNxt;
  tcb.sndWnd = segment.window;
  tcb.sndWl1 = segment.seq;
  tcb.maxWindow = segment.window;
  if ((segment.flags & (ECE | CWR)) !== (ECE | CWR)) tcb.ecnFlags &= ~ECN_OK;
  initMtuProbing(tcb);
  syncMss(tcb, tcb.path.mtu);
  initialReceiveMss(tcb);
  const syn = tcb.sent.first();
  if (syn === null) return;
  syn.flags |= ACK;
  syn.flags &= ~(CWR | (tcb.ecnFlags & ECN_OK ? 0 : ECE));
  transmit(tcb, tcb.iss, 0, syn.flags, tcb.mssCache, 'syn');
}

function refuse(tcb: Tcb, segment: Segment, reason: string): void {
  replyReset(tcb.ctx, segment);
  drop(tcb, reason);
}

function drop(tcb: Tcb, reason: string): void {
  if (tcb.ctx.trace !== null) tcb.ctx.trace.dropped(tcb, reason);
}
