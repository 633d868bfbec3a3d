import { expect, test } from 'vitest';
import { KNOBS } from '../../lab/engine/knobs.ts';
import { notesOf, runOf } from './run.ts';

test('the knobs are those of Linux, with what they mean', () => {
  expect(KNOBS.length).toBeGreaterThan(50);
  for (const k of KNOBS) {
    expect(k.name).toMatch(/^(net|lastack)\./);
    expect(k.meaning.length).toBeGreaterThan(10);
    expect(typeof k.range).toBe('string');
  }
  expect(KNOBS.find(k => k.short === 'tcp_fin_timeout')).toMatchObject({
    name: 'net.ipv4.tcp_fin_timeout',
    initial: '60',
    unit: 's',
  });
});

test('a script can set each to its initial value, by either name', () => {
  const set = KNOBS.filter(k => k.initial !== '').flatMap(k =>
    [k.name, k.short].map(name => `0 A sysctl ${name} ${k.initial.replace('\t', ' ')}`),
  );
  const notes = notesOf(runOf(['end 1s', ...set].join('\n')));
  expect(notes.filter(n => !n.startsWith('A: sysctl'))).toEqual([]);
  expect(notes.length).toBe(set.length);
});
