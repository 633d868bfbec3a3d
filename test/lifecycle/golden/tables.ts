/** What `ss -tanoH` or `ss -tanoiH` prints for a host of the lab, read from the engine's own tables. */
import { type Micros, NEVER } from '../../../src/base/time.ts';
import type { Stack } from '../../../src/stack/stack.ts';
import type { Connection } from '../../../src/tcp/connection.ts';
import { XMIT_NONE, XMIT_PROBE0 } from '../../../src/tcp/constants.ts';
import { stateName } from '../../../src/tcp/state.ts';
import type { Timer } from './timeline.ts';

/** @param host a stack that can be told the time */
export function ssLines(host: { readonly stack: Stack; enter(): unknown }, info: boolean): string[] {
  const { tcp } = host.stack;
  // A stack knows the time that it was told last.
  host.enter();
  const out: string[] = [];
  for (const l of tcp.listeners())
    out.push(`LISTEN ${l.queueLength} ${l.backlog} ${l.local}:${l.localPort} 0.0.0.0:*`);
  for (const r of tcp.requests())
    out.push(row('SYN-RECV', 0, 0, r, timer('on', r.deadline - tcp.now, r.retransmits)));
  for (const c of tcp.connections()) {
    const line = row(ssState(c.state), received(c), (c.writeSeq - c.sndUna) | 0, c, timerOf(c));
    out.push(info ? `${line} ${infoOf(c)}` : line);
  }
  for (const w of tcp.timeWaits())
    out.push(row(ssState(w.state), 0, 0, w, timer('timewait', w.remaining, 0)));
  return out;
}

/** As the socket diagnostics call it. */
export const ssState = (state: number): string => {
  const name = stateName(state as Parameters<typeof stateName>[0]);
  return name === 'ESTABLISHED' ? 'ESTAB' : name.replaceAll('_', '-');
};

interface Ends {
  readonly local: object;
  readonly localPort: number;
  readonly remote: object;
  readonly remotePort: number;
}

const row = (state: string, rq: number, wq: number, e: Ends, timer: string): string =>
  `${state} ${rq} ${wq} ${e.local}:${e.localPort} ${e.remote}:${e.remotePort}${timer}`;

const timer = (name: string, micros: number, count: number): string =>
  ` timer:(${name},${Math.round(micros / 1000)}ms,${count})`;

/** Unread bytes; a FIN counts as one. */
const received = (c: Connection): number => (c.state === 2 ? 0 : Math.max(0, (c.rcvNxt - c.copiedSeq) | 0));

/** The timer that the socket diagnostics tell of, by their names. */
export function socketTimer(c: Connection, now: Micros): Timer | null {
  const ms = (at: number): number => Math.round((at - now) / 1000);
  if (c.xmitKind === XMIT_PROBE0) return { kind: 'probe0', ms: ms(c.xmitAt) };
  if (c.xmitKind !== XMIT_NONE) return { kind: 'rexmit', ms: ms(c.xmitAt) };
  const at = Math.min(c.keepaliveAt, c.finWait2At);
  return at === NEVER ? null : { kind: 'keepalive/finwait2', ms: ms(at) };
}

function timerOf(c: Connection): string {
  const t = socketTimer(c, c.ctx.now);
  if (t === null) return '';
  if (t.kind === 'rexmit') return timer('on', t.ms * 1000, c.retransmits);
  return timer(t.kind === 'probe0' ? 'persist' : 'keepalive', t.ms * 1000, c.probesOut);
}

function infoOf(c: Connection): string {
  const i = c.info();
  const words: [string, number | string][] = [
    ['rto', i.rto / 1000],
    ['backoff', i.backoff || ''],
    ['mss', i.snd_mss],
    ['pmtu', i.pmtu],
    ['rcvmss', i.rcv_mss],
    ['advmss', i.advmss],
    ['cwnd', i.snd_cwnd],
    ['ssthresh', i.snd_ssthresh < 0x7fffffff ? i.snd_ssthresh : ''],
    ['bytes_sent', i.bytes_sent || ''],
    ['bytes_retrans', i.bytes_retrans || ''],
    ['bytes_acked', i.bytes_acked || ''],
    ['segs_out', i.segs_out || ''],
    ['segs_in', i.segs_in || ''],
    ['data_segs_out', i.data_segs_out || ''],
  ];
  const shown = words.filter(([, value]) => value !== '').map(([name, value]) => `${name}:${value}`);
  return `reno ${shown.join(' ')}`;
}
