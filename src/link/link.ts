import type { Micros } from '../base/time.ts';
import type { Frame } from '../wire/frame.ts';

/** What the frames of a link begin with: an Ethernet header, or at once the IP header. */
export type Medium = 'ethernet' | 'ip';

/** What a link does that the stack then need not: spread into the options of `Stack.addInterface`. */
export interface Offloads {
  /** It completes transport checksums, and vouches for those of what it delivers. */
  readonly checksumOffload: boolean;
  /** Largest payload of a super-segment that it takes, 0 for none. */
  readonly gsoMax: number;
  /** It carries payload by reference (`Frame.attached`). */
  readonly scatter?: boolean;
}

/**
 * A link carries frames to whatever is at its other end. It always queues: `transmit` never leads to a
 * call of anybody's `onreceive` before it returns, so that a stack is never entered twice.
 */
export interface Link {
  readonly medium: Medium;
  /** Largest IP datagram, in bytes, link header not counted. */
  readonly mtu: number;
  readonly offloads?: Offloads;
  /**
   * Takes the frame over, unless the link is full.
   * @returns false if it is full or closed: the frame stays the caller's, and `onwritable` will be called
   * once there is room (never, on a closed link)
   */
  transmit(frame: Frame): boolean;
  /** Called when there is nothing more to transmit for now: a link that gathers frames sends them off. */
  kick?(): void;
  /** Given each frame that arrives; the receiver takes it over. Frames that come while it is null are lost. */
  onreceive: ((frame: Frame) => void) | null;
  /** Called once after `transmit` has refused a frame, when there is room again. */
  onwritable: (() => void) | null;
  /** Called if the other end has gone or the device failed. */
  onclose: ((reason: string) => void) | null;
  /** Frees what the link holds. Frames in its queue are lost. */
  close(): void;
}

/** The time and a way to be woken, for links that delay; a driver's loop is one. */
export interface Clock {
  now(): Micros;
  /** Calls `task.run()` once, at or soon after `at`, never from inside this call. */
  schedule(task: Task, at: Micros): void;
  /** Calls `task.run()` once, as soon as what runs now is done, in the order of these calls. */
  soon(task: Task): void;
}

export interface Task {
  run(): void;
}
