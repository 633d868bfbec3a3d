import { parseAddress } from '../../base/address.ts';
import { EAGAIN, EBADF, EINVAL } from '../../base/errno.ts';
import {
  AF_INET,
  AF_INET6,
  IP_MULTICAST_TTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MULTICAST_HOPS,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  MSG_DONTWAIT,
  SO_BROADCAST,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_SNDBUF,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../socket/constants.ts';
import type { Received } from '../../socket/socket.ts';
import type { Name } from '../net/handle.ts';
import type { NetHost } from '../net/host.ts';
import { nameOf } from '../net/name.ts';
import { Poller, type Watcher } from '../net/poller.ts';
import { Reference } from '../net/ref.ts';

/** Where a datagram came from, as the `message` event tells it. */
export interface RemoteInfo {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
  size: number;
}

export interface HandleOptions {
  readonly six: boolean;
  readonly reuseAddr: boolean;
  readonly ipv6Only: boolean;
}

/** Datagrams told of in one turn of Node's loop, as libuv does. */
const BATCH = 32;

/** A UDP socket of a lastack host, as `Socket` needs one. Calls return ≥ 0 or −errno. */
export class UdpHandle implements Watcher {
  onmessage: (bytes: Buffer, from: RemoteInfo) => void = () => {};
  onerror: (status: number) => void = () => {};
  private readonly host: NetHost;
  private readonly options: HandleOptions;
  private readonly reference = new Reference();
  private poller: Poller | null = null;
  private serial = 0;
  private fd = -1;
  private scheduled = false;
  private closed = false;
  private buffer: Uint8Array | null = null;

  constructor(host: NetHost, options: HandleOptions) {
    this.host = host;
    this.options = options;
  }

  /** Opens the socket, as late as libuv does, and binds it. */
  bind(address: string, port: number): number {
    const a = parseAddress(address);
    if (a === null || a.is4 === this.options.six) return -EINVAL;
    const opened = this.open();
    if (opened < 0) return opened;
    const bound = this.host.driver.enter().bind(this.fd, a, port);
    if (bound === 0) this.receive();
    return bound;
  }

  connect(address: string, port: number): number {
    const a = parseAddress(address);
    if (a === null || a.is4 === this.options.six) return -EINVAL;
    return this.host.driver.enter().connect(this.fd, a, port);
  }

  disconnect(): number {
    return this.host.driver.enter().connect(this.fd, null);
  }

  /** @param address null for the connected peer */
  send(bytes: Uint8Array, address: string | null, port: number): number {
    const to = address === null ? null : parseAddress(address);
    if (address !== null && (to === null || to.is4 === this.options.six)) return -EINVAL;
    return this.host.driver.enter().sendto(this.fd, bytes, MSG_DONTWAIT, to, port);
  }

  name(peer: boolean): Name | number {
    return this.fd < 0 ? -EBADF : nameOf(this.host.driver.enter(), this.fd, peer, this.host);
  }

  setBroadcast(on: boolean): number {
    return this.set(SOL_SOCKET, SO_BROADCAST, on ? 1 : 0);
  }

  setTtl(ttl: number): number {
    if (!(ttl >= 1 && ttl <= 255)) return -EINVAL;
    return this.options.six
      ? this.set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl)
      : this.set(IPPROTO_IP, IP_TTL, ttl);
  }

  setMulticastTtl(ttl: number): number {
    return this.options.six
      ? this.set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl)
      : this.set(IPPROTO_IP, IP_MULTICAST_TTL, ttl);
  }

  setBuffer(bytes: number, receive: boolean): number {
    return this.set(SOL_SOCKET, receive ? SO_RCVBUF : SO_SNDBUF, bytes);
  }

  /** What setsockopt has made of it: twice of what was asked for, as on Linux. */
  buffers(receive: boolean): number {
    if (this.fd < 0) return -EBADF;
    return this.host.driver.enter().getsockopt(this.fd, SOL_SOCKET, receive ? SO_RCVBUF : SO_SNDBUF);
  }

  get isOpen(): boolean {
    return this.fd >= 0;
  }

  ref(on: boolean): void {
    this.reference.set(on);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.reference.end();
    if (this.fd < 0) return;
    this.poller?.forget(this.serial);
    this.host.driver.enter().close(this.fd);
  }

  /** Told by the poller, inside a turn: what has come is told of in a turn of Node's. */
  ready(): void {
    if (this.scheduled || this.closed) return;
    this.scheduled = true;
    setImmediate(() => this.drain());
  }

  private open(): number {
    if (this.fd >= 0) return 0;
    const { six, reuseAddr, ipv6Only } = this.options;
    const s = this.host.driver.enter();
    const fd = s.socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM);
    if (fd < 0) return fd;
    this.fd = fd;
    this.host.opened?.(fd, 'dgram');
    if (reuseAddr) s.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (ipv6Only) s.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return 0;
  }

  private receive(): void {
    this.poller = Poller.of(this.host);
    this.serial = this.poller.watch(this.fd, this);
    this.reference.activity(true);
    this.ready();
  }

  private drain(): void {
    this.scheduled = false;
    this.buffer ??= new Uint8Array(65536);
    for (let n = 0; n < BATCH; n++) {
      if (this.closed) return;
      const received: Received = { name: null, flags: 0, error: null };
      const got = this.host.driver.enter().recvfrom(this.fd, this.buffer, MSG_DONTWAIT, received);
      if (got === -EAGAIN) return;
      if (got < 0) this.onerror(got);
      else this.tell(got, received);
    }
    this.ready();
  }

  private tell(size: number, received: Received): void {
    const { name } = received;
    const { six } = this.options;
    const address =
      name === null ? '' : six && name.address.is4 ? `::ffff:${name.address}` : `${name.address}`;
    const from: RemoteInfo = { address, family: six ? 'IPv6' : 'IPv4', port: name?.port ?? 0, size };
    this.onmessage(Buffer.from(this.buffer!.subarray(0, size)), from);
  }

  private set(level: number, name: number, value: number): number {
    return this.fd < 0 ? -EBADF : this.host.driver.enter().setsockopt(this.fd, level, name, value);
  }
}
