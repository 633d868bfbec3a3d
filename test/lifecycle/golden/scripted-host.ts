import type { Call } from '../../../src/sim/call.ts';
import type { OptionInput } from '../../../src/socket/option.ts';
import type { SocketName } from '../../../src/socket/socket.ts';
import { ADDRESS, type Lab, type LabHost, type Script } from './stage.ts';
import type { HostName } from './timeline.ts';
import { Sock } from './vocabulary.ts';

/** A call that may block: in virtual time, or in real time. */
export type Begun<T> = Call<T> | Promise<T>;

/** The system calls of a host: numbers ≥ 0 or −errno. */
export interface SystemCalls {
  socket(): number;
  bind(fd: number, address: string, port: number): number;
  listen(fd: number, backlog: number): number;
  shutdown(fd: number, how: number): number;
  setsockopt(fd: number, level: number, option: number, value: OptionInput): number;
  getsockopt(fd: number, level: number, option: number): number;
  getsockname(fd: number): SocketName | number;
  getpeername(fd: number): SocketName | number;
  ioctl(fd: number, request: number): number;
  readiness(fd: number, events: number): number;

  connect(fd: number, address: string | null, port: number): Begun<number>;
  accept(fd: number): Begun<number>;
  send(fd: number, data: Uint8Array, flags: number): Begun<number>;
  recv(fd: number, n: number, flags: number): Begun<number | Uint8Array>;
  close(fd: number): Begun<number>;
}

/** A host of a lab, whatever it runs on: its system calls as scripts make them, one after the other. */
export abstract class ScriptedHost implements LabHost {
  abstract readonly lab: Pick<Lab, 'now' | 'sleep'>;
  readonly name: HostName;
  readonly socks: Sock[] = [];
  protected abstract readonly calls: SystemCalls;
  /** Seconds that pass after each call: what it makes the host send is sent before the script goes on. */
  protected abstract readonly pause: number;

  constructor(name: HostName) {
    this.name = name;
  }

  abstract sysctl(name: string, value: string | number): void;
  abstract ss(info?: boolean): string[];
  abstract counters(): [string, number][];
  abstract closeAtExit(fd: number): Script<number>;
  abstract poll(fd: number, events: number, seconds: number): Script<number>;
  abstract setNonblock(fd: number, on: boolean): void;
  /** Waits until a call returns. */
  protected abstract returned<T>(call: Begun<T>): Script<T>;

  *socket(): Script<Sock> {
    return this.adopt(yield* this.sys(this.calls.socket()));
  }

  adopt(fd: number): Sock {
    const s = new Sock(this, fd);
    this.socks.push(s);
    return s;
  }

  *listen(port: number, backlog = 128, setup?: (s: Sock) => Script<unknown>): Script<Sock> {
    const s = yield* this.socket();
    yield* s.reuseAddr();
    if (setup) yield* setup(s);
    yield* s.bind(ADDRESS[this.name], port);
    yield* s.listen(backlog);
    return s;
  }

  /** The result of a call that has been made. */
  protected *sys<T>(result: T): Script<T> {
    yield* this.lab.sleep(this.pause);
    return result;
  }

  /** The result of a call that may have to wait. */
  protected *wait<T>(call: Begun<T>): Script<T> {
    return yield* this.sys(yield* this.returned(call));
  }

  connect(fd: number, address: string | null, port: number): Script<number> {
    return this.wait(this.calls.connect(fd, address, port));
  }

  accept(fd: number): Script<number> {
    return this.wait(this.calls.accept(fd));
  }

  send(fd: number, data: Uint8Array, flags: number): Script<number> {
    return this.wait(this.calls.send(fd, data, flags));
  }

  recv(fd: number, n: number, flags: number): Script<number | Uint8Array> {
    return this.wait(this.calls.recv(fd, n, flags));
  }

  close(fd: number): Script<number> {
    return this.wait(this.calls.close(fd));
  }

  readiness(fd: number, events: number): Script<number> {
    return this.sys(this.calls.readiness(fd, events));
  }

  bind(fd: number, address: string, port: number): Script<number> {
    return this.sys(this.calls.bind(fd, address, port));
  }

  listenOn(fd: number, backlog: number): Script<number> {
    return this.sys(this.calls.listen(fd, backlog));
  }

  shutdown(fd: number, how: number): Script<number> {
    return this.sys(this.calls.shutdown(fd, how));
  }

  setsockopt(fd: number, level: number, option: number, value: OptionInput): Script<number> {
    return this.sys(this.calls.setsockopt(fd, level, option, value));
  }

  getsockopt(fd: number, level: number, option: number): Script<number> {
    return this.sys(this.calls.getsockopt(fd, level, option));
  }

  getsockname(fd: number): Script<SocketName | number> {
    return this.sys(this.calls.getsockname(fd));
  }

  getpeername(fd: number): Script<SocketName | number> {
    return this.sys(this.calls.getpeername(fd));
  }

  ioctl(fd: number, request: number): Script<number> {
    return this.sys(this.calls.ioctl(fd, request));
  }
}
