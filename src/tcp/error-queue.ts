import type { Address } from '../base/address.ts';
import type { Micros } from '../base/time.ts';
import type { Tcb } from './tcb.ts';

/** Where an extended error comes from (SO_EE_ORIGIN_*). */
export const ORIGIN_LOCAL = 1;
export const ORIGIN_ICMP = 2;
export const ORIGIN_ICMP6 = 3;
export const ORIGIN_TIMESTAMPING = 4;

/** What an entry costs besides its bytes. */
const OVERHEAD = 960;
const NO_BYTES = new Uint8Array(0);

/** One entry of a socket's error queue (struct sock_extended_err, recvmsg with MSG_ERRQUEUE). */
export class QueuedError {
  readonly errno: number;
  readonly origin: number;
  type = 0;
  code = 0;
  info = 0;
  data = 0;
  /** When it happened, if it is a timestamp; else 0. */
  time: Micros = 0;
  /** Who reported it; null for this host. */
  offender: Address | null = null;
  /** The packet it is about (without headers), or the statistics. */
  bytes: Uint8Array = NO_BYTES;
  /** `bytes` are SCM_TIMESTAMPING_OPT_STATS. */
  stats = false;

  constructor(errno: number, origin: number) {
    this.errno = errno;
    this.origin = origin;
  }

  get memory(): number {
    return OVERHEAD + this.bytes.length;
  }
}

/** Errors and reports that wait for a reader, bounded by the receive buffer together with the data. */
export class ErrorQueue {
  private readonly items: QueuedError[] = [];
  memory = 0;
  /** How many there have been. */
  count = 0;

  private seen = 0;

  get size(): number {
    return this.items.length;
  }

  /** Whether some have come since the last time that this was asked. */
  moved(): boolean {
    const moved = this.count !== this.seen;
    this.seen = this.count;
    return moved;
  }

  push(e: QueuedError): void {
    this.items.push(e);
    this.memory += e.memory;
    this.count++;
  }

  /** The oldest; null if there is none. */
  shift(): QueuedError | null {
    const e = this.items.shift();
    if (e === undefined) return null;
    this.memory -= e.memory;
    return e;
  }

  first(): QueuedError | null {
    return this.items[0] ?? null;
  }
}

export function errorsOf(tcb: Tcb): ErrorQueue {
  tcb.errors ??= new ErrorQueue();
  return tcb.errors;
}
