import { lang } from './words.ts';

/** What the grammar of rules expects, in Chinese. */
const EXPECTED: Readonly<Record<string, string>> = {
  'how long to delay (40ms, 1.5s)': '延迟多久（40ms、1.5s）',
  'a share between 0% and 100%': '0% 到 100% 之间的比例',
  'a count from 1 on (2, 3..5, 4.., *)': '从 1 数起的序号（2、3..5、4..、*）',
};

/** The grammar's complaint in one line: where it lies in a rule that nobody has typed is of no use. */
export function errorText(error: string): string {
  const line = (error.split('\n')[0] ?? '').replace(/^rule, position \d+: /, '');
  if (lang.value === 'en') return line;
  const m = /^expected (.+), found (.+)$/.exec(line);
  const expected = EXPECTED[m?.[1] ?? ''];
  if (m === null || expected === undefined) return line;
  return `应为${expected}，却是 ${m[2] === 'the end' ? '结尾' : m[2]}`;
}
