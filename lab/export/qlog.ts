import { errnoName } from '../../src/base/errno.ts';
import type { Micros } from '../../src/base/time.ts';
import { type State, stateName } from '../../src/tcp/state.ts';
import type { LivePacket, LiveTcp } from '../../src/tools/packetdrill/packet-view.ts';
import { SYN } from '../../src/wire/segment.ts';
import {
  type EventLog,
  FATES,
  MARK_AGAIN,
  MARK_INJECTED,
  MARK_LOOP,
  SEGMENT,
  STATE,
  TIMER,
} from '../engine/log.ts';
import type { Script } from '../engine/script.ts';
import { Metrics } from './qlog-metrics.ts';
import { flagNames, optionData, Relative } from './qlog-segment.ts';
import { type CallItem, type PacketItem, type Testimony, testify } from './witness.ts';

/** An event of a trace: milliseconds from the scenario's beginning, name, what is said of it. */
export interface QlogEvent {
  readonly time: number;
  readonly name: string;
  /** The connection's number, as text. */
  readonly group_id?: string;
  readonly data: object;
}

/** An event and its place: rows of the log before it, and its order among those with as many. */
interface Placed {
  readonly at: Micros;
  readonly row: number;
  readonly event: QlogEvent;
}

/**
 * What happened up to an event as one qlog file (draft-ietf-quic-qlog-main-schema, qlog_version 0.3) with a
 * trace for each host, A and B. There is no registered schema of events for TCP; these are ours:
 *
 * | name | data |
 * |---|---|
 * | `tcp:segment_sent`, `tcp:segment_received` | `source_port`, `destination_port`, `flags` (names), `seq` and `ack` (from the initial numbers on), `raw_seq`, `raw_ack`, `window` (as on the wire), `length`, `options` (`name` and its values); a retransmission has `retransmission: true`, and `trigger` says what caused it; `loopback: true` if it went over no wire |
 * | `tcp:segment_dropped` | the same with `trigger`: in the trace of the sender what on the wire dropped it, in that of the receiver `damaged` |
 * | `tcp:connection_state_updated` | `old`, `new` (names of RFC 9293, with underscores), `trigger` |
 * | `tcp:metrics_updated` | those that have changed of `congestion_window`, `bytes_in_flight`, `ssthresh` (bytes, counted in segments of the MSS; null: infinite), `smoothed_rtt`, `rto` (ms) |
 * | `tcp:timer_expired` | `timer` (`rto`, `persist`, `tlp`, …) |
 * | `tcp:call_returned`, `tcp:call_pending` | `call`, `args`, `result`, `error` (errno's name), `blocked` (ms) |
 *
 * `group_id` is the number of the connection in the log; the trace's `common_fields.connections` names them.
 */
export function qlogOf(script: Script, step: number): string {
  const traces = ([0, 1] as const).map(side => traceOf(script, step, side));
  return `${JSON.stringify({ qlog_version: '0.3', qlog_format: 'JSON', title: 'lastack lab', traces }, null, 1)}\n`;
}

function traceOf(script: Script, step: number, side: 0 | 1): object {
  const metrics = new Metrics(side);
  const measured: Placed[] = [];
  const testimony = testify(script, step, side, t => {
    const at = t.stage.world.now;
    for (const { conn, data } of metrics.changes(t))
      measured.push({
        at,
        row: t.recorder.log.length,
        event: { time: at / 1000, name: 'tcp:metrics_updated', group_id: String(conn), data },
      });
  });
  const events = [...itemEvents(testimony), ...rowEvents(testimony.recorder.log, side), ...measured]
    .sort((a, b) => a.at - b.at || a.row - b.row)
    .map(p => p.event);
  return {
    vantage_point: { name: side === 0 ? 'A' : 'B', type: roleOf(testimony) },
    title: `host ${side === 0 ? 'A' : 'B'}`,
    ...(testimony.cut ? { description: 'More happened than is written down: the end is left out.' } : {}),
    common_fields: {
      time_format: 'relative',
      reference_time: 0,
      protocol_type: ['TCP'],
      connections: testimony.recorder.connections.labels,
    },
    events,
  };
}

/** The end that sends the first SYN is the client. */
function roleOf({ items }: Testimony): 'client' | 'server' | 'unknown' {
  const first = items.find(i => (i.kind === 'in' || i.kind === 'out') && i.packet.body.kind === 'tcp');
  return first === undefined ? 'unknown' : first.kind === 'out' ? 'client' : 'server';
}

/** Segments on their way and calls, as the host met them. */
function itemEvents({ items, recorder }: Testimony): Placed[] {
  const out: Placed[] = [];
  const relative = new Relative(recorder.connections);
  for (const item of items) {
    if (item.kind === 'call') out.push(callEvent(item));
    else if ((item.kind === 'in' || item.kind === 'out') && item.packet.body.kind === 'tcp')
      out.push(...segmentEvents(item, item.packet.body, recorder.log, relative));
  }
  return out;
}

function segmentEvents(item: PacketItem, tcp: LiveTcp, log: EventLog, relative: Relative): Placed[] {
  const { kind, packet, time, row } = item;
  const { conn, seq, ack } = relative.of(packet, tcp, kind === 'out');
  const data = { ...headerOf(packet, tcp), seq, ack };
  const placed = (name: string, more: object): Placed => ({
    at: time,
    row,
    event: {
      time: time / 1000,
      name: `tcp:segment_${name}`,
      group_id: String(conn),
      data: { ...data, ...more },
    },
  });
  if (kind === 'in')
    return [packet.fault === '' ? placed('received', {}) : placed('dropped', { trigger: 'damaged' })];
  const c = log.columns;
  // The row of a segment was added right before the segment was seen on the wire.
  const mine = row - 1;
  const again = c.kind[mine] === SEGMENT && (c.marks[mine]! & MARK_AGAIN) !== 0;
  const out = [placed('sent', again ? { retransmission: true, trigger: log.whyOf(mine) } : {})];
  if (FATES[c.fate[mine]!] === 'dropped')
    out.push(placed('dropped', { trigger: log.textOf(mine).split('|')[1] ?? '' }));
  return out;
}

function headerOf(packet: LivePacket, tcp: LiveTcp): object {
  return {
    source_port: tcp.sourcePort,
    destination_port: tcp.destinationPort,
    flags: flagNames(tcp.flags),
    seq: 0,
    ack: null,
    raw_seq: tcp.seq,
    raw_ack: tcp.ack,
    window: tcp.window,
    length: tcp.length,
    options: tcp.options.map(optionData),
    ...(packet.tos === 0 ? {} : { tos: packet.tos }),
  };
}

function callEvent(item: CallItem): Placed {
  const at = item.end ?? item.time;
  const call = { call: item.name, args: item.args };
  if (item.end === null)
    return { at, row: item.row, event: { time: at / 1000, name: 'tcp:call_pending', data: call } };
  const data = {
    ...call,
    result: Math.max(item.result, -1),
    ...(item.result < 0 ? { error: errnoName(item.result) } : {}),
    blocked: (item.end - item.time) / 1000,
  };
  return { at, row: item.row, event: { time: at / 1000, name: 'tcp:call_returned', data } };
}

/** States, timers, and what a host sends to itself. */
function rowEvents(log: EventLog, side: 0 | 1): Placed[] {
  const c = log.columns;
  const out: Placed[] = [];
  for (let row = 0; row < log.length; row++) {
    if (c.side[row] !== side) continue;
    const at = c.time[row]!;
    const add = (name: string, data: object): number =>
      out.push({
        at,
        row,
        event: { time: at / 1000, name: `tcp:${name}`, group_id: String(c.conn[row]), data },
      });
    if (c.kind[row] === TIMER) add('timer_expired', { timer: log.textOf(row) });
    else if (c.kind[row] === STATE) {
      const [old, now] = [stateName(c.from[row]! as State), stateName(c.to[row]! as State)];
      add('connection_state_updated', { old, new: now, trigger: log.whyOf(row) });
    } else if (c.kind[row] === SEGMENT && (c.marks[row]! & (MARK_LOOP | MARK_INJECTED)) === MARK_LOOP) {
      const flags = c.flags[row]!;
      const data = {
        flags: flagNames(flags),
        seq: c.seq[row],
        ack: flags & 16 ? c.ack[row] : null,
        window: c.window[row],
        length: c.length[row],
        loopback: true,
        ...(c.marks[row]! & MARK_AGAIN && !(flags & SYN) ? { retransmission: true } : {}),
      };
      add('segment_sent', data);
      add('segment_received', data);
    }
  }
  return out;
}
