import type { Micros } from '../../base/time.ts';
import { type Frame, FramePool } from '../../wire/frame.ts';
import type { Clock, Link, Medium, Task } from '../link.ts';
import { checkLinkMtu, MessageCounters } from '../message-counters.ts';
import { longest, shortest, WireBytes } from '../wire-bytes.ts';

/** What a WebSocket has everywhere: in browsers, in workers, and in the package `ws`. */
export interface WebSocketLike {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  /** Bytes given to `send` that have not left yet. */
  readonly bufferedAmount: number;
  binaryType: string;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: SocketEvent, listener: (event: SocketEventLike) => void): void;
}

export type SocketEvent = 'open' | 'message' | 'close' | 'error';

/** The parts of the four events that are looked at. */
export interface SocketEventLike {
  /** Of a message. */
  readonly data?: unknown;
  /** Of a close. */
  readonly code?: number;
  readonly reason?: string;
  /** Of an error, where the platform says it. */
  readonly message?: string;
}

export interface WebSocketLinkOptions {
  /** When to look whether a full socket has room again. A driver's loop is one. */
  clock: Pick<Clock, 'now' | 'schedule'>;
  /** What one message holds. @default 'ethernet' */
  medium?: Medium;
  /** @default 1500 */
  mtu?: number;
  /** Bytes that may wait in the socket before `transmit` refuses. @default 1048576 */
  highWater?: number;
  /** Where frames that arrive are taken from: the stack's own pool, to share it. */
  frames?: FramePool;
}

const OPEN = 1;
const CLOSING = 2;
/** Between two looks at a full socket. */
const LOOK: Micros = 5_000;

/**
 * A link over a WebSocket: one frame is one binary message, as in-browser emulators (v86 and others) and
 * their relays carry Ethernet. Nothing is negotiated; both ends must mean the same medium and MTU.
 *
 * While the socket connects, `transmit` refuses and `onwritable` follows. What arrives is checked for type and
 * length only: anything else is dropped and counted.
 */
export class WebSocketLink implements Link, Task {
  readonly medium: Medium;
  readonly mtu: number;
  readonly counters = new MessageCounters();
  onreceive: ((frame: Frame) => void) | null = null;
  onwritable: (() => void) | null = null;
  onclose: ((reason: string) => void) | null = null;
  private readonly socket: WebSocketLike;
  private readonly clock: Pick<Clock, 'now' | 'schedule'>;
  private readonly frames: FramePool;
  private readonly highWater: number;
  private readonly wire: WireBytes;
  private readonly least: number;
  private readonly most: number;
  private refused = false;
  private looking = false;
  private closed = false;
  /** What an error event said, which a close event does not repeat. */
  private trouble = '';

  /** @throws RangeError if `mtu` or `highWater` is out of range */
  constructor(socket: WebSocketLike, options: WebSocketLinkOptions) {
    this.socket = socket;
    this.clock = options.clock;
    this.medium = options.medium ?? 'ethernet';
    this.mtu = checkLinkMtu(options.mtu ?? 1500);
    this.highWater = options.highWater ?? 1 << 20;
    if (!(this.highWater >= 1)) throw new RangeError(`highWater ${this.highWater}: expected at least 1 byte`);
    this.frames = options.frames ?? new FramePool();
    this.wire = new WireBytes(this.medium);
    this.least = shortest(this.medium);
    this.most = longest(this.medium, this.mtu);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', event => this.message(event.data));
    socket.addEventListener('open', () => this.writable());
    socket.addEventListener('error', event => {
      this.trouble ||= event.message ?? '';
    });
    socket.addEventListener('close', event => this.gone(event));
  }

  /** The socket is open and the link was not closed. */
  get isOpen(): boolean {
    return !this.closed && this.socket.readyState === OPEN;
  }

  transmit(frame: Frame): boolean {
    const { socket } = this;
    if (this.closed || socket.readyState >= CLOSING) return false;
    if (socket.readyState !== OPEN) {
      this.refused = true;
      return false;
    }
    if (socket.bufferedAmount >= this.highWater) {
      this.refused = true;
      this.look();
      return false;
    }
    if (frame.length > this.most) this.counters.unsent++;
    else this.send(frame);
    frame.release();
    return true;
  }

  /** Looks whether a full socket has room; called by the clock. */
  run(): void {
    this.looking = false;
    if (this.closed || !this.refused) return;
    if (this.socket.bufferedAmount >= this.highWater) this.look();
    else this.writable();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onreceive = null;
    this.socket.close(1000, 'link closed');
  }

  private send(frame: Frame): void {
    try {
      // A copy: the socket may keep what it is given, and the frame goes back to its pool.
      this.socket.send(this.wire.copy(frame));
      this.counters.sent++;
    } catch {
      // Between closing and its event some sockets throw.
      this.counters.unsent++;
    }
  }

  private message(data: unknown): void {
    if (this.closed) return;
    const { counters } = this;
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
    if (!(bytes instanceof Uint8Array)) counters.notBytes++;
    else if (bytes.length < this.least) counters.tooShort++;
    else if (bytes.length > this.most) counters.tooLong++;
    else if (this.onreceive === null) counters.unread++;
    else {
      counters.received++;
      this.onreceive(this.frames.from(bytes));
    }
  }

  private look(): void {
    if (this.looking) return;
    this.looking = true;
    this.clock.schedule(this, this.clock.now() + LOOK);
  }

  private writable(): void {
    if (this.closed || !this.refused) return;
    this.refused = false;
    this.onwritable?.();
  }

  private gone(event: SocketEventLike): void {
    if (this.closed) return;
    this.closed = true;
    const code = event.code ?? 1006;
    const why = event.reason || this.trouble;
    this.onclose?.(`WebSocket closed with ${code}${why === '' ? '' : `: ${why}`}`);
  }
}
