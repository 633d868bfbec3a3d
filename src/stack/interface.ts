import { Address } from '../base/address.ts';
import { EADDRNOTAVAIL, EEXIST, EINVAL, ENOSPC } from '../base/errno.ts';
import type { Device, InterfaceAddress, Medium } from '../ip/device.ts';
import { parsePrefix } from '../ip/prefix.ts';
import type { Mac } from '../wire/ethernet.ts';
import type { Frame } from '../wire/frame.ts';

/** The most addresses that one interface may have. */
export const MAX_ADDRESSES = 4096;
/** Frames that TCP may send at once after it has looked whether there is room. */
const BURST = 16;

/** Counters as `ip -s link` shows them. */
export class InterfaceCounters {
  rxPackets = 0;
  rxBytes = 0;
  /** Frames that came while the interface was down, or for another hardware address. */
  rxDropped = 0;
  /** Frames whose link header could not be read. */
  rxErrors = 0;
  txPackets = 0;
  txBytes = 0;
  /** Frames that found the queue full or the interface down. */
  txDropped = 0;
}

/** What an interface tells its stack. */
export interface InterfaceHost {
  addressAdded(ifc: Interface, entry: InterfaceAddress, detectDuplicates: boolean): void;
  addressRemoved(ifc: Interface, entry: InterfaceAddress): void;
  /** Up, down or another MTU. */
  linkChanged(ifc: Interface): void;
  queueFull(): void;
}

/** What an interface is from the start: the options of `Stack.addInterface` with their defaults filled in. */
export interface InterfaceSettings {
  readonly name: string;
  readonly medium: Medium;
  readonly loopback: boolean;
  readonly mac: Mac | null;
  readonly mtu: number;
  readonly txQueueLength: number;
  readonly gsoMax: number;
  readonly checksumOffload: boolean;
  readonly scatter: boolean;
}

/** lo, as Linux has it: 64 KiB frames that nobody sums, and here nobody copies. */
export const LOOPBACK: InterfaceSettings = {
  name: 'lo',
  medium: 'ip',
  loopback: true,
  mac: null,
  mtu: 65536,
  txQueueLength: 1000,
  gsoMax: 0,
  checksumOffload: true,
  scatter: true,
};

/** An interface of a host: addresses, a bounded transmit queue, counters. `Stack.addInterface` makes it. */
export class Interface implements Device {
  readonly index: number;
  readonly name: string;
  readonly medium: Medium;
  readonly loopback: boolean;
  readonly mac: Mac | null;
  readonly gsoMax: number;
  /** Spread TCP's packets in time by each connection's pacing rate, as Linux does under fq. */
  paced = false;
  readonly checksumOffload: boolean;
  readonly scatter: boolean;
  /** Frames that may wait to be taken by the link; more are dropped. */
  private queueLength: number;
  readonly addresses: InterfaceAddress[] = [];
  readonly counters = new InterfaceCounters();
  private readonly host: InterfaceHost;
  private congestedAt: number;
  private linkMtu: number;
  private running = true;
  /** Circular; its length is a power of two. */
  private ring: (Frame | null)[] = new Array<Frame | null>(16).fill(null);
  private head = 0;
  private count = 0;

  constructor(host: InterfaceHost, index: number, settings: InterfaceSettings) {
    this.host = host;
    this.index = index;
    this.name = settings.name;
    this.medium = settings.medium;
    this.loopback = settings.loopback;
    this.mac = settings.mac;
    this.linkMtu = settings.mtu;
    this.queueLength = settings.txQueueLength;
    this.congestedAt = congestionMark(settings.txQueueLength);
    this.gsoMax = settings.gsoMax;
    this.checksumOffload = settings.checksumOffload;
    this.scatter = settings.scatter;
  }

  get isUp(): boolean {
    return this.running;
  }

  /** Largest IP datagram in bytes: 68..65536 (IPv6 wants 1280). */
  get mtu(): number {
    return this.linkMtu;
  }

  set mtu(bytes: number) {
    checkMtu(bytes);
    this.linkMtu = bytes;
    this.host.linkChanged(this);
  }

  get txQueueLength(): number {
    return this.queueLength;
  }

  /** With a length of 0 every frame is dropped, and whoever sends is told (Linux's `pfifo limit 0`). */
  set txQueueLength(frames: number) {
    this.queueLength = frames;
    this.congestedAt = congestionMark(frames);
  }

  /** Frames that wait. */
  get queued(): number {
    return this.count;
  }

  /** A quarter of the queue, at least a burst of TCP's, is kept for those who can't wait. */
  get isCongested(): boolean {
    return this.count >= this.congestedAt;
  }

  /**
   * Gives the interface an address and its subnet's route.
   * @param text `10.9.0.1/24` or `2001:db8::1/64`; without a length it stands alone
   * @param detectDuplicates ask the link first whether somebody has it (IPv6, RFC 4862 §5.4)
   * @returns 0, −EINVAL if it does not parse or is no host's address, −EEXIST, −ENOSPC at MAX_ADDRESSES
   */
  addAddress(text: string, detectDuplicates = false): number {
    const prefix = parsePrefix(text);
    if (prefix === null) return -EINVAL;
    let { address } = prefix;
    if (address.isAny || address.isMulticast || (address.is4 && address.d === -1)) return -EINVAL;
    if (!address.is4 && address.isLinkLocal) {
      address = new Address(address.a, address.b, address.c, address.d, this.index);
    }
    if (this.addresses.some(a => a.address.equals(address))) return -EEXIST;
    if (this.addresses.length >= MAX_ADDRESSES) return -ENOSPC;
    const hostBits = 128 - prefix.length;
    const broadcast =
      address.is4 && hostBits >= 2 && !this.loopback
        ? Address.v4(hostBits >= 32 ? -1 : address.d | ((1 << hostBits) - 1))
        : null;
    const entry: InterfaceAddress = { address, length: prefix.length, broadcast, tentative: false };
    this.addresses.push(entry);
    this.host.addressAdded(this, entry, detectDuplicates);
    return 0;
  }

  /** @param text as for `addAddress`, a length is ignored. @returns 0, −EINVAL, −EADDRNOTAVAIL */
  removeAddress(text: string): number {
    const prefix = parsePrefix(text);
    if (prefix === null) return -EINVAL;
    const { a, b, c, d } = prefix.address;
    const at = this.addresses.findIndex(
      x => x.address.a === a && x.address.b === b && x.address.c === c && x.address.d === d,
    );
    if (at < 0) return -EADDRNOTAVAIL;
    const [entry] = this.addresses.splice(at, 1);
    if (entry !== undefined) this.host.addressRemoved(this, entry);
    return 0;
  }

  up(): void {
    if (this.running) return;
    this.running = true;
    this.host.linkChanged(this);
  }

  /** Drops what is queued; nothing is received or sent until `up`. */
  down(): void {
    if (!this.running) return;
    this.running = false;
    this.flush();
    this.host.linkChanged(this);
  }

  enqueue(frame: Frame): boolean {
    if (this.count >= this.queueLength || !this.running) {
      this.counters.txDropped++;
      this.host.queueFull();
      frame.release();
      return false;
    }
    if (this.count === this.ring.length) this.grow();
    this.ring[(this.head + this.count) & (this.ring.length - 1)] = frame;
    this.count++;
    return true;
  }

  /** Takes the first frame out; null if none waits. */
  dequeue(): Frame | null {
    if (this.count === 0) return null;
    const frame = this.ring[this.head]!;
    this.ring[this.head] = null;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.count--;
    this.counters.txPackets++;
    this.counters.txBytes += frame.length;
    return frame;
  }

  /**
   * Gives the queued frames to `sink`, which owns what it takes, until it says no.
   * @returns false if it said no
   */
  drain(sink: (frame: Frame) => boolean): boolean {
    while (this.count > 0) {
      const frame = this.ring[this.head]!;
      const { length } = frame;
      // The sink may give the frame back to its pool at once: it is not touched afterwards.
      if (!sink(frame)) return false;
      this.ring[this.head] = null;
      this.head = (this.head + 1) & (this.ring.length - 1);
      this.count--;
      this.counters.txPackets++;
      this.counters.txBytes += length;
    }
    return true;
  }

  /** Drops what is queued. */
  flush(): void {
    while (this.count > 0) {
      this.ring[this.head]?.release();
      this.ring[this.head] = null;
      this.head = (this.head + 1) & (this.ring.length - 1);
      this.count--;
    }
    this.ring = new Array<Frame | null>(16).fill(null);
    this.head = 0;
  }

  private grow(): void {
    const old = this.ring;
    this.ring = new Array<Frame | null>(old.length * 2).fill(null);
    for (let i = 0; i < this.count; i++) this.ring[i] = old[(this.head + i) & (old.length - 1)]!;
    this.head = 0;
  }
}

/** How many frames must wait for the queue to be called nearly full. */
const congestionMark = (length: number): number =>
  length === 0 ? Number.POSITIVE_INFINITY : Math.max(1, length - Math.max(BURST, length >>> 2));

/** @throws RangeError if no link can have this MTU */
export function checkMtu(bytes: number): void {
  if (!(Number.isInteger(bytes) && bytes >= 68 && bytes <= 65536)) {
    throw new RangeError(`mtu ${bytes}: expected a whole number of bytes, 68..65536`);
  }
}
