import { Address } from '../base/address.ts';
import type { Seq } from '../base/seq.ts';
import { type Micros, NEVER } from '../base/time.ts';
import type { Listener } from './listener.ts';
import { Request } from './request.ts';
import { FIRST, META, type TupleHash, TupleTable, USED } from './tuple-table.ts';

/**
 * The entries of SYN queues, as rows. IPv4 rows take 64 bytes, IPv6 rows 92; to each come 12 in the timing wheel
 * and 4 in the hash table.
 */

// Columns, in 32-bit words.
const IRS = FIRST;
const ISS = FIRST + 1;
const RCV_WND = FIRST + 2;
const WINDOW_CLAMP = FIRST + 3;
const TS_RECENT = FIRST + 4;
const TS_OFFSET = FIRST + 5;
/** The peer's MSS, its window scale << 16, ours << 24. */
const MSS_SCALES = FIRST + 6;
/** When the SYN-ACK was sent, in microseconds: the low 32 bits, and the others. */
const SENT_LOW = FIRST + 7;
const SENT_HIGH = FIRST + 8;
/** When a bare segment outside the window was answered last, in milliseconds modulo 2^32 (49 days). */
const OOW_AT = FIRST + 9;
/** Number of the listener. */
const LISTENER = FIRST + 10;
const COLUMNS = FIRST + 11;

// META: flags, timeouts << 8 (TCP_SYNCNT, tcp_synack_retries and TCP_DEFER_ACCEPT go up to 255), repeated SYN-ACKs
// << 16, of which no more than MOST_RETRANSMITS are counted.
const TS_OK = 2;
const SACK_OK = 4;
const WSCALE_OK = 8;
const ECN_OK = 16;
const ACKED = 32;
const OOW_SEEN = 64;
const MOST_RETRANSMITS = 0xffff;
const HIGH = 2 ** 32;

/** One table serves one family. */
export class RequestTable extends TupleTable {
  /** Entries that have something for which there is no column: held ones, and such with their SYN. They stay whole. */
  private readonly whole = new Map<number, Request>();

  /** @param words 32-bit words of an address: 1 for IPv4, 4 for IPv6 */
  constructor(words: 1 | 4, startJiffy: number, hash: TupleHash) {
    super(COLUMNS, words, startJiffy, hash);
  }

  override remove(row: number): void {
    super.remove(row);
    if (this.whole.size > 0) this.whole.delete(row);
  }

  listener(row: number): number {
    return this.get(row, LISTENER);
  }
  setListener(row: number, number: number): void {
    this.put(row, LISTENER, number);
  }

  /** Writes the entry down. */
  save(row: number, r: Request): void {
    if (r.held || r.savedSyn !== null) {
      this.whole.set(row, r);
      return;
    }
    if (this.whole.size > 0) this.whole.delete(row);
    let meta = USED | ((r.timeouts & 0xff) << 8) | (Math.min(r.retransmits, MOST_RETRANSMITS) << 16);
    if (r.tsOk) meta |= TS_OK;
    if (r.sackOk) meta |= SACK_OK;
    if (r.wscaleOk) meta |= WSCALE_OK;
    if (r.ecnOk) meta |= ECN_OK;
    if (r.acked) meta |= ACKED;
    if (r.lastOowAckAt >= 0) {
      meta |= OOW_SEEN;
      this.put(row, OOW_AT, Math.floor(r.lastOowAckAt / 1000));
    }
    this.put(row, META, meta);
    this.put(row, IRS, r.irs);
    this.put(row, ISS, r.iss);
    this.put(row, RCV_WND, r.rcvWnd);
    this.put(row, WINDOW_CLAMP, r.windowClamp);
    this.put(row, TS_RECENT, r.tsRecent);
    this.put(row, TS_OFFSET, r.tsOffset);
    this.put(row, MSS_SCALES, r.mss | (r.sndWscale << 16) | (r.rcvWscale << 24));
    this.put(row, SENT_LOW, r.sentAt);
    this.put(row, SENT_HIGH, Math.floor(r.sentAt / HIGH));
  }

  /** The entry that was written down. */
  load(row: number, listener: Listener): Request {
    const kept = this.whole.size > 0 ? this.whole.get(row) : undefined;
    if (kept !== undefined) return kept;
    const { ctx } = listener;
    const local = new Address(0, 0, 0, 0);
    const remote = new Address(0, 0, 0, 0);
    this.readLocal(row, local);
    this.readRemote(row, remote);
    const r = new Request(listener, local, this.localPort(row), remote, this.remotePort(row));
    r.row = row;
    r.deadline = this.deadline(row, ctx.jiffy);
    const meta = this.meta(row);
    r.tsOk = (meta & TS_OK) !== 0;
    r.sackOk = (meta & SACK_OK) !== 0;
    r.wscaleOk = (meta & WSCALE_OK) !== 0;
    r.ecnOk = (meta & ECN_OK) !== 0;
    r.acked = (meta & ACKED) !== 0;
    // In the grain of milliseconds, as Linux has it.
    if (meta & OOW_SEEN) {
      const now = Math.floor(ctx.now / 1000);
      r.lastOowAckAt = (now - ((now - this.get(row, OOW_AT)) >>> 0)) * 1000;
    }
    r.timeouts = (meta >>> 8) & 0xff;
    r.retransmits = meta >>> 16;
    r.irs = this.get(row, IRS) as Seq;
    // Of what rides on a SYN nothing is taken by an entry: only by a child of Fast Open.
    r.rcvNxt = ((r.irs + 1) | 0) as Seq;
    r.iss = this.get(row, ISS) as Seq;
    r.rcvWnd = this.get(row, RCV_WND);
    r.windowClamp = this.get(row, WINDOW_CLAMP);
    r.tsRecent = this.get(row, TS_RECENT);
    r.tsOffset = this.get(row, TS_OFFSET);
    const scales = this.get(row, MSS_SCALES);
    r.mss = scales & 0xffff;
    r.sndWscale = (scales >>> 16) & 0xff;
    r.rcvWscale = scales >>> 24;
    r.sentAt = this.get(row, SENT_HIGH) * HIGH + (this.get(row, SENT_LOW) >>> 0);
    return r;
  }

  private deadline(row: number, jiffy: Micros): Micros {
    const due = this.wheel.deadlineOf(row);
    return due === Number.POSITIVE_INFINITY ? NEVER : due * jiffy;
  }
}
