import type { Link } from '../../../src/link/link.ts';
import type { OptionInput } from '../../../src/socket/option.ts';
import type { SocketName } from '../../../src/socket/socket.ts';

/** A change in a host's socket tables towards the other host; `t` on the machine's monotonic clock, in seconds. */
export type StateChange = (t: number, localPort: number, remotePort: number, state: string) => void;

/** What a host of the lab can be told to do. Numbers ≥ 0 or −errno; those that may block give promises. */
export interface Calls {
  /** What stands in for the wire at this host. */
  readonly link: Link;
  onstate: StateChange | null;

  socket(): number;
  bind(fd: number, address: string, port: number): number;
  listen(fd: number, backlog: number): number;
  shutdown(fd: number, how: number): number;
  setsockopt(fd: number, level: number, option: number, value: OptionInput): number;
  getsockopt(fd: number, level: number, option: number): number;
  getsockname(fd: number): SocketName | number;
  getpeername(fd: number): SocketName | number;
  ioctl(fd: number, request: number): number;
  readiness(fd: number, events: number): number;
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
