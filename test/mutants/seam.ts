import { expect } from 'vitest';
import type { Connection } from '../../src/tcp/connection.ts';
import { type Conn, Lab, type LabOptions, type PeerOptions } from '../rfc/kit.ts';

/**
 * A connection whose own numbers, the host's, begin about `before` below 2³¹, where comparisons that forget
 * to wrap go wrong (a sequence number is held as a signed one): the clock in the initial number is waited for.
 */
export function seam(before: number, options: PeerOptions = {}, host: LabOptions = {}): Conn {
  const lab = new Lab(host);
  const listener = lab.listen();
  const early = lab.peer({ ...options, port: 4242 });
  early.knock();
  early.take();
  early.say('R', { seq: 1 });
  // The clock ticks every 64 ns: one microsecond is sixteen numbers.
  const ticks = (2 ** 31 - before - early.hostIsn) >>> 0;
  lab.run((ticks * 64) / 1e9);
  const c = lab.peer({ ...options, port: 4242 });
  c.knock();
  c.take();
  c.say('.');
  c.fd = lab.accept(listener);
  const below = 2 ** 31 - (c.hostIsn >>> 0);
  expect(Math.abs(below - before)).toBeLessThan(32);
  return c;
}

/** The engine's own record of the one connection that a host has. */
export function block(c: Conn): Connection {
  const all = [...c.lab.host.stack.tcp.connections()];
  expect(all).toHaveLength(1);
  return all[0]!;
}
