/** The words that experiments are written in: sockets as scripts use them, and what is lost on the way. */
import { EINPROGRESS, errnoName, errnoText } from '../../../src/base/errno.ts';
import {
  IP_BIND_ADDRESS_NO_PORT,
  MSG_NOSIGNAL,
  MSG_OOB,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  SIOCATMARK,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOL_IP,
  SOL_SOCKET,
  SOL_TCP,
  TCP_CORK,
  TCP_DEFER_ACCEPT,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_LINGER2,
  TCP_USER_TIMEOUT,
} from '../../../src/socket/constants.ts';
import type { SocketName } from '../../../src/socket/socket.ts';
import { bytes, type Packet } from './packet.ts';
import type { LabHost, Script } from './stage.ts';
import type { Fate } from './timeline.ts';

export {
  IP_BIND_ADDRESS_NO_PORT,
  MSG_OOB,
  SIOCATMARK,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SO_REUSEPORT,
  SOL_IP,
  SOL_SOCKET,
  SOL_TCP,
  TCP_CORK,
  TCP_DEFER_ACCEPT,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_LINGER2,
  TCP_USER_TIMEOUT,
};

export type Policy = (p: Packet) => Fate;

/** Everything is lost. */
export const all: Policy = () => 'drop';
/** The first n packets that pass the test are lost. */
export function first(n: number, test: (p: Packet) => boolean): Policy {
  let seen = 0;
  return p => (p.protocol === 6 && test(p) && ++seen <= n ? 'drop' : 'fwd');
}

const pureAck = (p: Packet): boolean => p.A && !p.F && !p.R && !p.S && p.length === 0 && p.rack >= 2;
export const finFromA = (p: Packet): boolean => p.dir === 'A>B' && p.F;
export const finFromB = (p: Packet): boolean => p.dir === 'B>A' && p.F;
/** Pure ACKs of the other's FIN (or of data). */
export const ackFromA = (p: Packet): boolean => p.dir === 'A>B' && pureAck(p);
export const ackFromB = (p: Packet): boolean => p.dir === 'B>A' && pureAck(p);

export const errorName = (error: number): string => (error === 0 ? '' : errnoName(error));

/** What a call gave: a value, or an error. */
export class Outcome {
  /** 0 or a positive errno; −1 for the time-out of `settimeout`, which has none. */
  readonly error: number;
  readonly value: number | string | Uint8Array | Sock | null;
  constructor(error: number, value: Outcome['value'] = null) {
    this.error = error;
    this.value = value;
  }

  /** The socket that accept() gave. */
  get sock(): Sock {
    if (!(this.value instanceof Sock)) throw new Error(`no socket: ${this}`);
    return this.value;
  }

  /** As the logs write it. */
  toString(): string {
    if (this.error < 0) return 'ERR None (None)';
    if (this.error > 0) return `ERR ${errnoName(this.error)} (${errnoText(this.error)})`;
    if (this.value === null) return 'None';
    if (this.value instanceof Sock) return 'socket';
    if (this.value instanceof Uint8Array) return `b'${String.fromCharCode(...this.value)}'`;
    return String(this.value);
  }
}

/** A socket of a host, with the calls, results and time-outs that the measuring scripts' language gave it. */
export class Sock {
  readonly host: LabHost;
  readonly fd: number;
  closed = false;
  listening = false;
  /** Seconds that calls wait; null for ever, 0 not at all. */
  private timeout: number | null = null;

  constructor(host: LabHost, fd: number) {
    this.host = host;
    this.fd = fd;
  }

  setblocking(on: boolean): void {
    this.settimeout(on ? null : 0);
  }

  /** With a time-out, as without blocking, the descriptor itself never blocks. */
  settimeout(seconds: number | null): void {
    if ((this.timeout === null) !== (seconds === null)) this.host.setNonblock(this.fd, seconds !== null);
    this.timeout = seconds;
  }

  *connect(address: string, port: number): Script<Outcome> {
    const r = yield* this.host.connect(this.fd, address, port);
    if (r !== -EINPROGRESS || !this.timeout) return plain(r);
    const ready = yield* this.host.poll(this.fd, POLLOUT, this.timeout);
    if (ready === 0) return new Outcome(-1);
    const error = yield* this.host.getsockopt(this.fd, SOL_SOCKET, SO_ERROR);
    return new Outcome(error);
  }

  /** connect(AF_UNSPEC), called past the language's wrapper: it gives a number. */
  *disconnect(): Script<Outcome> {
    const r = yield* this.host.connect(this.fd, null, 0);
    return new Outcome(r < 0 ? -r : 0, r);
  }

  *bind(address: string, port: number): Script<Outcome> {
    return plain(yield* this.host.bind(this.fd, address, port));
  }

  *listen(backlog: number): Script<Outcome> {
    this.listening = true;
    return plain(yield* this.host.listenOn(this.fd, backlog));
  }

  *accept(): Script<Outcome> {
    if (this.timeout) {
      const ready = yield* this.host.poll(this.fd, POLLIN, this.timeout);
      if (ready === 0) return new Outcome(-1);
    }
    const r = yield* this.host.accept(this.fd);
    return r < 0 ? new Outcome(-r) : new Outcome(0, this.host.adopt(r));
  }

  /** accept() that must give a socket. */
  *accepted(): Script<Sock> {
    return (yield* this.accept()).sock;
  }

  *send(text: string, flags = 0): Script<Outcome> {
    const r = yield* this.host.send(this.fd, bytes(text), flags | MSG_NOSIGNAL);
    return r < 0 ? new Outcome(-r) : new Outcome(0, r);
  }

  *recv(n: number, flags = 0): Script<Outcome> {
    const r = yield* this.host.recv(this.fd, n, flags);
    return typeof r === 'number' ? new Outcome(-r) : new Outcome(0, r);
  }

  /** How many bytes a recv() gave, in place of them. */
  *count(received: Script<Outcome>): Script<Outcome> {
    const o = yield* received;
    return o.value instanceof Uint8Array ? new Outcome(0, o.value.length) : o;
  }

  /** The number that a call gave, −errno if it failed. */
  *number(call: Script<Outcome>): Script<number> {
    const o = yield* call;
    return o.error !== 0 ? -o.error : Number(o.value);
  }

  *shutdown(how: number): Script<Outcome> {
    return plain(yield* this.host.shutdown(this.fd, how));
  }

  *close(): Script<Outcome> {
    this.closed = true;
    return plain(yield* this.host.close(this.fd));
  }

  /** The process that holds it exits: how many seconds that takes, to three places. */
  *closeOnExit(): Script<string> {
    this.closed = true;
    const began = this.host.lab.now;
    yield* this.host.closeAtExit(this.fd);
    return (this.host.lab.now - began).toFixed(3);
  }

  *set(level: number, option: number, value: number): Script<Outcome> {
    return plain(yield* this.host.setsockopt(this.fd, level, option, value));
  }

  *get(level: number, option: number): Script<Outcome> {
    const r = yield* this.host.getsockopt(this.fd, level, option);
    return r < 0 ? new Outcome(-r) : new Outcome(0, r);
  }

  *error(): Script<Outcome> {
    return yield* this.get(SOL_SOCKET, SO_ERROR);
  }

  *reuseAddr(): Script<Outcome> {
    return yield* this.set(SOL_SOCKET, SO_REUSEADDR, 1);
  }

  *linger(on: number, seconds: number): Script<Outcome> {
    return plain(yield* this.host.setsockopt(this.fd, SOL_SOCKET, SO_LINGER, { onoff: on, linger: seconds }));
  }

  *name(): Script<Outcome> {
    return named(yield* this.host.getsockname(this.fd));
  }

  *peer(): Script<Outcome> {
    return named(yield* this.host.getpeername(this.fd));
  }

  *port(): Script<number> {
    const n = yield* this.host.getsockname(this.fd);
    return typeof n === 'number' ? n : n.port;
  }

  *ioctl(request: number): Script<Outcome> {
    const r = yield* this.host.ioctl(this.fd, request);
    return r < 0 ? new Outcome(-r) : new Outcome(0, r);
  }

  *pollBits(events: number): Script<number> {
    return yield* this.host.readiness(this.fd, events);
  }

  /** What poll() says, in the order of the logs. */
  *polls(): Script<string> {
    const bits = yield* this.pollBits(0xffff);
    const names: [number, string][] = [
      [POLLIN, 'IN'],
      [POLLOUT, 'OUT'],
      [POLLERR, 'ERR'],
      [POLLHUP, 'HUP'],
      [POLLRDHUP, 'RDHUP'],
    ];
    return names
      .filter(([bit]) => bits & bit)
      .map(([, name]) => name)
      .join('|');
  }
}

const plain = (r: number): Outcome => new Outcome(r < 0 ? -r : 0);

const named = (n: SocketName | number): Outcome =>
  typeof n === 'number' ? new Outcome(-n) : new Outcome(0, `('${n.address}', ${n.port})`);
