import type { Address } from '../base/address.ts';
import type { Ranges } from '../base/ranges.ts';
import type { ByteRing } from '../base/ring.ts';
import type { Seq } from '../base/seq.ts';
import { type Micros, NEVER } from '../base/time.ts';
import type { Congestion } from './congestion/controller.ts';
import { CA_OPEN, INFINITE_SSTHRESH, INIT_CWND, TIMEOUT_INIT, XMIT_NONE } from './constants.ts';
import type { TcpContext } from './context.ts';
import type { TcpOptions } from './options.ts';
import type { Path } from './path.ts';
import { SentQueue } from './sent.ts';
import { CLOSED, type State } from './state.ts';

const ZERO = 0 as Seq;
/** "Not yet" for times: a double from the start, so that the field never changes its representation. */
const LONG_AGO: Micros = Number.NEGATIVE_INFINITY;

/**
 * The transmission control block: the variables of one connection under the names of RFC 9293 §3.3.1
 * (SND.UNA is `sndUna`) and, where the RFC has none, of Linux's tcp_sock. Plain data; the rooms beside
 * this file act on it. Counts of segments are in segments (Linux's packets), windows in bytes.
 */
export class Tcb {
  readonly ctx: TcpContext;
  options: TcpOptions;

  // Identity
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  path: Path;
  /** Row in the host's timer wheel. */
  id = -1;
  /** The socket that owns it, or null. */
  owner: unknown = null;

  // State. Assigned by tcp/state only.
  state: State = CLOSED;
  /** Came out of a listener (RFC 9293 MUST-11). */
  passive = false;
  /** The application has closed it. */
  orphan = false;
  /** RCV_SHUTDOWN | SEND_SHUTDOWN. */
  shut = 0;
  /** Pending error, a positive errno or 0; and the last soft error, from ICMP. */
  error = 0;
  softError = 0;
  /** A FIN has been received (SOCK_DONE): reads end with EOF rather than with the error. */
  finReceived = false;
  /** On the host's list of changed connections; on its list of those that want to send. */
  changed = false;
  dirty = false;
  closedNotified = false;

  // Send sequence space
  iss: Seq = ZERO;
  sndUna: Seq = ZERO;
  sndNxt: Seq = ZERO;
  /** End of what the application has written (and of our FIN once it is queued). */
  writeSeq: Seq = ZERO;
  sndWnd = 0;
  sndWl1: Seq = ZERO;
  /** Largest window the peer ever offered (RFC 5961's MAX.SND.WND). */
  maxWindow = 0;
  sndWscale = 0;
  /** Urgent pointer of what we send (SND.UP), valid while beyond sndUna. */
  sndUp: Seq = ZERO;
  /** Our FIN is queued at writeSeq − 1. */
  finQueued = false;
  /** Where the last push mark stands; ends of records (MSG_EOR), ascending. */
  pushedSeq: Seq = ZERO;
  records: Seq[] | null = null;
  /** End of the last segment smaller than the MSS (Minshall's Nagle). */
  sndSml: Seq = ZERO;
  sendRing: ByteRing | null = null;
  sent: SentQueue;
  /** The last write said MSG_MORE; the user flushed (a Nagle mode for the next output). */
  more = false;
  flush = 0;
  /** What loss recovery wants of the next output: 0 nothing, 1 repair, 2 new data (F-RTO). */
  rexmit = 0;

  // Receive sequence space
  irs: Seq = ZERO;
  rcvNxt: Seq = ZERO;
  rcvWnd = 0;
  /** rcvNxt when the window was last announced. */
  rcvWup: Seq = ZERO;
  rcvWscale = 0;
  /** The shift that our SYN offered: a SYN-ACK of a simultaneous open repeats it. */
  offeredWscale = 0;
  /** Buffer memory that received data is charged with, overhead included; its useful part, in 256ths. */
  rmem = 0;
  scalingRatio = 128;
  /** What the application has read up to, in sequence numbers: a FIN that it has seen counts. */
  copiedSeq: Seq = ZERO;
  windowClamp = 0;
  rcvSsthresh = 0;
  recvRing: ByteRing | null = null;
  ooo: Ranges | null = null;
  /** Where the FIN that came out of order ends, if one did. */
  oooFin = false;
  oooFinSeq: Seq = ZERO;
  /** Urgent data of the peer: 0 none, 1 announced, 2 its byte is here. */
  urgentState = 0;
  urgentSeq: Seq = ZERO;
  urgentByte = 0;

  // SACK blocks to report: pairs, newest first; and the duplicate to report first (D-SACK)
  sackCount = 0;
  sackBlocks: Int32Array | null = null;
  dsack = false;
  dsackLeft: Seq = ZERO;
  dsackRight: Seq = ZERO;

  // Negotiated
  wscaleOk = false;
  sackOk = false;
  tsOk = false;
  ecnOk = false;
  /** MSS the peer announced, clamped; what we announced; what a segment may hold now. */
  mssClamp = 0;
  advmss = 0;
  mssCache = 0;
  /** Path MTU from which mssCache was computed. */
  pmtuSeen = 0;
  /** TCP header with the options every segment carries. */
  headerLength = 20;
  tsRecent = 0;
  /** When tsRecent was stored, in seconds; 0 never. */
  tsRecentStamp = 0;
  tsOffset = 0;
  /** Timestamps of the segment being processed, our offset removed. */
  sawTimestamp = false;
  rcvTsVal = 0;
  rcvTsEcr = 0;
  /** Windows that SYNs carry are never scaled. */
  ecnFlags = 0;

  // Round trip (RFC 6298), scaled as Linux scales: srtt << 3, mdev << 2
  srtt = 0;
  mdev = 0;
  mdevMax = 0;
  rttvar = 0;
  rttSeq: Seq = ZERO;
  rto: Micros = TIMEOUT_INIT;
  minRtt = -1;
  minRttAt: Micros = LONG_AGO;
  rcvRtt = 0;
  rcvRttSeq: Seq = ZERO;
  rcvRttAt: Micros = LONG_AGO;
  rcvRttLastEcr = 0;
  rcvSpace = 0;
  rcvSpaceSeq: Seq = ZERO;
  rcvSpaceAt: Micros = LONG_AGO;

  // Congestion control and loss recovery
  cwnd = INIT_CWND;
  ssthresh = INFINITE_SSTHRESH;
  cwndCount = 0;
  caState = CA_OPEN;
  congestion: Congestion;
  packetsOut = 0;
  sackedOut = 0;
  lostOut = 0;
  retransOut = 0;
  /** SND.NXT when the present recovery began. */
  highSeq: Seq = ZERO;
  priorCwnd = 0;
  priorSsthresh = 0;
  undoMarker: Seq = ZERO;
  undoArmed = false;
  undoRetrans = 0;
  prrDelivered = 0;
  prrOut = 0;
  reordering = 3;
  reordSeen = 0;
  retransmits = 0;
  backoff = 0;
  probesOut = 0;
  probesStart: Micros = LONG_AGO;
  /** Time of the first retransmission of the present run, in milliseconds; 0 none. */
  retransStamp = 0;
  frto = false;
  sackReneged = false;
  /** Where the search for lost segments to repeat goes on, if it need not begin at the head. */
  rtxHintValid = false;
  rtxHint: Seq = ZERO;
  /** Highest SACKed record ends here; valid while sackedOut > 0 on a SACK connection. */
  highestSack: Seq = ZERO;
  lastCwndAt: Micros = LONG_AGO;
  cwndUsed = 0;
  cwndLimited = false;
  maxPacketsOut = 0;
  cwndUsageSeq: Seq = ZERO;
  /** Tail loss probe outstanding (RFC 8985 §7): its sequence number, and whether it repeated data. */
  tlpHighSeq: Seq = ZERO;
  tlpOut = false;
  tlpRetrans = false;
  // RACK (RFC 8985 §6)
  rackSentAt: Micros = LONG_AGO;
  rackEnd: Seq = ZERO;
  rackRtt = 0;
  rackAdvanced = false;
  rackDsackSeen = false;
  rackSteps = 1;
  rackPersist = 0;
  rackLastDelivered = 0;

  // Delivery accounting
  delivered = 0;
  deliveredCe = 0;
  deliveredAt: Micros = LONG_AGO;
  firstSentAt: Micros = LONG_AGO;
  lost = 0;
  appLimited = 0;
  pacingRate = Number.POSITIVE_INFINITY;
  /** Pacing: before this moment nothing more is sent. */
  nextSendAt: Micros = LONG_AGO;
  rateDelivered = 0;
  rateInterval = 0;

  // Delayed acknowledgement
  /** An ACK is owed; it must go now; a push was seen once, twice. */
  ackScheduled = false;
  ackNow = false;
  ackPushed = 0;
  ackNoMem = false;
  ackTimer = false;
  quick = 0;
  pingpong = 0;
  ato: Micros = 0;
  rcvMss = 0;
  lastSegSize = 0;
  lastDataReceivedAt: Micros = LONG_AGO;
  lastDataSentAt: Micros = LONG_AGO;
  lastAckReceivedAt: Micros = LONG_AGO;
  dupAckCounter = 0;
  compressedAcks = 0;
  compressedRcvNxt: Seq = ZERO;
  lastOowAckAt: Micros = LONG_AGO;

  /** When the SYN-ACK that this ACK answers was sent, −1 if it cannot be told (it was repeated). */
  synAckSentAt: Micros = -1;

  // Deadlines, each NEVER when not running
  xmitKind = XMIT_NONE;
  xmitAt: Micros = NEVER;
  delackAt: Micros = NEVER;
  keepaliveAt: Micros = NEVER;
  finWait2At: Micros = NEVER;
  compressedAckAt: Micros = NEVER;
  pacingAt: Micros = NEVER;
  /** What the wheel is armed for. */
  armedAt: Micros = NEVER;

  // What tcp_info counts besides
  bytesAcked = 0;
  bytesReceived = 0;
  bytesSent = 0;
  bytesRetrans = 0;
  segsOut = 0;
  segsIn = 0;
  dataSegsOut = 0;
  dataSegsIn = 0;
  totalRetrans = 0;
  dsackDups = 0;
  rcvOooPackets = 0;
  totalRto = 0;
  totalRtoRecoveries = 0;
  totalRtoTime = 0;
  rtoStamp = 0;
  /** Busy, receive-window limited and send-buffer limited time: the kind running, since when, sums. */
  chronoKind = 0;
  chronoStart: Micros = LONG_AGO;
  chronoBusy = 0;
  chronoRwnd = 0;
  chronoSndbuf = 0;
  /** A write found no room: POLLOUT waits for a third of the buffer. */
  noSpace = false;
  sndbuf = 0;
  rcvbuf = 0;

  constructor(
    ctx: TcpContext,
    options: TcpOptions,
    path: Path,
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    congestion: Congestion,
  ) {
    this.ctx = ctx;
    this.options = options;
    this.path = path;
    this.local = local;
    this.localPort = localPort;
    this.remote = remote;
    this.remotePort = remotePort;
    this.congestion = congestion;
    this.sent = new SentQueue(ctx.sentPool);
    this.reordering = ctx.sysctl.tcp_reordering;
  }

  /** Segments believed to be in the network. */
  get inFlight(): number {
    return this.packetsOut - (this.sackedOut + this.lostOut) + this.retransOut;
  }

  /** The right edge of the peer's window. */
  get wndEnd(): Seq {
    return ((this.sndUna + this.sndWnd) | 0) as Seq;
  }

  /** What of our announced window is left (RCV.WND as the peer sees it), never negative. */
  get receiveWindow(): number {
    const w = (this.rcvWup + this.rcvWnd - this.rcvNxt) | 0;
    return w < 0 ? 0 : w;
  }

  /** Urgent data of ours is outstanding. */
  get urgentMode(): boolean {
    return this.sndUna !== this.sndUp;
  }

  /** The timestamp clock: milliseconds, without this connection's offset. */
  get tsNow(): number {
    return Math.floor(this.ctx.now / 1000) | 0;
  }

  /** The next moment, in jiffies' grain, at which this connection must be visited. */
  earliest(): Micros {
    let t = this.xmitAt;
    if (this.delackAt < t) t = this.delackAt;
    if (this.keepaliveAt < t) t = this.keepaliveAt;
    if (this.finWait2At < t) t = this.finWait2At;
    return t;
  }
}
