import { parseRule } from '../../src/link/rule-parser.ts';

/** What was understood: a rule in the grammar of links, or why not. */
export type Understood =
  | { readonly ok: true; readonly rule: string }
  | { readonly ok: false; readonly error: string };

const ACTIONS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:lose|loses|drop|drops|kill)\b|丢|丢弃|丢失/, 'drop'],
  [/\bdelay|\bslow\b|延迟|推迟/, 'delay'],
  [/\b(?:duplicate|double|copy|repeat)\b|复制|重复/, 'duplicate'],
  [/\b(?:reorder|overtake)\b|乱序|超车/, 'reorder'],
  [/\b(?:corrupt|damage|flip)\b|损坏|翻转/, 'corrupt'],
];

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/syn\s*[-+/]?\s*ack/, 'SYN-ACK'],
  [/\bpure[- ]acks?\b|纯\s*ack/, 'pure-ACK'],
  [/fins?(?![a-z])/, 'FIN'],
  [/syns?(?![a-z])/, 'SYN'],
  [/rsts?(?![a-z])|\breset/, 'RST'],
  [/acks?(?![a-z])/, 'pure-ACK'],
  [/\bdata\b|数据/, 'DATA'],
  [/\bsacks?\b/, 'SACK'],
  [/\bretransmi\w+|重传/, 'retransmit'],
];

const ORDINALS: Readonly<Record<string, string>> = {
  first: '1',
  second: '2',
  third: '3',
  fourth: '4',
  fifth: '5',
  一: '1',
  二: '2',
  三: '3',
  四: '4',
  五: '5',
};
const NUMBERS: Readonly<Record<string, string>> = {
  two: '2',
  three: '3',
  four: '4',
  five: '5',
  两: '2',
  三: '3',
};

/**
 * Reads a rule in words, English or Chinese ("lose A’s 1st FIN", "丢 B 的所有 ACK"), or in the grammar of
 * links ("drop B FIN 1..2").
 */
export function understand(text: string): Understood {
  const plain = text.trim().replace(/[’‘]/g, "'").replace(/\s+/g, ' ');
  if (plain === '') return { ok: false, error: '' };
  const exact = parseRule(plain, ['A', 'B']);
  if (exact.ok) return { ok: true, rule: plain };
  const words = plain.toLowerCase();
  const action = ACTIONS.find(([pattern]) => pattern.test(words))?.[1];
  // What the grammar says of it is of use only where somebody tried to write a rule.
  if (action === undefined) return { ok: false, error: exact.error };
  const time = /\b(\d+(?:\.\d+)?) ?(us|µs|ms|s|min)\b/.exec(words);
  const parts = [action];
  if (action === 'delay') parts.push(time === null ? '300ms' : `${time[1]}${time[2]}`);
  else if (action === 'duplicate' && time !== null) parts.push(`${time[1]}${time[2]}`);
  parts.push(senderOf(plain), KINDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'any');
  const count = countOf(words);
  if (count !== '') parts.push(count);
  const percent = /(\d+(?:\.\d+)?) ?%/.exec(words);
  if (percent !== null) parts.push(`${percent[1]}%`);
  const rule = parts.join(' ');
  const checked = parseRule(rule, ['A', 'B']);
  return checked.ok ? { ok: true, rule } : { ok: false, error: checked.error };
}

function senderOf(text: string): string {
  const m = /\b([AB])(?:'s\b|\b)|([AB])\s*的/.exec(text.replace(/^(?:a|A) (?=\d)/, ''));
  const found = m?.[1] ?? m?.[2];
  return found ?? '*';
}

function countOf(words: string): string {
  const range = /\bfirst (\d+|two|three|four|five)\b|前\s*(\d+|两|三)\s*个/.exec(words);
  if (range !== null) {
    const n = range[1] ?? range[2] ?? '1';
    return `1..${NUMBERS[n] ?? n}`;
  }
  const nth = /\b(\d+)(?:st|nd|rd|th)\b|第\s*(\d+)\s*个?/.exec(words);
  if (nth !== null) return nth[1] ?? nth[2] ?? '';
  const word = /\b(first|second|third|fourth|fifth)\b|第\s*([一二三四五])/.exec(words);
  return word === null ? '' : (ORDINALS[word[1] ?? word[2] ?? ''] ?? '');
}
