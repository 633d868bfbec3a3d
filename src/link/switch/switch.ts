import { MICROS_PER_SECOND, type Micros } from '../../base/time.ts';
import { decodeEthernet, EthernetHeader } from '../../wire/ethernet.ts';
import type { Frame } from '../../wire/frame.ts';
import { OK } from '../../wire/reason.ts';
import type { Clock, Link } from '../link.ts';
import { type MemoryOptions, memoryPair } from '../memory.ts';
import { MacTable } from './mac-table.ts';

export interface SwitchOptions {
  /** A driver's loop. */
  clock: Clock;
  /** Stations that are remembered; the one heard of longest ago goes first. @default 1024 */
  stations?: number;
  /** A station is forgotten after so long without a word, microseconds (IEEE 802.1Q: 300 s). @default 300 s */
  ageing?: Micros;
  /** Frames that may wait for a port whose link is full; more are dropped. @default 512 */
  queue?: number;
}

/** One port of a switch. */
export class SwitchPort {
  readonly link: Link;
  /** Frames that came in by it, went out of it, and found its queue full or were too long for it. */
  received = 0;
  sent = 0;
  dropped = 0;
  private readonly limit: number;
  private waiting: Frame[] = [];

  constructor(link: Link, limit: number) {
    this.link = link;
    this.limit = limit;
  }

  /** Takes over one reference to the frame. */
  send(frame: Frame): void {
    if (frame.length > this.link.mtu + 18 || this.waiting.length >= this.limit) {
      this.dropped++;
      frame.release();
    } else if (this.waiting.length > 0 || !this.link.transmit(frame)) this.waiting.push(frame);
    else this.sent++;
  }

  /** The link has room again. */
  flush(): void {
    let n = 0;
    while (n < this.waiting.length && this.link.transmit(this.waiting[n]!)) n++;
    this.sent += n;
    this.waiting.splice(0, n);
  }

  clear(): void {
    for (const frame of this.waiting) frame.release();
    this.waiting = [];
  }
}

/**
 * A learning Ethernet switch whose ports are links. It learns from source addresses which port a station is
 * behind, sends frames for it only there, and floods what is for a group or for a station not heard of.
 *
 * There is no spanning tree: two switches joined by two ways make a loop, in which a broadcast runs for
 * ever. Join them by one.
 */
export class Switch {
  readonly ports: SwitchPort[] = [];
  private readonly clock: Clock;
  private readonly queue: number;
  private readonly table: MacTable<SwitchPort>;
  private readonly header = new EthernetHeader();
  /** Frames without a readable Ethernet header, or with a group for their source. */
  malformed = 0;

  /** @throws RangeError if an option is out of range */
  constructor(options: SwitchOptions) {
    const { clock, stations = 1024, ageing = 300 * MICROS_PER_SECOND, queue = 512 } = options;
    if (!(stations >= 1 && ageing > 0 && queue >= 1))
      throw new RangeError('stations, ageing and queue: expected numbers above 0');
    this.clock = clock;
    this.queue = queue;
    this.table = new MacTable(stations, ageing);
  }

  /** Stations that are known, aged ones that nobody has asked for since included. */
  get stations(): number {
    return this.table.size;
  }

  /**
   * Makes a link a port. When the link closes, the port goes.
   * @throws TypeError if the link carries no Ethernet
   */
  add(link: Link): SwitchPort {
    if (link.medium !== 'ethernet') throw new TypeError('a switch joins Ethernet links, this one carries IP');
    const port = new SwitchPort(link, this.queue);
    this.ports.push(port);
    link.onreceive = frame => this.receive(port, frame.gather());
    link.onwritable = () => port.flush();
    link.onclose = () => this.remove(port);
    return port;
  }

  /** A new port of which this is the far end, for a stack in the same thread: attach it to a driver. */
  connect(options: Omit<MemoryOptions, 'medium'> = {}): Link {
    const [near, far] = memoryPair(this.clock, { ...options, medium: 'ethernet' });
    this.add(near);
    return far;
  }

  /** Takes a port out; its link is left open. */
  remove(port: SwitchPort): void {
    const at = this.ports.indexOf(port);
    if (at < 0) return;
    this.ports.splice(at, 1);
    this.table.forget(port);
    port.clear();
    port.link.onreceive = null;
    port.link.onwritable = null;
    port.link.onclose = null;
  }

  /** Closes all links. */
  close(): void {
    for (const port of [...this.ports]) {
      this.remove(port);
      port.link.close();
    }
  }

  private receive(from: SwitchPort, frame: Frame): void {
    const h = this.header;
    from.received++;
    if (decodeEthernet(frame.bytes, frame.start, frame.end, h) !== OK || h.source.isMulticast) {
      this.malformed++;
      frame.release();
      return;
    }
    const now = this.clock.now();
    this.table.learn(h.source, from, now);
    const to = h.destination.isMulticast ? null : this.table.find(h.destination, now);
    if (to !== null) {
      if (to === from) frame.release();
      else to.send(frame);
      return;
    }
    for (const port of this.ports) if (port !== from) port.send(frame.retain());
    frame.release();
  }
}
