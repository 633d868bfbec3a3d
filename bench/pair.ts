import { Address, ANY4, ANY6, parseAddress } from '../src/base/address.ts';
import { seededRandom } from '../src/base/random.ts';
import type { Micros } from '../src/base/time.ts';
import { MEMORY_OFFLOADS } from '../src/link/memory.ts';
import { TimeQueue } from '../src/link/time-queue.ts';
import {
  AF_INET,
  AF_INET6,
  EPOLL_CTL_ADD,
  EPOLLIN,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from '../src/socket/constants.ts';
import type { EpollEvent } from '../src/socket/epoll.ts';
import { Sockets } from '../src/socket/sockets.ts';
import type { Interface } from '../src/stack/interface.ts';
import { Stack } from '../src/stack/stack.ts';
import { CSUM_UNKNOWN, type Frame } from '../src/wire/frame.ts';
import { must } from './harness.ts';

/** One way, in microseconds of the pair's own time. */
const DELAY = 50;

type PairSysctl = Record<string, string | number>;

/**
 * What joins the pair: frames of 1500 bytes with checksums made and verified, their payload copied or by reference, or what a
 * memory link with offload carries.
 */
export type PairLink = 'frames' | 'references' | 'offload';

const LINKS = { frames: {}, references: { scatter: true }, offload: MEMORY_OFFLOADS };

/** One of the two hosts: a stack, its sockets, and an epoll instance through which its program learns of them. */
export class End {
  readonly stack: Stack;
  readonly sockets: Sockets;
  readonly ifc: Interface;
  readonly epfd: number;
  readonly address: string;
  readonly addresses: Address[] = [];
  readonly events: EpollEvent[] = [];
  /** Frames on their way to this end, the first `waiting` of the array. */
  inbox: Frame[] = [];
  waiting = 0;
  private spare: Frame[] = [];
  private other: End | null = null;
  private readonly sums: boolean;
  private readonly sink = (frame: Frame): boolean => {
    const other = this.other!;
    // A wire vouches for nothing: whoever receives sums anew.
    if (this.sums) frame.csum = CSUM_UNKNOWN;
    other.inbox[other.waiting++] = frame;
    return true;
  };

  /** @param address the first of those it has, in 10.0.0.0/8 or a /64; the others count up from there */
  constructor(name: string, address: string, count: number, sysctl: PairSysctl, link: PairLink) {
    this.address = address;
    this.sums = link !== 'offload';
    this.stack = new Stack({ name, random: seededRandom(name), sysctl });
    this.ifc = this.stack.addInterface({
      name: 'tun0',
      medium: 'ip',
      mtu: 1500,
      txQueueLength: 1 << 20,
      ...LINKS[link],
    });
    const first = parseAddress(address)!;
    for (let i = 0; i < count; i++) {
      const a = new Address(first.a, first.b, first.c, first.d + i);
      must(this.ifc.addAddress(`${a}/${a.is4 ? 8 : 64}`) === 0, `address ${a}`);
      this.addresses.push(a);
    }
    this.sockets = new Sockets(this.stack);
    this.epfd = this.sockets.epollCreate();
  }

  join(other: End): void {
    this.other = other;
  }

  /** Hands the frames that have arrived to the stack. */
  receive(now: Micros): void {
    const frames = this.inbox;
    const n = this.waiting;
    this.inbox = this.spare;
    this.waiting = 0;
    for (let i = 0; i < n; i++) this.stack.receive(this.ifc, frames[i]!, now);
    this.spare = frames;
  }

  /** Frames on their way are lost, and of those that were nothing is kept. */
  forgetFrames(): void {
    this.inbox = [];
    this.spare = [];
    this.waiting = 0;
  }

  transmit(now: Micros): void {
    this.stack.transmit(this.ifc, now, this.sink);
  }

  socket(): number {
    const fd = this.sockets.socket(this.addresses[0]!.is4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK);
    must(fd >= 0, 'socket', fd);
    return fd;
  }

  watch(fd: number, events: number): void {
    must(this.sockets.epollCtl(this.epfd, EPOLL_CTL_ADD, fd, events) === 0, 'epoll_ctl');
  }

  listen(port: number): number {
    const fd = this.socket();
    must(this.sockets.bind(fd, this.addresses[0]!.is4 ? ANY4 : ANY6, port) === 0, `bind ${port}`);
    must(this.sockets.listen(fd, 4096) === 0, `listen ${port}`);
    this.watch(fd, EPOLLIN);
    return fd;
  }
}

/** What runs on an end: told of its sockets' events. */
export interface App {
  event(fd: number, events: number): void;
}

/**
 * Two hosts joined in memory by a 1500-byte IP wire with 50 µs each way.
 * Time is their own: it moves by a delay while frames are on their way and jumps to the next deadline when
 * none are, so that what is measured is work, not waiting.
 */
export class Pair {
  readonly client: End;
  server: End;
  now: Micros = 1_000_000;
  private readonly later = new TimeQueue<() => void>();
  private readonly makeServer: () => End;

  /** @param destinations addresses of the server @param family 4 or 6 */
  constructor(sysctl: PairSysctl = {}, link: PairLink = 'frames', destinations = 1, family = 4) {
    const [client, server] = family === 4 ? ['10.0.0.1', '10.1.0.1'] : ['fd00::1', 'fd00::1:1'];
    this.client = new End('client', client!, 1, sysctl, link);
    this.makeServer = () => new End('server', server!, destinations, sysctl, link);
    this.server = this.makeServer();
    this.join();
  }

  private join(): void {
    this.client.join(this.server);
    this.server.join(this.client);
    for (const end of [this.client, this.server]) end.stack.tick(this.now);
  }

  /** The server is gone without a word, and another one has its addresses. */
  replaceServer(): void {
    this.server.stack.close();
    this.client.forgetFrames();
    this.server = this.makeServer();
    this.join();
  }

  /** Calls `act` when `delay` microseconds have passed. */
  after(delay: Micros, act: () => void): void {
    this.later.push(this.now + delay, act);
  }

  /** Runs until `done` says so. */
  run(client: App, server: App, done: () => boolean): void {
    while (!done()) this.step(client, server);
  }

  /** Moves on to the next thing that happens. */
  step(client: App, server: App): void {
    const { client: a, server: b, later } = this;
    a.transmit(this.now);
    b.transmit(this.now);
    if (a.waiting + b.waiting > 0) this.now += DELAY;
    else {
      const next = Math.min(a.stack.deadline(), b.stack.deadline(), later.next);
      must(next !== Number.POSITIVE_INFINITY, 'nothing is left to happen');
      if (next > this.now) this.now = next;
    }
    const { now } = this;
    this.work(a, client, now);
    this.work(b, server, now);
    while (later.next <= now) later.pop()!();
  }

  private work(end: End, app: App, now: Micros): void {
    end.receive(now);
    if (end.stack.deadline() <= now) end.stack.expire(now);
    end.stack.tick(now);
    // What the segments call for goes out before the program does anything.
    end.transmit(now);
    end.sockets.settle();
    const { events, sockets, epfd } = end;
    const n = sockets.epollWait(epfd, events, 4096);
    for (let i = 0; i < n; i++) {
      const e = events[i]!;
      app.event(e.data, e.events);
    }
  }
}
