import { signal } from '@preact/signals';
import type { HostSockets, LiveHello } from '../../src/tools/lab-server/protocol.ts';
import { EventLog } from '../engine/log.ts';

/**
 * The connections of a running `lastack up`, as a feed of the page. It is fed with what /live says; the log
 * is brought up to date by `flush`, which makes it anew: a segment is told of when it arrives, so what is
 * told later may lie earlier. Times and connection numbers stay as they are, steps count the rows.
 */
export class LiveTraffic {
  /** The same object for ever; refilled. */
  readonly log = new EventLog();
  readonly version = signal(0);
  readonly known = signal(0);
  readonly done = signal(false);
  connections: readonly string[] = [];
  samples: readonly Float64Array[] = [];
  sides: readonly [string, string] = ['A', 'B'];
  /** What the gateway says of itself; null until it has spoken. */
  readonly hello = signal<LiveHello | null>(null);
  /** Both hosts' sockets, once a second if they change, and the time of the log at which they were so. */
  readonly sockets = signal<readonly HostSockets[]>([]);
  readonly socketsAt = signal(0);
  /** Events that the gateway could not tell because this reader was too slow. */
  missed = 0;
  /** Events that were let go to make room. */
  forgotten = 0;

  /** Takes in one message; what can not be understood is ignored. */
  take(_text: string): void {}

  /** Brings log, connections, samples up to date. @returns whether anything is new */
  flush(): boolean {
    return false;
  }
}
