import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { AF_INET, SOCK_DGRAM } from '../../src/socket/constants.ts';
import { everything, Lab } from './kit.ts';

/** How many of the differences between neighbours are equal: a counter would make them all so. */
function repeats(numbers: readonly number[]): number {
  const seen = new Map<number, number>();
  for (let i = 1; i < numbers.length; i++) {
    const d = (numbers[i]! - numbers[i - 1]!) | 0;
    seen.set(d, (seen.get(d) ?? 0) + 1);
  }
  return Math.max(...seen.values());
}

/** In how many of 16 equal parts of the 32-bit space the numbers lie. */
const spread = (numbers: readonly number[]): number => new Set(numbers.map(n => n >>> 28)).size;

describe('attack 12: ISN prediction', () => {
  test('attack 12: numbers for different tuples look independent', () => {
    const lab = new Lab();
    lab.listen(80, () => {}, 500);
    const isns = Array.from({ length: 200 }, (_, i) => {
      const c = lab.peer({ port: 20_000 + i });
      c.knock();
      return c.take().seq === 0 ? c.hostIsn : -1;
    });
    expect(new Set(isns).size).toBe(200);
    expect(repeats(isns)).toBe(1);
    expect(spread(isns)).toBe(16);
  });

  test('attack 12: for the same tuple they rise with the clock, and another host has another key', () => {
    const first = [1, 2].map(seed => {
      const lab = new Lab({ seed });
      lab.listen();
      const c = lab.peer({ port: 20_000 });
      c.knock();
      c.heard();
      return c.hostIsn;
    });
    expect(first[0]).not.toBe(first[1]);
    const lab = new Lab();
    lab.listen();
    const isns = [0, 1, 2].map(() => {
      const c = lab.peer({ port: 20_000 });
      c.knock();
      c.heard();
      c.say('R', { seq: 1 });
      lab.run(1);
      return c.hostIsn;
    });
    const steps = [isns[1]! - isns[0]!, isns[2]! - isns[1]!].map(d => d >>> 0);
    // 64 ns a tick: 15.6 million in a second.
    for (const step of steps) expect(step / 15_625_000).toBeCloseTo(1, 1);
  });
});

test('attack 13: ephemeral ports seen by one server tell nothing about those of another', () => {
  const lab = new Lab();
  const ports = (server: string): number[] =>
    Array.from({ length: 30 }, () => {
      lab.connect(lab.socket(), server, 80);
      const [syn] = everything(lab);
      expect(syn?.flags).toBe('S');
      return syn!.sourcePort;
    });
  const a = ports('10.9.0.5');
  const b = ports('10.9.0.6');
  expect(new Set(a).size).toBe(30);
  expect(Math.abs(a[0]! - b[0]!)).toBeGreaterThan(64);
  const steps = (list: number[]): string => list.map((p, i) => p - (list[i - 1] ?? p)).join();
  expect(steps(a)).not.toBe(steps(b));
  expect(repeats(a)).toBeLessThan(29);
});

describe('attack 14: IP-ID side channels', () => {
  test('attack 14: what may not be fragmented has identification 0', () => {
    const c = new Lab().accepted();
    c.send('x');
    const unknown = c.lab.peer({ port: 999 }, 7);
    unknown.say('S', { seq: 0 });
    const all = c.lab.all.filter(h => h.df);
    expect(all.length).toBeGreaterThan(2);
    expect(new Set(all.map(h => h.id))).toEqual(new Set([0]));
  });

  test('attack 14: identifications of what is cut into fragments tell nothing about other destinations', () => {
    const lab = new Lab();
    const ids = ['10.9.0.5', '10.9.0.6'].map(server => {
      const fd = lab.call(s => s.socket(AF_INET, SOCK_DGRAM, 0));
      return Array.from({ length: 5 }, () => {
        expect(
          lab.call(s => s.sendto(fd, new Uint8Array(2000), 0, parseAddress(server)!, 9)),
          'sendto',
        ).toBe(2000);
        const [one, two] = lab.datagrams.splice(0).map(d => (d[4]! << 8) | d[5]!);
        expect(one).toBe(two);
        return one!;
      });
    });
    expect(new Set(ids[0]).size).toBe(5);
    // One destination's packets do not move the other's counter by a known step.
    expect(Math.abs(ids[1]![0]! - ids[0]![4]!)).toBeGreaterThan(5);
  });
});

test('attack 15: timestamps of different peers have offsets that have nothing to do with each other', () => {
  const lab = new Lab();
  lab.listen(80, () => {}, 100);
  const values = Array.from({ length: 20 }, (_, i) => {
    const c = lab.peer({ port: 20_000, timestamps: true });
    c.say('S', { seq: 0, options: c.synOptions, source: `10.9.0.${100 + i}` });
    const [synAck] = everything(lab);
    return synAck!.timestamps![0];
  });
  expect(new Set(values).size).toBe(20);
  expect(repeats(values)).toBe(1);
  expect(spread(values)).toBeGreaterThan(6);
  // The same pair of hosts has the same clock on every connection, a clock of milliseconds.
  const again = [0, 1].map(i => {
    const c = lab.peer({ port: 30_000 + i, timestamps: true });
    c.knock();
    lab.run(1);
    return everything(lab)[0]!.timestamps![0];
  });
  expect((again[1]! - again[0]!) | 0).toBe(1000);
});
