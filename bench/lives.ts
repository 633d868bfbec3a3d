import { EAGAIN, EINPROGRESS } from '../src/base/errno.ts';
import {
  EPOLL_CTL_MOD,
  EPOLLIN,
  EPOLLOUT,
  IPPROTO_TCP,
  SOCK_NONBLOCK,
  TCP_QUICKACK,
} from '../src/socket/constants.ts';
import { FIN_WAIT_1, LAST_ACK, type State } from '../src/tcp/state.ts';
import { type Figure, figure, must, type Side, seconds } from './harness.ts';
import { type App, type End, Pair } from './pair.ts';

const CHUNK = 1024;
/** Destinations: addresses of the server and ports of each. */
const ADDRESSES = 256;
const PORTS = 4;
const FIRST_PORT = 5000;
/** What the server sends in a life: SYN-ACK, its data (an ACK with them), ACK of the client's FIN, its own FIN. */
const SERVER_SEGMENTS = 4;

const payload = new Uint8Array(CHUNK).fill(0x61);
const buffer = new Uint8Array(4096);

/**
 * How a life ends: both ends close; neither does; or only the client does, and its end stays in FIN_WAIT_2 as an
 * orphan.
 */
export type LifeEnd = 'closed' | 'kept' | 'left';

/** Answers 1 KB with 1 KB, and closes when the client has. */
class Server implements App {
  closed = 0;
  private readonly pair: Pair;
  private readonly leave: boolean;
  private readonly listeners: number[] = [];
  /** What each descriptor has received. */
  private readonly got: number[] = [];

  constructor(pair: Pair, firstPort: number, leave: boolean) {
    this.pair = pair;
    this.leave = leave;
    for (let i = 0; i < PORTS; i++) this.listeners.push(pair.server.listen(firstPort + i));
  }

  event(fd: number): void {
    const { server } = this.pair;
    const { sockets } = server;
    if (this.listeners.includes(fd)) {
      for (;;) {
        const child = sockets.accept(fd, SOCK_NONBLOCK);
        if (child === -EAGAIN) return;
        must(child >= 0, 'accept', child);
        this.got[child] = 0;
        server.watch(child, EPOLLIN);
      }
    }
    const n = sockets.recv(fd, buffer);
    if (n === -EAGAIN) return;
    must(n >= 0, 'server recv', n);
    if (n === 0) {
      this.closed++;
      // The ACK of the client's FIN has gone by itself, before the program was told: four segments.
      if (this.leave) sockets.epollCtl(server.epfd, EPOLL_CTL_MOD, fd, 0);
      else sockets.close(fd);
      return;
    }
    const total = this.got[fd]! + n;
    this.got[fd] = total;
    if (total >= CHUNK) {
      must(sockets.send(fd, payload) === CHUNK, 'server send');
      must(sockets.setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, 1) === 0, 'TCP_QUICKACK');
    }
  }
}

/** Opens, sends 1 KB, reads 1 KB, and then closes or keeps the connection. */
class Client implements App {
  begun = 0;
  /** Connections that have done their exchange. */
  finished = 0;
  private readonly pair: Pair;
  private readonly keep: boolean;
  private readonly firstPort: number;
  private readonly got: number[] = [];

  constructor(pair: Pair, firstPort: number, keep: boolean) {
    this.pair = pair;
    this.firstPort = firstPort;
    this.keep = keep;
  }

  open(): void {
    const { client } = this.pair;
    const fd = client.socket();
    const k = this.begun++;
    const to = this.pair.server.addresses[k % ADDRESSES]!;
    const r = client.sockets.connect(fd, to, this.firstPort + (Math.floor(k / ADDRESSES) % PORTS));
    must(r === -EINPROGRESS, 'connect', r);
    this.got[fd] = 0;
    client.watch(fd, EPOLLOUT);
  }

  event(fd: number, events: number): void {
    const { client } = this.pair;
    const { sockets } = client;
    if (events & EPOLLOUT) {
      must(sockets.send(fd, payload) === CHUNK, 'client send');
      sockets.epollCtl(client.epfd, EPOLL_CTL_MOD, fd, EPOLLIN);
      return;
    }
    const n = sockets.recv(fd, buffer);
    if (n === -EAGAIN) return;
    must(n > 0, 'client recv', n);
    const total = this.got[fd]! + n;
    this.got[fd] = total;
    if (total < CHUNK) return;
    this.finished++;
    if (!this.keep) sockets.close(fd);
  }
}

export interface Lives {
  readonly pair: Pair;
  /** Runs `count` lives, at most `width` of them open at a time. */
  live(count: number, width: number): void;
}

/** A pair for as many lives as one likes. @param family 4 or 6 */
export const livesPair = (family = 4): Pair =>
  new Pair(
    { tcp_max_tw_buckets: 4_000_000, ip_local_port_range: '1024 65535' },
    'offload',
    ADDRESSES,
    family,
  );

/** Lives on a pair, with 4 ports of each of the server's addresses. */
export function lives(end: LifeEnd, pair: Pair = livesPair(), firstPort = FIRST_PORT): Lives {
  const server = new Server(pair, firstPort, end === 'left');
  const client = new Client(pair, firstPort, end === 'kept');
  return {
    pair,
    live(count, width) {
      const target = client.finished + count;
      const limit = client.begun + count;
      pair.run(client, server, () => {
        while (client.begun < limit && client.begun - client.finished < width) client.open();
        return client.finished >= target;
      });
      if (end === 'kept') return;
      // The last of them still have to end: closed by the server, and the last FIN acknowledged.
      pair.run(client, server, () => server.closed === target);
      pair.run(client, server, () => !isAny(pair.server, LAST_ACK));
      pair.run(client, server, () => !isAny(pair.client, FIN_WAIT_1));
    },
  };
}

/** Whether a connection is in this state. To count all states is to go over millions of rows: a hundredth of the time. */
function isAny(end: End, state: State): boolean {
  for (const c of end.stack.tcp.connections()) if (c.state === state) return true;
  return false;
}

/** Nothing but whole lives: none reset, repeated, reused early or turned away. */
function allWhole(pair: Pair): void {
  for (const end of [pair.client, pair.server]) {
    const m = end.stack.mib;
    must(m.TcpOutRsts + m.TcpEstabResets + m.TcpExtTWRecycled + m.TcpExtTCPTimeWaitOverflow === 0, 'a reset');
    must(m.TcpRetransSegs === 0, 'a retransmission');
  }
  const { mib } = pair.server.stack;
  must(
    mib.TcpOutSegs === SERVER_SEGMENTS * mib.TcpPassiveOpens,
    'another number of segments',
    mib.TcpOutSegs,
  );
}

/** @param count lives per round @param width how many at a time */
export function lastackLives(count: number, width: number): Side {
  const { pair, live } = lives('closed');
  const { mib } = pair.client.stack;
  return {
    name: 'lastack',
    async run() {
      const before = mib.TcpExtTW;
      const s = await seconds(() => live(count, width));
      must(mib.TcpExtTW - before === count, 'a life without TIME_WAIT');
      allWhole(pair);
      return count / s;
    },
  };
}

/**
 * Lives for a while, in rounds of `count`; what it is laid beside does one round after each sixth of the time, which is
 * not counted.
 */
export async function livesFor(
  duration: number,
  count: number,
  width: number,
  beside: Side,
): Promise<Figure[]> {
  const { pair, live } = lives('closed');
  live(count, width);
  const others: number[] = [];
  let done = 0;
  let lived = 0;
  let waits = 0;
  while (lived < duration) {
    lived += await seconds(() => live(count, width));
    done += count;
    waits = Math.max(waits, pair.client.stack.tcp.timeWaitCount);
    if (lived >= ((others.length + 1) * duration) / 6) others.push(await beside.run());
  }
  allWhole(pair);
  const unit = `connections/s in ${duration} s`;
  return [
    figure('lives on', 'lastack', unit, [done / lived]),
    figure('lives on', beside.name, unit, others),
    figure('lives on', 'TIME_WAIT', 'rows at most', [waits]),
  ];
}
