import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Address, parseAddress } from '../../src/base/address.ts';
import { FIN_WAIT_2, TIME_WAIT } from '../../src/tcp/state.ts';
import { TimeWaitTable, TW_OOW_SEEN, TW_REUSE_ADDR, TW_TS_OFFSET } from '../../src/tcp/time-wait.ts';

/** Bad on purpose: a handful of chains have everything. */
const hash = (_l: Address, lp: number, r: Address, rp: number): number => Math.imul(lp ^ r.d, 7) + (rp & 3);

interface Tuple {
  local: Address;
  lp: number;
  remote: Address;
  rp: number;
}

const tuple = (v6: boolean, n: number): Tuple => ({
  local: parseAddress(v6 ? 'fe80::1%3' : '10.0.0.1')!,
  lp: 1 + (n % 60_000),
  remote: parseAddress(v6 ? `fe80::${(n % 13) + 2}%${1 + (n % 2)}` : `10.0.1.${n % 13}`)!,
  rp: 1 + (n % 7),
});

const add = (t: TimeWaitTable, x: Tuple): number =>
  t.add(hash(x.local, x.lp, x.remote, x.rp), x.local, x.lp, x.remote, x.rp);
const find = (t: TimeWaitTable, x: Tuple): number =>
  t.find(hash(x.local, x.lp, x.remote, x.rp), x.local, x.lp, x.remote, x.rp);

test('finds what was added and not removed, with its tuple and what it was told', () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(4000), fc.integer({ min: 0, max: 1500 }), fc.boolean()), { maxLength: 8 }),
      (v6, moves) => {
        const t = new TimeWaitTable(v6 ? 4 : 1, 0, hash);
        const model = new Map<number, number>();
        for (const [from, count, remove] of moves) {
          for (let n = from; n < from + count; n++) {
            const row = model.get(n);
            if (remove && row !== undefined) {
              t.remove(row);
              model.delete(n);
            } else if (!remove && row === undefined) {
              const fresh = add(t, tuple(v6, n));
              t.setMeta(fresh, TIME_WAIT, n % 15, 0, n & 0xff);
              t.setRcvNxt(fresh, n);
              model.set(n, fresh);
            }
          }
          expect(t.size).toBe(model.size);
          expect(new Set(model.values()).size).toBe(model.size);
          expect([...t].sort((a, b) => a - b)).toEqual([...model.values()].sort((a, b) => a - b));
          const local = new Address(0, 0, 0, 0);
          const remote = new Address(0, 0, 0, 0);
          for (const [n, row] of model) {
            const x = tuple(v6, n);
            expect(find(t, x)).toBe(row);
            expect([t.rcvNxt(row), t.scale(row), t.tos(row)]).toEqual([n, n % 15, n & 0xff]);
            t.readLocal(row, local);
            t.readRemote(row, remote);
            expect(local.equals(x.local) && remote.equals(x.remote)).toBe(true);
            expect([t.localPort(row), t.remotePort(row)]).toEqual([x.lp, x.rp]);
          }
          for (let n = 4000; n < 5500; n += 100) if (!model.has(n)) expect(find(t, tuple(v6, n))).toBe(-1);
        }
      },
    ),
    { numRuns: 15 },
  );
});

test('link-local peers of two interfaces are two rows', () => {
  const t = new TimeWaitTable(4, 0, hash);
  const x: Tuple = { local: parseAddress('fe80::1%3')!, lp: 5, remote: parseAddress('fe80::2%3')!, rp: 6 };
  const y: Tuple = { ...x, remote: parseAddress('fe80::2%4')! };
  const row = add(t, x);
  expect(find(t, y)).toBe(-1);
  expect(find(t, x)).toBe(row);
});

test('what a row remembers does not disturb its neighbours in the word', () => {
  const t = new TimeWaitTable(1, 0, hash);
  const row = add(t, tuple(false, 1));
  t.setMeta(row, FIN_WAIT_2, 14, TW_REUSE_ADDR | TW_TS_OFFSET, 0xfe);
  expect(t.hasTimestamps(row)).toBe(false);
  t.setTsRecent(row, -5, 2_000_000_000, 2_000_000_100);
  t.setOowAt(row, 123_456_789);
  expect([t.substate(row), t.scale(row), t.tos(row)]).toEqual([FIN_WAIT_2, 14, 0xfe]);
  expect(t.flags(row)).toBe(TW_REUSE_ADDR | TW_TS_OFFSET | TW_OOW_SEEN);
  expect(t.sinceOow(row, 123_456_789 + 600)).toBe(600);
  t.setSubstate(row, TIME_WAIT);
  t.forgetOow(row);
  expect(t.flags(row)).toBe(TW_REUSE_ADDR | TW_TS_OFFSET);
  expect([t.hasTimestamps(row), t.tsRecent(row)]).toEqual([true, -5]);
  expect([t.substate(row), t.scale(row), t.tos(row)]).toEqual([TIME_WAIT, 14, 0xfe]);
  // A day later it is still known when; after a hundred days it is known to be old.
  expect(t.tsStamp(row, 2_000_086_500)).toBe(2_000_000_000);
  t.setTsRecent(row, -5, 1_000_000_000, 2_000_000_000);
  expect(t.tsStamp(row, 2_000_000_001)).toBe(2_000_000_000 - 2 ** 23);
});

test('rows that are gone leave nothing behind: pages and chains go with them', () => {
  const t = new TimeWaitTable(1, 0, hash);
  const rows: number[] = [];
  for (let n = 0; n < 20_000; n++) {
    const row = add(t, tuple(false, n));
    t.setMeta(row, TIME_WAIT, 0, 0, 0);
    rows.push(row);
  }
  for (const row of rows) t.remove(row);
  expect([...t]).toEqual([]);
  // The next crowd is numbered from the first on.
  expect(Math.max(...Array.from({ length: 5000 }, (_, n) => add(t, tuple(false, n))))).toBeLessThan(20_480);
});

test('the first page begins small, also when it has been given back', () => {
  const spread = (_l: Address, lp: number): number => Math.imul(lp, 0x9e3779b1);
  const t = new TimeWaitTable(1, 0, spread);
  const to = tuple(false, 1);
  const rows = new Map<number, number>();
  const fill = (from: number, until: number): void => {
    for (let lp = from; lp < until; lp++) {
      const row = t.add(spread(to.local, lp), to.local, lp, to.remote, to.rp);
      t.setMeta(row, TIME_WAIT, lp % 15, 0, 0);
      t.setRcvNxt(row, lp);
      rows.set(lp, row);
    }
  };
  const whole = (): void => {
    expect(new Set(rows.values()).size).toBe(rows.size);
    expect([...t].sort((a, b) => a - b)).toEqual([...rows.values()].sort((a, b) => a - b));
    for (const [lp, row] of rows) {
      expect(t.find(spread(to.local, lp), to.local, lp, to.remote, to.rp)).toBe(row);
      expect([t.rcvNxt(row), t.scale(row)]).toEqual([lp, lp % 15]);
    }
  };
  fill(1, 12_000);
  whole();
  for (const [lp, row] of [...rows]) {
    if (row >= 4096) continue;
    t.remove(row);
    rows.delete(lp);
  }
  whole();
  fill(20_000, 24_000);
  whole();
  expect(Math.max(...rows.values())).toBeLessThan(3 * 4096);
});
