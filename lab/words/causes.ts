import { CLOSED, TIME_WAIT, TRANSITIONS } from '../../src/tcp/state.ts';
import { RST } from '../../src/wire/segment.ts';
import { type EventLog, SEGMENT } from '../engine/log.ts';
import { lang } from './words.ts';

/** What the engine gives as the cause of a change of state, and labels of edges, in Chinese. */
const CHINESE: Readonly<Record<string, string>> = {
  'SYN / SYN+ACK (simultaneous open)': 'SYN / SYN+ACK（同时打开）',
  'close(), RST or time-out': 'close()、RST 或超时',
  'ACK of SYN': 'SYN 的 ACK',
  'RST or time-out': 'RST 或超时',
  'ACK of FIN': 'FIN 的 ACK',
  'FIN, ACK of FIN / ACK': 'FIN、FIN 的 ACK / ACK',
  'new SYN (RFC 6191)': '新的 SYN（RFC 6191）',
  'RST, abort or time-out': 'RST、中止或超时',
  'RST, abort or tcp_fin_timeout': 'RST、中止或 tcp_fin_timeout',
  'RST received': '收到 RST',
  'retransmission timed out': '重传超时',
  'close() with unread data': 'close() 时还有未读数据',
  'close() with SO_LINGER 0': 'close()，SO_LINGER 为 0',
  'data after shutdown': 'shutdown() 之后又收到数据',
  'shutdown() in SYN_SENT': 'SYN_SENT 时 shutdown()',
};

export const edgeText = (label: string): string => (lang.value === 'en' ? label : (CHINESE[label] ?? label));

/** What brought a change of state about: what the edge is labelled with, but of an end what has happened. */
export function causeText(log: EventLog, row: number): string {
  const { from, to } = log.columns;
  const label = TRANSITIONS.find(e => e.from === from[row] && e.to === to[row])?.label ?? '';
  if (to[row] !== CLOSED) return edgeText(label);
  const why = log.whyOf(row);
  if (why === '' && from[row] === TIME_WAIT && resetArrives(log, row)) return edgeText('RST received');
  return edgeText(why === '' || why === 'FIN acknowledged' ? label : why);
}

/** Whether an RST of the peer arrives at the moment of a row. */
function resetArrives({ columns: c }: EventLog, row: number): boolean {
  for (let i = row - 1; i >= 0; i--) {
    if (c.kind[i] !== SEGMENT || !(c.flags[i]! & RST)) continue;
    if (c.conn[i] === c.conn[row] && c.side[i] !== c.side[row] && c.arrival[i] === c.time[row]) return true;
  }
  return false;
}
