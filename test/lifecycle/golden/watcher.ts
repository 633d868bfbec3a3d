/** Looks at the socket tables after each thing that happens, as the lab's poller did every few milliseconds. */
import { NEVER } from '../../../src/base/time.ts';
import type { SimHost } from './host.ts';
import { socketTimer, ssState } from './tables.ts';
import type { HostName, StateEvent, Timer, TimerSample } from './timeline.ts';

/** A socket in a table of its host. */
interface Seen {
  state: string;
  timer: Timer | null;
}

export class Watcher {
  readonly states: StateEvent[] = [];
  readonly timers: TimerSample[] = [];
  private readonly hosts: readonly SimHost[];
  private readonly last = new Map<string, string>();
  private readonly running = new Map<string, TimerSample>();

  constructor(hosts: readonly SimHost[]) {
    this.hosts = hosts;
  }

  /** @param conns numbers of the connections to look for, by the ports of A and B: '40000-5000' */
  look(conns: ReadonlyMap<string, number>, t: number): void {
    for (const host of this.hosts) {
      const table = tableOf(host);
      for (const [ports, conn] of conns) {
        const seen = table.get(ports) ?? { state: 'gone', timer: null };
        const key = `${host.name} ${conn}`;
        this.lookAtTimer(key, host.name, conn, seen.timer, t);
        if ((this.last.get(key) ?? 'gone') === seen.state) continue;
        this.last.set(key, seen.state);
        const port = Number(ports.split('-')[host.name === 'A' ? 0 : 1]);
        this.states.push({ kind: 'state', t, conn, host: host.name, port, ...seen });
      }
    }
  }

  private lookAtTimer(key: string, host: HostName, conn: number, timer: Timer | null, t: number): void {
    const last = this.running.get(key);
    const kind = timer?.kind ?? null;
    const at = timer === null ? 0 : t + timer.ms / 1000;
    if (last && last.kind === kind && Math.abs(last.at - at) < 0.002) return;
    const sample = { t, host, conn, kind, at };
    this.running.set(key, sample);
    this.timers.push(sample);
  }
}

/** What a host has towards the other, by the ports of A and B. */
function tableOf(host: SimHost): Map<string, Seen> {
  const { tcp } = host.sim.stack;
  const now = host.sim.stackTime(host.lab.world.now);
  const table = new Map<string, Seen>();
  const put = (e: Ends, state: string, timer: Timer | null): void => {
    if (e.local.toString() !== e.remote.toString()) table.set(portsOf(host.name, e), { state, timer });
  };
  for (const r of tcp.requests()) put(r, 'SYN-RECV', timerFor('rexmit', r.deadline - now));
  for (const c of tcp.connections()) put(c, ssState(c.state), socketTimer(c, now));
  for (const w of tcp.timeWaits())
    put(w, ssState(w.state), timerFor('timewait', w.remaining + tcp.now - now));
  return table;
}

interface Ends {
  readonly local: { toString(): string };
  readonly localPort: number;
  readonly remote: { toString(): string };
  readonly remotePort: number;
}

const portsOf = (host: HostName, e: Ends): string =>
  host === 'A' ? `${e.localPort}-${e.remotePort}` : `${e.remotePort}-${e.localPort}`;

const timerFor = (kind: string, micros: number): Timer | null =>
  micros === NEVER ? null : { kind, ms: Math.round(micros / 1000) };
