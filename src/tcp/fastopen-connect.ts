import type { Seq } from '../base/seq.ts';
import { FIN, type Segment } from '../wire/segment.ts';
import { HEADER, MAX_OPTION_SPACE } from './constants.ts';
import {
  FastOpen,
  type SynData,
  TFO_CLIENT_NO_COOKIE,
  TFO_COOKIE_UNAVAILABLE,
  TFO_DATA_NOT_ACKED,
  TFO_SYN_RETRANSMITTED,
} from './fastopen.ts';
import { processFin } from './fin.ts';
import { markLost, retransmitWithoutReduction } from './loss/recovery.ts';
import { defaultMss, ipHeader, syncMss } from './negotiate.ts';
import { forgetRetransmitHint } from './retransmit.ts';
import type { Tcb } from './tcb.ts';
import { receiveSynText } from './text.ts';

/** The client's half of Fast Open (RFC 7413 §4.2.1): what rides on the SYN, and what the SYN-ACK says of it. */

/** Chooses the option of the SYN; true if data may go with it. */
export function mayCarryData(tcb: Tcb, f: FastOpen): boolean {
  const { fastOpen, now, sysctl } = tcb.ctx;
  const known = fastOpen.server(tcb.local, tcb.remote);
  f.option.length = 0;
  f.option.experimental = false;
  if (known !== null) {
    if (known.cookie.length > 0) f.option.assign(known.cookie);
    else f.option.experimental = known.tryExperimental === 1;
  }
  if (fastOpen.paused(now)) {
    f.option.length = -1;
    return false;
  }
  f.onTrial = fastOpen.onTrial;
  if (sysctl.tcp_fastopen & TFO_CLIENT_NO_COOKIE || tcb.options.fastopenNoCookie) {
    f.option.length = -1;
    return true;
  }
  if (f.option.length > 0) return true;
  f.clientFail = TFO_COOKIE_UNAVAILABLE;
  return false;
}

/**
 * Puts as much of `data` into the send buffer as the SYN can carry; the SYN's own number is taken already.
 * @returns how many bytes: none, and a request for a cookie, without one
 */
export function takeSynData(tcb: Tcb, data: SynData): number {
  const f = (tcb.fastopen ??= new FastOpen());
  f.deferred = false;
  if (!mayCarryData(tcb, f)) {
    f.asked = f.option.length >= 0;
    f.askedExperimental = f.option.experimental;
    return 0;
  }
  f.asked = f.option.length > 0;
  f.askedExperimental = f.option.experimental;
  // §4.1.3: the segment is of the size that the server announced last time.
  const known = tcb.ctx.fastOpen.server(tcb.local, tcb.remote);
  const { maxseg } = tcb.options;
  const mss = known !== null && known.mss > 0 ? known.mss : tcb.advmss;
  tcb.mssClamp = maxseg !== 0 && maxseg < mss ? maxseg : mss;
  syncMss(tcb, tcb.path.mtu);
  // Room for all options is left, lest a middlebox that adds some cut the data off.
  const most = Math.min(tcb.path.mtu - ipHeader(tcb.remote) - HEADER, tcb.mssClamp);
  const room = Math.max(most, tcb.ctx.sysctl.tcp_min_snd_mss) - MAX_OPTION_SPACE;
  const n = data.bytes === null ? 0 : Math.max(0, Math.min(room, data.n));
  if (n === 0) return 0;
  tcb.sendRing ??= tcb.ctx.slabs.takeRing(tcb.writeSeq);
  tcb.sendRing.write(tcb.writeSeq, data.bytes!, data.at, n);
  tcb.tailStart = tcb.writeSeq;
  tcb.writeSeq = ((tcb.writeSeq + n) | 0) as Seq;
  tcb.pushedSeq = tcb.writeSeq;
  data.copied = n;
  return n;
}

/**
 * The SYN-ACK that answers a SYN with the option or with data. RCV.NXT stands behind its SYN.
 * @returns true if the data were not taken (§4.2.1): they are sent again, and carry our ACK
 */
export function synAckOfFastOpen(tcb: Tcb, segment: Segment): boolean {
  const f = tcb.fastopen;
  if (f === null || !(f.asked || f.synData)) return false;
  const { mib } = tcb.ctx;
  const refused = f.synData && tcb.sent.size > 0;
  remember(tcb, f, segment);
  if (refused) {
    f.clientFail = tcb.totalRetrans > 0 ? TFO_SYN_RETRANSMITTED : TFO_DATA_NOT_ACKED;
    for (let i = 0; i < tcb.sent.size; i++) markLost(tcb, tcb.sent.at(i));
    forgetRetransmitHint(tcb);
    retransmitWithoutReduction(tcb);
    mib.TcpExtTCPFastOpenActiveFail++;
    return true;
  }
  f.synDataAcked = f.synData;
  if (f.synData) {
    mib.TcpExtTCPFastOpenActive++;
    // One segment, of two records.
    if (tcb.delivered > 1) tcb.delivered--;
  }
  if (segment.length > 0) {
    receiveSynText(tcb, segment);
    f.synDataAcked = true;
  }
  if (segment.flags & FIN) {
    tcb.rcvNxt = ((tcb.rcvNxt + 1) | 0) as Seq;
    processFin(tcb);
  }
  tcb.rcvWup = tcb.rcvNxt;
  return false;
}

/** §4.1.3: the cookie and the MSS are kept for the next connection. */
function remember(tcb: Tcb, f: FastOpen, segment: Segment): void {
  const known = tcb.ctx.fastOpen.learn(tcb.local, tcb.remote);
  known.mss = segment.mss > 0 ? segment.mss : defaultMss(tcb.remote);
  // An unsolicited cookie is ignored.
  if (f.asked && segment.cookieLength > 0) {
    known.cookie.read(segment);
    return;
  }
  if (!f.asked || segment.cookieLength >= 0 || f.synData || tcb.totalRetrans > 0) return;
  // We asked and got nothing. A server from before RFC 7413 knows the experimental form: try that next, once.
  if (known.cookie.length > 0 || known.cookie.experimental) return;
  known.tryExperimental = Math.max(known.tryExperimental, f.askedExperimental ? 2 : 1);
}
