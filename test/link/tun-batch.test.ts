import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { Aio } from '../../src/link/tun/aio.ts';
import { BATCH, type Batch, OneByOne } from '../../src/link/tun/batch.ts';
import { EAGAIN, EBADF, System } from '../../src/link/tun/system.ts';

const KINDS: [string, (system: System, fd: number) => Batch | null][] = [
  ['one call for all', (_, fd) => Aio.open(fd)],
  ['a call for each', (system, fd) => new OneByOne(system, fd)],
];

/** A pipe that is both written and read: whatever goes in comes out. */
function withPipe(
  ctx: TestContext,
  open: (system: System, fd: number) => Batch | null,
  work: (batch: Batch) => void,
): void {
  if (process.platform !== 'linux') ctx.skip('only Linux has TUN devices');
  try {
    createRequire(import.meta.url).resolve('koffi');
  } catch {
    ctx.skip('the package koffi is not installed');
  }
  const folder = mkdtempSync(join(tmpdir(), 'lastack-batch-'));
  try {
    const file = join(folder, 'pipe');
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    const fd = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
    const batch = open(new System(), fd);
    if (batch === null) ctx.skip('the kernel has no AIO, or a sandbox forbids it');
    else work(batch);
    batch?.close();
    closeSync(fd);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

describe.for(KINDS)('many reads and writes: %s', ([, open]) => {
  test('writes go out in order, each from its place', ctx => {
    withPipe(ctx, open, batch => {
      const words = Buffer.from('..one..two..three');
      batch.set(BATCH, words, 2, 3);
      batch.set(BATCH + 1, words, 7, 3);
      batch.set(BATCH + 2, words, 12, 5);
      batch.submit(BATCH, 3);
      expect([...batch.results.subarray(BATCH, BATCH + 3)]).toEqual([3, 3, 5]);
      const into = new Uint8Array(20);
      batch.set(0, into, 4, 6);
      batch.submit(0, 1);
      expect(text(into)).toBe('\0\0\0\0onetwo'.padEnd(20, '\0'));
    });
  });

  test('reads fill their places until there is nothing more', ctx => {
    withPipe(ctx, open, batch => {
      batch.set(BATCH, Buffer.from('abcdefgh'), 0, 8);
      batch.submit(BATCH, 1);
      const into = [0, 1, 2, 3].map(() => new Uint8Array(5));
      for (const [i, bytes] of into.entries()) batch.set(i, bytes, 0, 5);
      batch.submit(0, 4);
      expect([...batch.results.subarray(0, 4)]).toEqual([5, 3, -EAGAIN, -EAGAIN]);
      expect(into.map(text).join('')).toBe('abcdefgh'.padEnd(20, '\0'));
    });
  });

  test('a full batch again and again: nothing is left behind in the ring', ctx => {
    withPipe(ctx, open, batch => {
      const into = new Uint8Array(BATCH);
      for (let round = 0; round < 20; round++) {
        const out = Uint8Array.from({ length: BATCH }, (_, i) => (i * 7 + round) & 255);
        into.fill(0);
        for (let i = 0; i < BATCH; i++) {
          batch.set(BATCH + i, out, i, 1);
          batch.set(i, into, i, 1);
        }
        batch.submit(BATCH, BATCH);
        batch.submit(0, BATCH);
        expect(new Set(batch.results)).toEqual(new Set([1]));
        expect(into).toEqual(out);
      }
    });
  });

  test('a write that fails gives its errno, and those after it are done', ctx => {
    withPipe(ctx, open, batch => {
      // The pipe holds 64 KiB: what does not fit is not taken.
      const much = new Uint8Array(65536);
      batch.set(BATCH, much, 0, 65536);
      batch.set(BATCH + 1, much, 0, 100);
      batch.submit(BATCH, 2);
      expect([...batch.results.subarray(BATCH, BATCH + 2)]).toEqual([65536, -EAGAIN]);
      batch.set(0, much, 0, 65536);
      batch.submit(0, 1);
      batch.submit(BATCH + 1, 1);
      expect(batch.results[BATCH + 1]).toBe(100);
    });
  });
});

test('a descriptor that is none is said of each entry', ctx => {
  if (process.platform !== 'linux') ctx.skip('only Linux has TUN devices');
  const batch = Aio.open(-1);
  if (batch === null) return ctx.skip('the kernel has no AIO, or koffi is not installed');
  const bytes = new Uint8Array(1);
  batch.set(0, bytes, 0, 1);
  batch.set(1, bytes, 0, 1);
  batch.submit(0, 2);
  expect([...batch.results.subarray(0, 2)]).toEqual([-EBADF, -EBADF]);
  batch.close();
});
