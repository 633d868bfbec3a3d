import type { TimerKind } from '../engine/view.ts';
import type { Words } from '../lessons/index.ts';
import { say } from './words.ts';

const w = (en: string, zh: string): Words => ({ en, zh });

/** Timers, and other reasons for which a segment is sent, as people call them. */
const NAMES: Readonly<Record<string, Words>> = {
  rto: w('RTO', 'RTO'),
  tlp: w('TLP', 'TLP'),
  reorder: w('RACK', 'RACK'),
  persist: w('persist', '坚持定时器'),
  delack: w('delayed ACK', '延迟 ACK'),
  keepalive: w('keepalive', '保活'),
  fin_wait_2: w('FIN_WAIT_2', 'FIN_WAIT_2'),
  time_wait: w('TIME_WAIT', 'TIME_WAIT'),
  syn_ack: w('SYN+ACK timer', 'SYN+ACK 定时器'),
  fast: w('fast retransmit', '快速重传'),
  again: w('repeated', '重传'),
  dup_ack: w('duplicate ACK', '重复 ACK'),
  window_update: w('window update', '窗口更新'),
  gap: w('the one before it is missing', '前一个缺失'),
};

const MEANINGS: Readonly<Record<TimerKind, Words>> = {
  rto: w('sends again what was not acknowledged', '重传未被确认的数据'),
  persist: w('asks a closed window', '探测关闭的窗口'),
  tlp: w('tail loss probe', '尾部丢失探测'),
  reorder: w('waits for what may only be late', '等待可能只是迟到的报文段'),
  delack: w('acknowledges at the latest then', '最迟此时确认'),
  keepalive: w('asks whether the peer is still there', '询问对端是否还在'),
  fin_wait_2: w('tcp_fin_timeout', 'tcp_fin_timeout'),
  time_wait: w('2 MSL: 60 s on Linux', '2 MSL：Linux 上为 60 秒'),
  syn_ack: w('sends the answer to a SYN again', '重传对 SYN 的回答'),
};

export function timerText(name: string): string {
  const words = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  return words === undefined ? name.replaceAll('_', ' ') : say(words);
}

/** Where it is plain that a timer is meant. */
export const timerName = (kind: TimerKind): string => (kind === 'syn_ack' ? 'SYN+ACK' : timerText(kind));

export const timerMeaning = (name: TimerKind): string => say(MEANINGS[name]);
