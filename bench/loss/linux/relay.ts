import { readSync, writeSync } from 'node:fs';
import type { Micros } from '../../../src/base/time.ts';
import { TimeQueue } from '../../../src/link/time-queue.ts';
import { openDevice } from '../../../src/link/tun/device.ts';
import { koffi, type NativeFunction } from '../../../src/link/tun/koffi.ts';
import { EAGAIN, System } from '../../../src/link/tun/system.ts';
import { Direction, type Wire } from '../impairments.ts';
import { Lateness } from './lateness.ts';
import { destinationOf, readSegment, type Segment } from './segment.ts';

/** What the relay is told, a JSON object a line. */
export type RelayCommand =
  /** Connections to this port of a server have a wire of their own, or one that they share. */
  | { readonly flow: number; readonly wire: Wire; readonly seeds: Seeds; readonly shared?: Shared }
  /** Forget the flow, and say what became of its packets. */
  | { readonly end: number };

/** Of the two directions. */
export interface Seeds {
  readonly data: string;
  readonly acks: string;
}

/** One wire for several connections. */
export interface Shared {
  readonly name: string;
  /**
   * Each packet takes up to as many microseconds, at random and in order, to reach the wire: without, the rhythm in
   * which one packet leaves a full queue decides whose next one finds room (Floyd and Jacobson 1991, "On traffic
   * phase effects in packet-switched gateways").
   */
  readonly jitter: Micros;
  /** This connection's packets take as many microseconds more to reach it. */
  readonly later: Micros;
}

/** What it answers to `end`. Counts are of IP packets. */
export interface FlowReport {
  readonly ended: number;
  readonly data: DirectionReport;
  readonly acks: DirectionReport;
  /** The window that the server announced last, in bytes. */
  readonly window: number;
  /** Microseconds by which packets left the relay later than they should have: [median, 99 %, largest]. */
  readonly late: readonly [number, number, number];
}

export interface DirectionReport {
  readonly offered: number;
  readonly lost: number;
  readonly overflowed: number;
}

/** A TUN device of a namespace, whose host has the address. */
export interface Port {
  readonly namespace: string;
  /** Four bytes as a number. */
  readonly address: number;
}

/** One direction of one connection, on a wire that may be others' too. */
class Lane {
  readonly direction: Direction;
  private readonly shared: Shared | null;
  readonly report = { offered: 0, lost: 0, overflowed: 0 };
  /** When the last packet reached the wire. */
  private last: Micros = 0;

  constructor(direction: Direction, shared: Shared | null) {
    this.direction = direction;
    this.shared = shared;
  }

  /** When a packet that came now reaches the wire. */
  reach(now: Micros): Micros {
    if (this.shared === null) return now;
    const { jitter, later } = this.shared;
    this.last = Math.max(this.last, now + later + Math.random() * jitter);
    return this.last;
  }

  offer(now: Micros, length: number): Micros {
    const { direction, report } = this;
    const { lost } = direction;
    const at = direction.offer(now, length);
    report.offered++;
    if (at < 0) report[direction.lost > lost ? 'lost' : 'overflowed']++;
    return at;
  }
}

interface Flow {
  readonly data: Lane;
  readonly acks: Lane;
  readonly late: Lateness;
  window: number;
  scale: number;
}

interface Packet {
  readonly bytes: Uint8Array;
  length: number;
  flow: Flow | null;
  /** Where it goes. */
  fd: number;
  due: Micros;
  /** The lane that it enters when it is due; null if it leaves then. */
  enters: Lane | null;
}

const MTU = 1500;
const POLLIN = 1;
/** Packets that are read or written before the other side has its turn. */
const BATCH = 16;
const PR_SET_TIMERSLACK = 29;

/**
 * Carries IPv4 packets between the TUN devices of network namespaces as each connection's wire says, in real time.
 * It does nothing else and never returns, so it waits in ppoll(2) itself, to the microsecond: timers of Node's event
 * loop would be late by up to a millisecond each.
 */
class Relay {
  private readonly system = new System();
  private readonly ppoll: NativeFunction;
  private readonly fds: number[] = [];
  private readonly byAddress = new Map<number, number>();
  private readonly flows = new Map<number, Flow>();
  private readonly shared = new Map<string, [Direction, Direction]>();
  private readonly due = new TimeQueue<Packet>();
  private readonly spare: Packet[] = [];
  private readonly segment: Segment = { port: 0, acks: false, syn: false, rst: false, window: 0, scale: 0 };
  private commands = '';

  constructor(ports: readonly Port[]) {
    for (const { namespace, address } of ports) {
      const options = { name: 'wire', kind: 'tun' as const, mtu: MTU, offload: false, namespace: null };
      const { fd } = openDevice(this.system, { ...options, namespace });
      this.fds.push(fd);
      this.byAddress.set(address, fd);
    }
    const libc = koffi().load('libc.so.6');
    this.ppoll = libc.func('int ppoll(void *fds, unsigned long n, void *timeout, void *mask)');
    libc.func('int prctl(int what, unsigned long value)')(PR_SET_TIMERSLACK, 1);
  }

  /** Relays until standard input ends. */
  run(): void {
    const { fds, due, ppoll } = this;
    const polled = new Int32Array(2 * (fds.length + 1));
    for (const [i, fd] of [...fds, 0].entries()) {
      polled[2 * i] = fd;
      polled[2 * i + 1] = POLLIN;
    }
    const timeout = new BigInt64Array(2);
    const told = 2 * fds.length + 1;
    for (;;) {
      let busy = false;
      for (let i = 0; i < BATCH && due.next <= clock(); i++) {
        this.pass(due.pop()!);
        busy = true;
      }
      for (const fd of fds) if (this.enterFrom(fd)) busy = true;
      // Commands wait until there is nothing else to do: there always is such a moment.
      if (busy) continue;
      const wait = Math.max(0, Math.min(due.next - clock(), 1_000_000));
      timeout[0] = BigInt(Math.floor(wait / 1_000_000));
      timeout[1] = BigInt(Math.floor((wait % 1_000_000) * 1000));
      if ((ppoll(polled, fds.length + 1, timeout, null) as number) > 0 && polled[told]! >>> 16 !== 0)
        if (!this.command()) return;
    }
  }

  /** Reads what a host sent. @returns whether there was anything */
  private enterFrom(fd: number): boolean {
    for (let i = 0; i < BATCH; i++) {
      const packet = this.spare.pop() ?? this.fresh();
      const n = this.system.read(fd, packet.bytes);
      if (n <= 0) {
        this.spare.push(packet);
        if (n !== -EAGAIN && n !== 0) throw new Error(`the relay can't read: errno ${-n}`);
        return i > 0;
      }
      packet.length = n;
      if (!this.enter(packet)) this.spare.push(packet);
    }
    return true;
  }

  private enter(packet: Packet): boolean {
    const { segment } = this;
    const to = this.byAddress.get(destinationOf(packet.bytes));
    if (to === undefined || !readSegment(packet.bytes, packet.length, segment)) return false;
    const flow = this.flows.get(segment.port);
    if (flow === undefined) return false;
    if (segment.acks) {
      if (segment.syn) flow.scale = segment.scale;
      else if (!segment.rst) flow.window = segment.window << flow.scale;
    }
    const lane = segment.acks ? flow.acks : flow.data;
    packet.flow = flow;
    packet.fd = to;
    const now = clock();
    packet.due = lane.reach(now);
    if (packet.due <= now) return this.offer(packet, lane, now);
    packet.enters = lane;
    this.due.push(packet.due, packet);
    return true;
  }

  private offer(packet: Packet, lane: Lane, now: Micros): boolean {
    packet.enters = null;
    packet.due = lane.offer(now, packet.length);
    if (packet.due < 0) return false;
    this.due.push(packet.due, packet);
    return true;
  }

  private pass(packet: Packet): void {
    if (packet.enters === null) this.leave(packet);
    else if (!this.offer(packet, packet.enters, packet.due)) this.spare.push(packet);
  }

  private leave(packet: Packet): void {
    const { bytes, length, flow } = packet;
    this.system.write(packet.fd, bytes.subarray(0, length));
    // After the write, in which the kernel receives it.
    flow!.late.add(clock() - packet.due);
    packet.flow = null;
    this.spare.push(packet);
  }

  /** @returns false once standard input has ended */
  private command(): boolean {
    const room = Buffer.alloc(65536);
    const n = readSync(0, room);
    if (n === 0) return false;
    const lines = (this.commands + room.toString('utf8', 0, n)).split('\n');
    this.commands = lines.pop()!;
    for (const line of lines) this.obey(JSON.parse(line) as RelayCommand);
    return true;
  }

  private obey(command: RelayCommand): void {
    if ('flow' in command) {
      const { flow, wire, seeds, shared } = command;
      let both = shared === undefined ? undefined : this.shared.get(shared.name);
      both ??= [new Direction(wire, seeds.data), new Direction(wire, seeds.acks)];
      if (shared !== undefined) this.shared.set(shared.name, both);
      const [data, acks] = both.map(d => new Lane(d, shared ?? null)) as [Lane, Lane];
      this.flows.set(flow, { data, acks, late: new Lateness(), window: 0, scale: 0 });
      return;
    }
    const flow = this.flows.get(command.end);
    if (flow === undefined) return;
    this.flows.delete(command.end);
    const { data, acks, window, late } = flow;
    const report: FlowReport = {
      ended: command.end,
      data: data.report,
      acks: acks.report,
      window,
      late: [late.share(0.5), late.share(0.99), late.largest],
    };
    writeSync(1, `${JSON.stringify(report)}\n`);
  }

  private fresh(): Packet {
    return { bytes: new Uint8Array(MTU), length: 0, flow: null, fd: -1, due: 0, enters: null };
  }
}

const clock = (): Micros => performance.now() * 1000;

/** Is this process the relay (see `startRelay`)? Then it relays until its standard input ends. */
export function relayed(): boolean {
  if (process.argv[2] !== '--relay') return false;
  const relay = new Relay(JSON.parse(process.argv[3]!) as Port[]);
  writeSync(1, '{}\n');
  relay.run();
  return true;
}
