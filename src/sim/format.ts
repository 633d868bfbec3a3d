import { errnoName } from '../base/errno.ts';
import type { Micros } from '../base/time.ts';
import type { CallEvent, PacketEvent, SegmentEvent, SimEvent } from './log.ts';

const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [2, 'S'],
  [1, 'F'],
  [4, 'R'],
  [8, 'P'],
  [16, '.'],
  [32, 'U'],
  [64, 'E'],
  [128, 'W'],
  [256, 'A'],
];

/** TCP flags as analyzers write them: 'S.', 'FP.'. */
export function formatFlags(flags: number): string {
  let text = '';
  for (const [bit, letter] of FLAG_LETTERS) if (flags & bit) text += letter;
  return text;
}

/** '[P.] seq 1 ack 1 win 63 len 3', options and SACK blocks behind. */
export function formatSegment(e: SegmentEvent): string {
  let text = `[${e.flags}] seq ${e.seq}`;
  if (e.ack !== null) text += ` ack ${e.ack}`;
  text += ` win ${e.window} len ${e.length}`;
  if (e.urgent !== null) text += ` urg ${e.urgent}`;
  const options = formatOptions(e);
  return options === '' ? text : `${text} ${options}`;
}

/** The options that matter to a reader: 'mss=1460 sackok=1 ws=10', 'sack 5-9,12-14'. Timestamps are left out. */
export function formatOptions(e: SegmentEvent): string {
  const parts: string[] = [];
  if (e.mss !== null) parts.push(`mss=${e.mss}`);
  if (e.sackOk) parts.push('sackok=1');
  if (e.windowScale !== null) parts.push(`ws=${e.windowScale}`);
  if (e.sack.length > 0) parts.push(`sack ${e.sack.map(([l, r]) => `${l}-${r}`).join(',')}`);
  return parts.join(' ');
}

/**
 * One event as a line: time in seconds from `origin`, then what happened; a fate other than delivery in
 * angle brackets with its reason.
 */
export function formatEvent(e: SimEvent, origin: Micros = 0): string {
  const time = ((e.time - origin) / 1e6).toFixed(3).padStart(9);
  return `${time}  ${formatBody(e)}`;
}

function formatBody(e: SimEvent): string {
  switch (e.kind) {
    case 'segment':
      return `${way(e)} ${formatSegment(e)}${formatFate(e)}`;
    case 'packet': {
      const what =
        e.protocol === 'ICMP'
          ? `icmp type ${e.icmpType} code ${e.icmpCode}`
          : `${e.protocol} ${e.size} bytes`;
      return `${way(e)} ${what}${formatFate(e)}`;
    }
    case 'state':
      return `   ${e.host}:${e.localPort} state ${e.from} -> ${e.to}${e.why === '' ? '' : `  (${e.why})`}`;
    case 'call':
      return `   app ${e.host}.${e.call}(${e.args.join(', ')}) = ${formatResult(e)}`;
    case 'note':
      return `   ${e.text}`;
  }
}

const way = (e: SegmentEvent | PacketEvent): string =>
  e.injected ? `->${e.to} inject` : `${e.from}>${e.to}`;

function formatFate(e: SegmentEvent | PacketEvent): string {
  if (e.fate === 'delivered') return '';
  return e.reason === '' ? `   <<<${e.fate}>>>` : `   <<<${e.fate}: ${e.reason}>>>`;
}

function formatResult(e: CallEvent): string {
  let text = e.result < 0 ? `−1 ${errnoName(e.result)}` : String(e.result);
  if (e.data !== null && e.result >= 0) text = `${e.result} ${preview(e.data)}`;
  return e.blocked < 2000 ? text : `${text}  (blocked ${(e.blocked / 1e6).toFixed(3)}s)`;
}

function preview(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length && i < 40; i++) {
    const b = bytes[i]!;
    text += b >= 32 && b < 127 ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, '0')}`;
  }
  return `'${text}${bytes.length > 40 ? '…' : ''}'`;
}
