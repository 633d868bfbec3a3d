import type { Micros } from '../../base/time.ts';
import {
  type Capture,
  type CapturedPacket,
  DIRECTION_OUT,
  ipOffset,
  LINKTYPE_ETHERNET,
} from '../../wire/capture.ts';
import { type Frame, FramePool } from '../../wire/frame.ts';
import { readCapture } from '../../wire/pcapng.ts';
import type { Clock, Link, Medium, Task } from '../link.ts';
import { shortest, WireBytes } from '../wire-bytes.ts';

export interface ReplayOptions {
  clock: Clock;
  /**
   * How time passes between two packets: as it was `recorded`, as fast as the stack takes them, or a factor
   * (2 for twice as fast). @default 'recorded'
   */
  pace?: 'recorded' | 'fast' | number;
  /** Which packets come in. @default those that the capture does not call outgoing */
  select?: (packet: CapturedPacket) => boolean;
  /** @default 'ethernet' if every packet of the capture is, else 'ip' */
  medium?: Medium;
  /** @default 1500 */
  mtu?: number;
  /** Told of what the stack sends: a copy, which is the listener's. Without one it is dropped. */
  onsent?: (bytes: Uint8Array, at: Micros) => void;
  frames?: FramePool;
}

/** Frames handed up in one turn when nothing else slows them. */
const BURST = 64;

/**
 * A capture file as a link: its packets arrive at a stack again, the first one in the turn after the link is
 * made. What the stack sends goes nowhere, so that nobody answers it: right for what only receives, or for
 * showing what a stack makes of a recorded conversation.
 *
 * `onclose` is called behind the last packet.
 */
export class ReplayLink implements Link, Task {
  readonly medium: Medium;
  readonly mtu: number;
  /** What was wrong with the file; what came before it is replayed. */
  readonly errors: readonly string[];
  /** Packets that will have been replayed at the end. */
  readonly total: number;
  /** Packets of the capture that can't be: not selected, cut off by the capture, or of a type without IP. */
  readonly skipped: number;
  replayed = 0;
  /** Frames that the stack has sent. */
  sent = 0;
  onreceive: ((frame: Frame) => void) | null = null;
  onwritable: (() => void) | null = null;
  onclose: ((reason: string) => void) | null = null;
  private readonly packets: readonly { packet: CapturedPacket; at: number }[];
  private readonly clock: Clock;
  private readonly frames: FramePool;
  private readonly wire: WireBytes;
  private readonly onsent: ReplayOptions['onsent'];
  /** Recorded time per replayed time; 0 for no waiting. */
  private readonly factor: number;
  private readonly began: Micros;
  private readonly first: number;
  private closed = false;

  /**
   * @param capture a pcapng or pcap file, or one that was read
   * @throws RangeError for a pace that is not above 0
   */
  constructor(capture: Uint8Array | Capture, options: ReplayOptions) {
    const {
      clock,
      pace = 'recorded',
      select = (p: CapturedPacket) => p.direction !== DIRECTION_OUT,
    } = options;
    const read = capture instanceof Uint8Array ? readCapture(capture) : capture;
    this.errors = read.errors;
    this.clock = clock;
    this.factor = pace === 'recorded' ? 1 : pace === 'fast' ? 0 : pace;
    if (pace !== 'fast' && !(this.factor > 0))
      throw new RangeError(`pace ${pace}: expected a number above 0`);
    const all = read.packets;
    const ethernet = all.length > 0 && all.every(p => p.linktype === LINKTYPE_ETHERNET);
    this.medium = options.medium ?? (ethernet ? 'ethernet' : 'ip');
    this.mtu = options.mtu ?? 1500;
    this.onsent = options.onsent;
    this.frames = options.frames ?? new FramePool();
    this.wire = new WireBytes(this.medium);
    const least = shortest(this.medium);
    this.packets = all.flatMap(packet => {
      const at = this.startOf(packet);
      const whole = packet.originalLength === packet.end - packet.at;
      return at >= 0 && whole && packet.end - at >= least && select(packet) ? [{ packet, at }] : [];
    });
    this.total = this.packets.length;
    this.skipped = all.length - this.total;
    this.first = this.packets[0]?.packet.micros ?? 0;
    this.began = clock.now();
    clock.soon(this);
  }

  transmit(frame: Frame): boolean {
    if (this.closed) return false;
    this.sent++;
    this.onsent?.(this.wire.copy(frame), this.clock.now());
    frame.release();
    return true;
  }

  /** Hands up what is due; called by the clock. */
  run(): void {
    for (let n = 0; !this.closed; n++) {
      const next = this.packets[this.replayed];
      if (next === undefined) {
        // The stack may still answer the last one.
        this.onclose?.('the capture has ended');
        return;
      }
      const due = this.dueAt(next.packet);
      if (due > this.clock.now()) {
        this.clock.schedule(this, due);
        return;
      }
      if (n >= BURST) {
        this.clock.soon(this);
        return;
      }
      this.replayed++;
      this.onreceive?.(this.frames.from(next.packet.bytes.subarray(next.at, next.packet.end)));
    }
  }

  close(): void {
    this.closed = true;
    this.onreceive = null;
  }

  /** A packet whose time lies before the first one's comes at once. */
  private dueAt(packet: CapturedPacket): Micros {
    if (this.factor === 0) return this.began;
    return this.began + Math.max(0, Math.ceil((packet.micros - this.first) / this.factor));
  }

  private startOf(p: CapturedPacket): number {
    if (this.medium === 'ip') return ipOffset(p.linktype, p.bytes, p.at, p.end);
    return p.linktype === LINKTYPE_ETHERNET ? p.at : -1;
  }
}
