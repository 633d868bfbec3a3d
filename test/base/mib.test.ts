import { expect, test } from 'vitest';
import { DROP_REASONS, Drops } from '../../src/base/drops.ts';
import { Mib } from '../../src/base/mib.ts';

test('counters carry the names that nstat prints', () => {
  const mib = new Mib();
  mib.TcpActiveOpens++;
  mib.TcpExtListenDrops += 2;
  expect(mib.get('TcpActiveOpens')).toBe(1);
  expect(mib.get('ListenDrops')).toBe(2);
  expect(mib.get('TcpExtListenDrops')).toBe(2);
  expect(mib.get('drops')).toBeNull();
  expect(mib.get('toString')).toBeNull();
  const entries = new Map(mib.entries());
  expect(entries.get('TcpExtListenDrops')).toBe(2);
  expect(entries.get('Icmp6InErrors')).toBe(0);
  expect(entries.size).toBeGreaterThan(250);
});

test('drops are counted by reason, from a fixed list', () => {
  const mib = new Mib();
  mib.countDrop('tcp-checksum');
  mib.drops.count(DROP_REASONS.indexOf('tcp-checksum'));
  mib.drops.count(-1);
  mib.drops.count(10_000);
  expect(mib.drops.get('tcp-checksum')).toBe(2);
  expect(mib.drops.entries()).toEqual([['tcp-checksum', 2]]);
  expect(new Set(DROP_REASONS).size).toBe(DROP_REASONS.length);
  expect(new Drops().entries()).toEqual([]);
});
