import { type Frame, FramePool, HEADROOM } from '../../wire/frame.ts';
import type { Clock, Link, Medium, Task } from '../link.ts';
import type { TunDevice } from './device.ts';
import { EAGAIN, EBADF, EBADFD, type System } from './system.ts';
import { readVnetHeader, VNET_HEADER, writeVnetHeader } from './vnet-header.ts';
import { type Watch, watch } from './watch.ts';

/** Frames that are read in one turn, before others have theirs; what is left makes the descriptor ready again. */
const BATCH = 64;
const ETHERNET = 14;
/** The largest frame that a device with offload gives: a 64 KiB datagram behind an Ethernet header. */
const SUPER = 65536 + ETHERNET;
/** What is larger stays in the frame that it was read into. */
const SMALL = 1900;
/** Largest payload of a super-segment that we give the kernel: with its headers it must be an IP datagram. */
const GSO_MAX = 64000;

/** Counters of a TUN link. */
export class TunCounters {
  rxFrames = 0;
  /** Frames that came cut short, or with a header that is not to be understood. */
  rxErrors = 0;
  txFrames = 0;
  /** Frames that the kernel did not take: the device is down, or out of memory. */
  txDropped = 0;
}

/**
 * A TUN or TAP device: the kernel of the machine is at the other end. Made by `openTun`. Like a server of
 * Node's, it keeps the process alive until it is closed, unless `unref` is called.
 */
export class TunLink implements Link, Task {
  readonly medium: Medium;
  readonly mtu: number;
  /** The device's name in the kernel. */
  readonly name: string;
  /** For `stack.addInterface`: whether the kernel completes checksums and vouches for those that it delivers. */
  readonly checksumOffload: boolean;
  /** For `stack.addInterface`: largest payload of a super-segment that the kernel cuts up; 0: none. */
  readonly gsoMax: number;
  readonly counters = new TunCounters();
  onreceive: ((frame: Frame) => void) | null = null;
  onwritable: (() => void) | null = null;
  onclose: ((reason: string) => void) | null = null;
  private readonly system: System;
  private readonly clock: Pick<Clock, 'soon'>;
  private readonly fd: number;
  private readonly vnetHeader: boolean;
  private readonly watch: Watch;
  private readonly frames = new FramePool();
  /** Room for the largest frame, and for a header in front of it. */
  private readonly room: number;
  /** The next frame to read into, and the place in it. */
  private spare: Frame;
  private place: Uint8Array;
  private scheduled = false;
  private broken = 0;
  private closed = false;

  constructor(system: System, device: TunDevice, clock: Pick<Clock, 'soon'>) {
    this.system = system;
    this.clock = clock;
    this.fd = device.fd;
    this.name = device.name;
    this.medium = device.medium;
    this.mtu = device.mtu;
    this.vnetHeader = device.vnetHeader;
    this.checksumOffload = device.vnetHeader;
    this.gsoMax = device.vnetHeader ? GSO_MAX : 0;
    this.room = device.offload ? SUPER : device.mtu + ETHERNET + 4;
    this.spare = this.frames.take(HEADROOM + this.room);
    this.place = this.placeIn(this.spare);
    this.watch = watch(system, device.fd, error => this.ready(error));
  }

  /** Its offloads, to be spread into the options of `stack.addInterface`. */
  get offloads(): { checksumOffload: boolean; gsoMax: number } {
    return { checksumOffload: this.checksumOffload, gsoMax: this.gsoMax };
  }

  ref(): this {
    this.watch.hold(true);
    return this;
  }

  unref(): this {
    this.watch.hold(false);
    return this;
  }

  /** Written at once: the kernel queues it, and what it answers is read in a later turn. */
  transmit(frame: Frame): boolean {
    if (this.closed) return false;
    const n = this.vnetHeader ? this.writeWithHeader(frame) : this.writeBare(frame);
    frame.release();
    if (n >= 0) this.counters.txFrames++;
    else {
      this.counters.txDropped++;
      if (n === -EBADFD || n === -EBADF) this.ready(n);
    }
    return true;
  }

  /** Reads what is there; called by the clock's loop. */
  run(): void {
    this.scheduled = false;
    for (let i = 0; i < BATCH && !this.closed; i++) {
      const n = this.system.read(this.fd, this.place);
      if (n > 0) this.deliver(n);
      else if (n === -EAGAIN || n === 0) break;
      else {
        this.broken = n;
        break;
      }
    }
    if (this.broken !== 0) this.fail();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onreceive = null;
    this.watch.close();
  }

  /** A moment from within the event loop's poll, where no frame may be handled and nothing thrown. */
  private ready(error: number): void {
    if (error !== 0) this.broken = error;
    if (this.scheduled || this.closed) return;
    this.scheduled = true;
    this.clock.soon(this);
  }

  private fail(): void {
    if (this.closed) return;
    this.close();
    this.onclose?.(`the device ${this.name} is gone`);
  }

  private deliver(n: number): void {
    const { counters } = this;
    const length = this.vnetHeader ? n - VNET_HEADER : n;
    const read = this.spare;
    if (length <= 0 || (this.vnetHeader && !readVnetHeader(this.place, 0, read))) {
      counters.rxErrors++;
      return;
    }
    counters.rxFrames++;
    let frame = read;
    if (length <= SMALL && read.bytes.length > SMALL + HEADROOM + VNET_HEADER) {
      // Most of what comes is small: it is moved to a small frame, and the large one is read into again.
      const from = read.start;
      frame = this.frames.take(HEADROOM + length);
      frame.bytes.set(read.bytes.subarray(from, from + length), frame.start);
      frame.csum = read.csum;
      frame.gsoSize = read.gsoSize;
    } else {
      this.spare = this.frames.take(HEADROOM + this.room);
      this.place = this.placeIn(this.spare);
    }
    frame.end = frame.start + length;
    if (this.onreceive !== null) this.onreceive(frame);
    else frame.release();
  }

  /** Where to read, so that the frame begins at `start`. */
  private placeIn(frame: Frame): Uint8Array {
    const at = frame.start - (this.vnetHeader ? VNET_HEADER : 0);
    return frame.bytes.subarray(at, at + this.room + (this.vnetHeader ? VNET_HEADER : 0));
  }

  private writeBare(frame: Frame): number {
    return this.system.write(this.fd, frame.bytes.subarray(frame.start, frame.end));
  }

  /** The header goes into the free room before the frame, which belongs to nobody; else all is copied. */
  private writeWithHeader(frame: Frame): number {
    const { bytes, start, end } = frame;
    if (start >= VNET_HEADER) {
      const at = start - VNET_HEADER;
      if (!writeVnetHeader(frame, this.medium, bytes, at)) return -EAGAIN;
      return this.system.write(this.fd, bytes.subarray(at, end));
    }
    const copy = new Uint8Array(VNET_HEADER + end - start);
    if (!writeVnetHeader(frame, this.medium, copy, 0)) return -EAGAIN;
    copy.set(bytes.subarray(start, end), VNET_HEADER);
    return this.system.write(this.fd, copy);
  }
}
