import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LESSONS, lessonOf } from '../../lab/lessons/index.ts';
import { isUnreadable, type Place, readPlace, writePlace } from '../../lab/url/url.ts';

const LONGEST = 61_000;
const script = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc
    .array(fc.constantFrom('0 A connect a B:80', '~_%&=#+', 'frame 3 drop', '中文 ↔ 🙂', '', ' '), {
      maxLength: 40,
    })
    .map(rows => rows.join('\n')),
);
const place: fc.Arbitrary<Place> = fc.record({
  lesson: fc.constantFrom('', ...LESSONS.map(l => l.id)),
  script,
  time: fc.oneof(fc.nat(1e9), fc.double({ min: 0, max: 1e15, noNaN: true })),
  lang: fc.constantFrom('en', 'zh', ''),
});

describe('the address', () => {
  test('gives back what was put in', () => {
    fc.assert(
      fc.property(place, p => {
        expect(readPlace(writePlace(p))).toEqual({ ...p, time: Math.round(p.time) });
      }),
      { numRuns: 1000 },
    );
  });

  test('has nothing in it that a browser would change, or that would end a link in a text', () => {
    fc.assert(
      fc.property(place, p => {
        const hash = writePlace(p);
        expect(hash).toMatch(/^#[\w=&~%.!*'()-]*$/);
        expect(new URL(`http://x/${hash}`).hash.replace(/^#?/, '#')).toBe(hash);
      }),
    );
  });

  test('of a lesson as it is, is short', () => {
    const { id, script } = lessonOf('wave4-once')!;
    expect(writePlace({ lesson: id, script, time: 0, lang: 'en' })).toBe('#lesson=wave4-once&lang=en');
    expect(writePlace({ lesson: id, script, time: 610_000, lang: '' })).toBe('#lesson=wave4-once&t=610000');
  });

  test('any text opens, and says nothing that is no place', () => {
    const parts = fc
      .array(
        fc.tuple(
          fc.constantFrom('lesson', 's', 't', 'lang', 'live', ''),
          fc.oneof(
            fc.string({ unit: 'binary' }),
            fc.constantFrom('%', '%E0%A4%A', '-1', '1e99', 'NaN', 'zh', '0x10'),
          ),
        ),
      )
      .map(list => `#${list.map(([k, v]) => `${k}=${v}`).join('&')}`);
    fc.assert(
      fc.property(fc.oneof(parts, fc.string({ unit: 'binary' })), hash => {
        const p = readPlace(hash);
        expect(p.lesson === '' || lessonOf(p.lesson) !== null).toBe(true);
        expect(p.time).toBeGreaterThanOrEqual(0);
        expect(p.time).toBeLessThanOrEqual(1e15);
        expect(['', 'en', 'zh']).toContain(p.lang);
        expect(typeof isUnreadable(hash)).toBe('boolean');
      }),
      { numRuns: 1000 },
    );
  });

  test('never grows beyond what is read again; what is too long leaves nothing half', () => {
    fc.assert(
      fc.property(fc.constantFrom('a', ' ', '\n', '中', '%', '🙂'), fc.nat(200_000), (unit, n) => {
        const p: Place = { lesson: 'handshake', script: unit.repeat(n), time: 5, lang: 'zh' };
        const hash = writePlace(p);
        expect(hash.length).toBeLessThan(LONGEST);
        const read = readPlace(hash);
        if (read.script !== p.script) expect(read).toEqual({ lesson: '', script: '', time: 0, lang: 'zh' });
        expect(isUnreadable(hash)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('a script that can not be read is known as such', () => {
    expect(isUnreadable('#s=%E0%A4%A')).toBe(true);
    expect(isUnreadable(`#s=${'x'.repeat(100_000)}`)).toBe(true);
    expect(isUnreadable('#s=0_A_crash&lang=en')).toBe(false);
    expect(isUnreadable('#lesson=handshake')).toBe(false);
    expect(readPlace('#lesson=handshake&s=%E0%A4%A').script).toBe(lessonOf('handshake')!.script);
  });

  test('half a character is written as what stands for it', () => {
    const p: Place = { lesson: '', script: 'a\ud83d b\ude42 c🙂', time: 0, lang: '' };
    expect(readPlace(writePlace(p)).script).toBe('a\ufffd b\ufffd c🙂');
  });
});
