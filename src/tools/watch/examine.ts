import { CLOSE_WAIT, FIN_WAIT_2, LISTEN } from '../../tcp/state.ts';
import type { SocketRow } from '../ss/row.ts';
import { hostAndPort } from '../trace/event.ts';
import { type Finding, type HostFacts, THRESHOLDS, type Thresholds } from './finding.ts';

/** Sockets that a finding names; of more, only the number is said. */
const NAMED = 3;

/** Looks a host's sockets over for what leaks, what never ends and what overflows. */
export function examine(facts: HostFacts, thresholds: Thresholds = THRESHOLDS): Finding[] {
  const closeWait: SocketRow[] = [];
  const finWait2: SocketRow[] = [];
  const listeners: SocketRow[] = [];
  for (const r of facts.rows) {
    if (r.state === CLOSE_WAIT && r.age >= thresholds.closeWait) closeWait.push(r);
    else if (
      r.state === FIN_WAIT_2 &&
      !r.orphan &&
      r.timer?.name !== 'timewait' &&
      r.age >= thresholds.finWait2
    ) {
      finWait2.push(r);
    } else if (r.state === LISTEN) listeners.push(r);
  }
  const out: Finding[] = [];
  if (closeWait.length > 0) {
    out.push({
      kind: 'close-wait',
      host: facts.host,
      count: closeWait.length,
      what: `${sockets(closeWait.length)} in CLOSE_WAIT for longer than ${thresholds.closeWait} s: ${named(closeWait)}`,
      cause: 'the other end has closed, and the application here has not: TCP waits for it without limit',
      remedy:
        'let the application close the socket when read() returns 0 (end of file); look for a forgotten close() in its error paths',
    });
  }
  if (finWait2.length > 0) {
    out.push({
      kind: 'fin-wait-2',
      host: facts.host,
      count: finWait2.length,
      what: `${sockets(finWait2.length)} in FIN_WAIT_2 without limit, for longer than ${thresholds.finWait2} s: ${named(finWait2)}`,
      cause:
        'the application called shutdown(), not close(), and the other end has not closed: tcp_fin_timeout does not count for a socket that is still open',
      remedy:
        'close() the socket once the answer has come or a time-out has passed, or set SO_KEEPALIVE so that a vanished peer is noticed',
    });
  }
  out.push(...portShortage(facts, thresholds), ...overflows(facts, listeners));
  return out;
}

function portShortage(facts: HostFacts, thresholds: Thresholds): Finding[] {
  const [low, high] = facts.portRange;
  const ports = high - low + 1;
  const out: Finding[] = [];
  for (const t of facts.timeWaits) {
    if (t.count < ports * thresholds.ports) continue;
    out.push({
      kind: 'time-wait-ports',
      host: facts.host,
      count: t.count,
      what: `${t.count} of ${ports} ephemeral ports to ${hostAndPort(t.peer, t.peerPort)} (from ${t.local}) are held by TIME_WAIT; when none is left, connect() fails with EADDRNOTAVAIL`,
      cause:
        'this end closes first and opens connections to one destination faster than 2 MSL (60 s) frees their ports',
      remedy:
        'keep connections open and reuse them, let the other end close first, widen net.ipv4.ip_local_port_range, use several source addresses, or set net.ipv4.tcp_tw_reuse=1',
    });
  }
  return out;
}

function overflows(facts: HostFacts, listeners: readonly SocketRow[]): Finding[] {
  const out: Finding[] = [];
  const full = listeners.filter(l => l.recvQ > l.sendQ);
  if (facts.listenOverflows > 0 || full.length > 0) {
    const where =
      full.length > 0
        ? `: ${full
            .slice(0, NAMED)
            .map(l => `${hostAndPort(l.local, l.localPort)} holds ${l.recvQ} with a backlog of ${l.sendQ}`)
            .join(', ')}`
        : '';
    out.push({
      kind: 'accept-overflow',
      host: facts.host,
      count: facts.listenOverflows,
      what: `an accept queue is full${facts.listenOverflows > 0 ? `, ${facts.listenOverflows} connection attempts were dropped` : ''}${where}`,
      cause:
        'connections arrive faster than the application calls accept(); clients see time-outs and retries of 1 s and more',
      remedy:
        'accept() in a loop until EAGAIN and do the work elsewhere; raise the backlog of listen() and net.core.somaxconn',
    });
  }
  if (facts.synDrops > 0) {
    out.push({
      kind: 'syn-overflow',
      host: facts.host,
      count: facts.synDrops,
      what: `a SYN queue was full, ${facts.synDrops} SYNs were dropped`,
      cause:
        'more handshakes are begun than finished: a SYN flood, or clients behind a very slow or lossy path',
      remedy: 'set net.ipv4.tcp_syncookies=1, raise the backlog of listen() and net.ipv4.tcp_max_syn_backlog',
    });
  }
  return out;
}

const sockets = (n: number): string => (n === 1 ? 'one socket is' : `${n} sockets are`);

function named(rows: readonly SocketRow[]): string {
  const oldest = [...rows].sort((a, b) => b.age - a.age);
  const text = oldest.slice(0, NAMED).map(r => {
    const owner = r.owner === null ? '' : ` (${r.owner}${r.fd >= 0 ? `, fd ${r.fd}` : ''})`;
    return `${hostAndPort(r.local, r.localPort)} ← ${hostAndPort(r.peer, r.peerPort)}${owner} for ${Math.floor(r.age)} s`;
  });
  const more = rows.length - text.length;
  return text.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

/** A finding as lines for a terminal. */
export function findingText(f: Finding): string[] {
  return [`warning: host ${f.host}: ${f.what}`, `  cause: ${f.cause}`, `  what to do: ${f.remedy}`];
}
