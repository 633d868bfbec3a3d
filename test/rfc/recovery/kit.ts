import { expect } from 'vitest';
import type { Connection } from '../../../src/tcp/connection.ts';
import { type Conn, Lab, type LabOptions, type PeerOptions } from '../kit.ts';

/** What the tests of loss recovery and congestion control share: a sender with a round trip of 100 ms. */

export const MSS = 1000;
export const ROUND = 0.1;

export interface SenderOptions {
  sysctl?: Record<string, string | number>;
  peer?: PeerOptions;
  lab?: LabOptions;
  /** Before the connection is made. */
  prepare?: (lab: Lab, fd: number) => void;
}

/** A connection that the host has opened, whose handshake took 100 ms; SACK unless the peer says otherwise. */
export function sender(options: SenderOptions = {}): Conn {
  const lab = new Lab({
    ...options.lab,
    sysctl: { tcp_wmem: '4096 4194304 4194304', ...options.sysctl },
  });
  const c = lab.dialled(
    { mss: options.peer?.timestamps ? MSS + 12 : MSS, windowScale: 7, sackOk: true, ...options.peer },
    fd => options.prepare?.(lab, fd),
  );
  lab.run(ROUND);
  c.answer();
  c.heard();
  return c;
}

/** The connection's variables. */
export const tcb = (c: Conn): Connection =>
  [...c.lab.host.stack.tcp.connections()].find(
    t => t.localPort === c.hostPort && t.remotePort === c.port,
  ) as Connection;

/** The n-th segment of the stream, from 0: where it begins and ends. */
export const segment = (n: number): [number, number] => [1 + n * MSS, 1 + (n + 1) * MSS];

/** Numbers (from 0) of the segments that the host has sent since last asked; super-segments are cut up. */
export function sent(c: Conn): number[] {
  return c
    .heard()
    .filter(h => h.data.length > 0)
    .flatMap(h =>
      Array.from({ length: Math.ceil(h.data.length / MSS) }, (_, i) => Math.floor((h.seq - 1) / MSS) + i),
    );
}

/** Acknowledges all before segment n, and says that those in the ranges [from, to) are here. */
export function ack(
  c: Conn,
  n: number,
  sacked: readonly (readonly [number, number])[] = [],
  flags = '.',
): void {
  c.say(flags, {
    ack: 1 + n * MSS,
    ...(sacked.length === 0
      ? {}
      : {
          options: {
            sack: sacked.map(([l, r]): [number, number] => [
              c.hostIsn + 1 + l * MSS,
              c.hostIsn + 1 + r * MSS,
            ]),
          },
        }),
  });
}

/** Writes n segments. */
export function write(c: Conn, n: number): void {
  expect(c.send(n * MSS)).toBe(n * MSS);
}

/** The next timeout goes off: time passes until the host repeats something. */
export function timeout(c: Conn): number[] {
  for (let i = 0; i < 2000; i++) {
    const before = c.info().total_rto;
    c.lab.run(i < 100 ? 0.01 : 0.1);
    if (c.info().total_rto > before) return sent(c);
  }
  throw new Error('no timeout within minutes');
}

export const OPEN = 0;
export const DISORDER = 1;
export const CWR_STATE = 2;
export const RECOVERY = 3;
export const LOSS = 4;
export const NO_THRESHOLD = 0x7fffffff;
