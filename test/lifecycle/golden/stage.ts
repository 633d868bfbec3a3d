/**
 * What experiments are written against: a lab with two hosts. `lab.ts` has it on the simulator; test/peers/linux
 * has it with real kernels.
 */
import type { Waitable } from '../../../src/sim/call.ts';
import type { OptionInput } from '../../../src/socket/option.ts';
import type { SocketName } from '../../../src/socket/socket.ts';
import type { Packet } from './packet.ts';
import type { HostName, Shown } from './timeline.ts';
import type { Outcome, Policy, Sock } from './vocabulary.ts';

export type Script<T = void> = Generator<Waitable, T, unknown>;
export type Experiment = (L: Lab) => Script;
export type Experiments = Readonly<Record<string, Experiment>>;

export const ADDRESS: Readonly<Record<HostName, string>> = { A: '10.9.0.1', B: '10.9.0.2' };

/** What `Lab.connect` does to each end before it listens or connects. */
export interface Setup {
  server?: (s: Sock) => Script<unknown>;
  client?: (s: Sock) => Script<unknown>;
}

export interface Lab {
  readonly A: LabHost;
  readonly B: LabHost;
  /** What the relay does with each packet; forwards it if null. */
  policy: Policy | null;

  /** Seconds from the mark. */
  readonly now: number;
  mark(): void;
  sleep(seconds: number): Script;
  /** Sleeps until a time from the mark. */
  at(t: number): Script;
  /** Runs something beside the script after a time, as another thread did. */
  later(seconds: number, script: Script<unknown>): void;

  /** A call, its result, and how long it blocked, written down. */
  call(name: string, script: Script<Outcome>): Script<Outcome>;
  /** The same for an accept() whose socket nobody keeps. */
  callAndClose(name: string, script: Script<Outcome>): Script;
  say(text: string | (() => string)): Script;
  /** Like `say`, for what the script noticed rather than did. */
  note(text: string): void;
  /** To the tail of the log. */
  print(text: string): void;
  /** Counters whose names contain one of the words. */
  printCounters(host: LabHost, words: readonly string[]): void;

  /** One-way delay in seconds, on top of the relay's own. */
  set delay(seconds: number);
  /** Fresh connection: B listens and accepts, A connects; then 0.25 s pass. */
  connect(o?: Setup): Script<{ a: Sock; b: Sock; ls: Sock }>;
  /** Hands a packet to a host as if it had come over the wire. */
  inject(host: LabHost, raw: Uint8Array, note?: string): Script;
  show(p: Packet): Shown;
}

/** A host: system calls that a script may wait for, numbers ≥ 0 or −errno; sysctls, tables and counters. */
export interface LabHost {
  readonly lab: Pick<Lab, 'now'>;
  readonly name: HostName;
  /** Every socket that the script has made or accepted here, oldest first. */
  readonly socks: readonly Sock[];
  sysctl(name: string, value: string | number): void;
  /** What `ss -tanoH` prints, or `ss -tanoiH`. */
  ss(info?: boolean): string[];
  counters(): [string, number][];
  socket(): Script<Sock>;
  /** Makes a script's socket of a descriptor. */
  adopt(fd: number): Sock;
  /** A listener on this host's address, with SO_REUSEADDR. */
  listen(port: number, backlog?: number, setup?: (s: Sock) => Script<unknown>): Script<Sock>;

  connect(fd: number, address: string | null, port: number): Script<number>;
  accept(fd: number): Script<number>;
  send(fd: number, data: Uint8Array, flags: number): Script<number>;
  recv(fd: number, n: number, flags: number): Script<number | Uint8Array>;
  close(fd: number): Script<number>;
  /** As the end of a process closes: without lingering. */
  closeAtExit(fd: number): Script<number>;
  /** Waits for one of the events, for up to some seconds: those that there are. */
  poll(fd: number, events: number, seconds: number): Script<number>;
  /** The events that there are now. */
  readiness(fd: number, events: number): Script<number>;
  bind(fd: number, address: string, port: number): Script<number>;
  listenOn(fd: number, backlog: number): Script<number>;
  shutdown(fd: number, how: number): Script<number>;
  setsockopt(fd: number, level: number, option: number, value: OptionInput): Script<number>;
  getsockopt(fd: number, level: number, option: number): Script<number>;
  getsockname(fd: number): Script<SocketName | number>;
  getpeername(fd: number): Script<SocketName | number>;
  ioctl(fd: number, request: number): Script<number>;
  setNonblock(fd: number, on: boolean): void;
}
