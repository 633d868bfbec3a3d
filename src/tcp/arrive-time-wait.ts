import { Address } from '../base/address.ts';
import { type Seq, seqGe, seqGt } from '../base/seq.ts';
import { ACK, FIN, RST, type Segment, SYN } from '../wire/segment.ts';
import { inWindow } from './arrive-request.ts';
import { PAWS_24_DAYS } from './constants.ts';
import type { TcpContext } from './context.ts';
import { replyReset, sendBare } from './reply.ts';
import { FIN_WAIT_2, TIME_WAIT } from './state.ts';
import { type TimeWaitTable, TW_OOW_SEEN, TW_TS_OFFSET } from './time-wait.ts';

/**
 * §3.10.7.4 for TIME_WAIT, and for FIN_WAIT_2 of an orphan: a row's whole life but its timer. RFC 6191
 * decides about a new SYN, RFC 1337 about a RST.
 */

/** What the host must do next. */
export const TW_DONE = 0;
/** The row is gone. */
export const TW_GONE = 1;
/** The SYN opens a new connection: the row is gone, a listener answers with the ISN in `reopenIsn`. */
export const TW_REOPEN = 2;

export interface TimeWaitHost extends TcpContext {
  /** Restarts the row's timer: 2 MSL from now. */
  restartTimeWait(table: TimeWaitTable, row: number): void;
  removeTimeWait(table: TimeWaitTable, row: number): void;
  /** The row went from FIN_WAIT_2 to TIME_WAIT. */
  timeWaitEntered(table: TimeWaitTable, row: number): void;
}

const local = new Address(0, 0, 0, 0);
const remote = new Address(0, 0, 0, 0);

/** ISN for a connection that reopens the row's 4-tuple: above all that it ever sent (MAY-2). */
export function reopenIsn(table: TimeWaitTable, row: number): Seq {
  const isn = (table.sndNxt(row) + 65537) | 0;
  return (isn === 0 ? 1 : isn) as Seq;
}

export function arriveTimeWait(
  host: TimeWaitHost,
  table: TimeWaitTable,
  row: number,
  segment: Segment,
): number {
  const { flags, seq } = segment;
  const rcvNxt = table.rcvNxt(row) as Seq;
  const end = ((seq + segment.segLen) | 0) as Seq;
  const ts = segment.hasTimestamps && table.hasTimestamps(row) && host.sysctl.tcp_timestamps !== 0;
  const paws = ts && !(flags & RST) && isOlder(host, table, row, segment.tsVal);
  if (table.substate(row) === FIN_WAIT_2) {
    const right = ((rcvNxt + table.rcvWnd(row)) | 0) as Seq;
    if (paws || !inWindow(seq, end, rcvNxt, right)) {
      limitedAck(host, table, row, segment);
      return TW_DONE;
    }
    return inFinWait2(host, table, row, segment, rcvNxt, end, ts);
  }
  // A bare segment, or a RST, at exactly RCV.NXT.
  if (!paws && seq === rcvNxt && (end === seq || flags & RST)) {
    if (flags & RST) {
      if (host.sysctl.tcp_rfc1337 === 0) {
        host.removeTimeWait(table, row);
        return TW_GONE;
      }
    } else host.restartTimeWait(table, row);
    if (ts) table.setTsRecent(row, segment.tsVal, seconds(host), seconds(host));
    return TW_DONE;
  }
  if (
    (flags & (SYN | RST | ACK)) === SYN &&
    !paws &&
    (seqGt(seq, rcvNxt) || (ts && ((table.tsRecent(row) - segment.tsVal) | 0) < 0))
  )
    return TW_REOPEN;
  if (paws) host.mib.TcpExtPAWSEstab++;
  if (flags & RST) return TW_DONE;
  // The last ACK was lost, or something old: acknowledge, and wait anew.
  if (paws || flags & ACK) host.restartTimeWait(table, row);
  limitedAck(host, table, row, segment);
  return TW_DONE;
}

function inFinWait2(
  host: TimeWaitHost,
  table: TimeWaitTable,
  row: number,
  segment: Segment,
  rcvNxt: Seq,
  end: Seq,
  ts: boolean,
): number {
  const { flags, seq } = segment;
  const kill = (): number => {
    replyReset(host, segment);
    host.removeTimeWait(table, row);
    return TW_GONE;
  };
  if (flags & RST) {
    host.removeTimeWait(table, row);
    return TW_GONE;
  }
  if (flags & SYN && seqGe(seq, rcvNxt)) return kill();
  if (!(flags & ACK) || !seqGt(end, rcvNxt) || end === seq) return TW_DONE;
  // Data for nobody, or a FIN behind a gap.
  if (!(flags & FIN) || end !== ((rcvNxt + 1) | 0)) return kill();
  table.setSubstate(row, TIME_WAIT);
  table.setRcvNxt(row, end);
  if (ts) table.setTsRecent(row, segment.tsVal, seconds(host), seconds(host));
  host.timeWaitEntered(table, row);
  host.restartTimeWait(table, row);
  rowAck(host, table, row);
  return TW_DONE;
}

/** Seconds of the host's clock, as TS.Recent's age is counted in; never 0. */
export const seconds = (host: TcpContext): number => Math.floor(host.now / 1_000_000) + 1;

function isOlder(host: TcpContext, table: TimeWaitTable, row: number, tsVal: number): boolean {
  if (((table.tsRecent(row) - tsVal) | 0) <= 0) return false;
  const now = seconds(host);
  return now < table.tsStamp(row, now) + PAWS_24_DAYS;
}

/** Acknowledges; bare segments at most every `tcp_invalid_ratelimit`, data and FINs always. */
function limitedAck(host: TcpContext, table: TimeWaitTable, row: number, segment: Segment): void {
  if (segment.segLen === 0 || segment.flags & SYN) {
    const now = Math.floor(host.now / 1000) | 0;
    if (table.flags(row) & TW_OOW_SEEN && table.sinceOow(row, now) < host.sysctl.tcp_invalid_ratelimit) {
      if (table.substate(row) === FIN_WAIT_2) host.mib.TcpExtTCPACKSkippedFinWait2++;
      else host.mib.TcpExtTCPACKSkippedTimeWait++;
      return;
    }
    table.setOowAt(row, now);
  }
  rowAck(host, table, row);
}

/** The longest time that is remembered of an answer, 35 minutes: a row's clock of them goes round in 70. */
const OLD_ANSWER_MS = 1 << 21;

/**
 * Forgets when the row last answered a bare segment if that no longer matters. To be done when its timer starts
 * anew, which then runs for 20 minutes at most, so that the clock of answers never goes round unseen.
 */
export function forgetOldAnswer(host: TcpContext, table: TimeWaitTable, row: number): void {
  if (!(table.flags(row) & TW_OOW_SEEN)) return;
  const since = table.sinceOow(row, Math.floor(host.now / 1000) | 0);
  if (since >= Math.min(host.sysctl.tcp_invalid_ratelimit, OLD_ANSWER_MS)) table.forgetOow(row);
}

/** An ACK in the row's name. */
export function rowAck(host: TcpContext, table: TimeWaitTable, row: number): void {
  table.readLocal(row, local);
  table.readRemote(row, remote);
  const window = Math.min(table.rcvWnd(row) >> table.scale(row), 65535);
  const stamp = ((Math.floor(host.now / 1000) | 0) + tsOffset(host, table, row)) | 0;
  sendBare(
    host,
    local,
    table.localPort(row),
    remote,
    table.remotePort(row),
    table.sndNxt(row),
    table.rcvNxt(row),
    ACK,
    window,
    table.hasTimestamps(row),
    stamp,
    table.tsRecent(row),
    table.tos(row),
  );
}

/** The offset of the row's timestamps, for the addresses just read: it hangs on nothing else. */
const tsOffset = (host: TcpContext, table: TimeWaitTable, row: number): number =>
  table.flags(row) & TW_TS_OFFSET ? host.timestampOffset(local, remote) : 0;
