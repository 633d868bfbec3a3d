import { expect, test } from 'vitest';
import { SO_REUSEADDR, SOL_SOCKET } from '../../src/socket/constants.ts';
import { Lab } from './kit.ts';

/** The ISN that the host picks for 10.9.0.2:port → 10.9.0.1:7, at the world's time now. */
function isnOf(lab: Lab, port: number, remotePort = 7): number {
  const c = lab.dialled({ port: remotePort }, fd => {
    lab.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    expect(lab.bind(fd, lab.hostAddress, port)).toBe(0);
  });
  c.say('R.', { seq: 0, ack: 1 });
  lab.close(c.fd);
  return c.hostIsn;
}

/** Linux's clock ticks every 64 ns. */
const TICKS_PER_SECOND = 1e9 / 64;

test('MUST-8: the initial sequence number of one and the same 4-tuple moves with a clock', () => {
  const lab = new Lab();
  const first = isnOf(lab, 5000);
  for (const elapsed of [0.001, 0.5, 20]) {
    const from = lab.now;
    const before = isnOf(lab, 5000);
    lab.run(elapsed);
    const after = isnOf(lab, 5000);
    const expected = Math.round((lab.now - from) * TICKS_PER_SECOND);
    expect(Math.abs(((after - before) >>> 0) - expected)).toBeLessThanOrEqual(1);
  }
  expect(isnOf(lab, 5000)).not.toBe(first);
});

test('MUST-8: so do those of a listener', () => {
  const lab = new Lab();
  lab.listen();
  const isn = (): number => {
    const c = lab.peer({ port: 999 });
    c.knock();
    c.take();
    c.say('R', { seq: 1 });
    return c.hostIsn;
  };
  const before = isn();
  lab.run(1);
  const after = isn();
  expect(Math.abs(((after - before) >>> 0) - TICKS_PER_SECOND)).toBeLessThanOrEqual(1);
});

test('MUST-9: the same tuple at the same time has another number under another key', () => {
  const numbers = new Set(Array.from({ length: 20 }, (_, seed) => isnOf(new Lab({ seed }), 5000)));
  expect(numbers.size).toBe(20);
});

test('SHLD-1, MUST-9: numbers of neighbouring tuples at one time tell nothing of each other', () => {
  const lab = new Lab();
  const numbers = Array.from({ length: 256 }, (_, i) => isnOf(lab, 5000 + i));
  const steps = new Set(numbers.slice(1).map((n, i) => (n - numbers[i]!) >>> 0));
  expect(steps.size).toBe(255);
  // The top bit is a fair coin: 128 of 256, give or take five standard deviations of 8.
  const high = numbers.filter(n => n >>> 31 === 1).length;
  expect(high).toBeGreaterThan(88);
  expect(high).toBeLessThan(168);
});

test.each([
  ['the remote port', (lab: Lab) => isnOf(lab, 5000, 8)],
  ['the local port', (lab: Lab) => isnOf(lab, 5001, 7)],
])('SHLD-1: %s is part of what is hashed', (_, other) => {
  const lab = new Lab();
  const one = isnOf(lab, 5000, 7);
  expect(other(lab)).not.toBe(one);
  // The hash is of the tuple alone: back at it, at the same time, the number is the same.
  expect(isnOf(lab, 5000, 7)).toBe(one);
});
