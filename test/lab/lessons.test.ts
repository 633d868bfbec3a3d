import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LESSONS } from '../../lab/lessons/index.ts';
import { firstConnection, notesOf, pathOf, runOf } from './run.ts';

test.each(LESSONS.map(l => [l.id, l] as const))(
  'lesson %s runs to its end through the states it names',
  (_, lesson) => {
    const run = runOf(lesson.script);
    const conn = firstConnection(run);
    expect({ A: pathOf(run, 0, conn), B: pathOf(run, 1, conn) }).toEqual(lesson.path);
    expect(run.over).toBe(false);
    expect(notesOf(run).filter(n => /expected|unknown|no option/i.test(n))).toEqual([]);
  },
);

test('lessons have names of their own and texts in both languages', () => {
  expect(new Set(LESSONS.map(l => l.id)).size).toBe(LESSONS.length);
  for (const l of LESSONS) {
    for (const words of [l.title, l.text, l.question, l.answer]) {
      expect(words.en.length).toBeGreaterThan(3);
      expect(/[\u4e00-\u9fff]|^[\w ]+$/.test(words.zh)).toBe(true);
    }
    expect(l.id).toMatch(/^[a-z0-9-]+$/);
  }
});

test('every timeline that a lesson names is there', () => {
  for (const l of LESSONS) {
    if (l.golden === undefined) continue;
    const file = new URL(`../lifecycle/golden/timelines/${l.golden}.txt`, import.meta.url);
    expect(existsSync(file), l.golden).toBe(true);
  }
});

test('each situation that everybody meets or is asked about has a lesson', () => {
  const ids = `handshake third-lost refused before-accept simultaneous-open self-connect close-four close-three
    half-close simultaneous-close wave1-once wave1-forever wave2-once wave2-forever wave3-once wave3-forever
    wave4-once wave4-forever tw-last-ack tw-old-duplicate tw-reuse-off tw-reuse-on fin-timeout rfc1337 rfc1337-on
    pool close-wait-leak fw2-close fw2-shutdown ports-exhausted backlog flood flood-cookies reboot rst-unread
    orphan-retries keepalive zero-window slow-start fast-retransmit`;
  expect(LESSONS.map(l => l.id).sort()).toEqual(ids.split(/\s+/).sort());
});
