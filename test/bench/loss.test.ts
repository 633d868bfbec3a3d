import { describe, expect, test } from 'vitest';
import { CELLS } from '../../bench/loss/cells.ts';
import { BURST_PACKETS, BURST_SILENCE, Direction, seedOf, type Wire } from '../../bench/loss/impairments.ts';

const WIRE: Wire = { kind: 'random', loss: 0, rtt: 100_000, rate: 0, queue: 0 };
const PACKETS = 200_000;

/** When each of many packets arrives after it was sent, −1 if it does not. */
function delays(wire: Wire, gap: number, seed = 'a', packets = PACKETS): number[] {
  const direction = new Direction(wire, seed);
  return Array.from({ length: packets }, (_, i) => {
    const at = direction.offer(i * gap, 1500);
    return at < 0 ? -1 : at - i * gap;
  });
}

const share = (all: readonly number[], is: (n: number) => boolean): number =>
  all.filter(is).length / all.length;
const isLost = (n: number): boolean => n < 0;

describe('the wires of the benchmarks under loss', () => {
  for (const kind of ['random', 'bursty', 'reordering'] as const)
    test(`${kind}: the stated share is lost, whether packets follow closely or not`, () => {
      for (const gap of [100, 2 * BURST_SILENCE])
        expect(share(delays({ ...WIRE, kind, loss: 0.05 }, gap), isLost)).toBeCloseTo(0.05, 2);
    });

  test('bursts have their mean length, and a silence ends one', () => {
    const wire: Wire = { ...WIRE, kind: 'bursty', loss: 0.05 };
    const mean = (all: readonly number[]): number =>
      all.filter(isLost).length / all.filter((n, i) => isLost(n) && !isLost(all[i - 1] ?? 0)).length;
    expect(Math.abs(mean(delays(wire, 100)) - BURST_PACKETS)).toBeLessThan(0.3);
    expect(Math.abs(mean(delays(wire, BURST_SILENCE + 1)) - 1 / 0.95)).toBeLessThan(0.05);
  });

  test('reordering delays one packet of a hundred by a twentieth to a half of the round trip', () => {
    const all = delays({ ...WIRE, kind: 'reordering' }, 100);
    const late = all.filter(n => n !== WIRE.rtt / 2);
    expect(late.length / all.length).toBeCloseTo(0.01, 2);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(WIRE.rtt / 2 + WIRE.rtt / 20);
    expect(Math.max(...late)).toBeLessThanOrEqual(WIRE.rtt);
  });

  test('packets leave one after another at the rate, and the queue drops its tail', () => {
    const direction = new Direction({ ...WIRE, rate: 12_000_000, queue: 3 }, 'a');
    const arrivals = [0, 0, 0, 0].map(at => direction.offer(at, 1500));
    expect(arrivals).toEqual([51_000, 52_000, 53_000, -1]);
    expect(direction.offer(999, 1500)).toBe(-1);
    expect(direction.offer(1_000, 1500)).toBe(54_000);
    expect(direction.offer(60_000, 750)).toBe(110_500);
    expect([direction.overflowed, direction.lost]).toEqual([2, 0]);
  });

  test('the same seed gives the same fates, the other direction others', () => {
    const wire: Wire = { ...WIRE, kind: 'reordering', loss: 0.05 };
    const [there, back] = [seedOf('cell', 1, 'data'), seedOf('cell', 1, 'acks')];
    const fates = (seed: string): number[] => delays(wire, 100, seed, 1000);
    expect(fates(there)).toEqual(fates(there));
    expect(fates(there)).not.toEqual(fates(back));
  });

  test('cells have names of their own, and Linux carries no more than lastack', () => {
    expect(new Set(CELLS.map(c => c.name)).size).toBe(CELLS.length);
    expect(CELLS.filter(c => c.realBytes > c.bytes || c.realBytes <= 0)).toEqual([]);
  });
});
