import type { Address } from '../base/address.ts';
import { type Micros, NEVER } from '../base/time.ts';
import { CapturePoint } from '../link/capture.ts';
import { Sockets } from '../socket/sockets.ts';
import type { Interface } from '../stack/interface.ts';
import { Stack } from '../stack/stack.ts';
import type { Congestion } from '../tcp/congestion/controller.ts';
import type { Frame } from '../wire/frame.ts';
import { CaptureBuffer, PcapngWriter } from '../wire/pcapng.ts';
import { toAddress } from './build.ts';
import type { Call, CallHost } from './call.ts';
import { Ledger } from './ledger.ts';
import { Os } from './os.ts';
import { Process, type Program } from './process.ts';
import { StateLog } from './state-log.ts';
import type { SimNode, WireEnd, WireOptions } from './wire.ts';
import type { World } from './world.ts';

export interface HostOptions {
  /** Addresses with prefix lengths of the interface on the first wire that gives it none. */
  addresses?: readonly string[];
  /** Jiffies per second. @default the world's */
  hz?: number;
  sysctl?: Record<string, string | number>;
  /** Controls the windows of all its connections, in the place of `tcp_congestion_control`: see `FixedWindow`. */
  congestion?: Congestion;
  /** Routes beside those of its interfaces, set when the first wire is plugged. */
  routes?: readonly { destination: string; via: string }[];
  /** Shorthand for a default route. */
  gateway?: string;
  /** How long the host had been up when the world began, microseconds. @default 1000.0013 s */
  uptime?: Micros;
  /** Write a pcapng capture. @default the world's option */
  capture?: boolean;
}

/** A host's own deadline in the world's queue. */
export class Wake {
  readonly host: Host;
  readonly life: number;
  readonly time: Micros;
  constructor(host: Host, life: number, time: Micros) {
    this.host = host;
    this.life = life;
    this.time = time;
  }
}

/** Rounds of one step after which a host is thought to run in circles. */
const ENDLESS = 100_000;
/** A sink for a host without wires. */
const REFUSE = (): boolean => false;
/** No whole number of jiffies, as no machine's is: events at 0 fall between two ticks. */
const UPTIME: Micros = 1_000_001_300;

/** One plugged wire: what a restart has to set up again. */
interface Plug {
  readonly end: WireEnd;
  readonly addresses: readonly string[];
  interface: Interface;
  readonly sink: (frame: Frame) => boolean;
}

/** A simulated host: a stack, its sockets and the programs that run on it. Made by `World.host`. */
export class Host implements SimNode, CallHost {
  readonly name: string;
  readonly world: World;
  stack: Stack;
  sockets: Sockets;
  /** System calls from outside any program (of tests, of `World.script`). */
  os: Os;
  processes: Process[] = [];
  /** It has crashed and not been restarted. */
  down = false;
  /** Something has happened on it since its invariants were checked. */
  unchecked = false;
  /** How often it was started. */
  life = 1;
  /** What its connections sent and received, while invariants are checked. */
  readonly ledger: Ledger | null;
  readonly witness?: (end: WireEnd, frame: Frame, outgoing: boolean, comment: string) => void;
  private readonly options: HostOptions;
  private readonly plugs: Plug[] = [];
  private readonly states: StateLog | null;
  private readonly uptime: Micros;
  private captured: CaptureBuffer | null = null;
  private readyList: Process[] = [];
  private stepping = false;
  private touched = false;
  private queuedAt: Micros = NEVER;
  private spawned = 0;
  /** Wakes in a row at one moment. */
  private spins = 0;

  constructor(world: World, name: string, options: HostOptions) {
    this.world = world;
    this.name = name;
    this.options = options;
    this.uptime = options.uptime ?? UPTIME;
    this.ledger = world.checking ? new Ledger(this) : null;
    this.states = world.logging ? new StateLog(this) : null;
    if (options.capture ?? world.capturing) this.witness = this.startCapture();
    this.stack = this.boot();
    this.sockets = new Sockets(this.stack);
    this.os = new Os(this, null);
  }

  // Programs.

  /** Runs a program on this host; it begins when the world next moves. */
  spawn(program: Program<Os>, name = `${this.name}.${++this.spawned}`): Process {
    const proc: Process = new Process(name, this.world, () => program(os));
    const os = new Os(this, proc);
    proc.onkill = waiting => os.abandon(waiting);
    if (this.processes.length >= 64) this.processes = this.processes.filter(p => !p.ended);
    this.processes.push(proc);
    return this.world.begin(proc);
  }

  // Its end and its return.

  /**
   * Power is cut: programs, sockets and connections are gone without a word to anybody; what is sent to it
   * from now on is lost.
   */
  crash(): void {
    if (this.down) return;
    this.down = true;
    for (const proc of this.processes) proc.kill();
    this.processes = [];
    this.readyList = [];
    this.states?.forget();
    this.stack.close();
    this.queuedAt = NEVER;
    this.world.note(`${this.name} crashes`);
  }

  /** Starts it again (after a crash, or crashes it first) with the same interfaces and addresses, and no memory. */
  restart(): void {
    this.crash();
    this.down = false;
    this.life++;
    this.stack = this.boot();
    this.sockets = new Sockets(this.stack);
    this.os = new Os(this, null);
    for (const plug of this.plugs) plug.interface = this.addInterface(plug.end, plug.addresses);
    this.addRoutes();
    this.world.note(`${this.name} starts again`);
    this.touch();
  }

  // Seeing it.

  /** The pcapng capture of all its interfaces so far; empty if none was asked for. */
  get capture(): Uint8Array {
    return this.captured?.bytes() ?? new Uint8Array(0);
  }

  /** Its interfaces on wires, in the order in which these were plugged. */
  get interfaces(): readonly Interface[] {
    return this.plugs.map(p => p.interface);
  }

  /** The stack's time at a moment of the world's. */
  stackTime(now: Micros): Micros {
    return now + this.uptime;
  }

  primaryAddress(): Address | null {
    const first = this.plugs[0]?.addresses[0];
    return first === undefined ? null : toAddress(first.split('/')[0] ?? '');
  }

  /** A moment of the world's for a time of the stack's. */
  worldTime(time: Micros): Micros {
    return time - this.uptime;
  }

  /** When the world will wake it, NEVER if it will not. */
  get nextWake(): Micros {
    return this.queuedAt;
  }

  // For the world.

  plug(end: WireEnd, options: WireOptions): void {
    end.index = this.plugs.length;
    const addresses =
      options.addresses?.[this.name] ?? (this.plugs.length === 0 ? this.options.addresses : undefined);
    this.plugs.push({
      end,
      addresses: addresses ?? [],
      interface: this.addInterface(end, addresses ?? []),
      sink: frame => {
        end.send(frame);
        return true;
      },
    });
    if (this.plugs.length === 1) this.addRoutes();
    this.touch();
  }

  arrive(end: WireEnd, frame: Frame): void {
    if (this.down) {
      frame.release();
      return;
    }
    this.stack.receive(this.plugs[end.index]!.interface, frame, this.stackTime(this.world.now));
    this.step();
  }

  /** Its deadline has come, or one that it had. */
  wake(wake: Wake, time: Micros): void {
    if (wake.life !== this.life || this.down || wake.time !== this.queuedAt) return;
    this.queuedAt = NEVER;
    const now = this.stackTime(time);
    if (this.stack.deadline() <= now) this.stack.expire(now);
    else if (this.sockets.deadline() > now) {
      this.arm();
      return;
    }
    this.step();
    this.spins = this.queuedAt === time ? this.spins + 1 : 0;
    if (this.spins > ENDLESS)
      throw this.world.broken(`${this.name}: its deadline is always now, and nothing happens`);
  }

  /** The world is to look at it: something was called on it from outside its step. */
  touch(): void {
    if (this.stepping || this.touched || this.down) return;
    this.touched = true;
    this.world.touch(this);
  }

  /** Tells the stack the time before a call. */
  enter(): void {
    if (this.stepping) return;
    this.stack.tick(this.stackTime(this.world.now));
    this.touch();
  }

  ready(proc: Process): void {
    if (this.stepping) this.readyList.push(proc);
    else this.world.ready(proc);
  }

  resolved(): void {
    this.world.resolved();
  }

  returned(call: Call<unknown>, result: number): void {
    const fd = call.args[0] as number;
    if (call.name === 'accept') call.os?.opened(result);
    if (this.ledger !== null) {
      if (call.written !== null) this.ledger.accept(call.written, result);
      else if (call.buffer !== null && result > 0) this.ledger.read(fd, call.buffer, result, call.flags);
    }
    if (!this.world.logging) return;
    const data = call.buffer !== null && result >= 0 ? call.buffer.slice(0, result) : null;
    this.logCall(call.os, call.name, call.args, result, this.world.now - call.began, data);
  }

  /** Logs a call that has returned. */
  logCall(
    os: Os | null,
    name: string,
    args: readonly (number | string)[],
    result: number,
    blocked: Micros,
    data: Uint8Array | null,
  ): void {
    const { world } = this;
    if (!world.logging) return;
    const proc = os?.process?.name ?? '';
    world.log.push({
      kind: 'call',
      time: world.now,
      blocked,
      host: this.name,
      process: proc,
      call: name,
      args,
      result,
      data,
    });
  }

  get clock(): World {
    return this.world;
  }

  /** Settles, lets programs go on and sends, until nothing more happens at this moment. */
  step(): void {
    this.touched = false;
    if (this.down || this.stepping) return;
    this.stepping = true;
    const now = this.stackTime(this.world.now);
    this.stack.tick(now);
    let rounds = 0;
    try {
      let done = this.sockets.settle();
      do {
        for (const pending of done) (pending.token as Call<unknown> | null)?.finish(pending.result);
        this.resumeReady();
        if (this.down) break;
        // Also carries what goes through lo, which may make sockets ready.
        if (this.plugs.length === 0) this.stack.transmit(this.stack.lo, now, REFUSE);
        for (const plug of this.plugs) this.stack.transmit(plug.interface, now, plug.sink);
        done = this.sockets.settle();
        if (++rounds > ENDLESS) throw this.world.broken(`${this.name}: one moment that does not end`);
      } while (done.length > 0 || this.readyList.length > 0);
    } finally {
      this.stepping = false;
    }
    this.unchecked = true;
    this.states?.look();
    this.arm();
  }

  private resumeReady(): void {
    while (this.readyList.length > 0) {
      const ready = this.readyList;
      this.readyList = [];
      for (const proc of ready) proc.resume();
    }
  }

  /** The earliest moment (of the world's time) at which it must be woken. */
  deadline(): Micros {
    if (this.down) return NEVER;
    const a = this.stack.deadline();
    const b = this.sockets.deadline();
    return (a < b ? a : b) - this.uptime;
  }

  private arm(): void {
    let at = this.deadline();
    if (at < this.world.now) at = this.world.now;
    if (at >= this.queuedAt) return;
    this.queuedAt = at;
    this.world.enqueue(at, new Wake(this, this.life, at));
  }

  private boot(): Stack {
    const { world, name, options } = this;
    const stack = new Stack({
      name,
      hz: options.hz ?? world.hz,
      random: world.random.fork(`host ${name} ${this.life}`),
      sysctl: options.sysctl ?? {},
      start: this.stackTime(world.now),
    });
    stack.tcp.opener.imposed = options.congestion ?? null;
    this.states?.watch(stack);
    return stack;
  }

  private addInterface(end: WireEnd, addresses: readonly string[]): Interface {
    const { wire } = end;
    const number = (this.world.hosts.indexOf(this) + 1) * 256 + end.index;
    const ifc = this.stack.addInterface({
      name: wire.medium === 'ethernet' ? `eth${end.index}` : `tun${end.index}`,
      medium: wire.medium,
      mtu: wire.mtu,
      ...(wire.medium === 'ethernet' ? { mac: macOf(number) } : {}),
    });
    for (const address of addresses) ifc.addAddress(address);
    return ifc;
  }

  private addRoutes(): void {
    const { gateway, routes = [] } = this.options;
    for (const route of gateway === undefined
      ? routes
      : [...routes, { destination: 'default', via: gateway }])
      this.stack.routes.add({ ...route, interface: this.plugs[0]!.interface });
  }

  private startCapture(): (end: WireEnd, frame: Frame, outgoing: boolean, comment: string) => void {
    const buffer = new CaptureBuffer();
    this.captured = buffer;
    const writer = new PcapngWriter(buffer.sink, `lastack sim, host ${this.name}`);
    const points: CapturePoint[] = [];
    return (end, frame, outgoing, comment) => {
      points[end.index] ??= new CapturePoint(writer, `${this.name}:${end.wire.name}`, end.wire.medium);
      points[end.index]!.record(frame, this.world.now, outgoing, comment);
    };
  }
}

/** 02:00:00:00:xx:yy, the host's number and the interface's. */
function macOf(number: number): string {
  const hex = (n: number): string => (n & 255).toString(16).padStart(2, '0');
  return `02:00:00:${hex(number >> 16)}:${hex(number >> 8)}:${hex(number)}`;
}
