import type { Mib } from '../base/mib.ts';
import type { Micros } from '../base/time.ts';
import type { Tcb } from './tcb.ts';
import { sendAck } from './transmit.ts';

/** Answers to segments that may come from an attacker (RFC 5961): rate-limited per connection. */

/** Whether the last such answer was less than `tcp_invalid_ratelimit` ago; notes the time if not. */
export function oowRateLimited(tcb: Tcb): boolean {
  const ctx = tcb.ctx;
  const since: Micros = ctx.now - tcb.lastOowAckAt;
  if (since >= 0 && since < ctx.sysctl.tcp_invalid_ratelimit * 1000) return true;
  tcb.lastOowAckAt = ctx.now;
  return false;
}

/** An ACK that a genuine peer answers usefully and a guesser learns nothing from. */
export function challengeAck(tcb: Tcb): void {
  const mib: Mib = tcb.ctx.mib;
  if (oowRateLimited(tcb)) {
    mib.TcpExtTCPACKSkippedChallenge++;
    return;
  }
  if (!tcb.ctx.mayChallenge()) return;
  mib.TcpExtTCPChallengeACK++;
  sendAck(tcb);
}
