import { describe, expect, test } from 'vitest';
import { CELLS, type Cell } from '../../bench/loss/cells.ts';
import { jain, median } from '../../bench/loss/statistics.ts';
import { type Transfer, transfer } from '../../bench/loss/transfer.ts';
import { FixedWindow } from '../../src/sim/index.ts';

// The short form of `npm run bench:loss`: transfer() throws if a byte is wrong, a call fails or a run does not end.

const LONG = { kind: 'random', rtt: 100_000, rate: 0, queue: 0 } as const;

const cell = (name: string): Cell => CELLS.find(c => c.name === name)!;
const run = (name: string, more: Partial<Transfer> = {}) =>
  transfer({ ...LONG, name, seed: 1, loss: 0, bytes: 100_000, buffer: null, ...more });

describe('transfers under loss carry every byte, and end', () => {
  for (const buffer of [4096, 32_768])
    for (const loss of [0, 0.01, 0.1, 0.2])
      test(`CUBIC, a window of ${buffer} bytes, ${loss * 100} % lost`, () => {
        const { carried } = run('small windows', { buffer, loss, sysctl: { tcp_retries2: 255 } });
        expect(carried).toEqual([100_000]);
      });

  for (const name of ['race 10ms 5% random', 'race 10ms 5% bursty', 'race 50ms 2% reordering'])
    test(name, () => {
      const { carried, data } = transfer({ ...cell(name), seed: 1, bytes: 500_000 });
      expect(carried).toEqual([500_000]);
      expect(data.lost).toBeGreaterThan(0);
    });

  test('sixteen flows overflow one queue', () => {
    const wire = { kind: 'random', rtt: 10_000, rate: 10_000_000, queue: 20 } as const;
    const { carried, data } = run('queue', { ...wire, flows: 16, spread: 0.1 });
    expect(carried).toEqual(new Array(16).fill(100_000));
    expect(data.overflowed).toBeGreaterThan(0);
  });
});

test('the same seed gives the same run, another seed another', () => {
  const time = (seed: number): number => run('seeds', { seed, loss: 0.05 }).seconds;
  expect(time(3)).toBe(time(3));
  expect(time(3)).not.toBe(time(4));
});

describe('a fixed window', () => {
  const fixed = { congestion: new FixedWindow(), buffer: 16_384, sysctl: { tcp_timestamps: 0 } };

  test('is neither begun small nor reduced by loss', () => {
    const { sender } = run('fixed', { ...fixed, loss: 0.1 });
    const [tcb] = [...sender.stack.tcp.connections()];
    expect(sender.stack.mib.TcpExtTCPSackRecovery).toBeGreaterThan(0);
    expect(tcb!.cwnd).toBe(fixed.congestion.fixed);
  });

  // 5 segments of 1460 bytes, or 8192 bytes.
  for (const [exact, flight] of [
    [false, 7300],
    [true, 8192],
  ] as const)
    test(`carries ${flight} bytes of a buffer of 8192 in a round trip${exact ? ' if asked to fill it' : ''}`, () => {
      const { samples } = run('filled', { ...fixed, buffer: 8192, exact, every: LONG.rtt });
      const read = samples.map(([n]) => n!);
      const rounds = read.slice(4, -1).map((n, i) => n - read[i + 3]!);
      expect(rounds.length).toBeGreaterThan(5);
      expect(Math.max(...rounds)).toBe(flight);
    });

  test('is sent again whole after a timeout', () => {
    // Everything is lost for a while, then nothing.
    const { sender, world, carried } = run('outage', { ...fixed, until: 50_000 });
    world.run({ until: 350_000 });
    const before = sender.stack.mib.TcpRetransSegs;
    world.wires[0]!.partition(true);
    world.run({ until: 2_000_000 });
    const timeouts = sender.stack.mib.TcpExtTCPTimeouts;
    expect(timeouts).toBeGreaterThan(0);
    // 11 segments of 1460 bytes fit the window.
    expect(sender.stack.mib.TcpRetransSegs - before).toBeGreaterThanOrEqual(timeouts * 11);
    world.wires[0]!.partition(false);
    world.runUntil(() => carried[0] === 100_000);
    expect(carried).toEqual([100_000]);
  });
});

test('statistics: median of odd and even counts; Jain says 1 for equal shares and 1/n for one winner', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
  expect([jain([5, 5, 5]), jain([1, 0, 0, 0])]).toEqual([1, 0.25]);
});
