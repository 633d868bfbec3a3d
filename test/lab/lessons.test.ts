import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LESSONS } from '../../lab/lessons/index.ts';
import { parseLog } from '../lifecycle/golden/timeline.ts';
import { firstConnection, notesOf, pathOf, runOf } from './run.ts';

/** `ss` names of states, as the measured timelines write them. */
const SS: Readonly<Record<string, string>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-SENT': 'SYN_SENT',
  'SYN-RECV': 'SYN_RECV',
  'FIN-WAIT-1': 'FIN_WAIT_1',
  'FIN-WAIT-2': 'FIN_WAIT_2',
  'TIME-WAIT': 'TIME_WAIT',
  'CLOSE-WAIT': 'CLOSE_WAIT',
  'LAST-ACK': 'LAST_ACK',
  CLOSING: 'CLOSING',
  gone: 'CLOSED',
};

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

/** Timelines that ran as long as the lesson does, so that their states can be laid beside its own. */
const COMPARED = LESSONS.filter(l => l.golden !== undefined && ['close', 'waves'].includes(l.group));

test.each(COMPARED.map(l => [l.id, l] as const))(
  'lesson %s goes through the states measured on Linux',
  (_, lesson) => {
    const file = new URL(`../lifecycle/golden/timelines/${lesson.golden}.txt`, import.meta.url);
    const { events } = parseLog(readFileSync(file, 'utf8'));
    for (const host of ['A', 'B'] as const) {
      const seen = events.flatMap(e =>
        e.kind === 'state' && e.host === host ? [SS[e.state] ?? e.state] : [],
      );
      // A listener's end begins by not being there.
      const measured = seen[0] === 'CLOSED' ? seen.slice(1) : seen;
      const ours = lesson.path[host].split(' ');
      // The measured script looked every 5 ms and saw not every state; what it saw it saw in this order.
      let at = 0;
      for (const state of measured) {
        const found = ours.indexOf(state, at);
        expect(
          found,
          `${host}: ${state} of [${measured.join(' ')}] in [${ours.join(' ')}]`,
        ).toBeGreaterThanOrEqual(at);
        at = found + 1;
      }
    }
  },
);

test('every timeline that a lesson names is there', () => {
  for (const l of LESSONS) {
    if (l.golden === undefined) continue;
    const file = new URL(`../lifecycle/golden/timelines/${l.golden}.txt`, import.meta.url);
    expect(existsSync(file), l.golden).toBe(true);
  }
});
