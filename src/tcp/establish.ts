import { type Segment, SYN } from '../wire/segment.ts';
import { SEND_SHUTDOWN, TIMEOUT_FALLBACK, TIMESTAMPS_ALIGNED } from './constants.ts';
import { isPassiveOpen } from './fastopen.ts';
import { handshakeDone } from './fastopen-listen.ts';
import { initMtuProbing } from './mtu-probe.ts';
import { initialCwnd, initialReceiveMss } from './negotiate.ts';
import { updatePacingRate } from './rate.ts';
import { echoedRtt, estimatedRto, sampleMinRtt, sampleRtt } from './rtt.ts';
import { expandSendBuffer } from './send-memory.ts';
import { finishShutdown } from './shutdown.ts';
import { ESTABLISHED, transition } from './state.ts';
import type { Tcb } from './tcb.ts';
import { keepaliveIdle, setKeepalive } from './timers.ts';
import { fullSpace } from './window.ts';

/** The handshake is complete: what both ways of opening do (Linux's tcp_init_transfer). */
export function startTransfer(tcb: Tcb): void {
  const ctx = tcb.ctx;
  initMtuProbing(tcb);
  // A SYN that was lost says something about the path (RFC 5681 §3.1).
  tcb.cwnd = tcb.totalRetrans > 1 && tcb.undoArmed ? 1 : initialCwnd(tcb);
  if (tcb.srtt === 0) {
    // RFC 6298 §5.7: the SYN was repeated, so that nothing was measured.
    tcb.rto = TIMEOUT_FALLBACK;
    tcb.rttvar = TIMEOUT_FALLBACK;
    tcb.mdev = TIMEOUT_FALLBACK;
    tcb.mdevMax = TIMEOUT_FALLBACK;
  }
  tcb.lastCwndAt = ctx.now;
  expandSendBuffer(tcb);
  clampWindow(tcb);
  tcb.rcvSsthresh = Math.min(tcb.rcvSsthresh, tcb.windowClamp);
  tcb.rcvSpace = Math.min(tcb.rcvSsthresh, tcb.rcvWnd, 10 * tcb.advmss);
  tcb.rcvSpaceSeq = tcb.copiedSeq;
  tcb.rcvSpaceAt = ctx.now;
  tcb.lastDataSentAt = ctx.now;
  if (tcb.options.keepalive) setKeepalive(tcb, keepaliveIdle(tcb));
}

/** The window never takes the whole buffer: `tcp_app_win`, and a segment at least, are kept back. */
function clampWindow(tcb: Tcb): void {
  const most = fullSpace(tcb);
  const appWin = tcb.ctx.sysctl.tcp_app_win;
  const { advmss } = tcb;
  if (tcb.windowClamp >= most) {
    tcb.windowClamp = most;
    if (appWin > 0 && most > 4 * advmss) tcb.windowClamp = Math.max(most - (most >> appWin), 4 * advmss);
  }
  if (appWin > 0 && tcb.windowClamp > 2 * advmss && tcb.windowClamp + advmss > most)
    tcb.windowClamp = Math.max(2 * advmss, most - advmss);
}

/** SYN_RECV gets its ACK: of a simultaneous open, or a child of a listener. */
export function becomeEstablished(tcb: Tcb, segment: Segment): void {
  const ctx = tcb.ctx;
  tcb.delivered++;
  const rtt = tcb.synAckSentAt >= 0 ? ctx.now - tcb.synAckSentAt : echoedRtt(tcb);
  tcb.synAckSentAt = -1;
  if (tcb.srtt === 0 && rtt >= 0) {
    sampleMinRtt(tcb, rtt);
    sampleRtt(tcb, rtt);
    tcb.rto = estimatedRto(tcb);
    tcb.backoff = 0;
  }
  if (tcb.tsOk) tcb.advmss -= TIMESTAMPS_ALIGNED;
  if (isPassiveOpen(tcb)) handshakeDone(tcb);
  else {
    tcb.retransStamp = 0;
    startTransfer(tcb);
  }
  transition(tcb, ESTABLISHED, 'SYN acknowledged');
  tcb.sndUna = segment.ack;
  tcb.sndWnd = segment.flags & SYN ? segment.window : segment.window << tcb.sndWscale;
  tcb.maxWindow = Math.max(tcb.maxWindow, tcb.sndWnd);
  tcb.sndWl1 = segment.seq;
  updatePacingRate(tcb);
  initialReceiveMss(tcb);
  if (!tcb.orphan) ctx.wake(tcb);
  // The application shut down while the handshake was under way.
  if (tcb.shut & SEND_SHUTDOWN) finishShutdown(tcb);
}
