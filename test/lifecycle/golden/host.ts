/** A host of the lab: system calls that a script may wait for, sysctls, tables and counters. */
import type { Call } from '../../../src/sim/call.ts';
import type { Host } from '../../../src/sim/host.ts';
import type { Os } from '../../../src/sim/os.ts';
import { F_SETFL, O_NONBLOCK } from '../../../src/socket/constants.ts';
import type { OptionInput } from '../../../src/socket/option.ts';
import type { SocketName } from '../../../src/socket/socket.ts';
import type { SimLab } from './lab.ts';
import { ADDRESS, type LabHost, type Script } from './stage.ts';
import { ssLines } from './tables.ts';
import type { HostName } from './timeline.ts';
import { Sock } from './vocabulary.ts';

export class SimHost implements LabHost {
  readonly lab: SimLab;
  readonly name: HostName;
  readonly sim: Host;
  /** Every socket that the script has made or accepted here, oldest first. */
  readonly socks: Sock[] = [];

  constructor(lab: SimLab, name: HostName) {
    this.lab = lab;
    this.name = name;
    this.sim = lab.world.host(name, {
      addresses: [`${ADDRESS[name]}/24`],
      sysctl: { 'net.ipv4.tcp_congestion_control': 'reno' },
    });
  }

  sysctl(name: string, value: string | number): void {
    const r = this.sim.stack.sysctl.set(name, String(value));
    if (!r.ok) throw new Error(r.error);
  }

  /** What `ss -tanoH` prints, or `ss -tanoiH`. */
  ss(info = false): string[] {
    return ssLines(this.sim, info);
  }

  counters(): [string, number][] {
    return this.sim.stack.mib.entries();
  }

  *socket(): Script<Sock> {
    return this.adopt(yield* this.sys(() => this.os.socket()));
  }

  /** Makes a script's socket of a descriptor. */
  adopt(fd: number): Sock {
    const s = new Sock(this, fd);
    this.socks.push(s);
    return s;
  }

  /** A listener on this host's address, with SO_REUSEADDR. */
  *listen(port: number, backlog = 128, setup?: (s: Sock) => Script<unknown>): Script<Sock> {
    const s = yield* this.socket();
    yield* s.reuseAddr();
    if (setup) yield* setup(s);
    yield* s.bind(ADDRESS[this.name], port);
    yield* s.listen(backlog);
    return s;
  }

  // System calls: numbers ≥ 0 or −errno. What a call makes the host send is sent before the script goes on.

  private get os(): Os {
    return this.sim.os;
  }

  private *sys<T>(call: () => T): Script<T> {
    const result = call();
    yield* this.lab.sleep(0);
    return result;
  }

  /** One call that may have to wait. */
  private *wait<T>(begin: () => Call<T>): Script<T> {
    const value = yield* begin();
    yield* this.lab.sleep(0);
    return value;
  }

  connect(fd: number, address: string | null, port: number): Script<number> {
    return this.wait(() => this.os.connect(fd, address, port));
  }

  accept(fd: number): Script<number> {
    return this.wait(() => this.os.accept(fd));
  }

  send(fd: number, data: Uint8Array, flags: number): Script<number> {
    return this.wait(() => this.os.send(fd, data, flags));
  }

  recv(fd: number, n: number, flags: number): Script<number | Uint8Array> {
    return this.wait(() => this.os.recv(fd, n, flags));
  }

  close(fd: number): Script<number> {
    return this.wait(() => this.os.close(fd));
  }

  /** As the end of a process closes: without lingering. */
  closeAtExit(fd: number): Script<number> {
    return this.sys(() => {
      this.sim.enter();
      return this.sim.sockets.close(fd);
    });
  }

  /** Waits for one of the events, for up to some seconds: those that there are. */
  poll(fd: number, events: number, seconds: number): Script<number> {
    return this.wait(() => this.os.pollFor(fd, events, seconds));
  }

  /** The events that there are now. */
  readiness(fd: number, events: number): Script<number> {
    return this.sys(() => this.os.readiness(fd, events));
  }

  bind(fd: number, address: string, port: number): Script<number> {
    return this.sys(() => this.os.bind(fd, address, port));
  }

  listenOn(fd: number, backlog: number): Script<number> {
    return this.sys(() => this.os.listen(fd, backlog));
  }

  shutdown(fd: number, how: number): Script<number> {
    return this.sys(() => this.os.shutdown(fd, how));
  }

  setsockopt(fd: number, level: number, option: number, value: OptionInput): Script<number> {
    return this.sys(() => this.os.setsockopt(fd, level, option, value));
  }

  getsockopt(fd: number, level: number, option: number): Script<number> {
    return this.sys(() => this.os.getsockopt(fd, level, option));
  }

  getsockname(fd: number): Script<SocketName | number> {
    return this.sys(() => this.os.getsockname(fd));
  }

  getpeername(fd: number): Script<SocketName | number> {
    return this.sys(() => this.os.getpeername(fd));
  }

  ioctl(fd: number, request: number): Script<number> {
    return this.sys(() => this.os.ioctl(fd, request));
  }

  setNonblock(fd: number, on: boolean): void {
    this.os.fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0);
  }
}
