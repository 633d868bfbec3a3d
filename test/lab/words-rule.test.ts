import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { understand } from '../../lab/words/rule.ts';
import { lang, WORDS } from '../../lab/words/words.ts';
import { parseRule } from '../../src/link/rule-parser.ts';

afterEach(() => {
  lang.value = 'en';
});

describe('rules in words', () => {
  test.for([
    ['lose A’s 1st FIN', 'drop A FIN 1'],
    ["lose A's first FIN", 'drop A FIN 1'],
    ['Lose the second SYN of B', 'drop B SYN 2'],
    ['lose B’s first 2 FINs', 'drop B FIN 1..2'],
    ['lose the first two data segments from A', 'drop A DATA 1..2'],
    ['lose two FINs of B', 'drop B FIN 1..2'],
    ['lose a FIN', 'drop * FIN 1'],
    ['lose a FIN of A', 'drop A FIN 1'],
    ['lose every ACK from B', 'drop B pure-ACK'],
    ['drop all RSTs', 'drop * RST'],
    ['dropped resets of B', 'drop B RST'],
    ['lose the SYN-ACK', 'drop * SYN-ACK'],
    ['lose 2 SYN+ACKs of B', 'drop B SYN-ACK 1..2'],
    ['lose what retransmits A', 'drop A retransmit'],
    ['lose everything to B', 'drop A any'],
    ['lose A’s data to B', 'drop A DATA'],
    ['lose 5% of everything', 'drop * any 5%'],
    ['lose 2.5 percent of B’s data', 'drop B DATA 2.5%'],
    ['delay B’s data by 300ms', 'delay 300ms B DATA'],
    ['delay B’s 3rd data segment by 2 seconds', 'delay 2s B DATA 3'],
    ['delay the first SYN', 'delay 300ms * SYN 1'],
    ['duplicate A’s 2nd SYN', 'duplicate A SYN 2'],
    ['double B’s data after 3s', 'duplicate B DATA after 3s'],
    ['repeat A’s first data 5 s later', 'duplicate 5s A DATA 1'],
    ['lose A’s data after 2 s until 4 s', 'drop A DATA after 2s until 4s'],
    ['reorder A’s data', 'reorder A DATA'],
    ['flip a bit in B’s 4th ACK', 'corrupt B pure-ACK 4'],
    ['lose SACKs', 'drop * SACK'],
    ['drop B FIN 1..2', 'drop B FIN 1..2'],
    ['drop A ack>=2 1', 'drop A ack>=2 1'],
    ['丢 A 的第 1 个 FIN', 'drop A FIN 1'],
    ['丢A的FIN', 'drop A FIN'],
    ['丢弃 A 的第一个 FIN', 'drop A FIN 1'],
    ['丢 B 的所有 ACK', 'drop B pure-ACK'],
    ['丢掉 B 的前两个 FIN', 'drop B FIN 1..2'],
    ['丢失 A 的 3 个数据', 'drop A DATA 1..3'],
    ['B 的数据延迟 300ms', 'delay 300ms B DATA'],
    ['B 的数据延迟 300 毫秒', 'delay 300ms B DATA'],
    ['延迟 A 的第二个 SYN 2 秒', 'delay 2s A SYN 2'],
    ['复制 A 的第 2 个 SYN', 'duplicate A SYN 2'],
    ['丢 5%', 'drop * any 5%'],
    ['丢百分之十的数据', 'drop * DATA 10%'],
    ['lose half of A’s ACKs', 'drop A pure-ACK 50%'],
    ['丢一半', 'drop * any 50%'],
    ['lose the first segment', 'drop * any 1'],
    ['丢百分之10的数据', 'drop * DATA 10%'],
    ['丢 5％ 的数据', 'drop * DATA 5%'],
    ['丢掉发给 B 的数据', 'drop A DATA'],
    ['2 秒后丢 A 的数据', 'drop A DATA after 2s'],
    ['丢 B 的重传', 'drop B retransmit'],
    ['损坏 A 的纯 ACK', 'corrupt A pure-ACK'],
    ['A 的数据乱序', 'reorder A DATA'],
    ['丢 SYN+ACK', 'drop * SYN-ACK'],
  ] as const)('%s', ([words, rule]) => {
    expect(understand(words)).toEqual({ ok: true, rule });
  });

  test.for(['fish', 'hello world', 'A', '你好', 'FIN', '.', 'the first FIN of A'])(
    'what says no action is asked for one: %s',
    words => {
      expect(understand(words)).toEqual({ ok: false, error: WORDS.ruleNoAction.en });
      lang.value = 'zh';
      expect(understand(words)).toEqual({ ok: false, error: WORDS.ruleNoAction.zh });
    },
  );

  test('which segment will be the last is not known', () => {
    expect(understand('lose the last ACK')).toEqual({ ok: false, error: WORDS.ruleLast.en });
    expect(understand('丢最后一个 ACK').ok).toBe(false);
  });

  test('what can not be is told in one line, in the language of the page', () => {
    expect(understand('lose 150% of the data')).toEqual({
      ok: false,
      error: "expected a share between 0% and 100%, found '150%'",
    });
    lang.value = 'zh';
    expect(understand('丢 150% 的数据')).toEqual({
      ok: false,
      error: "应为0% 到 100% 之间的比例，却是 '150%'",
    });
    expect(understand('丢 A 的第 0 个 FIN')).toMatchObject({ ok: false, error: /^应为从 1 数起的序号/ });
  });

  test('nothing is no mistake', () => {
    expect(understand('  ')).toEqual({ ok: false, error: '' });
  });

  test('no text throws, and what is understood is a rule', () => {
    const word = fc.constantFrom(
      ...'lose drop delay duplicate reorder flip 丢 延迟 复制 A B A’s B’s 的 first 2nd 第 3 个 last FIN SYN ACK data 5% 300ms 2 s after until to from every any 1..2 * % ( [ \\ 99999999999 0'.split(
        ' ',
      ),
    );
    const sentence = fc.array(word, { maxLength: 8 }).map(words => words.join(' '));
    fc.assert(
      fc.property(fc.oneof(sentence, fc.string({ unit: 'binary', maxLength: 60 })), text => {
        const read = understand(text);
        if (read.ok) expect(parseRule(read.rule, ['A', 'B']).ok).toBe(true);
        else expect(read.error).not.toMatch(/\n/);
      }),
      { numRuns: 2000 },
    );
  });
});
