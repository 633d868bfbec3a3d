import type { Address } from '../base/address.ts';
import type { Seq } from '../base/seq.ts';
import { type Micros, NEVER } from '../base/time.ts';
import { TIMEOUT_INIT } from './constants.ts';
import type { Listener } from './listener.ts';

/**
 * An entry of a listener's SYN queue: what must be remembered between a SYN and its ACK, and no more
 * (Linux's request_sock). It is SYN_RECV as `ss` shows it. This is the entry while it is looked at; as long as it
 * only waits it is a row (request-table.ts), so that a flood of SYNs leaves no objects behind.
 */
export class Request {
  readonly listener: Listener;
  readonly local: Address;
  readonly remote: Address;
  /** Local port << 16 | remote port. */
  readonly ports: number;
  /** Its row; −1 while it is in no SYN queue. */
  row = -1;
  deadline: Micros = NEVER;

  irs = 0 as Seq;
  /** What the SYN-ACK acknowledges: the SYN, and its data if Fast Open took them. */
  rcvNxt = 0 as Seq;
  iss = 0 as Seq;
  mss = 0;
  tsOk = false;
  sackOk = false;
  wscaleOk = false;
  ecnOk = false;
  sndWscale = 0;
  rcvWscale = 0;
  rcvWnd = 0;
  windowClamp = 0;
  tsRecent = 0;
  tsOffset = 0;
  tos = 0;
  /** How often the SYN-ACK was repeated for any reason, and by the timer. */
  retransmits = 0;
  timeouts = 0;
  /** The ACK came but could not be taken yet (TCP_DEFER_ACCEPT, or a full accept queue). */
  acked = false;
  /** Waits for the embedder's `accept` or `refuse` before the SYN-ACK is sent. */
  held = false;
  /** When the SYN-ACK was sent, −1 if it was repeated. */
  sentAt: Micros = -1;
  lastOowAckAt: Micros = Number.NEGATIVE_INFINITY;
  savedSyn: Uint8Array | null = null;

  constructor(listener: Listener, local: Address, localPort: number, remote: Address, remotePort: number) {
    this.listener = listener;
    this.local = local;
    this.remote = remote;
    this.ports = (localPort << 16) | remotePort;
  }

  get localPort(): number {
    return this.ports >>> 16;
  }
  get remotePort(): number {
    return this.ports & 0xffff;
  }

  /** Time to the next repetition of the SYN-ACK: doubling from a second. */
  timeout(max: Micros): Micros {
    return Math.min(TIMEOUT_INIT * 2 ** this.timeouts, max);
  }
}
