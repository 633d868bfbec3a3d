import { seededRandom } from '../../src/base/random.ts';
import { checkConnection } from '../../src/sim/invariants.ts';
import { shrinkList } from '../../src/sim/shrink.ts';
import { CLOSED, SYN_RECV, SYN_SENT, stateName } from '../../src/tcp/state.ts';
import { type Deed, nextDeed } from './generate.ts';
import type { Lone } from './lone.ts';
import { Before, judgeStep } from './oracle.ts';
import { reach, type Situation } from './states.ts';

/** One case: from a situation, what was done. Plain data, so that it can be made smaller and kept. */
export interface Case {
  readonly situation: Situation;
  readonly sack: boolean;
  readonly timestamps: boolean;
  readonly deeds: readonly Deed[];
}

/** More than any one connection may keep: two buffers at their largest, in blocks of 16 KiB. */
const MOST_BLOCKS = 700;
const MILLISECOND = 1000;
const buffer = new Uint8Array(4096);
const before = new Before();

/** Makes and lives a case of `count` deeds. @returns the case, and what was wrong or null */
export function fuzz(
  seed: string,
  situation: Situation,
  sack: boolean,
  timestamps: boolean,
  count: number,
): { readonly case: Case; readonly wrong: string | null } {
  const random = seededRandom(seed);
  const deeds: Deed[] = [];
  let wrong: string | null = null;
  try {
    const lone = reach(situation, sack, timestamps);
    for (let i = 0; i < count && wrong === null; i++) {
      const deed = nextDeed(random, lone);
      deeds.push(deed);
      wrong = perform(lone, deed);
    }
    wrong ??= finish(lone);
  } catch (error) {
    wrong = `threw ${error instanceof Error ? error.stack : String(error)}`;
  }
  return { case: { situation, sack, timestamps, deeds }, wrong };
}

/** Lives a case again. */
export function relive(c: Case): string | null {
  try {
    const lone = reach(c.situation, c.sack, c.timestamps);
    for (const deed of c.deeds) {
      const wrong = perform(lone, deed);
      if (wrong !== null) return wrong;
    }
    return finish(lone);
  } catch (error) {
    return `threw ${error instanceof Error ? error.stack : String(error)}`;
  }
}

/** The smallest case that is wrong in the same way. */
export function shrink(c: Case): Case {
  const kind = kindOf(relive(c));
  const { items } = shrinkList(c.deeds, deeds => kindOf(relive({ ...c, deeds })) === kind);
  return { ...c, deeds: items };
}

const kindOf = (wrong: string | null): string | null =>
  wrong?.split('\n')[0]?.replaceAll(/-?\d+/g, '#') ?? null;

/** @returns what is wrong afterwards, or null */
function perform(lone: Lone, deed: Deed): string | null {
  const c = lone.connection;
  const state = c?.state ?? CLOSED;
  if (c !== null) before.note(c);
  switch (deed.kind) {
    case 'segment':
      lone.fire(deed.shot);
      if (c !== null && state !== CLOSED && c.state !== state) {
        const wrong = judgeStep(before, c.state, lone.segment);
        if (wrong !== null) return wrong;
      }
      break;
    case 'icmp':
      lone.icmp(deed.type, deed.code, deed.seq, deed.mtu);
      if (c !== null && c.state !== state && state !== SYN_SENT && !(state === SYN_RECV && !c.passive))
        return `an ICMP error ended a connection in ${stateName(state)}`;
      break;
    case 'wait':
      lone.wait(deed.micros);
      break;
    case 'call':
      call(lone, deed.call);
      lone.after();
      break;
  }
  return check(lone);
}

function call(lone: Lone, name: 'recv' | 'send' | 'shutdown' | 'close' | 'accept' | 'peek'): void {
  const c = lone.connection;
  if (name === 'accept') {
    // A second connection of the same 4-tuple, after the first: nobody wants it.
    const second = lone.accept();
    if (second !== null && second !== c) second.close();
    return;
  }
  if (c === null || c.orphan) return;
  if (name === 'recv') c.recv(buffer, 0, buffer.length, 0);
  else if (name === 'peek') c.recv(buffer, 0, buffer.length, 2);
  else if (name === 'send') c.send(buffer, 0, buffer.length, 0);
  else if (name === 'shutdown') c.shutdown(1);
  else if (c.state !== CLOSED) {
    c.close();
  }
}

function check(lone: Lone): string | null {
  const { host } = lone;
  let earliest = Number.POSITIVE_INFINITY;
  let connections = 0;
  for (const c of host.connections()) {
    connections++;
    const wrong = checkConnection(c);
    if (wrong !== null) return `in ${stateName(c.state)}: ${wrong}`;
    earliest = Math.min(earliest, c.earliest());
  }
  if (earliest + MILLISECOND < host.deadline()) return 'it would be woken too late';
  let requests = 0;
  for (const _ of host.requests()) requests++;
  // One 4-tuple: at most one thing has it.
  if (connections + requests + host.timeWaitCount > 1)
    return `${connections} connections, ${requests} requests and ${host.timeWaitCount} rows of one 4-tuple`;
  if (host.timersArmed > 2) return `${host.timersArmed} timers`;
  if (host.slabs.inUse > MOST_BLOCKS) return `${host.slabs.inUse} blocks of buffer`;
  if (lone.pool.out !== 0) return `${lone.pool.out} frames kept`;
  if (lone.listener?.closed) return 'the listener is gone';
  return null;
}

/** Everything is closed, nobody answers any more: in the end nothing is left. */
function finish(lone: Lone): string | null {
  for (let c = lone.accept(); c !== null; c = lone.accept()) if (c !== lone.connection) c.close();
  const c = lone.connection;
  if (c !== null && !c.orphan) c.close();
  lone.listener?.close();
  lone.after();
  lone.wait(3_000_000_000);
  const { host } = lone;
  for (const left of host.connections()) return `left in ${stateName(left.state)}`;
  for (const _ of host.requests()) return 'a request is left';
  if (host.timeWaitCount > 0) return 'a row is left';
  if (host.timersArmed > 0) return `${host.timersArmed} timers are left`;
  if (host.slabs.inUse > 0) return `${host.slabs.inUse} blocks of buffer are left`;
  if (host.orphans !== 0) return `${host.orphans} orphans are counted`;
  if (lone.pool.out !== 0) return `${lone.pool.out} frames are left`;
  return null;
}
