import type { Address } from '../base/address.ts';
import type { SysctlValues } from '../base/sysctl.ts';
import type { Micros } from '../base/time.ts';
import type { ErrorQueue } from '../tcp/error-queue.ts';
import type { SynData } from '../tcp/fastopen.ts';
import type { TcpOptions } from '../tcp/options.ts';
import type { Network } from '../tcp/path.ts';
import type { UdpEndpoint } from '../udp/endpoint.ts';
import type { TcpInfo } from './tcp-info.ts';

/**
 * What the socket layer needs of the engine below, and no more: the shapes that `Connection`, `Listener`,
 * `TcpHost`, the UDP room, and `Stack` have. A test may put a fake in their place.
 */

/** A local address and port taken in the port table. */
export interface BoundPort {
  readonly address: Address;
  /** 0 while IP_BIND_ADDRESS_NO_PORT leaves the choice to connect(). */
  readonly port: number;
  reuseAddr: boolean;
  reusePort: boolean;
}

export interface BindOptions {
  reuseAddr: boolean;
  reusePort: boolean;
  /** An IPv6 wildcard that does not take the IPv4 port too. */
  v6only: boolean;
  owner: unknown;
  /** IP_FREEBIND, IP_TRANSPARENT, ip_nonlocal_bind, broadcast: the address need not be the host's. */
  foreign: boolean;
}

/** One TCP connection, from SYN_SENT or out of an accept queue until it is CLOSED. */
export interface StreamConnection {
  /** Linux's number of the state (tcp/state). */
  readonly state: number;
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  options: Readonly<TcpOptions>;
  owner: unknown;
  /** SO_REUSEADDR: kept for as long as the port is in use, TIME_WAIT included. */
  reuseAddr: boolean;
  /** Stored error, a positive errno or 0. */
  readonly error: number;
  /** Errors and reports for recvmsg with MSG_ERRQUEUE; null before the first. */
  readonly errors: ErrorQueue | null;
  /** When the last byte read had arrived, if SO_TIMESTAMPING asks for it; 0 otherwise. */
  readonly arrivedAt: Micros;
  /** Buffer memory in use, overhead included: received, and queued for sending (SO_MEMINFO). */
  readonly receiveMemory: number;
  readonly sendMemory: number;
  /** Bytes that recv would return now; bytes that send would take now. */
  readonly readable: number;
  /** A 32-bit number that moves whenever more has come that can be read. */
  readonly arrivals: number;
  readonly writableSpace: number;
  /** Bytes written and not yet acknowledged; of these, not yet sent. */
  readonly unacked: number;
  readonly unsent: number;
  /** The buffers as tuning has left them; MSS of what is sent now; TCP_WINDOW_CLAMP as it holds. */
  readonly sndbuf: number;
  readonly rcvbuf: number;
  readonly mss: number;
  readonly windowClamp: number;
  /** Not in interactive (ping-pong) mode (TCP_QUICKACK). */
  readonly quickack: boolean;
  setQuickack(value: number): void;
  /** The timestamp clock with this connection's offset (TCP_TIMESTAMP). */
  readonly timestamp: number;
  /** TCP_SAVED_SYN, once; null if nothing was saved. */
  takeSavedSyn(): Uint8Array | null;
  /** The next byte to read is the urgent one (SIOCATMARK). */
  readonly atMark: boolean;
  /** In FIN_WAIT_1, CLOSING or LAST_ACK: our FIN is not acknowledged yet. */
  readonly lingering: boolean;
  /** TCP_FASTOPEN_CONNECT: connect() is done, but the first write sends the SYN: `openWith`. */
  readonly deferred?: boolean;
  openWith?(data: SynData): void;
  send(bytes: Uint8Array, at: number, n: number, flags: number): number;
  recv(bytes: Uint8Array | null, at: number, n: number, flags: number): number;
  shutdown(how: number): number;
  /** @param linger0 SO_LINGER on with time 0 */
  close(linger0: boolean): void;
  disconnect(): void;
  readiness(): number;
  info(): TcpInfo;
  takeError(): number;
  /** An option of `options` has been changed by setsockopt: level and name by Linux's numbers. */
  optionChanged(level: number, name: number): void;
}

/** A listening endpoint with its two queues. */
export interface StreamListener {
  readonly backlog: number;
  readonly queueLength: number;
  /** A number that moves whenever one more can be accepted. */
  readonly arrivals: number;
  options: Readonly<TcpOptions>;
  owner: unknown;
  /** IP_TRANSPARENT. */
  transparent?: boolean;
  accept(): StreamConnection | null;
  close(): void;
  setBacklog(n: number): void;
}

export interface StreamHost {
  takeChanged(): readonly (StreamConnection | StreamListener)[];
  connect(
    options: TcpOptions,
    bound: BoundPort | null,
    remote: Address,
    port: number,
    synData?: SynData | null,
  ): StreamConnection | number;
  listen(options: TcpOptions, bound: BoundPort, backlog: number): StreamListener | number;
  readonly ports: {
    bind(address: Address, port: number, options: BindOptions): BoundPort | number;
    release(bound: BoundPort): void;
  };
}

/** The host under a `Sockets`: `Stack` has this shape. */
export interface SocketHost {
  /** The time as last told. */
  readonly now: Micros;
  /** Jiffies per second: socket time-outs are rounded up to them. */
  readonly hz: number;
  readonly sysctl: { readonly values: SysctlValues };
  readonly tcp: StreamHost;
  readonly udp: DatagramHost;
}

export interface DatagramHost {
  readonly net: Pick<Network, 'isLocal' | 'isBroadcast' | 'path'>;
  /** A new UDP endpoint. @param family 4 or 6 */
  socket(family: number): UdpEndpoint;
  takeChanged(): readonly UdpEndpoint[];
}
