import { AsyncResource } from 'node:async_hooks';
import { parseAddress } from '../../base/address.ts';
import { EAGAIN, EINVAL } from '../../base/errno.ts';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../socket/constants.ts';
import type { Name, ServerHandle, StreamHandle } from './handle.ts';
import type { NetHost } from './host.ts';
import { nameOf } from './name.ts';
import { Poller, type Watcher } from './poller.ts';
import { Reference } from './ref.ts';
import { later, nothing, TcpHandle } from './tcp-handle.ts';

/** How a server binds. */
export interface ListenFlags {
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
}

/** A listening socket of a lastack host. */
export class ListenHandle implements ServerHandle, Watcher {
  onconnection: (status: number, client: StreamHandle | null) => void = () => {};
  fd: number;
  private readonly host: NetHost;
  private readonly poller: Poller;
  private readonly reference = new Reference();
  private readonly resource = new AsyncResource('TCPSERVERWRAP', { requireManualDestroy: true });
  private readonly serial: number;
  private scheduled = false;
  private closed = false;

  /** @returns the handle, or −errno */
  static open(
    host: NetHost,
    address: string,
    port: number,
    backlog: number,
    flags: ListenFlags,
  ): ListenHandle | number {
    const a = parseAddress(address);
    if (a === null) return -EINVAL;
    const s = host.driver.enter();
    const fd = s.socket(a.is4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK);
    if (fd < 0) return fd;
    s.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (flags.reusePort) s.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (flags.ipv6Only) s.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    let r = s.bind(fd, host.translate?.own(a) ?? a, port);
    if (r === 0) r = s.listen(fd, backlog);
    if (r < 0) {
      s.close(fd);
      return r;
    }
    host.opened?.(fd, 'server');
    return new ListenHandle(host, fd);
  }

  private constructor(host: NetHost, fd: number) {
    this.host = host;
    this.fd = fd;
    this.poller = Poller.of(host);
    this.serial = this.poller.watch(fd, this);
    this.reference.activity(true);
  }

  getsockname(): Name | number {
    return nameOf(this.host.driver.enter(), this.fd, false, this.host);
  }

  close(done: () => void = nothing): void {
    if (this.closed) return;
    this.closed = true;
    this.poller.forget(this.serial);
    this.host.driver.enter().close(this.fd);
    this.fd = -1;
    this.reference.end();
    later(() => {
      this.resource.runInAsyncScope(done);
      this.resource.emitDestroy();
    });
  }

  ref(): void {
    this.reference.set(true);
  }

  unref(): void {
    this.reference.set(false);
  }

  hasRef(): boolean {
    return this.reference.has;
  }

  ready(): void {
    if (this.scheduled || this.closed) return;
    this.scheduled = true;
    this.poller.soon(this.accept);
  }

  /** One connection, then the loop's other callbacks have their turn. */
  private readonly accept = (): void => this.resource.runInAsyncScope(this.step);

  private readonly step = (): void => {
    this.poller.began();
    this.scheduled = false;
    if (this.closed) return;
    const fd = this.host.driver.enter().accept(this.fd, SOCK_NONBLOCK);
    if (fd === -EAGAIN) return;
    if (fd < 0) {
      this.onconnection(fd, null);
      return;
    }
    this.host.opened?.(fd, 'server');
    try {
      this.onconnection(0, new TcpHandle(this.host, fd));
    } finally {
      this.ready();
    }
  };
}
