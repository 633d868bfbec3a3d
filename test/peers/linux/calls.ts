import type { Link } from '../../../src/link/link.ts';
import type { SystemCalls } from '../../lifecycle/golden/scripted-host.ts';

/** A change in a host's socket tables towards the other host; `t` on the machine's monotonic clock, in seconds. */
export type StateChange = (t: number, localPort: number, remotePort: number, state: string) => void;

/** What a host of the lab can be told to do; calls that may block give promises. */
export interface Calls extends SystemCalls {
  /** What stands in for the wire at this host. */
  readonly link: Link;
  onstate: StateChange | null;

  setNonblock(fd: number, on: boolean): void;
  connect(fd: number, address: string | null, port: number): Promise<number>;
  accept(fd: number): Promise<number>;
  send(fd: number, data: Uint8Array, flags: number): Promise<number>;
  recv(fd: number, n: number, flags: number): Promise<number | Uint8Array>;
  close(fd: number): Promise<number>;
  poll(fd: number, events: number, seconds: number): Promise<number>;

  /** Told that a segment passes on the wire. */
  look(): void;
  sysctl(name: string, value: string): void;
  ss(info: boolean): string[];
  counters(): [string, number][];
  /** Ends the host. */
  end(): Promise<void>;
}

/** The machine's monotonic clock, in seconds: the same in every process. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e9;
