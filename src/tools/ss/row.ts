import type { State } from '../../tcp/state.ts';

/** The timer that `ss -o` shows. */
export interface RowTimer {
  readonly name: 'on' | 'keepalive' | 'timewait' | 'persist';
  /** Milliseconds until it goes off. */
  readonly ms: number;
  /** Retransmissions (or probes) so far. */
  readonly retrans: number;
}

/** What `ss -i` shows, in the units of tcp_info (times in microseconds unless the name says otherwise). */
export interface RowInfo {
  readonly timestamps: boolean;
  readonly sack: boolean;
  readonly ecn: boolean;
  readonly congestion: string;
  /** Send and receive window scale, or null if scaling was not agreed. */
  readonly wscale: readonly [number, number] | null;
  readonly rto: number;
  readonly backoff: number;
  readonly rtt: number;
  readonly rttvar: number;
  readonly ato: number;
  readonly mss: number;
  readonly pmtu: number;
  readonly rcvmss: number;
  readonly advmss: number;
  readonly cwnd: number;
  /** −1 while it is infinite. */
  readonly ssthresh: number;
  readonly bytesSent: number;
  readonly bytesRetrans: number;
  readonly bytesAcked: number;
  readonly bytesReceived: number;
  readonly segsOut: number;
  readonly segsIn: number;
  readonly dataSegsOut: number;
  readonly dataSegsIn: number;
  /** Bits per second. */
  readonly send: number;
  /** Milliseconds since. */
  readonly lastSnd: number;
  readonly lastRcv: number;
  readonly lastAck: number;
  /** Bytes per second; 0 or Infinity unknown. */
  readonly pacingRate: number;
  readonly deliveryRate: number;
  readonly delivered: number;
  readonly appLimited: boolean;
  readonly busy: number;
  readonly rwndLimited: number;
  readonly sndbufLimited: number;
  readonly unacked: number;
  readonly retrans: number;
  readonly totalRetrans: number;
  readonly lost: number;
  readonly sacked: number;
  readonly dsackDups: number;
  readonly reordering: number;
  readonly rcvRtt: number;
  readonly rcvSpace: number;
  readonly rcvSsthresh: number;
  readonly notsent: number;
  readonly minRtt: number;
  readonly rcvOoopack: number;
  readonly sndWnd: number;
  readonly rcvWnd: number;
}

/** One socket of one host, as `ss`, `netstat`, the page, the watch and the metrics see it. JSON as it stands. */
export interface SocketRow {
  readonly host: string;
  readonly state: State;
  readonly recvQ: number;
  readonly sendQ: number;
  readonly local: string;
  readonly localPort: number;
  readonly peer: string;
  readonly peerPort: number;
  readonly family: 4 | 6;
  /** The socket, its owner and its number; null when the application has let go of it. */
  readonly owner: string | null;
  readonly fd: number;
  /** Closed by its application, kept by TCP. */
  readonly orphan: boolean;
  /** Bit 1: the receive half is shut, bit 2: the send half. */
  readonly shutdown: number;
  /** Seconds since it entered its state; −1 if nobody watched. */
  readonly age: number;
  readonly timer: RowTimer | null;
  /** Present when it was asked for and the socket is a full one. */
  readonly info: RowInfo | null;
  /** r, rb, w, tb of `ss -m`; null for TIME_WAIT. */
  readonly memory: {
    readonly r: number;
    readonly rb: number;
    readonly w: number;
    readonly tb: number;
  } | null;
}
