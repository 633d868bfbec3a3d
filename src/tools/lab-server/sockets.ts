import type { Instance } from '../up/instance.ts';
import type { HostSockets } from './protocol.ts';

/** Rows told of one host. */
const MOST_ROWS = 200;

/** The first sockets of each host, and how many more there are. */
export function socketsOf(instance: Instance): HostSockets[] {
  return instance.gateway.hosts.map(h => {
    const rows: HostSockets['rows'][number][] = [];
    for (const row of instance.rows([h], true)) {
      if (rows.length >= MOST_ROWS) break;
      rows.push(row);
    }
    const counts = [...h.stack.tcp.counts()];
    const all = counts.reduce((n, c) => n + c, 0);
    return { host: h.name, rows, more: rows.length < MOST_ROWS ? 0 : Math.max(0, all - rows.length), counts };
  });
}
