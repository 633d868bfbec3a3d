import { parseRule } from '../../src/link/rule-parser.ts';
import { parseTime } from '../../src/link/units.ts';
import { errorText } from './rule-error.ts';
import { t } from './words.ts';

/** What was understood: a rule in the grammar of links, or why not. */
export type Understood =
  | { readonly ok: true; readonly rule: string }
  | { readonly ok: false; readonly error: string };

const ACTIONS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:los[et]|loses|losing|drop\w*|kill\w*)\b|丢/, 'drop'],
  [/\bdelay|\bslow\b|\bhold\b|延迟|推迟|延后/, 'delay'],
  [/\b(?:duplicat\w+|doubles?|copy|copies|repeats?)\b|复制|重复/, 'duplicate'],
  [/\b(?:reorder\w*|overtake\w*)\b|乱序|超车/, 'reorder'],
  [/\b(?:corrupt\w*|damages?|flips?)\b|损坏|翻转/, 'corrupt'],
];

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/syn\s*[-+/]?\s*ack/, 'SYN-ACK'],
  [/\bpure[- ]acks?\b|纯\s*ack/, 'pure-ACK'],
  [/(?<![a-z])fins?(?![a-z])/, 'FIN'],
  [/(?<![a-z])syns?(?![a-z])/, 'SYN'],
  [/(?<![a-z])rsts?(?![a-z])|\breset|重置/, 'RST'],
  [/(?<![a-z])acks?(?![a-z])/, 'pure-ACK'],
  [/\bdata\b|数据/, 'DATA'],
  [/(?<![a-z])sacks?(?![a-z])/, 'SACK'],
  [/\bretransmi\w+|重传/, 'retransmit'],
];

const NUMBERS: readonly (readonly [RegExp, string])[] = [
  [/^(?:one|first|一)$/, '1'],
  [/^(?:two|second|二|两)$/, '2'],
  [/^(?:three|third|三)$/, '3'],
  [/^(?:four|fourth|四)$/, '4'],
  [/^(?:five|fifth|五)$/, '5'],
];
const COUNTED = '(\\d{1,6}|one|two|three|four|five|[一二两三四五])';

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(?:us|µs|microsec|微秒)/, 'us'],
  [/^(?:ms|millisec|毫秒)/, 'ms'],
  [/^(?:min|分)/, 'min'],
  [/^(?:s|秒)/, 's'],
];
const TIME =
  '(\\d+(?:\\.\\d+)?) ?(us\\b|µs|microseconds?|微秒|ms\\b|milliseconds?|毫秒|min(?:utes?)?\\b|分钟?|s(?:ec(?:onds?)?)?\\b|秒)';

/**
 * Reads a rule in words, English or Chinese ("lose A’s 1st FIN", "丢 B 的所有 ACK"), or in the grammar of
 * links ("drop B FIN 1..2").
 */
export function understand(text: string): Understood {
  const plain = text.trim().replace(/[’‘]/g, "'").replace(/％/g, '%').replace(/\s+/g, ' ');
  if (plain === '') return { ok: false, error: '' };
  if (parseRule(plain, ['A', 'B']).ok) return { ok: true, rule: plain };
  const words = plain.toLowerCase();
  const action = ACTIONS.find(([pattern]) => pattern.test(words))?.[1];
  if (action === undefined) return { ok: false, error: t('ruleNoAction') };
  // Which one is the last is known only when all is over.
  if (/\b(?:last|final)\b|最后/.test(words)) return { ok: false, error: t('ruleLast') };
  const [rest, limits] = withoutLimits(words);
  const rule = [action, ...timeOf(action, rest), senderOf(plain), kindOf(rest)];
  const count = countOf(rest, plain);
  if (count !== '') rule.push(count);
  rule.push(...shareOf(rest));
  const read = [...rule, ...limits].join(' ');
  const checked = parseRule(read, ['A', 'B']);
  return checked.ok ? { ok: true, rule: read } : { ok: false, error: errorText(checked.error) };
}

const kindOf = (words: string): string => KINDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'any';

/** How long, for the actions that take a time. */
function timeOf(action: string, words: string): string[] {
  if (action !== 'delay' && action !== 'duplicate') return [];
  const time = new RegExp(TIME).exec(words);
  if (time !== null) return [spanOf(time[1], time[2])];
  return action === 'delay' ? ['300ms'] : [];
}

const spanOf = (number = '', unit = ''): string =>
  `${number}${UNITS.find(([pattern]) => pattern.test(unit))?.[1] ?? 's'}`;

/** Takes `after 2s`, `2 秒后`, `until 5s` out of the words; they are options of their own. */
function withoutLimits(words: string): [rest: string, options: string[]] {
  const options: string[] = [];
  const take = (option: string, pattern: string) => (text: string) =>
    text.replace(new RegExp(pattern), (_, number: string, unit: string) => {
      const span = spanOf(number, unit);
      if (parseTime(span) !== null) options.push(option, span);
      return '';
    });
  let rest = words;
  rest = take('after', `\\b(?:after|from) ${TIME}`)(rest);
  rest = take('until', `\\b(?:until|till|before) ${TIME}`)(rest);
  rest = take('after', `${TIME} ?(?:之后|以后|后)`)(rest);
  rest = take('until', `${TIME} ?(?:之前|以前|前)`)(rest);
  return [rest, options];
}

/** Who sends it: named as the owner, or the other one if only the receiver is named. */
function senderOf(text: string): string {
  const to = /\b(?:to|towards) ([AB])\b|(?:发给|发往|发到|给|到) ?([AB])(?![a-z])/.exec(text);
  const others = to === null ? text : text.replace(to[0], '');
  const from = /(?<![A-Za-z])([AB])(?:'s\b|\b)/.exec(others)?.[1];
  if (from !== undefined) return from;
  if (to === null) return '*';
  return (to[1] ?? to[2]) === 'A' ? 'B' : 'A';
}

const TENTHS: Readonly<Record<string, string>> = {
  一: '1',
  二: '2',
  三: '3',
  五: '5',
  十: '10',
  二十: '20',
  三十: '30',
  五十: '50',
};

function shareOf(words: string): string[] {
  if (/\bhalf\b|一半/.test(words)) return ['50%'];
  const m = /(\d+(?:\.\d+)?) ?(?:%|percent)|百分之 ?(\d+(?:\.\d+)?|[二三五]?十|[一二三五])/.exec(words);
  const share = m?.[1] ?? m?.[2];
  return share === undefined ? [] : [`${TENTHS[share] ?? share}%`];
}

function countOf(words: string, plain: string): string {
  const range = new RegExp(`\\bfirst ${COUNTED}\\b|前 ?${COUNTED} ?[个次]`).exec(words);
  if (range !== null) return `1..${numberOf(range[1] ?? range[2])}`;
  const nth = new RegExp(
    `\\b(\\d{1,6})(?:st|nd|rd|th)\\b|\\b(first|second|third|fourth|fifth)\\b|第 ?${COUNTED}`,
  ).exec(words);
  if (nth !== null) return numberOf(nth[1] ?? nth[2] ?? nth[3]);
  const many = new RegExp(
    `\\b${COUNTED} (?:fin|syn|ack|rst|data|reset|segment|packet|retransmi|pure)|${COUNTED} ?个`,
  ).exec(words);
  const most = many === null ? '' : numberOf(many[1] ?? many[2]);
  if (most !== '') return most === '1' ? '1' : `1..${most}`;
  // Lower case: A is a host.
  return /\ba (?:single )?[A-Z]/.test(plain) ? '1' : '';
}

const numberOf = (word = ''): string => NUMBERS.find(([pattern]) => pattern.test(word))?.[1] ?? word;
