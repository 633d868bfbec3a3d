import { CLOSE_WAIT, ESTABLISHED, FIN_WAIT_2, LISTEN, type State, stateName } from '../tcp/state.ts';
import { socketRows } from '../tools/ss/collect.ts';
import type { SocketRow } from '../tools/ss/row.ts';
import { hostAndPort } from '../tools/trace/event.ts';
import type { TestHost } from './host.ts';

/** A socket that a program has left behind. */
export interface Leak {
  readonly host: string;
  readonly state: State;
  /** 'address:port' of both ends; the second is '' for a listener. */
  readonly local: string;
  readonly peer: string;
  /** What is wrong and what to do. */
  readonly text: string;
}

/** What programs have not closed on a host. What the stack ends by itself is no leak. */
export function leaksOf(host: TestHost): Leak[] {
  const found: Leak[] = [];
  if (host.down) return found;
  for (const row of socketRows(host.stack, { ownerOf: host.ownerOf })) {
    const advice = adviceFor(row);
    if (advice === null) continue;
    const local = hostAndPort(row.local, row.localPort);
    const peer = row.state === LISTEN ? '' : hostAndPort(row.peer, row.peerPort);
    const where = peer === '' ? local : `${local} to ${peer}`;
    found.push({
      host: host.name,
      state: row.state,
      local,
      peer,
      text: `${host.name}: ${stateName(row.state)} ${where}: ${advice}`,
    });
  }
  return found;
}

function adviceFor(row: SocketRow): string | null {
  // Nobody holds it any more: it ends by FIN, reset or time-out.
  if (row.fd < 0) return null;
  switch (row.state) {
    case LISTEN:
      return 'a server still listens: close it';
    case CLOSE_WAIT:
      return row.recvQ > 0
        ? 'the peer has finished, and this program has neither read to the end nor closed'
        : 'the peer has finished and this program never closes: there is no time-out for that, the socket stays for ever';
    case FIN_WAIT_2:
      return 'this program has finished and waits for a peer that does not: give it a time-out, or destroy it';
    case ESTABLISHED:
      return 'still open: close it, or destroy it';
    default:
      return `still ${stateName(row.state)}: close it, or destroy it`;
  }
}

/** Told by `close` of a network on which something was left. */
export class LeakError extends Error {
  override readonly name = 'LeakError';
  readonly leaks: readonly Leak[];

  constructor(leaks: readonly Leak[]) {
    const n = leaks.length === 1 ? '1 socket was' : `${leaks.length} sockets were`;
    super(`${n} left behind:\n${leaks.map(l => `  ${l.text}`).join('\n')}`);
    this.leaks = leaks;
  }
}
