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
  /** Connections to this port of a server have a wire of their own, or the one of that name. */
  | { readonly flow: number; readonly wire: Wire; readonly seeds: Seeds; readonly shared?: string }
  /** Forget the flow, and say what became of its packets. */
  | { readonly end: number };

/** Of the two directions. */
export interface Seeds {
  readonly data: string;
  readonly acks: string;
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

interface Flow {
  readonly data: Direction;
  readonly acks: Direction;
  readonly late: Lateness;
  window: number;
  scale: number;
}

interface Packet {
  readonly bytes: Uint8Array;
  length: number;
  flow: Flow | null;
  /** Where it goes, and when. */
  fd: number;
  due: Micros;
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
        this.leave(due.pop()!);
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
    const at = (segment.acks ? flow.acks : flow.data).offer(clock(), packet.length);
    if (at < 0) return false;
    packet.flow = flow;
    packet.fd = to;
    packet.due = at;
    this.due.push(at, packet);
    return true;
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
      let both = shared === undefined ? undefined : this.shared.get(shared);
      both ??= [new Direction(wire, seeds.data), new Direction(wire, seeds.acks)];
      if (shared !== undefined) this.shared.set(shared, both);
      this.flows.set(flow, { data: both[0], acks: both[1], late: new Lateness(), window: 0, scale: 0 });
      return;
    }
    const flow = this.flows.get(command.end);
    if (flow === undefined) return;
    this.flows.delete(command.end);
    const { data, acks, window, late } = flow;
    const report: FlowReport = {
      ended: command.end,
      data: counts(data),
      acks: counts(acks),
      window,
      late: [late.share(0.5), late.share(0.99), late.largest],
    };
    writeSync(1, `${JSON.stringify(report)}\n`);
  }

  private fresh(): Packet {
    return { bytes: new Uint8Array(MTU), length: 0, flow: null, fd: -1, due: 0 };
  }
}

const clock = (): Micros => performance.now() * 1000;
const counts = ({ offered, lost, overflowed }: Direction): DirectionReport => ({ offered, lost, overflowed });

/** Is this process the relay (see `startRelay`)? Then it relays until its standard input ends. */
export function relayed(): boolean {
  if (process.argv[2] !== '--relay') return false;
  const relay = new Relay(JSON.parse(process.argv[3]!) as Port[]);
  writeSync(1, '{}\n');
  relay.run();
  return true;
}
