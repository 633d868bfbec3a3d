import type { Cell } from '../cells.ts';
import { seedOf } from '../impairments.ts';
import type { Hosts, HostTold, Info } from './hosts.ts';
import type { FlowReport } from './relay.ts';
import type { Results } from './results.ts';
import { FIRST_CLIENT_PORT } from './segment.ts';

/** A run counts if 99 of 100 packets left the relay within as many microseconds of their time, */
const LATE_AT_MOST = 2000;
/** and within this share of the round trip. */
const LATE_SHARE = 0.1;
/** After as many that were late, one is kept, with its lateness in the results. */
const TRIES = 4;
const GIVE_UP_SECONDS = 900;
const FIRST_PORT = 1024;
const SEGMENT = 1448;

/** Bits per second, roughly: for choosing how many runs go on at a time, nothing else. */
export function expectedRate({ loss, rtt, rate, buffer }: Cell): number {
  const window = Math.min(buffer ?? 1e9, loss > 0 ? (1.3 * SEGMENT) / Math.sqrt(loss) : 1e9);
  return Math.min(rate || 1e9, (window * 8 * 1e6) / rtt);
}

interface Run {
  readonly cell: Cell;
  readonly seed: number;
  readonly tries: number;
  readonly port: number;
  readonly began: number;
  connect: number;
  connected: number;
  seconds: number;
  info: Info;
  server: Info;
}

/** Runs many connections at a time, each with a wire of its own. */
export class Runner {
  private readonly hosts: Hosts;
  private readonly results: Results;
  private readonly load: number;
  private readonly flows: number;
  private readonly runs = new Map<number, Run>();
  private waiting: [Cell, number, number][] = [];
  private port = FIRST_PORT;
  private carried = 0;
  private done = 0;
  private total = 0;
  private finish: () => void = () => {};

  /** @param load bits per second that the runs under way may be expected to carry together */
  constructor(hosts: Hosts, results: Results, load: number, flows: number) {
    this.hosts = hosts;
    this.results = results;
    this.load = load;
    this.flows = flows;
    hosts.client.ontold = told => this.told(told, true);
    hosts.server.ontold = told => this.told(told, false);
    hosts.relay.ontold = report => this.ended(report);
  }

  async run(wanted: readonly [Cell, number][]): Promise<void> {
    this.total = wanted.length;
    if (this.total === 0) return;
    this.waiting = wanted.map(([cell, seed]) => [cell, seed, 1]);
    const over = new Promise<void>(resolve => (this.finish = resolve));
    const watch = setInterval(() => this.giveUp(), 10_000);
    this.next();
    await over;
    clearInterval(watch);
  }

  /** Starts what fits beside the runs under way. */
  private next(): void {
    for (let i = 0; i < this.waiting.length && this.runs.size < this.flows; ) {
      const [cell, seed, tries] = this.waiting[i]!;
      const rate = expectedRate(cell);
      if (this.runs.size > 0 && this.carried + rate > this.load) i++;
      else {
        this.waiting.splice(i, 1);
        this.carried += rate;
        this.start(cell, seed, tries);
      }
    }
    if (this.runs.size === 0 && this.waiting.length === 0) this.finish();
  }

  private start(cell: Cell, seed: number, tries: number): void {
    const port = this.port;
    this.port = port + 1 < FIRST_CLIENT_PORT ? port + 1 : FIRST_PORT;
    const run = { cell, seed, tries, port, began: performance.now(), connect: 0, connected: 0, seconds: 0 };
    this.runs.set(port, { ...run, info: {}, server: {} });
    const { kind, loss, rtt, rate, queue } = cell;
    const seeds = { data: seedOf(cell.name, seed, 'data'), acks: seedOf(cell.name, seed, 'acks') };
    this.hosts.relay.tell({ flow: port, wire: { kind, loss, rtt, rate, queue }, seeds });
    this.hosts.server.tell({ listen: port, bytes: cell.realBytes, clamp: cell.buffer ?? 0 });
  }

  private told(told: HostTold, byClient: boolean): void {
    if ('listening' in told) {
      const { port, cell } = this.runs.get(told.listening)!;
      this.hosts.client.tell({ connect: port, bytes: cell.realBytes });
    } else if ('connected' in told) {
      const run = this.runs.get(told.connected)!;
      run.connected = told.at;
      run.connect = told.took;
    } else if ('done' in told) {
      const run = this.runs.get(told.done)!;
      run.seconds = told.at - run.connected;
      run.server = told.info;
      this.hosts.client.tell({ close: run.port });
    } else if ('failed' in told) {
      const run = this.runs.get(told.failed);
      if (run === undefined) return;
      console.error(`${run.cell.name}, seed ${run.seed}: ${told.why}`);
      this.drop(run);
    } else if ('closed' in told && byClient) {
      const run = this.runs.get(told.closed);
      if (run === undefined) return;
      run.info = told.info;
      this.hosts.server.tell({ close: run.port });
      this.hosts.relay.tell({ end: run.port });
    }
  }

  /** The relay is the last to tell of a run. */
  private ended(report: FlowReport): void {
    const run = this.runs.get(report.ended);
    if (run === undefined) return;
    const late = report.late[1] > Math.min(LATE_AT_MOST, run.cell.rtt * LATE_SHARE);
    if (late && run.tries < TRIES) {
      console.error(`${run.cell.name}, seed ${run.seed}: late by ${report.late.join(', ')} µs, again`);
      this.drop(run);
      return;
    }
    this.forget(run);
    this.done++;
    const { cell, seed, connect, seconds, info, server } = run;
    this.results.add({
      cell: cell.name,
      seed,
      connect,
      seconds,
      bytes: cell.realBytes,
      retransmitted: info.total_retrans ?? 0,
      timeouts: info.total_rto ?? 0,
      minRtt: info.min_rtt ?? 0,
      rtt: info.rtt ?? 0,
      outOfOrder: server.rcv_ooopack ?? 0,
      dsacks: info.dsack_dups ?? 0,
      window: report.window,
      data: report.data,
      acks: report.acks,
      late: report.late,
    });
    console.error(
      `${this.done}/${this.total} ${cell.name} seed ${seed}: ${seconds.toFixed(2)} s, ` +
        `${Math.round(cell.realBytes / seconds / 1000)} kB/s, late ${report.late.join(' ')}, ${this.runs.size} under way`,
    );
    this.next();
  }

  private forget(run: Run): void {
    this.runs.delete(run.port);
    this.carried -= expectedRate(run.cell);
  }

  /** Throws a run away, and runs it once more. */
  private drop(run: Run): void {
    this.forget(run);
    this.hosts.client.tell({ drop: run.port });
    this.hosts.server.tell({ drop: run.port });
    this.hosts.relay.tell({ end: run.port });
    if (run.tries < TRIES) this.waiting.unshift([run.cell, run.seed, run.tries + 1]);
    else {
      console.error(`${run.cell.name}, seed ${run.seed}: no result after ${TRIES} tries`);
      this.total--;
    }
    this.next();
  }

  private giveUp(): void {
    for (const run of this.runs.values())
      if (performance.now() - run.began > GIVE_UP_SECONDS * 1000) {
        console.error(`${run.cell.name}, seed ${run.seed}: not over after ${GIVE_UP_SECONDS} s`);
        this.drop(run);
      }
  }
}
