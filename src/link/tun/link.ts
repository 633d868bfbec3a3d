import { Coalescer } from '../../ip/gro.ts';
import { ETHERNET_HEADER } from '../../wire/ethernet.ts';
import { type Frame, FramePool, HEADROOM } from '../../wire/frame.ts';
import type { Clock, Link, Medium, Offloads, Task } from '../link.ts';
import { Aio } from './aio.ts';
import { BATCH, type Batch, OneByOne } from './batch.ts';
import type { TunDevice } from './device.ts';
import { EAGAIN, EBADF, EBADFD, type System } from './system.ts';
import { readVnetHeader, VNET_HEADER, writeVnetHeader } from './vnet-header.ts';
import { type Watch, watch } from './watch.ts';

/** Reads that are tried at first. Each that finds nothing costs 0.3 µs. */
const FEW = 2;
/** Reads of super-segments at most in one go: each has 64 KiB of its own. */
const FEW_LARGE = 16;
/** Bytes that wait to be written at most: the reader on another core shall not be kept waiting. */
const WRITE_BYTES = 64 * 1024;
/** The largest frame that a device with offload gives: a 64 KiB datagram behind an Ethernet header. */
const SUPER = 65536 + ETHERNET_HEADER;
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
  private readonly clock: Pick<Clock, 'soon'>;
  private readonly vnetHeader: boolean;
  private readonly watch: Watch;
  private readonly batch: Batch;
  private readonly frames = new FramePool();
  /** Joins what the kernel gives one by one; null if it need not. */
  private readonly coalescer: Coalescer | null;
  /** Room for the largest frame. */
  private readonly room: number;
  private readonly mostReads: number;
  /** Frames to read into. */
  private readonly slots: Frame[] = [];
  /** Reads that the next turn tries. */
  private reads = FEW;
  /** Frames to be written, and their bytes. */
  private readonly waiting: Frame[] = [];
  private waitingBytes = 0;
  private readonly flushing: Task = { run: () => this.flush() };
  private scheduled = false;
  /**
   * Read again after what is written next: the kernel has often answered by then, which spares the way through
   * the event loop. Once for each event, so that programs get their turn.
   */
  private look = false;
  private broken = 0;
  private closed = false;

  constructor(system: System, device: TunDevice, clock: Pick<Clock, 'soon'>, gro = true) {
    this.clock = clock;
    this.name = device.name;
    this.medium = device.medium;
    this.mtu = device.mtu;
    this.vnetHeader = device.vnetHeader;
    this.checksumOffload = device.vnetHeader;
    this.gsoMax = device.vnetHeader ? GSO_MAX : 0;
    this.room = device.offload ? SUPER : device.mtu + ETHERNET_HEADER + 4;
    this.mostReads = device.offload ? FEW_LARGE : BATCH;
    const header = device.medium === 'ethernet' ? ETHERNET_HEADER : 0;
    this.coalescer =
      gro && !device.offload ? new Coalescer(this.frames, header, frame => this.pass(frame)) : null;
    this.batch = Aio.open(device.fd) ?? new OneByOne(system, device.fd);
    this.watch = watch(system, device.fd, error => this.ready(error));
  }

  /** Its offloads, to be spread into the options of `stack.addInterface`. */
  get offloads(): Offloads {
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

  /** Written within this turn of the loop, with what else is sent in it. */
  transmit(frame: Frame): boolean {
    if (this.closed) return false;
    const { waiting } = this;
    const ready = this.vnetHeader ? this.withHeader(frame) : frame;
    if (ready === null) {
      this.counters.txDropped++;
      frame.release();
      return true;
    }
    const at = ready.start - (this.vnetHeader ? VNET_HEADER : 0);
    const n = ready.end - at;
    this.batch.set(BATCH + waiting.length, ready.bytes, at, n);
    if (waiting.push(ready) === 1) this.clock.soon(this.flushing);
    this.waitingBytes += n;
    if (waiting.length === BATCH || this.waitingBytes >= WRITE_BYTES) this.flush();
    return true;
  }

  kick(): void {
    this.flush();
  }

  /** Reads what is there; called by the clock's loop. */
  run(): void {
    this.scheduled = false;
    this.flush();
    if (this.closed) return;
    const { batch, reads, slots } = this;
    while (slots.length < reads) this.prepare(slots.length);
    batch.submit(0, reads);
    let got = 0;
    for (let i = 0; i < reads; i++) {
      const n = batch.results[i]!;
      if (n > 0) {
        got++;
        this.deliver(i, n);
      } else if (n !== -EAGAIN && n !== 0) this.broken = n;
    }
    this.coalescer?.flush();
    if (this.closed) return;
    // What is left makes the descriptor ready again, after programs and other links have had their turn.
    this.reads = got === reads ? Math.min(2 * reads, this.mostReads) : Math.max(FEW, (reads + got + 1) >> 1);
    if (this.broken !== 0) this.fail();
  }

  close(): void {
    if (this.closed) return;
    this.flush();
    this.closed = true;
    this.onreceive = null;
    this.batch.close();
    this.watch.close();
  }

  /** Writes what waits. */
  private flush(): void {
    const { waiting, batch, counters } = this;
    if (waiting.length === 0 || this.closed) return;
    batch.submit(BATCH, waiting.length);
    for (let i = 0; i < waiting.length; i++) {
      const n = batch.results[BATCH + i]!;
      if (n >= 0) counters.txFrames++;
      else {
        counters.txDropped++;
        if (n === -EBADFD || n === -EBADF) this.broken = n;
      }
      waiting[i]!.release();
    }
    waiting.length = 0;
    this.waitingBytes = 0;
    if (this.broken !== 0 || this.look) this.soon();
    this.look = false;
  }

  /** A moment from within the event loop's poll, where no frame may be handled and nothing thrown. */
  private ready(error: number): void {
    if (error !== 0) this.broken = error;
    this.look = true;
    this.soon();
  }

  private soon(): void {
    if (this.scheduled || this.closed) return;
    this.scheduled = true;
    this.clock.soon(this);
  }

  private fail(): void {
    if (this.closed) return;
    this.close();
    this.onclose?.(`the device ${this.name} is gone`);
  }

  private deliver(i: number, n: number): void {
    const { counters } = this;
    const length = this.vnetHeader ? n - VNET_HEADER : n;
    const read = this.slots[i]!;
    if (length <= 0 || (this.vnetHeader && !readVnetHeader(read.bytes, read.start - VNET_HEADER, read))) {
      counters.rxErrors++;
      return;
    }
    counters.rxFrames++;
    let frame = read;
    if (length <= SMALL && this.room === SUPER) {
      // Most of what comes is small: it is moved to a small frame, and the large one is read into again.
      const from = read.start;
      frame = this.frames.take(HEADROOM + length);
      frame.bytes.set(read.bytes.subarray(from, from + length), frame.start);
      frame.csum = read.csum;
      frame.gsoSize = read.gsoSize;
    } else this.prepare(i);
    frame.end = frame.start + length;
    if (this.coalescer !== null) this.coalescer.add(frame);
    else this.pass(frame);
  }

  private pass(frame: Frame): void {
    if (this.onreceive !== null) this.onreceive(frame);
    else frame.release();
  }

  /** A fresh frame to read into, so that what the device gives begins at `start`. */
  private prepare(i: number): void {
    const frame = this.frames.take(HEADROOM + this.room);
    const header = this.vnetHeader ? VNET_HEADER : 0;
    this.slots[i] = frame;
    this.batch.set(i, frame.bytes, frame.start - header, this.room + header);
  }

  /** The header goes into the free room before the frame, which belongs to nobody; else all is copied. */
  private withHeader(frame: Frame): Frame | null {
    if (frame.start >= VNET_HEADER)
      return writeVnetHeader(frame, this.medium, frame.bytes, frame.start - VNET_HEADER) ? frame : null;
    const copy = this.frames.take(HEADROOM + frame.length);
    copy.bytes.set(frame.bytes.subarray(frame.start, frame.end), copy.start);
    copy.end = copy.start + frame.length;
    copy.csum = frame.csum;
    copy.gsoSize = frame.gsoSize;
    if (!writeVnetHeader(copy, this.medium, copy.bytes, copy.start - VNET_HEADER)) {
      copy.release();
      return null;
    }
    frame.release();
    return copy;
  }
}
