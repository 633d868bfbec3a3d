import { Layout, Row, type Rows } from '../base/columns.ts';
import type { Seq } from '../base/seq.ts';
import { type Micros, NEVER } from '../base/time.ts';
import { CA_OPEN, INFINITE_SSTHRESH, INIT_CWND, TIMEOUT_INIT, XMIT_NONE } from './constants.ts';
import { CLOSED, type State } from './state.ts';

/**
 * The numbers of a connection, as columns: 592 bytes a connection, where fields of the object took 2,000.
 * To add one, write it here beside its kin; it is then a property of every `Tcb`. What few connections use, or
 * only while something is amiss, belongs in tcb-extra.ts.
 */

const ZERO = 0 as Seq;
/** "Not yet" for times. */
const LONG_AGO: Micros = Number.NEGATIVE_INFINITY;

/** Columns of 32-bit integers. */
const INTS = {
  // Send sequence space
  iss: ZERO,
  sndUna: ZERO,
  sndNxt: ZERO,
  /** End of what the application has written (and of our FIN once it is queued). */
  writeSeq: ZERO,
  /** Where the last packet of the send queue begins. */
  tailStart: ZERO,
  sndWnd: 0,
  sndWl1: ZERO,
  /** Largest window the peer ever offered (RFC 5961's MAX.SND.WND). */
  maxWindow: 0,
  /** Urgent pointer of what we send (SND.UP), valid while beyond sndUna. */
  sndUp: ZERO,
  /** Where the last push mark stands. */
  pushedSeq: ZERO,
  /** End of the last segment smaller than the MSS (Minshall's Nagle). */
  sndSml: ZERO,

  // Receive sequence space
  irs: ZERO,
  rcvNxt: ZERO,
  rcvWnd: 0,
  /** rcvNxt when the window was last announced. */
  rcvWup: ZERO,
  /** Buffer memory that received data is charged with, overhead included; its useful part, in 256ths. */
  rmem: 0,
  scalingRatio: 128,
  /** What the application has read up to, in sequence numbers: a FIN that it has seen counts. */
  copiedSeq: ZERO,
  windowClamp: 0,
  rcvSsthresh: 0,

  // Negotiated
  /** MSS the peer announced, clamped; what we announced; what a segment may hold now. */
  mssClamp: 0,
  advmss: 0,
  mssCache: 0,
  /** Path MTU from which mssCache was computed. */
  pmtuSeen: 0,
  tsRecent: 0,
  /** When tsRecent was stored, in seconds; 0 never. */
  tsRecentStamp: 0,
  tsOffset: 0,
  /** Timestamps of the segment being processed, our offset removed. */
  rcvTsVal: 0,
  rcvTsEcr: 0,

  // Round trip (RFC 6298), scaled as Linux scales: srtt << 3, mdev << 2
  srtt: 0,
  mdev: 0,
  mdevMax: 0,
  rttvar: 0,
  rttSeq: ZERO,
  minRtt: -1,
  rcvRttSeq: ZERO,
  rcvRttLastEcr: 0,
  rcvSpace: 0,
  rcvSpaceSeq: ZERO,

  // Congestion control and loss recovery
  cwnd: INIT_CWND,
  ssthresh: INFINITE_SSTHRESH,
  cwndCount: 0,
  packetsOut: 0,
  sackedOut: 0,
  lostOut: 0,
  retransOut: 0,
  /** SND.NXT when the present recovery began. */
  highSeq: ZERO,
  reordering: 3,
  /** Time of the first retransmission of the present run, in milliseconds; 0 none. */
  retransStamp: 0,
  /** Highest SACKed record ends here; valid while sackedOut > 0 on a SACK connection. */
  highestSack: ZERO,
  cwndUsed: 0,
  maxPacketsOut: 0,
  cwndUsageSeq: ZERO,

  // CUBIC (RFC 9438) and its HyStart, in 1/1024 s and segments
  /** Least round trip in microseconds, 0 unknown. */
  cubicDelayMin: 0,
  cubicRoundEnd: ZERO,

  // RACK (RFC 8985 §6)
  rackEnd: ZERO,

  // Delayed acknowledgement
  pingpong: 0,
  rcvMss: 0,
  lastSegSize: 0,

  // What tcp_info counts besides
  sndbuf: 0,
  rcvbuf: 0,

  // The host's
  /** Number among the host's alarms, −1 while it has none. */
  id: -1,
  /** Of its 4-tuple. */
  hash: 0,
};

/** Columns of counts, modulo 2^32 as Linux has them. */
const COUNTS = {
  // RACK (RFC 8985 §6)
  rackSentOrder: 0,

  // What tcp_info counts besides
  segsOut: 0,
  segsIn: 0,
  dataSegsOut: 0,
  dataSegsIn: 0,
};

/** Columns of doubles: times, and counts that may pass 2^32. */
const DOUBLES = {
  // Round trip
  rto: TIMEOUT_INIT,
  minRttAt: LONG_AGO,
  rcvRtt: 0,
  rcvRttAt: LONG_AGO,
  rcvSpaceAt: LONG_AGO,

  // Congestion control and loss recovery
  lastCwndAt: LONG_AGO,

  // CUBIC: −1 for what has not begun
  cubicRoundStart: -1,
  cubicLastAck: -1,
  cubicRoundRtt: Number.POSITIVE_INFINITY,

  // RACK (RFC 8985 §6)
  rackRtt: 0,

  // Delivery accounting
  delivered: 0,
  deliveredAt: LONG_AGO,
  firstSentAt: LONG_AGO,
  appLimited: 0,
  pacingRate: Number.POSITIVE_INFINITY,
  /** Pacing: before this moment nothing more is sent. */
  nextSendAt: LONG_AGO,
  rateDelivered: 0,
  rateInterval: 0,

  // Delayed acknowledgement
  ato: 0,
  lastDataReceivedAt: LONG_AGO,
  lastDataSentAt: LONG_AGO,
  lastAckReceivedAt: LONG_AGO,

  // Deadlines, each NEVER when not running
  xmitAt: NEVER,
  delackAt: NEVER,
  keepaliveAt: NEVER,
  /** What the wheel is armed for. */
  armedAt: NEVER,

  // What tcp_info counts besides
  bytesAcked: 0,
  bytesReceived: 0,
  bytesSent: 0,
  /** Since when it runs, and the sums. */
  chronoStart: LONG_AGO,
  chronoBusy: 0,
};

/** Columns of small numbers, 0..255. */
const BYTES = {
  // State
  /** Assigned by tcp/state only. */
  state: CLOSED as State,
  /** Pending error, a positive errno or 0. */
  error: 0,
  /** RCV_SHUTDOWN | SEND_SHUTDOWN. */
  shut: 0,
  /** The last soft error, from ICMP: a positive errno. */
  softError: 0,

  // Send sequence space
  sndWscale: 0,
  /** The user flushed: a Nagle mode for the next output. */
  flush: 0,
  /** What loss recovery wants of the next output: 0 nothing, 1 repair, 2 new data (F-RTO). */
  rexmit: 0,

  // Receive sequence space
  rcvWscale: 0,
  /** The shift that our SYN offered: a SYN-ACK of a simultaneous open repeats it. */
  offeredWscale: 0,
  /** Urgent data of the peer: 0 none, 1 announced, 2 its byte is here. */
  urgentState: 0,
  urgentByte: 0,

  // SACK blocks to report, and the duplicate to report first (D-SACK)
  sackCount: 0,

  // Negotiated
  /** TCP header with the options every segment carries. */
  headerLength: 20,
  ecnFlags: 0,

  // Congestion control and loss recovery
  caState: CA_OPEN,

  // CUBIC (RFC 9438) and its HyStart, in 1/1024 s and segments
  cubicSamples: 0,

  // RACK (RFC 8985 §6)
  rackSteps: 1,
  rackPersist: 0,

  // Delayed acknowledgement
  /** A push was seen since the last ACK: once, twice. */
  ackPushed: 0,
  quick: 0,
  dupAckCounter: 0,
  compressedAcks: 0,

  // What the transmit timer is for
  xmitKind: XMIT_NONE,

  // What tcp_info counts besides
  /** Busy, receive-window limited or send-buffer limited: the kind of time that runs. */
  chronoKind: 0,
};

/** Columns of flags. */
const FLAGS = {
  // State
  /** The application has closed it. */
  orphan: false,
  /** Came out of a listener (RFC 9293 MUST-11). */
  passive: false,
  /** A FIN has been received (SOCK_DONE): reads end with EOF rather than with the error. */
  finReceived: false,

  // Send sequence space
  /** Our FIN is queued at writeSeq − 1. */
  finQueued: false,
  /** The last write said MSG_MORE. */
  more: false,

  // Receive sequence space
  oooFin: false,

  // SACK
  dsack: false,

  // Negotiated
  wscaleOk: false,
  sackOk: false,
  tsOk: false,
  ecnOk: false,
  /** The segment being processed has timestamps. */
  sawTimestamp: false,

  // Congestion control and loss recovery
  undoArmed: false,
  frto: false,
  sackReneged: false,
  rtxHintValid: false,
  cwndLimited: false,
  /** The last delivery-rate sample was of a flight that the application limited. */
  rateAppLimited: true,
  /** HyStart has found its exit from slow start. */
  cubicFound: false,
  /** A tail loss probe is out; it repeated data. */
  tlpOut: false,
  tlpRetrans: false,
  /** SO_MAX_PACING_RATE has been set once: lifting it again leaves pacing on, at the connection's own rate. */
  pacingAsked: false,

  // RACK (RFC 8985 §6)
  rackAdvanced: false,
  rackDsackSeen: false,

  // Delayed acknowledgement
  /** An ACK is owed; it must go now. */
  ackScheduled: false,
  ackNow: false,
  ackNoMem: false,
  ackTimer: false,
  /** A timestamp has come back within the millisecond in which it was sent. */
  shortPath: false,

  // What tcp_info counts besides
  /** A write found no room: POLLOUT waits for a third of the buffer. */
  noSpace: false,

  // The host's
  /** On the host's list of changed connections; on its list of those that want to send. */
  changed: false,
  dirty: false,
  /** Its port is held by an explicit bind, by the table of flows, or not at all. */
  portHeld: false,
  /** SO_REUSEADDR was set: a TIME_WAIT row keeps the flag. */
  reuseAddr: false,
};

export const TCB_LAYOUT = new Layout({
  ints: INTS,
  counts: COUNTS,
  doubles: DOUBLES,
  bytes: BYTES,
  flags: FLAGS,
});

/** What a `Tcb` extends: an object with a row. `Tcb` gives it the properties. */
export const TcbColumns = Row as new (
  rows: Rows,
) => Row & typeof INTS & typeof COUNTS & typeof DOUBLES & typeof BYTES & typeof FLAGS;
