import { LISTEN } from '../../tcp/state.ts';
import { NETSTAT_NAMES } from './names.ts';
import type { SocketRow } from './row.ts';

export interface NetstatOptions {
  /** -a, -l, -o, -p */
  readonly all?: boolean;
  readonly listening?: boolean;
  readonly timers?: boolean;
  readonly programs?: boolean;
  readonly pid?: number;
}

/** The table of netstat(8) for TCP: Proto, Recv-Q, Send-Q, Local Address, Foreign Address, State. */
export function netstatText(rows: readonly SocketRow[], o: NetstatOptions = {}): string[] {
  const which = o.all ? 'servers and established' : o.listening ? 'only servers' : 'w/o servers';
  let head = 'Proto Recv-Q Send-Q Local Address           Foreign Address         State      ';
  if (o.programs) head += ' PID/Program name    ';
  if (o.timers) head += ' Timer';
  const out = [`Active Internet connections (${which})`, head.trimEnd()];
  for (const r of rows) {
    let line = [
      (r.family === 6 ? 'tcp6' : 'tcp').padEnd(5),
      String(r.recvQ).padStart(6),
      String(r.state === LISTEN ? 0 : r.sendQ).padStart(6),
      end(r.local, r.localPort).padEnd(23),
      end(r.peer, r.peerPort).padEnd(23),
      NETSTAT_NAMES[r.state].padEnd(11),
    ].join(' ');
    if (o.programs) line += ` ${(r.owner === null ? '-' : `${o.pid ?? ''}/${r.host}/${r.owner}`).padEnd(20)}`;
    if (o.timers) line += ` ${timer(r)}`;
    out.push(line.trimEnd());
  }
  return out;
}

/** A listener is shown without -a or -l by neither tool; netstat shows everything else. */
export const inNetstat = (r: SocketRow, o: NetstatOptions): boolean =>
  o.all === true || (r.state === LISTEN) === (o.listening === true);

const end = (address: string, port: number): string => `${address}:${port === 0 ? '*' : port}`;

const TIMERS = { on: 'on', keepalive: 'keepalive', timewait: 'timewait', persist: 'probe' } as const;

function timer(r: SocketRow): string {
  const t = r.timer;
  if (t === null) return 'off (0.00/0/0)';
  return `${TIMERS[t.name]} (${(t.ms / 1000).toFixed(2)}/${t.name === 'on' ? t.retrans : 0}/${t.name === 'on' ? 0 : t.retrans})`;
}
