import { ETIMEDOUT } from '../base/errno.ts';
import { type Micros, NEVER } from '../base/time.ts';
import {
  ATO_MIN,
  CA_DISORDER,
  CA_LOSS,
  CA_RECOVERY,
  DELACK_MAX,
  INFINITE_SSTHRESH,
  RESOURCE_PROBE_INTERVAL,
  REXMIT_LOST,
  XMIT_NONE,
  XMIT_PROBE0,
  XMIT_REO,
  XMIT_RTO,
  XMIT_TLP,
} from './constants.ts';
import { hasUnsent } from './decide.ts';
import { inPingpong } from './delayed-ack.ts';
import { done, fail } from './done.ts';
import { suspectFastOpen } from './fastopen.ts';
import { synAckTimer } from './fastopen-listen.ts';
import { rackReorderingTimeout } from './loss/rack.ts';
import { enterLoss } from './loss/recovery.ts';
import { sendLossProbe } from './loss/tlp.ts';
import { blackHoleSuspected } from './mtu-probe.ts';
import { probe0When, sendProbe0, wakePeer } from './persist.ts';
import { retransmit } from './retransmit.ts';
import { estimatedRto } from './rtt.ts';
import { tooManyOrphans } from './shutdown.ts';
import { CLOSED, ESTABLISHED, FIN_WAIT_2, SYN_RECV, SYN_SENT } from './state.ts';
import type { Tcb } from './tcb.ts';
import {
  finTime,
  keepaliveIdle,
  keepaliveInterval,
  keepaliveProbes,
  rtoMax,
  rtoMin,
  setKeepalive,
  setXmit,
} from './timers.ts';
import { sendAck, sendReset, wasDroppedHere } from './transmit.ts';

/** A deadline of the connection has come: one visit looks at each of its timers. */
export function expire(tcb: Tcb): void {
  const now = tcb.ctx.now;
  if (tcb.state !== CLOSED && tcb.compressedAckAt <= now) {
    tcb.compressedAckAt = NEVER;
    // This one goes after all.
    tcb.compressedAcks--;
    sendAck(tcb);
  }
  if (tcb.state !== CLOSED && tcb.pacingAt <= now) {
    tcb.pacingAt = NEVER;
    if (tcb.lostOut > tcb.retransOut) tcb.rexmit = REXMIT_LOST;
    tcb.ctx.wantOutput(tcb);
  }
  if (tcb.state !== CLOSED && tcb.delackAt <= now) delackTimer(tcb);
  if (tcb.state !== CLOSED && tcb.xmitAt <= now) xmitTimer(tcb);
  if (tcb.state !== CLOSED && tcb.keepaliveAt <= now) keepaliveTimer(tcb);
  if (tcb.state !== CLOSED && tcb.finWait2At <= now) finWait2Timer(tcb);
}

function fired(
  tcb: Tcb,
  name: 'rto' | 'persist' | 'tlp' | 'reorder' | 'delack' | 'keepalive' | 'fin_wait_2',
): void {
  if (tcb.ctx.trace !== null) tcb.ctx.trace.timer(tcb, name);
}

function delackTimer(tcb: Tcb): void {
  tcb.delackAt = NEVER;
  tcb.ackTimer = false;
  if (!tcb.ackScheduled) return;
  fired(tcb, 'delack');
  if (inPingpong(tcb)) {
    // No answer carried it: the connection is not as interactive as thought.
    tcb.pingpong = 0;
    tcb.ato = ATO_MIN;
  } else tcb.ato = Math.min(tcb.ato * 2, tcb.rto, DELACK_MAX);
  tcb.ctx.mib.TcpExtDelayedACKs++;
  sendAck(tcb);
}

function xmitTimer(tcb: Tcb): void {
  const kind = tcb.xmitKind;
  tcb.xmitAt = NEVER;
  switch (kind) {
    case XMIT_REO:
      fired(tcb, 'reorder');
      rackReorderingTimeout(tcb);
      break;
    case XMIT_TLP:
      fired(tcb, 'tlp');
      sendLossProbe(tcb);
      break;
    case XMIT_RTO:
      tcb.xmitKind = XMIT_NONE;
      retransmissionTimer(tcb);
      break;
    case XMIT_PROBE0:
      tcb.xmitKind = XMIT_NONE;
      fired(tcb, 'persist');
      probeTimer(tcb);
      break;
    default:
      break;
  }
}

/** §3.10.8, with R1 and R2 as times rather than counts (MUST-20). */
function retransmissionTimer(tcb: Tcb): void {
  const ctx = tcb.ctx;
  if (tcb.fastopen !== null && tcb.fastopen.request !== null) {
    fired(tcb, 'rto');
    synAckTimer(tcb, tcb.fastopen.request);
    return;
  }
  if (tcb.packetsOut === 0 || tcb.sent.size === 0) return;
  fired(tcb, 'rto');
  const opening = tcb.state === SYN_SENT || tcb.state === SYN_RECV;
  if (tcb.sndWnd === 0 && !tcb.orphan && !opening) {
    // MUST-35, MUST-37: the window shrank to nothing over data in flight. Repeat it as a probe; while
    // the peer answers, the connection lives.
    if (probeTimedOut(tcb)) {
      giveUp(tcb);
      return;
    }
    enterLoss(tcb);
    retransmit(tcb, 0, 1);
  } else {
    ctx.mib.TcpExtTCPTimeouts++;
    if (timedOut(tcb, opening)) return;
    if (tcb.retransmits === 0) countFailure(tcb);
    enterLoss(tcb);
    if (tcb.retransmits === 0) {
      tcb.totalRtoRecoveries++;
      tcb.rtoStamp = tcb.tsNow || 1;
    }
    tcb.retransmits++;
    tcb.totalRto++;
    if (!retransmit(tcb, 0, 1) && wasDroppedHere()) {
      // Nothing left the host: try again soon, without backing off.
      setXmit(tcb, XMIT_RTO, RESOURCE_PROBE_INTERVAL);
      return;
    }
  }
  backOff(tcb);
  setXmit(tcb, XMIT_RTO, clampToUserTimeout(tcb));
}

/** RFC 6298 §5.5: double; but thin streams and the first SYNs keep their pace. */
function backOff(tcb: Tcb): void {
  const sysctl = tcb.ctx.sysctl;
  const thin = tcb.options.thinLinear || sysctl.tcp_thin_linear_timeouts !== 0;
  if (
    tcb.state === ESTABLISHED &&
    thin &&
    tcb.packetsOut < 4 &&
    tcb.ssthresh < INFINITE_SSTHRESH &&
    tcb.retransmits <= 6
  ) {
    tcb.backoff = 0;
    tcb.rto = Math.max(estimatedRto(tcb), rtoMin(tcb));
  } else if (tcb.state !== SYN_SENT || tcb.totalRto > sysctl.tcp_syn_linear_timeouts) {
    tcb.backoff++;
    tcb.rto = Math.min(tcb.rto * 2, rtoMax(tcb));
  }
}

/** The last expiry shall meet the user timeout. */
function clampToUserTimeout(tcb: Tcb): Micros {
  const limit = tcb.options.userTimeout;
  if (limit === 0) return tcb.rto;
  const left = limit - ((tcb.tsNow - tcb.retransStamp) | 0);
  return left <= 0 ? tcb.ctx.jiffy : Math.min(tcb.rto, left * 1000);
}

/**
 * Decides whether R2 is reached, and ends the connection if so.
 * An orphan has less patience: tcp_orphan_retries.
 */
function timedOut(tcb: Tcb, opening: boolean): boolean {
  const sysctl = tcb.ctx.sysctl;
  let retries: number;
  if (opening) {
    retries = tcb.options.syncnt || sysctl.tcp_syn_retries;
    const most = retries + (tcb.state === SYN_SENT ? sysctl.tcp_syn_linear_timeouts : 0);
    if (tcb.retransmits >= most) {
      suspectFastOpen(tcb, true);
      giveUp(tcb);
      return true;
    }
  } else {
    // R1: perhaps the way is to blame (MUST-20).
    if (exceeds(tcb, sysctl.tcp_retries1, 0)) {
      blackHoleSuspected(tcb);
      tcb.ctx.net.suspect(tcb.path);
    }
    retries = sysctl.tcp_retries2;
    if (tcb.orphan) {
      const alive = tcb.rto < rtoMax(tcb);
      retries = orphanRetries(tcb, alive);
      if (outOfResources(tcb, alive || !exceeds(tcb, retries, 0))) return true;
    }
  }
  const expired = exceeds(tcb, retries, tcb.options.userTimeout);
  suspectFastOpen(tcb, expired);
  if (!expired) {
    tcb.timeoutRehash++;
    tcb.ctx.mib.TcpExtTcpTimeoutRehash++;
    return false;
  }
  giveUp(tcb);
  return true;
}

/** An orphan's retries: 8 unless set, and none left once the RTO is at its cap and an error was seen. */
function orphanRetries(tcb: Tcb, alive: boolean): number {
  let retries = tcb.ctx.sysctl.tcp_orphan_retries;
  if (tcb.softError !== 0 && !alive) retries = 0;
  if (retries === 0 && alive) retries = 8;
  return retries;
}

/** Whether retransmission has gone on for as long as `retries` doublings would take. */
function exceeds(tcb: Tcb, retries: number, userTimeout: number): boolean {
  if (tcb.retransmits === 0) return false;
  const timeout = userTimeout || modelTimeout(tcb, retries);
  return ((tcb.tsNow - tcb.retransStamp) | 0) >= timeout;
}

/** The model: RTO from its minimum, doubling up to the cap. In milliseconds. */
function modelTimeout(tcb: Tcb, retries: number): number {
  const opening = tcb.state === SYN_SENT || tcb.state === SYN_RECV;
  const base = opening ? 1000 : rtoMin(tcb) / 1000;
  const max = rtoMax(tcb) / 1000;
  const doublings = 31 - Math.clz32(Math.floor(max / base));
  if (retries <= doublings) return (2 ** (retries + 1) - 1) * base;
  return (2 ** (doublings + 1) - 1) * base + (retries - doublings) * max;
}

function outOfResources(tcb: Tcb, reset: boolean): boolean {
  const quiet = tcb.ctx.now - tcb.lastDataSentAt > 2 * rtoMax(tcb) || !reset;
  const shift = (quiet ? 1 : 0) + (tcb.softError !== 0 ? 1 : 0);
  if (!tooManyOrphans(tcb, shift)) return false;
  if (reset) sendReset(tcb);
  tcb.ctx.mib.TcpExtTCPAbortOnMemory++;
  done(tcb, 'tcp_max_orphans');
  return true;
}

/** R2: the user learns of it, by the last ICMP error if there was one (MUST-20, MUST-47). */
function giveUp(tcb: Tcb): void {
  tcb.ctx.mib.TcpExtTCPAbortOnTimeout++;
  fail(tcb, tcb.softError || ETIMEDOUT, 'retransmission timed out');
}

function countFailure(tcb: Tcb): void {
  const mib = tcb.ctx.mib;
  if (tcb.caState === CA_RECOVERY) {
    if (tcb.sackOk) mib.TcpExtTCPSackRecoveryFail++;
    else mib.TcpExtTCPRenoRecoveryFail++;
  } else if (tcb.caState === CA_LOSS) mib.TcpExtTCPLossFailures++;
  else if (tcb.caState === CA_DISORDER || tcb.sackedOut > 0) {
    if (tcb.sackOk) mib.TcpExtTCPSackFailures++;
    else mib.TcpExtTCPRenoFailures++;
  }
}

/** The window has been shut over data in flight for longer than the user or the RTO cap allows. */
function probeTimedOut(tcb: Tcb): boolean {
  const head = tcb.sent.first()!;
  const since = tcb.retransStamp !== 0 ? tcb.retransStamp : Math.floor(head.sentAt / 1000) | 0;
  const spent = (tcb.tsNow - since) | 0;
  let timeout = 2 * rtoMax(tcb);
  const user = tcb.options.userTimeout;
  if (user !== 0) {
    if (spent > user) return true;
    timeout = Math.min(timeout, user * 1000);
  }
  if (tcb.ctx.now - tcb.lastAckReceivedAt <= timeout) return false;
  return spent * 1000 > timeout;
}

/** MUST-36, MUST-37: probe a shut window; unanswered probes count, answered ones never end it. */
function probeTimer(tcb: Tcb): void {
  const ctx = tcb.ctx;
  if (tcb.packetsOut > 0 || !hasUnsent(tcb)) {
    tcb.probesOut = 0;
    tcb.probesStart = Number.NEGATIVE_INFINITY;
    return;
  }
  if (tcb.probesStart === Number.NEGATIVE_INFINITY) tcb.probesStart = ctx.now;
  else {
    const user = tcb.options.userTimeout * 1000;
    if (user !== 0 && ctx.now - tcb.probesStart >= user) {
      giveUp(tcb);
      return;
    }
  }
  let most = ctx.sysctl.tcp_retries2;
  if (tcb.orphan) {
    const alive = probe0When(tcb) < rtoMax(tcb);
    most = orphanRetries(tcb, alive);
    if (!alive && tcb.backoff >= most) {
      giveUp(tcb);
      return;
    }
    if (outOfResources(tcb, true)) return;
  }
  if (tcb.probesOut >= most) giveUp(tcb);
  else sendProbe0(tcb);
}

/** MUST-24 to MUST-29. */
function keepaliveTimer(tcb: Tcb): void {
  const ctx = tcb.ctx;
  tcb.keepaliveAt = NEVER;
  if (!tcb.options.keepalive || tcb.state === SYN_SENT) return;
  const idle = keepaliveIdle(tcb);
  if (tcb.packetsOut > 0 || hasUnsent(tcb)) {
    // Retransmission watches over data in flight.
    setKeepalive(tcb, idle);
    return;
  }
  const heard = Math.max(tcb.lastDataReceivedAt, tcb.lastAckReceivedAt);
  const elapsed = ctx.now - heard;
  if (elapsed < idle) {
    setKeepalive(tcb, idle - elapsed);
    return;
  }
  fired(tcb, 'keepalive');
  const user = tcb.options.userTimeout * 1000;
  const dead = user !== 0 ? elapsed >= user && tcb.probesOut > 0 : tcb.probesOut >= keepaliveProbes(tcb);
  if (dead) {
    sendReset(tcb);
    giveUp(tcb);
    return;
  }
  ctx.mib.TcpExtTCPKeepAlive++;
  if (!wakePeer(tcb) && wasDroppedHere()) {
    setKeepalive(tcb, RESOURCE_PROBE_INTERVAL);
    return;
  }
  tcb.probesOut++;
  setKeepalive(tcb, keepaliveInterval(tcb));
}

/** An orphan in FIN_WAIT_2 whose limit exceeds a TIME_WAIT's length. */
function finWait2Timer(tcb: Tcb): void {
  tcb.finWait2At = NEVER;
  if (tcb.state !== FIN_WAIT_2 || !tcb.orphan) return;
  fired(tcb, 'fin_wait_2');
  if (tcb.options.linger2 >= 0) {
    const left = finTime(tcb) - 2 * tcb.ctx.sysctl.lastack_msl * 1_000_000;
    if (left > 0) {
      tcb.ctx.timeWait(tcb, FIN_WAIT_2, left);
      return;
    }
  }
  sendReset(tcb);
  done(tcb, 'tcp_fin_timeout');
}
