import { lang } from './words.ts';

/** What the engine notes, in Chinese; `$1` … are its parts. English is as the engine writes it. */
const NOTES: readonly (readonly [RegExp, string])[] = [
  [/^(\S+) crashes$/, '$1 断电'],
  [/^(\S+) starts again$/, '$1 重新启动'],
  [/^wire: rule (.+)$/, '线路：规则 $1'],
  [/^wire: clear$/, '线路：取消所有规则'],
  [/^wire: partition on(?: (\S+))?$/, '线路：被剪断 $1'],
  [/^wire: partition off(?: (\S+))?$/, '线路：重新接上 $1'],
  [/^wire: delay (.+)$/, '线路：单向延迟 $1'],
  [/^wire: jitter (.+)$/, '线路：抖动 $1'],
  [/^wire: loss (.+)$/, '线路：丢包率 $1'],
  [/^wire: rate (.+)$/, '线路：速率 $1'],
  [/^wire: queue (.+)$/, '线路：队列长度 $1'],
  [/^wire: flood (\S+) (\S+) (\S+)$/, '线路：向 $1 的 $2 端口发 $3 个伪造的 SYN'],
  [/^([AB]): sysctl (.+)$/, '$1：sysctl $2'],
  [/^([AB]): no option '(.*)'$/, '$1：没有选项“$2”'],
  [/^(\d+) events in between were not kept$/, '中间有 $1 个事件没有保留'],
  [/^(.+) takes (\S+) for lost$/, '$1 认为 $2 已丢失'],
  [/^(.+) throws away what has arrived: (.+)$/, '$1 丢弃了收到的报文段：$2'],
];

export function noteText(text: string): string {
  if (lang.value === 'en') return text;
  const found = NOTES.find(([pattern]) => pattern.test(text));
  return found === undefined ? text : text.replace(found[0], found[1]).trim();
}

const REASONS: Readonly<Record<string, readonly [en: string, zh: string]>> = {
  you: ['by you', '由你'],
  loss: ['by chance', '随机丢包'],
  queue: ['the queue is full', '队列已满'],
  partition: ['the wire is cut', '线路被剪断'],
  mtu: ['larger than the MTU', '超过 MTU'],
};

/** Why a segment met its fate: a word of the wire's, or the rule. */
export function reasonText(reason: string): string {
  const words = Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined;
  return words === undefined ? reason : words[lang.value === 'en' ? 0 : 1];
}
