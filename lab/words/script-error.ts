import { lang } from './words.ts';

/** What is wrong with a line of a script, in Chinese; `$1` … are its parts. */
const CHINESE: readonly (readonly [RegExp, string])[] = [
  [/^more than (\d+) lines$/, '超过 $1 行'],
  [/^(seed|hz): a number is expected$/, '$1 后面应为数字'],
  [/^end: a time is expected \(70s\)$/, 'end 后面应为时间（70s）'],
  [/^frame NUMBER (\S+) \[TIME\]$/, '应为：frame 编号 $1 [时间]'],
  [/^'(.*)': a time is expected \(0, 20ms, 1\.5s\)$/, '“$1”：应为时间（0、20ms、1.5s）'],
  [/^'(.*)': A, B or wire is expected$/, '“$1”：应为 A、B 或 wire'],
  [/^'(.*)': one of (.+)$/, '“$1”：应为 $2 之一'],
  [/^(\w+): (\d+) words are expected behind it$/, '$1 后面应有 $2 个词'],
];

export function scriptErrorText(error: string): string {
  if (lang.value === 'en') return error;
  const found = CHINESE.find(([pattern]) => pattern.test(error));
  return found === undefined ? error : error.replace(found[0], found[1]);
}

export const lineText = (line: number): string => (lang.value === 'en' ? `line ${line}` : `第 ${line} 行`);
