import type { Address } from '../base/address.ts';
import type { SipKey } from '../base/siphash.ts';
import type { Micros } from '../base/time.ts';
import type { Connection } from './connection.ts';
import { POLLHUP, POLLIN, POLLRDHUP } from './constants.ts';
import type { TcpContext } from './context.ts';
import type { TcpOptions } from './options.ts';
import type { Path } from './path.ts';
import type { Request } from './request.ts';

/** What a listener asks of its host, beyond what a connection does. */
export interface ListenContext extends TcpContext {
  readonly secret: SipKey;
  wakeListener(listener: Listener): void;
  /** A new entry, complete with its deadline. */
  addRequest(request: Request): void;
  removeRequest(request: Request): void;
  /** What is in the entry now is kept of it, and its deadline has moved. */
  scheduleRequest(request: Request): void;
  /** A new connection in SYN_RECV for a completed handshake, entered into the tables. */
  createChild(listener: Listener, request: Request, path: Path): Connection;
  listenerClosed(listener: Listener): void;
}

/** A connection request that waits for the embedder's decision (`hold`): see `HeldRequests`. */
export interface HeldRequest {
  readonly remote: Address;
  readonly remotePort: number;
  readonly local: Address;
  readonly localPort: number;
  /** Sends the SYN-ACK; the handshake goes on as usual. */
  accept(): void;
  /** Answers the SYN with a reset: the client's connect() is refused. */
  refuse(): void;
}

/**
 * A passive OPEN (§3.10.1): two queues and no buffers. Backlog B admits B + 1 connections to the accept
 * queue, and B + 1 entries to the SYN queue before cookies or drops begin, as Linux counts.
 */
export class Listener {
  readonly ctx: ListenContext;
  /** Shared with the connections that came of it: replaced when one is to change, never changed. */
  options: Readonly<TcpOptions>;
  readonly local: Address;
  readonly localPort: number;
  /** An IPv6 wildcard that does not take IPv4 connections. */
  readonly v6only: boolean;
  readonly hold: boolean;
  /** IP_TRANSPARENT: may accept in the name of other hosts (`Stack.intercept`). */
  transparent = false;
  owner: unknown = null;
  /** The port binding that it listens on. */
  bound: unknown = null;
  changed = false;
  closed = false;
  backlog: number;
  readonly acceptQueue: Connection[] = [];
  private accepted = 0;
  /** Entries of the SYN queue, and those of them that were never repeated. */
  synQueueLength = 0;
  young = 0;
  /** Under which the entries know it, −1 while there are none. */
  number = -1;
  /** Requests that the embedder has not been told of yet. */
  readonly heldQueue: HeldRequest[] = [];
  /** Children of Fast Open whose handshake is not done, bounded by TCP_FASTOPEN; and until when resets count. */
  fastOpenPending = 0;
  readonly fastOpenResets: Micros[] = [];
  /** When the SYN queue last overflowed: only then can an ACK be a cookie's. */
  overflowAt: Micros = Number.NEGATIVE_INFINITY;

  constructor(
    ctx: ListenContext,
    options: TcpOptions,
    local: Address,
    localPort: number,
    backlog: number,
    v6only: boolean,
    hold: boolean,
  ) {
    this.ctx = ctx;
    this.options = options;
    this.local = local;
    this.localPort = localPort;
    this.v6only = v6only;
    this.hold = hold;
    this.backlog = 0;
    this.setBacklog(backlog);
  }

  /** listen(2) again: min(backlog, somaxconn), a negative one counting as the largest. */
  setBacklog(backlog: number): void {
    const most = this.ctx.sysctl.somaxconn;
    this.backlog = backlog < 0 || backlog > most ? most : backlog;
  }

  get queueLength(): number {
    return this.acceptQueue.length;
  }

  /** How many have been accepted or wait for it: moves when one more comes. */
  get arrivals(): number {
    return this.accepted + this.acceptQueue.length;
  }

  get acceptQueueFull(): boolean {
    return this.acceptQueue.length > this.backlog;
  }

  get synQueueFull(): boolean {
    return this.synQueueLength > this.backlog;
  }

  /** The oldest connection of the accept queue, or null. */
  accept(): Connection | null {
    const child = this.acceptQueue.shift() ?? null;
    if (child === null) return null;
    this.accepted++;
    if (child.fastopen !== null) child.fastopen.accepted = true;
    return child;
  }

  /** Connection requests that arrived since the last call, if the listener holds them. */
  held(): HeldRequest[] {
    return this.heldQueue.splice(0);
  }

  readiness(): number {
    if (this.closed) return POLLHUP | POLLIN | POLLRDHUP;
    return this.acceptQueue.length > 0 ? POLLIN : 0;
  }

  /** Children that nobody accepted are reset, requests forgotten. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.ctx.listenerClosed(this);
    for (const child of this.acceptQueue.splice(0)) {
      child.abort();
      child.close();
    }
  }
}
