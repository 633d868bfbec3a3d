import { signal } from '@preact/signals';
import { capturePrefix } from '../../src/tools/trace/capture-cut.ts';
import { traceCapture } from '../../src/tools/trace/capture-file.ts';
import type { Conversation, Endpoint } from '../../src/tools/trace/event.ts';
import type { EventLog } from '../engine/log.ts';
import { rowsOf } from './rows.ts';

/** The most that is read of a file, in bytes and in packets, and the most segments that are shown. */
export const MOST_BYTES = 200 * 1024 * 1024;
const MOST_PACKETS = 1_000_000;
export const MOST_SEGMENTS = 200_000;

/** The TCP connections of a capture file, as a feed of the page. */
export interface CaptureTraffic {
  readonly log: EventLog;
  readonly version: { readonly value: number; peek(): number };
  readonly known: { readonly value: number; peek(): number };
  readonly done: { readonly value: boolean; peek(): boolean };
  readonly connections: readonly string[];
  readonly samples: readonly Float64Array[];
  readonly sides: readonly [string, string];
  /** The IP datagram of a row, as far as it was captured; null if the row has none. */
  bytesOf(row: number): Uint8Array | null;
  readonly format: 'pcap' | 'pcapng';
  /** Packets in the part that was read, and those of them that are not TCP or can not be read. */
  readonly packets: number;
  readonly others: number;
  /** What is wrong with the file; and, as sentences too, what was left out because it is too much. */
  readonly errors: readonly string[];
  readonly leftOut: readonly string[];
}

export interface CaptureLimits {
  readonly bytes?: number;
  readonly packets?: number;
  readonly segments?: number;
}

/** Reads a pcap or pcapng file. Never throws: what can not be read is told in `errors`. */
export function readTraffic(bytes: Uint8Array, limits: CaptureLimits = {}): CaptureTraffic {
  const end = capturePrefix(bytes, limits.packets ?? MOST_PACKETS, limits.bytes ?? MOST_BYTES);
  const trace = traceCapture(bytes.subarray(0, end), { segments: limits.segments ?? MOST_SEGMENTS });
  const rows = rowsOf(trace.conversations);
  const leftOut: string[] = [];
  if (end < bytes.length)
    leftOut.push(
      `Only the first ${trace.packets} packets are read, ${share(end, bytes.length)} of the file.`,
    );
  if (trace.omitted > 0) leftOut.push(`${trace.omitted} segments are left out: they are too many.`);
  return {
    log: rows.log,
    version: signal(1),
    known: signal(rows.end),
    done: signal(true),
    connections: rows.connections,
    samples: [rows.samples],
    sides: [nameOf(trace.conversations, 'left'), nameOf(trace.conversations, 'right')],
    bytesOf: row => trace.bytesOf(rows.log.columns.frame[row] ?? -1),
    format: trace.format,
    packets: trace.packets,
    others: trace.others,
    errors: trace.errors,
    leftOut,
  };
}

const share = (part: number, whole: number): string => `${Math.max(1, Math.floor((part / whole) * 100))} %`;

/** What all ends of a column are called: the address if it is the same one, and where the capture was made. */
function nameOf(conversations: readonly Conversation[], side: 'left' | 'right'): string {
  const all = (of: (e: Endpoint) => string): string | null => {
    const names = new Set(conversations.map(c => of(c[side])));
    return names.size === 1 ? [...names].join() : null;
  };
  const role = all(e => e.host) ?? (side === 'left' ? 'client' : 'server');
  const address = all(e => e.address);
  return address === null ? role : `${role}, ${address}`;
}
