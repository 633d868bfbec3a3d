import { type State, stateName } from '../../src/tcp/state.ts';
import { actionOf, CUT_A, DROP, type Life } from './life.ts';
import type { Pair } from './pair.ts';

/** What must be true when a life is over and nothing more will happen. @returns what is not */
export function judge(pair: Pair, life: Life): string | null {
  return leftovers(pair) ?? stories(pair, life);
}

/** Nothing is left on either host: no connection, row, timer, buffer, frame or port. */
function leftovers(pair: Pair): string | null {
  for (const side of [0, 1] as const) {
    const host = pair.hosts[side];
    const name = 'AB'[side];
    for (const c of host.connections())
      return `${name} is left with a connection in ${stateName(c.state as State)}`;
    for (const r of host.requests()) return `${name} is left with a request from ${r.remotePort}`;
    if (host.timeWaitCount > 0) return `${name} is left with ${host.timeWaitCount} TIME_WAIT rows`;
    if (host.timersArmed > 0) return `${name} is left with ${host.timersArmed} timers`;
    if (host.slabs.inUse > 0) return `${name} is left with ${host.slabs.inUse} blocks of buffer`;
    if (host.orphans !== 0) return `${name} counts ${host.orphans} orphans`;
    // The listener's own.
    if (host.ports.inUse !== side) return `${name} has ${host.ports.inUse} ports in use`;
  }
  if (pair.pool.out !== 0) return `${pair.pool.out} frames were not given back`;
  return null;
}

/** The two applications' stories fit together. */
function stories(pair: Pair, life: Life): string | null {
  const [a, b] = pair.ends;
  const { resets } = pair.outcome;
  // The wire may have been cut where nothing was sent any more: it counts all the same.
  const cut = life.faults.some(f => actionOf(f) >= CUT_A);
  for (const [me, peer, name] of [
    [a, b, 'A'],
    [b, a, 'B'],
  ] as const) {
    if (me.forgotten) return `${name} could go on and was not told`;
    if (me.wrong) return `${name} read what was not written`;
    if (me.got > peer.sent) return `${name} read more than was written`;
    // A FIN comes after all bytes.
    if (me.eof && me.error === 0 && peer.error === 0 && me.got < peer.sent)
      return `${name} saw the end of the stream before the byte`;
    if (me.impatient && me.unacked > 0) return `${name} had ${me.unacked} unacknowledged bytes for ever`;
    if (me.impatient && !cut && resets === 0) return `${name} waited for ever`;
    if (!me.ended && me.connection !== null) return `${name} has not ended`;
  }
  // Up to three faults are no reason for anything to fail that was done in turn.
  const polite = life.when === 'turn' || life.when === 'late';
  if (cut || !polite || life.order.endsWith('abort')) return null;
  for (const [me, name] of [
    [a, 'A'],
    [b, 'B'],
  ] as const) {
    if (me.error !== 0) return `${name} failed with errno ${me.error}`;
    if (me.sent !== 1 || me.got !== 1) return `${name} has sent ${me.sent} and got ${me.got} bytes`;
    if (me.impatient) return `${name} waited for ever`;
  }
  // A repeated or late segment may meet a host that knows it no more; a lost one leads to no reset (unless
  // the answer came as late as the timeout).
  if (resets > 0 && life.when === 'turn' && life.faults.every(f => actionOf(f) === DROP))
    return `${resets} resets were sent`;
  return null;
}
