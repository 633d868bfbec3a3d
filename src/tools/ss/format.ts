import { LISTEN, TIME_WAIT } from '../../tcp/state.ts';
import { SS_NAMES } from './names.ts';
import type { RowInfo, RowTimer, SocketRow } from './row.ts';

export interface SsOptions {
  /** -o -i -m -p -e -H -O */
  readonly timers?: boolean;
  readonly info?: boolean;
  readonly memory?: boolean;
  readonly processes?: boolean;
  readonly extended?: boolean;
  readonly noHeader?: boolean;
  readonly oneLine?: boolean;
  /** Process id of the instance, for -p. */
  readonly pid?: number;
}

/** The table of ss(8): State, Recv-Q, Send-Q, Local Address:Port, Peer Address:Port, Process. */
export function ssText(rows: readonly SocketRow[], options: SsOptions = {}): string[] {
  const cells = rows.map(r => ({
    state: SS_NAMES[r.state],
    recvQ: String(r.recvQ),
    sendQ: String(r.sendQ),
    local: address(r.local, r.family),
    localPort: String(r.localPort),
    peer: address(r.peer, r.family),
    peerPort: r.peerPort === 0 ? '*' : String(r.peerPort),
    rest: trailer(r, options),
  }));
  const w = (f: (c: (typeof cells)[number]) => string, head: number): number =>
    cells.reduce((max, c) => Math.max(max, f(c).length), head);
  const state = w(c => c.state, 5);
  const recvQ = w(c => c.recvQ, 6);
  const sendQ = w(c => c.sendQ, 6);
  const local = w(c => c.local, 13);
  const localPort = w(c => c.localPort, 4);
  const peer = w(c => c.peer, 12);
  const peerPort = w(c => c.peerPort, 4);
  const out: string[] = [];
  if (!options.noHeader) {
    out.push(
      [
        'State'.padEnd(state),
        'Recv-Q'.padEnd(recvQ),
        'Send-Q'.padEnd(sendQ),
        `${'Local Address'.padStart(local)}:${'Port'.padEnd(localPort)}`,
        `${'Peer Address'.padStart(peer)}:${'Port'.padEnd(peerPort)}`,
        'Process',
      ].join(' '),
    );
  }
  rows.forEach((r, i) => {
    const c = cells[i]!;
    const line = [
      c.state.padEnd(state),
      c.recvQ.padEnd(recvQ),
      c.sendQ.padEnd(sendQ),
      `${c.local.padStart(local)}:${c.localPort.padEnd(localPort)}`,
      `${c.peer.padStart(peer)}:${c.peerPort.padEnd(peerPort)}`,
      c.rest,
    ].join(' ');
    const details = detailText(r, options);
    if (details === '') out.push(line);
    else if (options.oneLine) out.push(`${line}${c.rest === '' ? '' : ' '}${details}`);
    else out.push(line, `\t ${details}`);
  });
  return out;
}

const address = (text: string, family: 4 | 6): string => (family === 6 ? `[${text}]` : text);

function trailer(r: SocketRow, o: SsOptions): string {
  const parts: string[] = [];
  if (o.processes && r.owner !== null) {
    const fd = r.fd >= 0 ? `,fd=${r.fd}` : '';
    parts.push(`users:(("${r.host}/${r.owner}"${o.pid === undefined ? '' : `,pid=${o.pid}`}${fd}))`);
  }
  if (o.timers && r.timer !== null) parts.push(timerText(r.timer));
  if (o.extended) {
    parts.push(`host:${r.host}`);
    if (r.orphan) parts.push('orphan');
    if (r.state !== TIME_WAIT && r.state !== LISTEN) {
      parts.push(`${r.shutdown & 1 ? '-' : '<'}-${r.shutdown & 2 ? '-' : '>'}`);
    }
  }
  return parts.join(' ');
}

/** `timer:(on,200ms,0)`; times as ss writes them, except that 9.584 seconds are `9.584sec`, not `9.584ms`. */
export function timerText(t: RowTimer): string {
  return `timer:(${t.name},${timerTime(Math.max(0, t.ms))},${t.retrans})`;
}

function timerTime(ms: number): string {
  const minutes = Math.floor(ms / 60000);
  const seconds = Math.floor((ms % 60000) / 1000);
  const rest = String(Math.floor(ms % 1000)).padStart(3, '0');
  if (minutes > 9) return `${minutes}min`;
  if (minutes > 0) return `${minutes}min${seconds > 0 ? `${seconds}sec` : ''}`;
  if (seconds > 9) return `${seconds}sec`;
  if (seconds > 0) return rest === '000' ? `${seconds}sec` : `${seconds}.${rest}sec`;
  return `${rest}ms`;
}

function detailText(r: SocketRow, o: SsOptions): string {
  const parts: string[] = [];
  if (o.memory && r.memory !== null) {
    const { r: rcv, rb, w, tb } = r.memory;
    parts.push(`skmem:(r${rcv},rb${rb},t0,tb${tb},f0,w${w},o0,bl0,d0)`);
  }
  if (o.info && r.info !== null) parts.push(infoText(r.info));
  return parts.join(' ');
}

/** The second line of `ss -i`, in its order and wording. */
export function infoText(i: RowInfo): string {
  const p: string[] = [];
  if (i.timestamps) p.push('ts');
  if (i.sack) p.push('sack');
  if (i.ecn) p.push('ecn');
  p.push(i.congestion);
  if (i.wscale !== null) p.push(`wscale:${i.wscale[0]},${i.wscale[1]}`);
  if (i.rto > 0) p.push(`rto:${ms(i.rto)}`);
  if (i.backoff > 0) p.push(`backoff:${i.backoff}`);
  if (i.rtt > 0) p.push(`rtt:${ms(i.rtt)}/${ms(i.rttvar)}`);
  if (i.ato > 0) p.push(`ato:${ms(i.ato)}`);
  if (i.mss > 0) p.push(`mss:${i.mss}`);
  if (i.pmtu > 0) p.push(`pmtu:${i.pmtu}`);
  if (i.rcvmss > 0) p.push(`rcvmss:${i.rcvmss}`);
  if (i.advmss > 0) p.push(`advmss:${i.advmss}`);
  p.push(`cwnd:${i.cwnd}`);
  if (i.ssthresh >= 0) p.push(`ssthresh:${i.ssthresh}`);
  count(p, 'bytes_sent', i.bytesSent);
  count(p, 'bytes_retrans', i.bytesRetrans);
  count(p, 'bytes_acked', i.bytesAcked);
  count(p, 'bytes_received', i.bytesReceived);
  count(p, 'segs_out', i.segsOut);
  count(p, 'segs_in', i.segsIn);
  count(p, 'data_segs_out', i.dataSegsOut);
  count(p, 'data_segs_in', i.dataSegsIn);
  if (i.send > 0) p.push(`send ${Math.round(i.send)}bps`);
  count(p, 'lastsnd', i.lastSnd);
  count(p, 'lastrcv', i.lastRcv);
  count(p, 'lastack', i.lastAck);
  if (i.pacingRate > 0 && Number.isFinite(i.pacingRate))
    p.push(`pacing_rate ${Math.round(i.pacingRate * 8)}bps`);
  if (i.deliveryRate > 0) p.push(`delivery_rate ${Math.round(i.deliveryRate * 8)}bps`);
  count(p, 'delivered', i.delivered);
  if (i.appLimited) p.push('app_limited');
  if (i.busy > 0) {
    p.push(`busy:${Math.floor(i.busy / 1000)}ms`);
    limited(p, 'rwnd_limited', i.rwndLimited, i.busy);
    limited(p, 'sndbuf_limited', i.sndbufLimited, i.busy);
  }
  count(p, 'unacked', i.unacked);
  if (i.retrans > 0 || i.totalRetrans > 0) p.push(`retrans:${i.retrans}/${i.totalRetrans}`);
  count(p, 'lost', i.lost);
  count(p, 'sacked', i.sacked);
  count(p, 'dsack_dups', i.dsackDups);
  if (i.reordering !== 3) p.push(`reordering:${i.reordering}`);
  if (i.rcvRtt > 0) p.push(`rcv_rtt:${ms(i.rcvRtt)}`);
  count(p, 'rcv_space', i.rcvSpace);
  count(p, 'rcv_ssthresh', i.rcvSsthresh);
  count(p, 'notsent', i.notsent);
  if (i.minRtt > 0) p.push(`minrtt:${ms(i.minRtt)}`);
  count(p, 'rcv_ooopack', i.rcvOoopack);
  count(p, 'snd_wnd', i.sndWnd);
  count(p, 'rcv_wnd', i.rcvWnd);
  return p.join(' ');
}

const ms = (micros: number): string => String(Number((micros / 1000).toPrecision(6)));

function count(parts: string[], name: string, n: number): void {
  if (n > 0) parts.push(`${name}:${n}`);
}

function limited(parts: string[], name: string, part: number, whole: number): void {
  if (part > 0) parts.push(`${name}:${Math.floor(part / 1000)}ms(${((part / whole) * 100).toFixed(1)}%)`);
}
