import { EINTR } from '../base/errno.ts';
import { type Micros, NEVER } from '../base/time.ts';
import type { Descriptor } from './descriptor.ts';

/**
 * A call that may have to wait: what a blocking system call is in a stack without threads. It was tried
 * when it was begun; if it could not finish, `Sockets.settle` tries it again whenever its socket changed
 * and returns it once it is done.
 */
export abstract class Pending {
  done = false;
  /** Valid once done: ≥ 0, or −errno. */
  result = 0;
  /** When it ends by itself (SO_RCVTIMEO, a poll's time-out, SO_LINGER); NEVER without a limit. */
  deadline: Micros = NEVER;
  /** For whoever waits: a resolver, a coroutine. This layer never touches it. */
  token: unknown = null;
  /** Row in the table of deadlines, −1 without one. */
  slot = -1;

  /** Tries again. True: finished, `result` is set. */
  abstract attempt(): boolean;
  /** What it returns when its deadline passes. */
  abstract timeoutResult(): number;
  /** The descriptors whose change may finish it. */
  abstract on(): readonly Descriptor[];

  /** What it returns when it is interrupted: −EINTR unless something was transferred already. */
  interruptResult(): number {
    return -EINTR;
  }
}
