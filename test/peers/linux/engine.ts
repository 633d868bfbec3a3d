import { parseAddress } from '../../../src/base/address.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { NodeDriver, NodeLoop } from '../../../src/driver/node.ts';
import { type MemoryLink, memoryPair } from '../../../src/link/memory.ts';
import { F_SETFL, O_NONBLOCK } from '../../../src/socket/constants.ts';
import type { OptionInput } from '../../../src/socket/option.ts';
import type { PollEntry } from '../../../src/socket/poll.ts';
import type { SocketName } from '../../../src/socket/socket.ts';
import type { Sockets } from '../../../src/socket/sockets.ts';
import { Stack } from '../../../src/stack/stack.ts';
import { ADDRESS } from '../../lifecycle/golden/stage.ts';
import { ssLines, ssState } from '../../lifecycle/golden/tables.ts';
import type { HostName } from '../../lifecycle/golden/timeline.ts';
import { type Calls, clock, type StateChange } from './calls.ts';

const LOOK_MS = 10;
/** What the kernel that it stands beside was built with: give-up times are counted in these. */
const HZ = 250;
/** A time of 0 means "never" in some places of TCP. */
class EngineLoop extends NodeLoop {
  override now(): number {
    return super.now() + 1e9;
  }
}

/** lastack on the machine's clock, behind a link in memory. */
export class EngineHost implements Calls {
  readonly link: MemoryLink;
  onstate: StateChange | null = null;
  readonly stack: Stack;
  private readonly driver: NodeDriver;
  private readonly looking: NodeJS.Timeout;
  private last = new Map<string, string>();

  constructor(name: HostName, seed: string) {
    const loop = new EngineLoop();
    this.stack = new Stack({
      name,
      hz: HZ,
      random: seededRandom(seed),
      start: loop.now(),
      sysctl: { 'net.ipv4.tcp_congestion_control': 'reno' },
    });
    const ifc = this.stack.addInterface({ name: 'eth0', medium: 'ip', mtu: 1500 });
    ifc.addAddress(`${ADDRESS[name]}/24`);
    const [own, far] = memoryPair(loop);
    this.link = far;
    this.driver = new NodeDriver(this.stack, loop);
    this.driver.attach(ifc, own);
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
  }

  enter(): Sockets {
    return this.driver.enter();
  }

  /** As the kernel's tables are looked at. */
  look(): void {
    const now = new Map<string, string>();
    const { tcp } = this.stack;
    for (const r of tcp.requests()) now.set(`${r.localPort} ${r.remotePort}`, 'SYN-RECV');
    for (const c of [...tcp.connections(), ...tcp.timeWaits()])
      if (!c.local.equals(c.remote)) now.set(`${c.localPort} ${c.remotePort}`, ssState(c.state));
    const t = clock();
    for (const key of new Set([...this.last.keys(), ...now.keys()])) {
      const state = now.get(key) ?? 'gone';
      if ((this.last.get(key) ?? 'gone') === state) continue;
      const [local = 0, remote = 0] = key.split(' ').map(Number);
      this.onstate?.(t, local, remote, state);
    }
    this.last = now;
  }

  socket = (): number => this.enter().socket();
  bind = (fd: number, address: string, port: number): number =>
    this.enter().bind(fd, parseAddress(address)!, port);
  listen = (fd: number, backlog: number): number => this.enter().listen(fd, backlog);
  shutdown = (fd: number, how: number): number => this.enter().shutdown(fd, how);
  setsockopt = (fd: number, level: number, option: number, value: OptionInput): number =>
    this.enter().setsockopt(fd, level, option, value);
  getsockopt = (fd: number, level: number, option: number): number =>
    this.enter().getsockopt(fd, level, option);
  getsockname = (fd: number): SocketName | number => this.enter().getsockname(fd);
  getpeername = (fd: number): SocketName | number => this.enter().getpeername(fd);
  ioctl = (fd: number, request: number): number => this.enter().ioctl(fd, request);
  setNonblock = (fd: number, on: boolean): void => void this.enter().fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0);
  ss = (info: boolean): string[] => ssLines(this, info);
  counters = (): [string, number][] => this.stack.mib.entries();

  readiness(fd: number, events: number): number {
    const entry: PollEntry = { fd, events: events & 0x3fff, revents: 0 };
    this.enter().poll([entry]);
    return entry.revents;
  }

  connect = (fd: number, address: string | null, port: number): Promise<number> =>
    this.driver.wait(this.enter().begin.connect(fd, address === null ? null : parseAddress(address), port));
  accept = (fd: number): Promise<number> => this.driver.wait(this.enter().begin.accept(fd));
  send = (fd: number, data: Uint8Array, flags: number): Promise<number> =>
    this.driver.wait(this.enter().begin.send(fd, data, flags));
  close = (fd: number): Promise<number> => this.driver.wait(this.enter().begin.close(fd));

  async recv(fd: number, n: number, flags: number): Promise<number | Uint8Array> {
    const bytes = new Uint8Array(n);
    const r = await this.driver.wait(this.enter().begin.recv(fd, bytes, flags));
    return r < 0 ? r : bytes.subarray(0, r);
  }

  async poll(fd: number, events: number, seconds: number): Promise<number> {
    const entry: PollEntry = { fd, events, revents: 0 };
    await this.driver.wait(this.enter().begin.poll([entry], seconds * 1000));
    return entry.revents;
  }

  sysctl(name: string, value: string): void {
    const r = this.stack.sysctl.set(name, value);
    if (!r.ok) throw new Error(r.error);
  }

  async end(): Promise<void> {
    clearInterval(this.looking);
    await this.driver.close(0);
    this.link.close();
  }
}
