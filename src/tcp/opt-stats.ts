import { seqDiff } from '../base/seq.ts';
import { CHRONO_BUSY, CHRONO_RWND, CHRONO_SNDBUF, chronoTime } from './chrono.ts';
import { pacingRateOf } from './info.ts';
import type { Tcb } from './tcb.ts';

/** SCM_TIMESTAMPING_OPT_STATS: netlink attributes TCP_NLA_*, in the order in which Linux writes them. */

const BUSY = 1;
const RWND_LIMITED = 2;
const SNDBUF_LIMITED = 3;
const DATA_SEGS_OUT = 4;
const TOTAL_RETRANS = 5;
const PACING_RATE = 6;
const DELIVERY_RATE = 7;
const SND_CWND = 8;
const REORDERING = 9;
const MIN_RTT = 10;
const RECUR_RETRANS = 11;
const DELIVERY_RATE_APP_LMT = 12;
const SNDQ_SIZE = 13;
const CA_STATE = 14;
const SND_SSTHRESH = 15;
const DELIVERED = 16;
const DELIVERED_CE = 17;
const BYTES_SENT = 18;
const BYTES_RETRANS = 19;
const DSACK_DUPS = 20;
const REORD_SEEN = 21;
const SRTT = 22;
const TIMEOUT_REHASH = 23;
const BYTES_NOTSENT = 24;
const EDT = 25;
const TTL = 26;
const REHASH = 27;

class Writer {
  private readonly out = new Uint8Array(512);
  private readonly view = new DataView(this.out.buffer);
  private at = 0;

  put(type: number, value: number, size: 1 | 2 | 4 | 8): void {
    const { view, at } = this;
    view.setUint16(at, 4 + size, true);
    view.setUint16(at + 2, type, true);
    if (size === 8) view.setBigUint64(at + 4, BigInt(Math.min(Math.floor(value), 2 ** 64 - 2048)), true);
    else if (size === 4) view.setUint32(at + 4, value >>> 0, true);
    else if (size === 2) view.setUint16(at + 4, value, true);
    else view.setUint8(at + 4, value);
    this.at += (4 + size + 3) & ~3;
  }

  get bytes(): Uint8Array {
    return this.out.slice(0, this.at);
  }
}

/** @param ttl of the segment that acknowledged, −1 if the report is not about an acknowledgement */
export function optStats(tcb: Tcb, ttl: number): Uint8Array {
  const w = new Writer();
  w.put(BUSY, chronoTime(tcb, CHRONO_BUSY), 8);
  w.put(RWND_LIMITED, chronoTime(tcb, CHRONO_RWND), 8);
  w.put(SNDBUF_LIMITED, chronoTime(tcb, CHRONO_SNDBUF), 8);
  w.put(DATA_SEGS_OUT, tcb.dataSegsOut, 8);
  w.put(TOTAL_RETRANS, tcb.totalRetrans, 8);
  w.put(PACING_RATE, pacingRateOf(tcb), 8);
  const interval = tcb.rateInterval;
  w.put(DELIVERY_RATE, interval > 0 ? (tcb.rateDelivered * tcb.mssCache * 1e6) / interval : 0, 8);
  w.put(SND_CWND, tcb.cwnd, 4);
  w.put(REORDERING, tcb.reordering, 4);
  w.put(MIN_RTT, tcb.minRtt, 4);
  w.put(RECUR_RETRANS, tcb.retransmits, 1);
  w.put(DELIVERY_RATE_APP_LMT, tcb.rateAppLimited ? 1 : 0, 1);
  w.put(SND_SSTHRESH, tcb.ssthresh, 4);
  w.put(DELIVERED, tcb.delivered, 4);
  w.put(DELIVERED_CE, tcb.deliveredCe, 4);
  w.put(SNDQ_SIZE, Math.max(0, seqDiff(tcb.writeSeq, tcb.sndUna)), 4);
  w.put(CA_STATE, tcb.caState, 1);
  w.put(BYTES_SENT, tcb.bytesSent, 8);
  w.put(BYTES_RETRANS, tcb.bytesRetrans, 8);
  w.put(DSACK_DUPS, tcb.dsackDups, 4);
  w.put(REORD_SEEN, tcb.reordSeen, 4);
  w.put(SRTT, tcb.srtt >> 3, 4);
  w.put(TIMEOUT_REHASH, tcb.timeoutRehash, 2);
  w.put(BYTES_NOTSENT, Math.max(0, seqDiff(tcb.writeSeq, tcb.sndNxt)), 4);
  w.put(EDT, tcb.ctx.now * 1000, 8);
  if (ttl >= 0) w.put(TTL, ttl, 1);
  w.put(REHASH, tcb.timeoutRehash, 4);
  return w.bytes;
}
