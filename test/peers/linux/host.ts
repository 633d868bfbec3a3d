import type { OptionInput } from '../../../src/socket/option.ts';
import type { SocketName } from '../../../src/socket/socket.ts';
import { ADDRESS, type LabHost, type Script } from '../../lifecycle/golden/stage.ts';
import type { HostName } from '../../lifecycle/golden/timeline.ts';
import { Sock } from '../../lifecycle/golden/vocabulary.ts';
import type { Calls } from './calls.ts';
import type { RealLab } from './lab.ts';
import { waitFor } from './waiting.ts';

/** Seconds that pass after each call. */
const SETTLE = 0.003;

/** A host of the lab, whatever it runs on. */
export class RealHost implements LabHost {
  readonly lab: RealLab;
  readonly name: HostName;
  readonly calls: Calls;
  readonly socks: Sock[] = [];

  constructor(lab: RealLab, name: HostName, calls: Calls) {
    this.lab = lab;
    this.name = name;
    this.calls = calls;
  }

  sysctl(name: string, value: string | number): void {
    this.calls.sysctl(name, String(value));
  }

  ss(info = false): string[] {
    return this.calls.ss(info);
  }

  counters(): [string, number][] {
    return this.calls.counters();
  }

  *socket(): Script<Sock> {
    return this.adopt(yield* this.sys(() => this.calls.socket()));
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

  /** What a call makes the host send is sent, and has come to the other, before the script goes on. */
  private *sys<T>(call: () => T): Script<T> {
    const result = call();
    yield* this.lab.sleep(SETTLE);
    return result;
  }

  private *wait<T>(call: Promise<T>): Script<T> {
    const result = yield* waitFor(call);
    yield* this.lab.sleep(SETTLE);
    return result;
  }

  connect = (fd: number, address: string | null, port: number): Script<number> =>
    this.wait(this.calls.connect(fd, address, port));
  accept = (fd: number): Script<number> => this.wait(this.calls.accept(fd));
  send = (fd: number, data: Uint8Array, flags: number): Script<number> =>
    this.wait(this.calls.send(fd, data, flags));
  recv = (fd: number, n: number, flags: number): Script<number | Uint8Array> =>
    this.wait(this.calls.recv(fd, n, flags));
  close = (fd: number): Script<number> => this.wait(this.calls.close(fd));
  poll = (fd: number, events: number, seconds: number): Script<number> =>
    this.wait(this.calls.poll(fd, events, seconds));

  closeAtExit(): Script<number> {
    throw new Error('a process that exits is not in this lab');
  }

  readiness = (fd: number, events: number): Script<number> =>
    this.sys(() => this.calls.readiness(fd, events));
  bind = (fd: number, address: string, port: number): Script<number> =>
    this.sys(() => this.calls.bind(fd, address, port));
  listenOn = (fd: number, backlog: number): Script<number> => this.sys(() => this.calls.listen(fd, backlog));
  shutdown = (fd: number, how: number): Script<number> => this.sys(() => this.calls.shutdown(fd, how));
  setsockopt = (fd: number, level: number, option: number, value: OptionInput): Script<number> =>
    this.sys(() => this.calls.setsockopt(fd, level, option, value));
  getsockopt = (fd: number, level: number, option: number): Script<number> =>
    this.sys(() => this.calls.getsockopt(fd, level, option));
  getsockname = (fd: number): Script<SocketName | number> => this.sys(() => this.calls.getsockname(fd));
  getpeername = (fd: number): Script<SocketName | number> => this.sys(() => this.calls.getpeername(fd));
  ioctl = (fd: number, request: number): Script<number> => this.sys(() => this.calls.ioctl(fd, request));

  setNonblock(fd: number, on: boolean): void {
    this.calls.setNonblock(fd, on);
  }
}
