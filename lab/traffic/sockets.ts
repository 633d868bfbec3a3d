import type { HostSockets } from '../../src/tools/lab-server/protocol.ts';
import type { RowTimer } from '../../src/tools/ss/row.ts';
import type { HostView, SocketView, TimerKind } from '../engine/view.ts';

const TIMERS: Readonly<Record<RowTimer['name'], TimerKind>> = {
  on: 'rto',
  keepalive: 'keepalive',
  timewait: 'time_wait',
  persist: 'persist',
};

/**
 * A running host's sockets as the page shows those of its own hosts.
 * @param at when they were looked at, by the clock of the log
 * @param connections `a:port – b:port`, by number
 */
export function hostViewOf(sockets: HostSockets, at: number, connections: readonly string[]): HostView {
  const views = sockets.rows.map((row): SocketView => {
    const local = `${row.local}:${row.localPort}`;
    const peer = `${row.peer}:${row.peerPort}`;
    return {
      name: '',
      state: row.state,
      local: row.local,
      localPort: row.localPort,
      peer: row.peer,
      peerPort: row.peerPort,
      // The newest of those that had the same four numbers; later ones have a number behind.
      conn: connections.findLastIndex(
        label => label.startsWith(`${local} – ${peer}`) || label.startsWith(`${peer} – ${local}`),
      ),
      recvQ: row.recvQ,
      sendQ: row.sendQ,
      orphan: row.orphan,
      error: '',
      timers: row.timer === null ? [] : [{ name: TIMERS[row.timer.name], at: at + row.timer.ms * 1000 }],
      vars: null,
      synQueue: 0,
    };
  });
  return {
    name: sockets.host,
    down: false,
    sockets: views,
    more: sockets.more,
    counts: sockets.counts,
    sysctls: [],
  };
}
