import { type Address, parseAddress } from '../../base/address.ts';
import { errnoName } from '../../base/errno.ts';
import type { Random } from '../../base/random.ts';
import { NodeDriver, type NodeLoop } from '../../driver/node.ts';
import type { Link, Offloads } from '../../link/link.ts';
import {
  AF_INET,
  AF_INET6,
  EPOLL_CTL_ADD,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  IPPROTO_TCP,
  MSG_DONTWAIT,
  SO_ERROR,
  SO_LINGER,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
  TCP_QUICKACK,
} from '../../socket/constants.ts';
import type { SocketHost, StreamHost } from '../../socket/endpoint.ts';
import type { EpollEvent } from '../../socket/epoll.ts';
import { Sockets } from '../../socket/sockets.ts';
import type { Interface } from '../../stack/interface.ts';
import { Stack } from '../../stack/stack.ts';
import { type HeldRequest, Listener } from '../../tcp/listener.ts';
import { SYN_RECV, SYN_SENT } from '../../tcp/state.ts';
import type { HostName } from './options.ts';

/** Told which epoll events hold for a descriptor; called inside a turn of the driver. */
export interface Watcher {
  ready(events: number): void;
}

interface Watched {
  readonly serial: number;
  watcher: Watcher;
  /** What the application calls itself, for `ss -p`. */
  readonly owner: string;
}

export interface InnerHostOptions {
  readonly name: HostName;
  readonly loop: NodeLoop;
  readonly random: Random;
  readonly sysctl: Readonly<Record<string, string | number>>;
  /** With prefix length; the host answers to all of them. */
  readonly addresses: readonly string[];
  readonly mtu: number;
  /** What the link does for the stack; nothing if not given. */
  readonly offloads?: Offloads;
}

/** Readiness events taken from epoll at once, and rounds before others have their turn. */
const BATCH = 256;
const ROUNDS = 16;

/** Connections of the listeners made with `hold` wait until somebody decides. */
export type HeldListener = (request: HeldRequest) => void;

/** One of the two user-space hosts: a stack on the process's event loop, and one epoll for all its sockets. */
export class InnerHost {
  readonly name: HostName;
  readonly stack: Stack;
  readonly driver: NodeDriver;
  readonly interface: Interface;
  readonly addresses: readonly Address[];
  onheld: HeldListener | null = null;
  private readonly loop: NodeLoop;
  private readonly sockets: Sockets;
  private readonly epoll: number;
  private readonly events: EpollEvent[] = [];
  private readonly watched = new Map<number, Watched>();
  /** By the number that epoll gives back: a descriptor's number may already be another's. */
  private readonly bySerial = new Map<number, Watched>();
  private serial = 0;
  /** While true, listen() makes a listener that holds its requests. */
  private holding = false;
  private nextAddress = 0;
  private closed = false;

  constructor(options: InnerHostOptions) {
    this.name = options.name;
    this.loop = options.loop;
    this.stack = new Stack({
      name: options.name,
      random: options.random,
      sysctl: options.sysctl,
      start: options.loop.now(),
    });
    this.interface = this.stack.addInterface({
      name: 'wire0',
      medium: 'ip',
      mtu: options.mtu,
      ...options.offloads,
    });
    this.addresses = options.addresses.map(text => {
      check(this.interface.addAddress(text), `address ${text}`);
      return parseAddress(text.split('/')[0]!)!;
    });
    check(this.stack.routes.add({ destination: 'default', interface: this.interface }), 'default route');
    this.sockets = new Sockets(this.socketHost());
    this.driver = new NodeDriver(this.stack, options.loop, this.sockets);
    this.epoll = check(this.sockets.epollCreate(), 'epoll');
    this.poll();
  }

  attach(link: Link): void {
    this.driver.attach(this.interface, link);
  }

  /** The sockets, with the time told; call before a batch of verbs. */
  enter(): Sockets {
    return this.driver.enter();
  }

  /** The host's addresses in turn, so that no one of them runs out of ports. */
  pickAddress(): Address {
    const a = this.addresses[this.nextAddress++ % this.addresses.length]!;
    return a;
  }

  /**
   * A listening socket.
   * @param hold each connection request waits for `onheld` to decide, before any answer is sent
   * @returns its descriptor
   */
  listen(address: Address, port: number, hold: boolean, watcher: Watcher): number {
    const s = this.enter();
    const family = address.is4 ? AF_INET : AF_INET6;
    const fd = check(s.socket(family, SOCK_STREAM | SOCK_NONBLOCK), 'socket');
    check(s.bind(fd, address, port), `bind ${address}:${port}`);
    this.holding = hold;
    check(s.listen(fd, 4096), 'listen');
    this.holding = false;
    this.watch(fd, 'listener', watcher, EPOLLIN);
    return fd;
  }

  /** Begins to connect from `from`. @returns the descriptor, or −errno */
  connect(from: Address, to: Address, port: number, watcher: Watcher): number {
    const s = this.enter();
    const fd = s.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    if (fd < 0) return fd;
    this.sockets.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    // The port is chosen by connect(), which knows the other end: ports are shared between destinations.
    s.setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const bound = s.bind(fd, from, 0);
    const r = bound < 0 ? bound : s.connect(fd, to, port);
    if (r < 0 && errnoName(r) !== 'EINPROGRESS') {
      s.close(fd);
      return r;
    }
    this.watch(fd, 'gateway', watcher);
    return fd;
  }

  /** The next connection of a listener, watched; −EAGAIN without one. */
  accept(listener: number, watcherFor: (fd: number) => Watcher, owner: string): number {
    const s = this.enter();
    const fd = s.accept(listener, SOCK_NONBLOCK);
    if (fd < 0) return fd;
    s.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    this.watch(fd, owner, watcherFor(fd));
    return fd;
  }

  /** The outcome of a connect(): 0, a positive errno, or −1 while there is none yet. */
  connectError(fd: number): number {
    const s = this.enter();
    const info = s.tcpInfo(fd);
    if (typeof info !== 'number' && (info.state === SYN_SENT || info.state === SYN_RECV)) return -1;
    return s.getsockopt(fd, SOL_SOCKET, SO_ERROR);
  }

  /** Gives a socket buffers of a fixed size instead of growing ones. */
  limitBuffers(fd: number, bytes: number): void {
    const s = this.enter();
    s.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, bytes);
    s.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, bytes);
  }

  send(fd: number, bytes: Uint8Array, at: number, n: number): number {
    return this.enter().send(fd, bytes, MSG_DONTWAIT, at, n);
  }

  recv(fd: number, bytes: Uint8Array): number {
    return this.enter().recv(fd, bytes, MSG_DONTWAIT);
  }

  /** Sends the ACK that may still be waiting for company. */
  acknowledge(fd: number): void {
    this.enter().setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
  }

  shutdownWrite(fd: number): void {
    this.enter().shutdown(fd, 1);
  }

  close(fd: number): void {
    const w = this.watched.get(fd);
    if (w !== undefined) {
      this.watched.delete(fd);
      this.bySerial.delete(w.serial);
    }
    this.enter().close(fd);
  }

  /** Resets the connection. */
  abort(fd: number): void {
    this.enter().setsockopt(fd, SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 0 });
    this.close(fd);
  }

  peerOf(fd: number): { address: Address; port: number } | null {
    const name = this.sockets.getpeername(fd);
    return typeof name === 'number' ? null : name;
  }

  nameOf(fd: number): { address: Address; port: number } | null {
    const name = this.sockets.getsockname(fd);
    return typeof name === 'number' ? null : name;
  }

  /** What an application calls itself, for `ss -p`. */
  ownerOf(fd: number): string | null {
    return this.watched.get(fd)?.owner ?? null;
  }

  /** From now on another watcher is told. */
  rewatch(fd: number, watcher: Watcher): void {
    const w = this.watched.get(fd);
    if (w !== undefined) w.watcher = watcher;
  }

  stop(): void {
    this.closed = true;
  }

  private watch(fd: number, owner: string, watcher: Watcher, events = EPOLLIN | EPOLLOUT | EPOLLRDHUP): void {
    const w: Watched = { serial: ++this.serial, watcher, owner };
    this.watched.set(fd, w);
    this.bySerial.set(w.serial, w);
    check(this.sockets.epollCtl(this.epoll, EPOLL_CTL_ADD, fd, events | EPOLLET, w.serial), 'epoll_ctl');
  }

  /** Waits for readiness, tells the watchers, and waits again. */
  private poll(): void {
    for (let round = 0; round < ROUNDS; round++) {
      if (this.closed) return;
      const p = this.sockets.begin.epollWait(this.epoll, this.events, BATCH, -1);
      if (!p.done) {
        this.driver.whenDone(p, n => {
          this.dispatch(n);
          this.poll();
        });
        return;
      }
      this.dispatch(p.result);
    }
    this.loop.soon({ run: () => this.poll() });
  }

  private dispatch(n: number): void {
    for (let i = 0; i < n; i++) {
      const e = this.events[i]!;
      this.bySerial.get(e.data)?.watcher.ready(e.events);
    }
  }

  /** The stack as the socket layer sees it, except that listeners may hold requests and held ones are told of. */
  private socketHost(): SocketHost {
    const { stack } = this;
    const tcp: StreamHost = {
      ports: stack.tcp.ports,
      connect: (options, bound, remote, port) => stack.tcp.connect(options, bound, remote, port),
      listen: (options, bound, backlog) => stack.tcp.listen(options, bound, backlog, this.holding),
      takeChanged: () => {
        const changed = stack.tcp.takeChanged();
        for (const c of changed) {
          if (c instanceof Listener && c.hold) for (const r of c.held()) this.onheld?.(r);
        }
        return changed;
      },
    };
    return {
      get now() {
        return stack.now;
      },
      hz: stack.hz,
      sysctl: stack.sysctl,
      tcp,
      udp: stack.udp,
    };
  }
}

/** What can only fail by a mistake of ours. */
function check(result: number, what: string): number {
  if (result < 0) throw new Error(`${what}: ${errnoName(result)}`);
  return result;
}
