import { describe, expect, test } from 'vitest';
import { LESSONS, lessonOf } from '../../lab/lessons/index.ts';
import { goldenDifferences, type ShownLesson, shownOf } from './golden.ts';
import { runOf } from './run.ts';

const MEASURED = LESSONS.filter(l => l.golden !== undefined);

describe('what Linux did', () => {
  test.each(MEASURED.map(l => [l.id, l.golden, l] as const))(
    'lesson %s shows as in %s',
    (_id, _golden, lesson) => {
      expect(goldenDifferences(lesson, shownOf(runOf(lesson.script).log))).toEqual([]);
    },
  );
});

describe('the comparison', () => {
  const lesson = lessonOf('wave2-once')!;
  const view = shownOf(runOf(lesson.script).log);
  const changed = (change: Partial<ShownLesson>): string[] =>
    goldenDifferences(lesson, { ...view, ...change });

  test('takes plain data', () => {
    expect(goldenDifferences(lesson, JSON.parse(JSON.stringify(view)))).toEqual([]);
  });

  test('finds each segment that is missing', () => {
    for (let i = 0; i < view.segments.length; i++)
      expect(changed({ segments: view.segments.filter((_, n) => n !== i) })).not.toEqual([]);
  });

  test('finds a segment too many, a wrong number, a loss that was not, a retransmission less', () => {
    const last = view.segments.at(-1)!;
    const again = view.segments.findIndex(s => s.retransmission);
    const with_ = (at: number, change: object) =>
      changed({ segments: view.segments.map((s, n) => (n === at ? { ...s, ...change } : s)) });
    expect(changed({ segments: [...view.segments, last] })[0]).toMatch(/which Linux did not/);
    expect(with_(3, { seq: 7 })[0]).toMatch(/seq 7 .* Linux sent .*seq 1 /);
    expect(with_(3, { lost: true })[0]).toMatch(/lost/);
    expect(with_(again, { retransmission: false })[0]).toMatch(/retransmits 0 times, Linux did 1 times/);
  });

  test('finds another end', () => {
    const { A, B } = view.states;
    expect(changed({ states: { A: A.slice(0, -2), B } })[0]).toMatch(/A /);
    expect(changed({ states: { A, B: [...B, 'ESTABLISHED'] } })[0]).toMatch(/ends in ESTABLISHED/);
  });
});
