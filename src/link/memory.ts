import type { Frame } from '../wire/frame.ts';
import type { Clock, Link, Medium, Offloads, Task } from './link.ts';

/** Segments of up to 64 KB go through whole, unsummed and uncopied: both ends are in this process. */
export const MEMORY_OFFLOADS: Offloads = { checksumOffload: true, gsoMax: 64000, scatter: true };

export interface MemoryOptions {
  /** @default 'ip' */
  medium?: Medium;
  /** @default 1500 */
  mtu?: number;
  /** Frames that may wait in each direction before `transmit` refuses. @default 1024 */
  queue?: number;
  /**
   * Carry super-segments as they are, by reference. Leave it off where frames shall be as on a wire of this MTU, or
   * where something in between looks into them. @default false
   */
  offload?: boolean;
  /**
   * Carry frames of this MTU with their checksums, but their payload by reference: what most of `offload` saves, where
   * segments shall be as on a wire. @default as `offload`
   */
  scatter?: boolean;
}

/**
 * Two links that are each other's far end, in one process. A frame transmitted on one arrives at the other
 * in the next turn of the clock's loop.
 */
export function memoryPair(
  clock: Pick<Clock, 'soon'>,
  options: MemoryOptions = {},
): [MemoryLink, MemoryLink] {
  const a = new MemoryLink(clock, options);
  const b = new MemoryLink(clock, options);
  a.peer = b;
  b.peer = a;
  return [a, b];
}

export class MemoryLink implements Link, Task {
  readonly medium: Medium;
  readonly mtu: number;
  readonly offloads: Offloads;
  onreceive: ((frame: Frame) => void) | null = null;
  onwritable: (() => void) | null = null;
  onclose: ((reason: string) => void) | null = null;
  peer: MemoryLink | null = null;
  private readonly clock: Pick<Clock, 'soon'>;
  private readonly limit: number;
  /** Frames on their way to this end, the first `waiting` of the array; `spare` is that of the last delivery. */
  private inbox: Frame[] = [];
  private waiting = 0;
  private spare: Frame[] = [];
  private scheduled = false;
  private refused = false;
  private closed = false;

  constructor(clock: Pick<Clock, 'soon'>, options: MemoryOptions) {
    this.clock = clock;
    this.medium = options.medium ?? 'ip';
    this.mtu = options.mtu ?? 1500;
    this.offloads = options.offload ? MEMORY_OFFLOADS : options.scatter ? BY_REFERENCE : NONE;
    this.limit = options.queue ?? 1024;
  }

  transmit(frame: Frame): boolean {
    const peer = this.peer;
    if (peer === null || peer.closed) {
      if (this.closed) return false;
      frame.release();
      return true;
    }
    if (peer.waiting >= this.limit) {
      this.refused = true;
      return false;
    }
    peer.inbox[peer.waiting++] = frame;
    if (!peer.scheduled) {
      peer.scheduled = true;
      this.clock.soon(peer);
    }
    return true;
  }

  /** Delivers what has been queued; called by the clock's loop. */
  run(): void {
    this.scheduled = false;
    const frames = this.inbox;
    const n = this.waiting;
    this.inbox = this.spare;
    this.spare = frames;
    this.waiting = 0;
    for (let i = 0; i < n; i++) {
      const frame = frames[i]!;
      if (this.onreceive !== null) this.onreceive(frame);
      else frame.release();
    }
    const peer = this.peer;
    if (peer?.refused) {
      peer.refused = false;
      peer.onwritable?.();
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (let i = 0; i < this.waiting; i++) this.inbox[i]!.release();
    this.waiting = 0;
    this.inbox = [];
    this.spare = [];
    this.onreceive = null;
    const peer = this.peer;
    this.peer = null;
    if (peer !== null && !peer.closed) peer.onclose?.('the other end of the link was closed');
  }
}

const NONE: Offloads = { checksumOffload: false, gsoMax: 0 };
const BY_REFERENCE: Offloads = { checksumOffload: false, gsoMax: 0, scatter: true };
