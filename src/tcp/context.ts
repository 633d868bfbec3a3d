import type { Address } from '../base/address.ts';
import type { Rows } from '../base/columns.ts';
import type { Mib } from '../base/mib.ts';
import type { Random } from '../base/random.ts';
import type { SlabPool } from '../base/ring.ts';
import type { Seq } from '../base/seq.ts';
import type { SysctlValues } from '../base/sysctl.ts';
import type { Micros } from '../base/time.ts';
import type { FastOpenHost } from './fastopen-host.ts';
import type { Network } from './path.ts';
import type { SentPool } from './sent.ts';
import type { Tcb } from './tcb.ts';
import type { TraceSink } from './trace.ts';

/** What a connection may ask of the host that it lives on. stack/ implements it. */
export interface TcpContext {
  /** The time as last told to the stack. */
  readonly now: Micros;
  /** One jiffy (1/HZ) in microseconds. */
  readonly jiffy: Micros;
  readonly sysctl: SysctlValues;
  readonly mib: Mib;
  readonly random: Random;
  readonly net: Network;
  /** Rows of connections, and of their extras. */
  readonly rows: Rows;
  readonly extraRows: Rows;
  readonly slabs: SlabPool;
  readonly sentPool: SentPool;
  readonly fastOpen: FastOpenHost;
  trace: TraceSink | null;

  /** The connection's readiness may have changed: put it on the list that `events()` hands out. */
  wake(tcb: Tcb): void;
  /** The connection may have something to send: visit it at the next `output()`. */
  wantOutput(tcb: Tcb): void;
  /** A deadline of the connection moved: `tcb.earliest()` is now the one that counts. */
  schedule(tcb: Tcb): void;
  /** Its `pacingAt` or `compressedAckAt` moved: these are exact to the microsecond. */
  scheduleExact(tcb: Tcb): void;
  /** The connection is CLOSED: it leaves the tables. */
  closed(tcb: Tcb): void;
  /**
   * Replaces the connection by a TIME_WAIT row.
   * @param substate FIN_WAIT_2 or TIME_WAIT
   * @param timeout how long, in microseconds
   */
  timeWait(tcb: Tcb, substate: number, timeout: Micros): void;
  /** The connection became an orphan, or an orphan ended. */
  orphaned(change: 1 | -1): void;
  /** Whether the host's budget of challenge ACKs (`tcp_challenge_ack_limit` a second) allows one more. */
  mayChallenge(): boolean;
  /** How many orphans there are on this host. */
  readonly orphans: number;
  /** Initial sequence number for a 4-tuple (RFC 6528). */
  isn(local: Address, localPort: number, remote: Address, remotePort: number): Seq;
  /** Offset of the timestamp clock for a pair of hosts (RFC 7323 §5.4), in milliseconds. */
  timestampOffset(local: Address, remote: Address): number;
}
