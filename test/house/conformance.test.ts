import { expect, test } from 'vitest';
import { citationsIn, MOST_WITHOUT_TEST, problems, render } from '../../scripts/conformance.mjs';

const requirement = (id: string) => ({ id, section: '3.1', part: 'header', text: `asks for ${id}` });
const facts = {
  requirements: [requirement('MUST-1'), requirement('MAY-2')],
  cannotApply: {} as Record<string, string>,
  differences: [] as { ids: string[]; topic: string; rfc: string; linux: string; default: string }[],
  citations: [{ file: 'test/rfc/a.test.ts', name: 'it does', ids: ['MUST-1', 'MAY-2'] }],
};

test('a test cites by the ids before the colon of its name', () => {
  const source = `
    test('MUST-1: a sentence: with a colon', () => {});
    it("SHLD-2, MAY-3: it's two", () => {});
    test.each([['x', f(1)]])('REC-1: case %s', x => {});
    test(\`MUST-4: in back-quotes\`, () => {});
    test('what MUST-5 says is no citation', () => {});
    test('plain: sentence', () => {});
    describe('MUST-6: a group', () => {});
  `;
  expect(citationsIn('f', source).map(c => [c.ids.join(), c.name])).toEqual([
    ['MUST-1', 'a sentence: with a colon'],
    ['SHLD-2,MAY-3', "it's two"],
    ['REC-1', 'case %s'],
    ['MUST-4', 'in back-quotes'],
  ]);
});

test('a requirement with a test or a reason is accounted for', () => {
  expect(problems(facts)).toEqual([]);
  const one = { ...facts, citations: [{ file: 'f', name: 'n', ids: ['MUST-1'] }] };
  expect(problems(one)).toHaveLength(1);
  expect(problems(one)[0]).toContain('MAY-2');
  expect(problems({ ...one, cannotApply: { 'MAY-2': 'because' } })).toEqual([]);
});

test('a reason beside a test, an unknown id and too many reasons are problems', () => {
  expect(problems({ ...facts, cannotApply: { 'MUST-1': 'because' } })[0]).toContain('has a test');
  expect(
    problems({ ...facts, citations: [...facts.citations, { file: 'f', name: 'n', ids: ['MUST-99'] }] })[0],
  ).toContain('MUST-99');
  const many = Array.from({ length: MOST_WITHOUT_TEST + 1 }, (_, i) => requirement(`SHLD-${i + 1}`));
  const cannotApply = Object.fromEntries(many.map(r => [r.id, 'because']));
  expect(problems({ requirements: many, cannotApply, differences: [], citations: [] })).toHaveLength(1);
});

test('the table shows each requirement once, and what bars there are do not break it', () => {
  const difference = { ids: ['MAY-2'], topic: 'a|b', rfc: 'x', linux: 'y', default: 'Linux' };
  const text = render({ ...facts, differences: [difference] });
  expect(text).toContain('| MUST-1 | 3.1 | asks for MUST-1 | it does ([a](../test/rfc/a.test.ts)) |');
  expect(text).toContain('| MAY-2\\* |');
  expect(text).toContain('a\\|b');
});
