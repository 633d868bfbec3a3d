import { NEVER } from '../base/time.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  type State,
  SYN_RECV,
  SYN_SENT,
  stateName,
} from '../tcp/state.ts';
import type { Tcb } from '../tcp/tcb.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

/** Something that must never happen has happened in a simulated world. */
export class InvariantError extends Error {
  readonly #world: World;

  constructor(what: string, world: World) {
    const at = `at ${(world.now / 1e6).toFixed(6)} s, after ${world.steps} events`;
    super(`${what}\n  ${at}\n  again: ${world.replayCommand}`);
    this.name = 'InvariantError';
    this.#world = world;
  }

  /** The world as it stands. */
  get world(): World {
    return this.#world;
  }
}

/** Checks the hosts that something has happened on since the last check. @throws InvariantError */
export function checkWorld(world: World): void {
  for (const host of world.hosts) {
    if (!host.unchecked) continue;
    host.unchecked = false;
    if (!host.down) checkHost(host);
  }
}

/**
 * What must hold of a host between two events. "Who wakes you?": whatever must end by itself, and whatever
 * waits to be sent or acknowledged, has a timer; and the host is due to be woken for it.
 */
export function checkHost(host: Host): void {
  let earliest = NEVER;
  for (const tcb of host.stack.tcp.connections()) {
    const wrong = checkConnection(tcb);
    if (wrong !== null) fail(host, tcb, wrong);
    earliest = Math.min(earliest, tcb.earliest());
  }
  // A timer wheel may wake its host early, never late: at most one jiffy behind the microsecond it was set for.
  const jiffy = 1_000_000 / host.stack.hz;
  const due = host.deadline();
  if (host.worldTime(earliest) + jiffy < due)
    throw host.world.broken(
      `${host.name}: a timer is due at ${host.worldTime(earliest)}, but it will be woken at ${due}`,
    );
  if (due < NEVER && host.nextWake > Math.max(due, host.world.now))
    throw host.world.broken(`${host.name}: due at ${due}, but to be woken at ${host.nextWake}`);
}

/** @returns what is wrong with the connection, or null */
export function checkConnection(tcb: Tcb): string | null {
  const { state } = tcb;
  if (state === CLOSED) return 'is CLOSED but still in the tables';
  const una = tcb.sndUna;
  if (((tcb.sndNxt - una) | 0) < 0) return 'SND.NXT is before SND.UNA';
  if (((tcb.writeSeq - tcb.sndNxt) | 0) < 0) return 'SND.NXT is beyond what was written';
  if (tcb.packetsOut < 0 || tcb.sackedOut < 0 || tcb.lostOut < 0 || tcb.retransOut < 0)
    return `a count of segments is negative: ${tcb.packetsOut} out, ${tcb.sackedOut} sacked, ${tcb.lostOut} lost, ${tcb.retransOut} retransmitted`;
  if (tcb.sackedOut + tcb.lostOut > tcb.packetsOut) return 'more segments are sacked and lost than out';
  if (tcb.cwnd < 1) return `its congestion window is ${tcb.cwnd}`;
  const unacked = una !== tcb.sndNxt;
  const unsent = tcb.sndNxt !== tcb.writeSeq;
  if (unacked && tcb.packetsOut === 0) return 'has unacknowledged sequence space but no segment out';
  if (unacked && tcb.xmitAt === NEVER) return 'has unacknowledged data and no timer';
  if (unsent && tcb.xmitAt === NEVER && !tcb.dirty) return 'has unsent data and no timer';
  if ((state === SYN_SENT || state === SYN_RECV) && tcb.xmitAt === NEVER) return 'its handshake has no timer';
  if ((state === FIN_WAIT_1 || state === CLOSING || state === LAST_ACK) && !unacked && !unsent)
    return 'waits for the ACK of a FIN that is neither sent nor to be sent';
  if (state === FIN_WAIT_2 && tcb.orphan && tcb.finWait2At === NEVER && tcb.keepaliveAt === NEVER)
    return 'is an orphan without limit';
  if (tcb.orphan && (state === ESTABLISHED || state === CLOSE_WAIT || state === SYN_SENT))
    return 'is an orphan that was not closed';
  if (tcb.ackScheduled && tcb.delackAt === NEVER && tcb.compressedAckAt === NEVER)
    return 'owes an acknowledgement and has no timer';
  return null;
}

/**
 * What must be left at the end, when all is over: nothing. Neighbour entries and cached path MTUs expire by
 * themselves and do not count.
 * @param listeners whether listening sockets may remain
 */
export function checkEnded(host: Host, listeners = false): void {
  const { tcp } = host.stack;
  const left: string[] = [];
  for (const c of tcp.connections()) left.push(`connection ${describe(c)}`);
  for (const t of tcp.timeWaits())
    left.push(`${stateName(t.state as State)} row ${t.local}:${t.localPort} ${t.remote}:${t.remotePort}`);
  for (const r of tcp.requests()) left.push(`request ${r.local}:${r.localPort} ${r.remote}:${r.remotePort}`);
  if (!listeners) for (const l of tcp.listeners()) left.push(`listener ${l.local}:${l.localPort}`);
  if (tcp.timersArmed !== 0) left.push(`${tcp.timersArmed} TCP timers`);
  if (tcp.slabs.inUse !== 0) left.push(`${tcp.slabs.inUse} buffer blocks`);
  if (tcp.orphans !== 0) left.push(`${tcp.orphans} orphans counted`);
  if (left.length > 0) throw host.world.broken(`${host.name} is left with ${left.join('; ')}`);
}

function fail(host: Host, tcb: Tcb, wrong: string): never {
  throw host.world.broken(`${host.name}: ${describe(tcb)} ${wrong}`);
}

const describe = (tcb: Tcb): string =>
  `${tcb.local}:${tcb.localPort} ${tcb.remote}:${tcb.remotePort} in ${stateName(tcb.state)}`;
