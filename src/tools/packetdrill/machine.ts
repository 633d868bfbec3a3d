import type { Address } from '../../base/address.ts';
import { seededRandom } from '../../base/random.ts';
import { MICROS_PER_SECOND, type Micros, NEVER } from '../../base/time.ts';
import type { Pending } from '../../socket/pending.ts';
import { Sockets } from '../../socket/sockets.ts';
import type { Interface } from '../../stack/interface.ts';
import { Stack } from '../../stack/stack.ts';
import type { Config } from './config.ts';
import { type LivePacket, viewPacket } from './packet-view.ts';
import type { Knobs, RouteChange } from './shell/machine-commands.ts';
import { socketTable } from './socket-table.ts';

/** How long the machine has been up when a script begins, and where in a jiffy: 250 µs past its edge, as the tool has it. */
const UPTIME: Micros = 1000_000_250;
/** Steps at one moment after which the stack is said to be running in circles. */
const MAX_STEPS = 100_000;
const MOMENT: Micros = 1;
/** Packets that may wait to be looked at. */
const MAX_PACKETS = 200_000;
/** Nothing is simulated beyond this: a day. */
const HORIZON: Micros = 86_400 * MICROS_PER_SECOND;
/** Packets that may wait to be taken from the interface: they are taken at once. */
const QUEUE_LENGTH = 100_000;
const SUPER_SEGMENT = 64000;
/** Settings of Linux that change nothing that a script could see here. */
const HARMLESS = /(^|[./])(tcp_(plb|ao|available|allowed|fwmark|l3mdev|child_ehash)\w*|default_qdisc)$/;

/**
 * The machine under test: one host with one interface, `tun0`, in virtual time. What the stack emits is
 * kept with its time until the runner takes it; nothing is lost or delayed.
 */
export class Machine implements Knobs {
  readonly stack: Stack;
  readonly sockets: Sockets;
  /** What has left the stack and nobody has looked at yet, oldest first. */
  readonly emitted: LivePacket[] = [];
  /** Waiting calls that have come to their end, with the time of it. */
  readonly finished: Pending[] = [];
  /** Settings that were understood but have no effect here. */
  readonly notes: string[] = [];
  private readonly tun: Interface;
  private readonly config: Config;
  private readonly origin: Micros = UPTIME;
  private time: Micros = UPTIME;

  constructor(config: Config) {
    this.config = config;
    this.stack = new Stack({
      name: 'machine',
      random: seededRandom('packetdrill'),
      start: UPTIME,
      hz: config.hz,
    });
    this.sockets = new Sockets(this.stack);
    const gsoMax = config.strictSegments ? SUPER_SEGMENT : 0;
    this.tun = this.stack.addInterface({
      name: 'tun0',
      medium: 'ip',
      mtu: config.mtu,
      txQueueLength: QUEUE_LENGTH,
      gsoMax,
    });
    this.tun.addAddress(`${config.localIp}/${config.localIp.is4 ? 16 : 64}`);
    this.defaultRoute();
  }

  /** The stack's time when the script began. */
  get start(): Micros {
    return this.origin;
  }

  /** Virtual time since the script's start. */
  get now(): Micros {
    return this.time - this.origin;
  }

  /** Delivers what calls have caused: waiting calls that can end, packets that can leave. */
  settle(): void {
    for (let i = 0; i < 100; i++) {
      for (const p of this.sockets.settle()) this.finished.push(p);
      const before = this.emitted.length;
      this.stack.transmit(this.tun, this.time, frame => {
        const packet = viewPacket(frame.bytes.slice(frame.start, frame.end), this.now);
        frame.release();
        if (packet !== null && this.emitted.length < MAX_PACKETS) this.emitted.push(packet);
        return true;
      });
      if (this.emitted.length === before && this.stack.deadline() > this.time) break;
      if (this.stack.deadline() <= this.time) this.stack.expire(this.time);
    }
    for (const p of this.sockets.settle()) this.finished.push(p);
  }

  /** Hands a datagram to the stack. @param segmentSize size of the pieces of a super-segment, 0 for a plain packet */
  inject(bytes: Uint8Array, segmentSize: number): void {
    const frame = this.stack.frames.from(bytes);
    frame.gsoSize = segmentSize;
    this.stack.receive(this.tun, frame, this.time);
    this.settle();
  }

  /**
   * Lets time pass up to `until`, or until `enough` says so after something has happened.
   * @returns whether it was `enough`
   */
  advance(until: Micros, enough: () => boolean = () => false): boolean {
    const limit = this.origin + until;
    let steps = 0;
    for (;;) {
      const due = Math.min(this.stack.deadline(), this.sockets.deadline());
      if (due > limit || due > HORIZON) break;
      if (due > this.time) {
        this.time = due;
        steps = 0;
      } else if (++steps > MAX_STEPS)
        throw new Error(`the stack's deadline stays at ${due - this.origin} µs`);
      this.stack.tick(this.time);
      this.stack.expire(this.time);
      this.settle();
      if (enough()) return true;
    }
    if (limit > this.time && limit !== NEVER) {
      this.time = limit;
      this.stack.tick(limit);
    }
    return false;
  }

  /**
   * Lets a moment pass: what a real machine needs for one packet or call. Without it, everything that a script
   * does at one time would carry one time stamp, and "sent before" would have no meaning.
   */
  elapse(): void {
    this.time += MOMENT;
    this.stack.tick(this.time);
  }

  close(): void {
    this.stack.close();
  }

  // What commands may see and change.

  getSysctl(name: string): string | null {
    return this.stack.sysctl.get(name);
  }

  setSysctl(name: string, value: string): string | null {
    const result = this.stack.sysctl.set(name, value);
    if (result.ok) return null;
    // A command of several lines ends with the status of its last: what went wrong before is worth a note.
    this.notes.push(result.error);
    return HARMLESS.test(name) ? null : result.error;
  }

  forgetServers(): void {
    this.stack.tcp.fastOpen.forget();
  }

  counters(): readonly (readonly [string, number])[] {
    return this.stack.mib.entries();
  }

  socketTable(v6: boolean): string {
    return socketTable(this.stack.tcp, v6);
  }

  setMtu(mtu: number): void {
    if (mtu >= 68 && mtu <= 65536) this.tun.mtu = mtu;
  }

  setAddress(text: string): void {
    if (!this.config.localIp.is4) return;
    for (const a of [...this.tun.addresses]) if (a.address.is4) this.tun.removeAddress(a.address.toString());
    this.tun.addAddress(text.includes('/') ? text : `${text}/16`);
    this.defaultRoute();
  }

  private defaultRoute(): void {
    const everywhere = this.config.localIp.is4 ? '0.0.0.0/0' : '::/0';
    this.stack.routes.remove(everywhere, this.tun);
    this.stack.routes.add({ destination: everywhere, interface: this.tun });
  }

  route(change: RouteChange): string | null {
    if (/^del/.test(change.verb)) return null;
    const four = !change.v6;
    if (four !== this.config.localIp.is4) return null;
    const everywhere = four ? '0.0.0.0/0' : '::/0';
    const destination = change.destination === 'default' ? everywhere : change.destination;
    this.stack.routes.remove(destination, this.tun);
    const result = this.stack.routes.add({
      destination,
      interface: this.tun,
      mtu: change.mtu ?? 0,
      advmss: change.advmss ?? 0,
      initcwnd: change.initcwnd ?? 0,
    });
    return result < 0 ? `this route cannot be: ${destination}` : null;
  }

  setQueue(discipline: string, limit: number | null): void {
    this.tun.paced = discipline === 'fq';
    this.tun.txQueueLength = limit ?? QUEUE_LENGTH;
  }

  setOffload(): void {
    // Segments are joined before they are compared: with offload or without, scripts see the same.
  }

  /** The remote end as the stack sees it: an address of the script's family. */
  get remote(): Address {
    return this.config.remoteIp;
  }
}
