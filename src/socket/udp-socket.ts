import type { Address } from '../base/address.ts';
import { EAGAIN, EFAULT, EINVAL, ENOTCONN, ENOTTY, EOPNOTSUPP } from '../base/errno.ts';
import type { UdpEndpoint } from '../udp/endpoint.ts';
import {
  AF_INET,
  IPPROTO_UDP,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  POLLERR,
  POLLHUP,
  POLLOUT,
  POLLRDHUP,
  POLLWRBAND,
  SIOCINQ,
  SIOCOUTQ,
  SOCK_DGRAM,
} from './constants.ts';
import { isPort, type Received, Socket, type SocketName, type SocketWaker } from './socket.ts';

/** A UDP socket (udp(7)). */
export class UdpSocket extends Socket {
  private readonly endpoint: UdpEndpoint;
  private taken = 0;

  constructor(waker: SocketWaker, family: number) {
    super(waker, family);
    this.endpoint = waker.host.udp.socket(family === AF_INET ? 4 : 6);
    this.endpoint.owner = this;
    this.endpoint.options.v6only = this.settings.v6only;
  }

  get type(): number {
    return SOCK_DGRAM;
  }

  get protocol(): number {
    return IPPROTO_UDP;
  }

  bind(address: Address, port: number): number {
    const refusal = this.bindable(address);
    if (refusal < 0) return refusal;
    return isPort(port) ? this.endpoint.bind(address, port) : -EINVAL;
  }

  listen(): number {
    return -EOPNOTSUPP;
  }

  accept(): number {
    return -EOPNOTSUPP;
  }

  connect(address: Address | null, port: number): number {
    return this.endpoint.connect(address, port);
  }

  connected(): number {
    return 0;
  }

  send(
    bytes: Uint8Array | null,
    at: number,
    n: number,
    flags: number,
    to: Address | null = null,
    port = 0,
  ): number {
    if (flags & MSG_OOB) return -EOPNOTSUPP;
    if (bytes === null && n > 0) return -EFAULT;
    return this.endpoint.send(bytes ?? NOTHING, at, n, to, port);
  }

  /** One datagram; what does not fit of it is lost. With MSG_TRUNC the result is its whole length. */
  recv(
    bytes: Uint8Array | null,
    at: number,
    n: number,
    flags: number,
    received: Received | null = null,
  ): number {
    if (flags & MSG_ERRQUEUE) return -EAGAIN;
    if (bytes === null && n > 0 && this.available > 0) return -EFAULT;
    const d = this.endpoint.receive((flags & MSG_PEEK) !== 0);
    if (typeof d === 'number') return d === -EAGAIN && this.endpoint.isReadShut ? 0 : d;
    const length = d.bytes.length;
    const copied = Math.min(n, length);
    if (copied > 0) bytes!.set(copied < length ? d.bytes.subarray(0, copied) : d.bytes, at);
    if (!(flags & MSG_PEEK)) this.taken++;
    if (received !== null) {
      received.name = { address: d.source, port: d.sourcePort };
      received.flags = copied < length ? MSG_TRUNC : 0;
    }
    return flags & MSG_TRUNC ? length : copied;
  }

  shutdown(how: number): number {
    return this.endpoint.shutdown(how);
  }

  readiness(): number {
    return this.endpoint.readiness();
  }

  override poll(): number {
    const r = super.poll();
    return r & POLLOUT ? r | POLLWRBAND : r;
  }

  progress(): number {
    return this.taken + this.endpoint.queued;
  }

  takeError(): number {
    return this.endpoint.takeError();
  }

  optionChanged(): void {
    const { options: o, settings: s } = this;
    const e = this.endpoint.options;
    e.reuseAddr = s.reuseAddr;
    e.reusePort = s.reusePort;
    e.broadcast = s.broadcast;
    e.v6only = s.v6only;
    e.tos = o.tos;
    e.ttl = o.ttl;
    e.multicastTtl = s.multicastTtl;
    e.pmtudisc = o.pmtudisc;
    e.recverr = o.recverr;
    if (o.rcvbuf !== 0) e.rcvbuf = o.rcvbuf;
    if (o.sndbuf !== 0) e.sndbuf = o.sndbuf;
  }

  ioctl(request: number): number {
    if (request === SIOCINQ) return this.endpoint.nextLength;
    return request === SIOCOUTQ ? 0 : -ENOTTY;
  }

  get sndbuf(): number {
    return this.endpoint.options.sndbuf;
  }

  get rcvbuf(): number {
    return this.endpoint.options.rcvbuf;
  }

  get queuedOut(): number {
    return 0;
  }

  get available(): number {
    return this.endpoint.queued > 0 ? Math.max(1, this.endpoint.nextLength) : 0;
  }

  get room(): number {
    return Number.POSITIVE_INFINITY;
  }

  get ended(): boolean {
    return (this.readiness() & (POLLRDHUP | POLLERR)) !== 0;
  }

  get broken(): boolean {
    return (this.readiness() & (POLLHUP | POLLERR)) !== 0;
  }

  get atMark(): boolean {
    return false;
  }

  name(): SocketName {
    return { address: this.endpoint.local, port: this.endpoint.localPort };
  }

  peerName(): SocketName | number {
    const { remote, remotePort } = this.endpoint;
    return remote === null ? -ENOTCONN : { address: remote, port: remotePort };
  }

  beginLinger(): boolean {
    return false;
  }

  get lingering(): boolean {
    return false;
  }

  release(): void {
    this.endpoint.owner = null;
    this.endpoint.close();
  }
}

const NOTHING = new Uint8Array(0);
