import { type Frame, FramePool } from '../../wire/frame.ts';
import type { Clock, Link, Medium, Task } from '../link.ts';
import { checkLinkMtu, MessageCounters } from '../message-counters.ts';
import { longest, shortest, WireBytes } from '../wire-bytes.ts';

/** A `MessagePort` or `Worker` of browsers, a worker's own `self`, a `MessagePort` or `parentPort` of Node. */
export interface EventPort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: 'message' | 'close', listener: (event: { readonly data?: unknown }) => void): void;
  /** Message ports have it, workers do not. */
  start?(): void;
  close?(): void;
}

/** A `Worker` of Node's worker_threads, as its maker sees it. */
export interface EmitterPort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  on(type: 'message' | 'exit', listener: (value: unknown) => void): unknown;
}

export type PortLike = EventPort | EmitterPort;

export interface MessagePortLinkOptions {
  /** A driver's loop. */
  clock: Pick<Clock, 'soon'>;
  /** @default 'ip' */
  medium?: Medium;
  /** @default 1500 */
  mtu?: number;
  /** Frames under way that the other end has not taken yet, before `transmit` refuses. @default 1024 */
  queue?: number;
  /** Where frames that arrive are taken from: the stack's own pool, to share it. */
  frames?: FramePool;
}

/**
 * A link through a message port, to a stack in another thread, worker or page. Both ends are MessagePortLinks.
 *
 * The frames of one turn go as one message, an array of Uint8Arrays whose memory is transferred. The other end
 * answers with a number, how many it has taken: so at most `queue` are under way, however slow it is. `null`
 * says that an end was closed.
 */
export class MessagePortLink implements Link, Task {
  readonly medium: Medium;
  readonly mtu: number;
  readonly counters = new MessageCounters();
  onreceive: ((frame: Frame) => void) | null = null;
  onwritable: (() => void) | null = null;
  onclose: ((reason: string) => void) | null = null;
  private readonly port: PortLike;
  private readonly clock: Pick<Clock, 'soon'>;
  private readonly frames: FramePool;
  private readonly limit: number;
  private readonly wire: WireBytes;
  private readonly least: number;
  private readonly most: number;
  /** Copies to send at the end of this turn. */
  private batch: Uint8Array<ArrayBuffer>[] = [];
  /** Frames under way, those of the batch included. */
  private outstanding = 0;
  private refused = false;
  private closed = false;

  /** @throws RangeError if `mtu` or `queue` is out of range */
  constructor(port: PortLike, options: MessagePortLinkOptions) {
    this.port = port;
    this.clock = options.clock;
    this.medium = options.medium ?? 'ip';
    this.mtu = checkLinkMtu(options.mtu ?? 1500);
    this.limit = options.queue ?? 1024;
    if (!(this.limit >= 1)) throw new RangeError(`queue ${this.limit}: expected at least 1 frame`);
    this.frames = options.frames ?? new FramePool();
    this.wire = new WireBytes(this.medium);
    this.least = shortest(this.medium);
    this.most = longest(this.medium, this.mtu);
    if ('addEventListener' in port) {
      port.addEventListener('message', event => this.message(event.data));
      port.addEventListener('close', () => this.gone('the message port was closed'));
      port.start?.();
    } else {
      port.on('message', value => this.message(value));
      port.on('exit', () => this.gone('the worker has ended'));
    }
  }

  transmit(frame: Frame): boolean {
    if (this.closed) return false;
    if (this.outstanding >= this.limit) {
      this.refused = true;
      return false;
    }
    if (frame.length > this.most) this.counters.unsent++;
    else {
      if (this.batch.length === 0) this.clock.soon(this);
      this.batch.push(this.wire.copy(frame));
      this.outstanding++;
      this.counters.sent++;
    }
    frame.release();
    return true;
  }

  /** Sends the frames of this turn; called by the clock. */
  run(): void {
    const { batch } = this;
    if (this.closed || batch.length === 0) return;
    this.batch = [];
    this.port.postMessage(
      batch,
      batch.map(b => b.buffer),
    );
  }

  /** Closes the port too, if it is one; a worker is left to its maker. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.batch = [];
    this.onreceive = null;
    this.port.postMessage(null, []);
    if ('addEventListener' in this.port) this.port.close?.();
  }

  private message(message: unknown): void {
    if (this.closed) return;
    if (message === null) this.gone('the other end of the link was closed');
    else if (typeof message === 'number') this.taken(message);
    else if (!Array.isArray(message)) this.counters.notBytes++;
    else {
      const frames: readonly unknown[] = message;
      for (const bytes of frames) this.deliver(bytes);
      if (!this.closed) this.port.postMessage(frames.length, []);
    }
  }

  private deliver(bytes: unknown): void {
    const { counters } = this;
    if (!(bytes instanceof Uint8Array)) counters.notBytes++;
    else if (bytes.length < this.least) counters.tooShort++;
    else if (bytes.length > this.most) counters.tooLong++;
    else if (this.onreceive === null) counters.unread++;
    else {
      counters.received++;
      this.onreceive(this.frames.from(bytes));
    }
  }

  private taken(n: number): void {
    if (!(n > 0)) return;
    this.outstanding = Math.max(this.batch.length, this.outstanding - n);
    if (!this.refused || this.outstanding >= this.limit) return;
    this.refused = false;
    this.onwritable?.();
  }

  private gone(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.batch = [];
    this.onclose?.(reason);
  }
}
