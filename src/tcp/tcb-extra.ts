import { Layout, Row, Rows } from '../base/columns.ts';
import type { Ranges } from '../base/ranges.ts';
import type { Seq } from '../base/seq.ts';
import { type Micros, NEVER } from '../base/time.ts';
import type { MarksReceived } from './ecn.ts';
import type { ErrorQueue } from './error-queue.ts';
import type { FastOpen } from './fastopen.ts';
import type { MtuProbing } from './mtu-probe.ts';
import type { Tcb } from './tcb.ts';
import type { TxStamps } from './tx-stamps.ts';

/**
 * What most connections do without: the variables of loss recovery, of congestion avoidance, of urgent data and
 * of seldom used options. A connection gets them with the first write that is no default, and gives them back
 * when nothing is in flight and all are at their defaults again. To the code around them they are properties
 * of the `Tcb` like any other; those that are columns cost 248 bytes while they are there.
 */

const ZERO = 0 as Seq;
/** "Not yet" for times. */
const LONG_AGO: Micros = Number.NEGATIVE_INFINITY;

const INTS = {
  // Receive sequence space
  /** Where the FIN that came out of order ends, if one did. */
  oooFinSeq: ZERO,
  urgentSeq: ZERO,

  // SACK blocks to report, and the duplicate to report first (D-SACK)
  dsackLeft: ZERO,
  dsackRight: ZERO,

  // Congestion control and loss recovery
  priorCwnd: 0,
  priorSsthresh: 0,
  undoMarker: ZERO,
  undoRetrans: 0,
  prrDelivered: 0,
  prrOut: 0,
  reordSeen: 0,
  retransmits: 0,
  backoff: 0,
  probesOut: 0,
  /** Where the search for lost segments to repeat goes on, if it need not begin at the head. */
  rtxHint: ZERO,
  /** Sequence number of the tail loss probe that is out (RFC 8985 §7). */
  tlpHighSeq: ZERO,

  // CUBIC (RFC 9438) and its HyStart, in 1/1024 s and segments
  /** ACKs per additional segment. */
  cubicCount: 0,
  cubicLastMax: 0,
  cubicLastCwnd: 0,
  cubicOrigin: 0,
  cubicK: 0,
  cubicAckCount: 0,
  cubicRenoCwnd: 0,

  // Delayed acknowledgement
  compressedRcvNxt: ZERO,

  // What tcp_info counts besides
  totalRetrans: 0,
  dsackDups: 0,
  rcvOooPackets: 0,
  totalRto: 0,
  totalRtoRecoveries: 0,
  /** Timeouts that gave the flow another hash (tcpi_rehash). */
  timeoutRehash: 0,
  rtoStamp: 0,
};

const DOUBLES = {
  // Congestion control and loss recovery
  probesStart: LONG_AGO,

  // CUBIC: −1 for what has not begun
  cubicLastAt: LONG_AGO,
  cubicEpoch: -1,

  // RACK (RFC 8985 §6)
  rackLastDelivered: 0,

  // Delivery accounting
  deliveredCe: 0,
  lost: 0,

  // Delayed acknowledgement
  lastOowAckAt: LONG_AGO,
  /** When the SYN-ACK that this ACK answers was sent, −1 if it cannot be told (it was repeated). */
  synAckSentAt: -1,

  // Deadlines, each NEVER when not running
  finWait2At: NEVER,
  compressedAckAt: NEVER,
  pacingAt: NEVER,

  // What tcp_info counts besides
  bytesRetrans: 0,
  totalRtoTime: 0,
  chronoRwnd: 0,
  chronoSndbuf: 0,
};

export const EXTRA_LAYOUT = new Layout({ ints: INTS, doubles: DOUBLES });

/** What the columns of extras add to a `Tcb`. */
export type ExtraColumns = typeof INTS & typeof DOUBLES;

export class Extra extends Row {
  /** Ends of records (MSG_EOR), ascending. */
  records: Seq[] | null = null;
  /** Push marks in front of the last one, where a packet of the send queue ends, ascending. */
  pushMarks: Seq[] | null = null;
  /** Data that came before its turn. */
  ooo: Ranges | null = null;
  /** SACK blocks to report: pairs, newest first. */
  sackBlocks: Int32Array | null = null;
  /** Packetization-layer path MTU discovery. */
  mtuProbing: MtuProbing | null = null;
  /** ECN marks that have arrived. */
  marks: MarksReceived | null = null;
  /** Fast Open, of either side. */
  fastopen: FastOpen | null = null;
  /** SO_TIMESTAMPING; and errors and reports for recvmsg with MSG_ERRQUEUE. */
  txStamps: TxStamps | null = null;
  errors: ErrorQueue | null = null;
  savedSyn: Uint8Array | null = null;
}

/** The extras of all connections that have none: nobody writes to them. */
export const NO_EXTRA = new Extra(new Rows(EXTRA_LAYOUT));

/** The connection's own extras, to be written to. */
export function extraOf(tcb: Tcb): Extra {
  if (tcb.extra === NO_EXTRA) tcb.extra = new Extra(tcb.ctx.extraRows);
  return tcb.extra;
}

/** An idle connection has no extras that say nothing. */
export function parkExtra(tcb: Tcb): void {
  const { extra, ctx } = tcb;
  if (extra === NO_EXTRA) return;
  if (extra.mtuProbing !== null || extra.marks !== null || extra.fastopen !== null || extra.savedSyn !== null)
    return;
  if (extra.txStamps !== null || extra.errors !== null) return;
  if ((extra.ooo !== null && extra.ooo.count > 0) || tcb.sackCount > 0) return;
  if (extra.records !== null && extra.records.length > 0) return;
  if (extra.pushMarks !== null && extra.pushMarks.length > 0) return;
  if (!ctx.extraRows.isFresh(extra)) return;
  dropExtra(tcb);
}

function dropExtra(tcb: Tcb): void {
  const { extra } = tcb;
  if (extra === NO_EXTRA) return;
  tcb.extra = NO_EXTRA;
  tcb.ctx.extraRows.give(extra);
}

/** The connection is over and its socket closed: nobody looks at it again, and its rows are another's. */
export function giveRows(tcb: Tcb): void {
  dropExtra(tcb);
  tcb.ctx.rows.give(tcb);
  // Of what all that is over is: nobody is to be told of it.
  tcb.orphan = true;
}

/** Makes each column of the extras a property of `Tcb`. */
export function defineExtraColumns(prototype: Tcb): void {
  for (const [k, [name, fresh]] of Object.entries(INTS).entries()) {
    Object.defineProperty(prototype, name, {
      get(this: Tcb) {
        const { extra } = this;
        return extra.ints[(extra.at << 1) + k];
      },
      set(this: Tcb, v: number) {
        if (v === fresh && this.extra === NO_EXTRA) return;
        const extra = extraOf(this);
        extra.ints[(extra.at << 1) + k] = v;
      },
    });
  }
  for (const [i, [name, fresh]] of Object.entries(DOUBLES).entries()) {
    const k = EXTRA_LAYOUT.firstDouble + i;
    Object.defineProperty(prototype, name, {
      get(this: Tcb) {
        const { extra } = this;
        return extra.doubles[extra.at + k];
      },
      set(this: Tcb, v: number) {
        if (v === fresh && this.extra === NO_EXTRA) return;
        const extra = extraOf(this);
        extra.doubles[extra.at + k] = v;
      },
    });
  }
}
