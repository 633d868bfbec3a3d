import type { Seq } from '../base/seq.ts';
import type { Connection } from './connection.ts';
import { HEADER, TIMESTAMPS_ALIGNED } from './constants.ts';
import { ECN_OK } from './ecn.ts';
import { initialReceiveMss, pathMss, syncMss } from './negotiate.ts';
import { initSend } from './open.ts';
import { setRecent } from './paws.ts';
import type { Request } from './request.ts';
import { enterPassive } from './state.ts';
import { setTimestamping } from './tx-stamps.ts';

/** Turns a SYN queue entry whose ACK has come into a connection in SYN_RECV. */
export function openChild(c: Connection, r: Request): void {
  const { ctx } = c;
  c.passive = true;
  c.savedSyn = r.savedSyn;
  initSend(c, r.iss);
  const next = ((r.iss + 1) | 0) as Seq;
  c.sndUna = next;
  c.sndNxt = next;
  c.writeSeq = next;
  c.sndUp = next;
  c.sndSml = next;
  c.pushedSeq = next;
  c.irs = r.irs;
  const first = ((r.irs + 1) | 0) as Seq;
  c.rcvNxt = first;
  c.copiedSeq = first;
  c.rcvWup = first;
  c.sndWl1 = r.irs;
  c.rcvWnd = r.rcvWnd;
  c.rcvSsthresh = r.rcvWnd;
  c.windowClamp = r.windowClamp;
  c.wscaleOk = r.wscaleOk;
  c.sndWscale = r.wscaleOk ? r.sndWscale : 0;
  c.rcvWscale = r.wscaleOk ? r.rcvWscale : 0;
  if (!r.wscaleOk) c.windowClamp = Math.min(c.windowClamp, 65535);
  c.sackOk = r.sackOk;
  c.tsOk = r.tsOk;
  c.tsOffset = r.tsOffset;
  c.headerLength = HEADER + (r.tsOk ? TIMESTAMPS_ALIGNED : 0);
  if (r.tsOk) setRecent(c, r.tsRecent);
  c.mssClamp = r.mss;
  c.advmss = pathMss(c.path, c.remote, c.options);
  c.ecnFlags = r.ecnOk ? ECN_OK : 0;
  c.lastDataReceivedAt = ctx.now;
  c.lastDataSentAt = ctx.now;
  c.totalRetrans = r.retransmits;
  // The SYN; the ACK is counted on its arrival.
  c.segsIn = 1;
  c.synAckSentAt = r.retransmits === 0 ? r.sentAt : -1;
  if (r.timeouts > 0) {
    c.totalRto = r.timeouts;
    c.undoArmed = true;
    c.undoMarker = r.iss;
    c.totalRtoRecoveries = 1;
  }
  syncMss(c, c.path.mtu);
  initialReceiveMss(c);
  c.pacingRate = c.options.maxPacingRate;
  setTimestamping(c, c.options.timestamping);
  enterPassive(c);
  ctx.mib.TcpPassiveOpens++;
}
