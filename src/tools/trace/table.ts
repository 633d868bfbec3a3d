import { ACK, FIN, RST, SYN, URG } from '../../wire/segment.ts';
import type { Paint } from '../cli/paint.ts';
import type { Analysis } from './analyse.ts';
import { Analyst } from './analyse.ts';
import { type Conversation, flagNames, type SegmentEvent } from './event.ts';

/** One row of the packet list that people know from Wireshark. */
export interface TableRow {
  no: number;
  /** Seconds since the first. */
  time: number;
  source: string;
  destination: string;
  protocol: 'TCP';
  info: string;
  lost: boolean;
  flags: number;
}

/** The segments of the conversations in the order in which they were sent. */
export function tableRows(conversations: readonly Conversation[]): TableRow[] {
  const all: { event: SegmentEvent; analyst: Analyst }[] = [];
  for (const c of conversations) {
    const analyst = new Analyst(c);
    for (const event of c.events) if (event.kind === 'segment') all.push({ event, analyst });
  }
  all.sort((x, y) => x.event.at - y.event.at || x.event.n - y.event.n);
  const start = all[0]?.event.at ?? 0;
  return all.map(({ event, analyst }, i) => ({
    no: i + 1,
    time: (event.at - start) / 1e6,
    source: event.segment.source,
    destination: event.segment.destination,
    protocol: 'TCP',
    info: segmentInfo(event, analyst.judge(event)),
    lost: event.fate === 'lost' || event.fate === 'corrupted',
    flags: event.segment.flags,
  }));
}

/** Wireshark's words: `[TCP Retransmission] 40000 → 80 [FIN, ACK] Seq=1 Ack=1 Win=64256 Len=0`. */
export function segmentInfo(event: SegmentEvent, a: Analysis): string {
  const s = event.segment;
  const parts: string[] = [];
  const mark = verdict(a, s.flags);
  if (mark) parts.push(`[${mark}]`);
  parts.push(`${s.sourcePort} → ${s.destinationPort}`, `[${flagNames(s.flags) || '<None>'}]`, `Seq=${a.seq}`);
  if (s.flags & ACK) parts.push(`Ack=${a.ack}`);
  parts.push(`Win=${a.window >= 0 ? a.window : s.window}`, `Len=${s.length}`);
  if (s.flags & URG) parts.push(`Urg=${s.urgent ?? 0}`);
  if (s.mss !== undefined) parts.push(`MSS=${s.mss}`);
  if (s.windowScale !== undefined) parts.push(`WS=${2 ** Math.min(s.windowScale, 14)}`);
  if (s.sackPermitted) parts.push('SACK_PERM');
  if (s.tsVal !== undefined) parts.push(`TSval=${s.tsVal}`, `TSecr=${s.tsEcr ?? 0}`);
  for (const [l, r] of a.sack) parts.push(`SLE=${l}`, `SRE=${r}`);
  if (event.duplicate) parts.push('(copy made by the wire)');
  if (event.fate === 'lost') parts.push(`✗ lost: ${event.reason ?? 'on the wire'}`);
  if (event.fate === 'corrupted') parts.push('✗ corrupted on the wire');
  return parts.join(' ');
}

function verdict(a: Analysis, flags: number): string {
  if (a.retransmission) return 'TCP Retransmission';
  if (a.keepAlive) return 'TCP Keep-Alive';
  if (a.gap) return 'TCP Previous segment not captured';
  if (a.zeroWindow && !(flags & (SYN | FIN | RST))) return 'TCP ZeroWindow';
  if (a.windowUpdate) return 'TCP Window Update';
  if (a.duplicateAck > 0) return `TCP Dup ACK #${a.duplicateAck}`;
  return '';
}

const HEADS = ['No.', 'Time', 'Source', 'Destination', 'Protocol', 'Info'] as const;

/** The rows as text, with a heading. */
export function tableText(rows: readonly TableRow[], paint: Paint): string[] {
  const cells = rows.map(r => [String(r.no), r.time.toFixed(6), r.source, r.destination, r.protocol]);
  const widths = HEADS.slice(0, 5).map((h, i) => cells.reduce((w, c) => Math.max(w, c[i]!.length), h.length));
  const line = (c: readonly string[], info: string): string =>
    `${c.map((x, i) => (i < 2 ? x.padStart(widths[i]!) : x.padEnd(widths[i]!))).join('  ')}  ${info}`;
  const out = [paint.bold(line(HEADS.slice(0, 5), HEADS[5]))];
  rows.forEach((r, i) => {
    const text = line(cells[i]!, r.info);
    if (r.lost) out.push(paint.red(text));
    else if (r.flags & RST) out.push(paint.magenta(text));
    else if (r.flags & SYN) out.push(paint.green(text));
    else if (r.flags & FIN) out.push(paint.yellow(text));
    else out.push(text);
  });
  return out;
}
