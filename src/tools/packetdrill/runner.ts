import { errnoName } from '../../base/errno.ts';
import { MICROS_PER_SECOND, type Micros, NEVER } from '../../base/time.ts';
import type { Pending } from '../../socket/pending.ts';
import type { CallSpec, Command, EventTime, Script, ScriptEvent } from './ast.ts';
import { Arguments, CALLS, type CallContext, type Issued } from './calls/index.ts';
import { Code } from './code.ts';
import type { Config } from './config.ts';
import { Flows } from './flows.ts';
import { Machine } from './machine.ts';
import { secondsText } from './packet-text.ts';
import { Packets } from './packets.ts';
import { Problem } from './problem.ts';
import type { Outcome } from './shell/interpret.ts';
import { runShell } from './shell/interpret.ts';
import { Commands } from './shell/machine-commands.ts';
import { symbol } from './symbols.ts';

/** How long a call that was not written as a waiting one may wait, in virtual time. */
const HANG: Micros = 600 * MICROS_PER_SECOND;
/** How long the next call, or the end of the script, waits for one that still waits. */
const PATIENCE: Micros = MICROS_PER_SECOND;
const SHELL_VARIABLES = new Map([
  ['PPID', '1'],
  ['PACKETDRILL_PID', '1'],
]);

export interface RunResult {
  readonly problem: Problem | null;
  /** Virtual time when it ended. */
  readonly time: Micros;
  readonly notes: readonly string[];
}

interface Waiting {
  readonly event: ScriptEvent;
  readonly call: CallSpec;
  readonly issued: Issued;
  readonly pending: Pending;
  readonly start: Micros;
  readonly end: Micros;
}

/** Runs one parsed script in one configuration. Never throws for what the script or the stack does. */
export function runScript(script: Script, config: Config): RunResult {
  const machine = new Machine(config);
  const runner = new Runner(script, config, machine);
  let problem: Problem | null = null;
  try {
    runner.run();
  } catch (e) {
    problem =
      e instanceof Problem
        ? e
        : new Problem(runner.line, `the stack failed: ${e instanceof Error ? e.message : String(e)}`);
  }
  const result = { problem, time: machine.now, notes: runner.notes() };
  machine.close();
  return result;
}

class Runner implements CallContext {
  readonly config: Config;
  readonly labels = new Map<number, number>();
  readonly sockets;
  readonly start: Micros;
  /** The line that is being executed. */
  line = 0;
  private readonly script: Script;
  private readonly machine: Machine;
  private readonly flows: Flows;
  private readonly packets: Packets;
  private readonly commands: Commands;
  private readonly code: Code;
  private readonly remarks: string[] = [];
  private waiting: Waiting | null = null;
  /** Scheduled time of the last event, and whether it was an inbound packet. */
  private lastTime: Micros = 0;
  private lastInbound = false;

  constructor(script: Script, config: Config, machine: Machine) {
    this.script = script;
    this.config = config;
    this.machine = machine;
    this.sockets = machine.sockets;
    this.start = machine.start;
    this.flows = new Flows(config);
    this.packets = new Packets(config, machine, this.flows, text => this.note(text));
    this.commands = new Commands(machine);
    this.code = new Code(machine.sockets);
  }

  notes(): string[] {
    return [...this.remarks, ...this.machine.notes, ...this.code.printed.map(l => `printed: ${l}`)];
  }

  run(): void {
    for (const c of this.script.init) this.command(c);
    for (const e of this.script.events) {
      this.line = e.line;
      this.event(e);
    }
    this.awaitCall('at the end of the script');
    if (this.script.cleanup !== null) this.command(this.script.cleanup);
  }

  private event(e: ScriptEvent): void {
    const inbound = e.kind === 'packet' && e.packet.direction === 'in';
    const base =
      e.time.kind === 'absolute' ? 0 : inbound && this.lastInbound ? this.lastTime : this.machine.now;
    const time = this.schedule(e, base);
    if (e.kind === 'packet' && e.packet.direction === 'out') {
      this.packets.expect(e.packet, e.line, time, this.lastTime, () => this.finishCalls());
      this.lastTime = time.kind === 'any' ? this.machine.now : time.at;
      this.lastInbound = false;
      // What follows "1 ms later" follows a little more than that after the packet was sent.
      this.machine.elapse();
      return;
    }
    this.waitUntil(time.at);
    this.machine.elapse();
    if (e.kind === 'packet') this.packets.inject(e.packet, e.line);
    else if (e.kind === 'call') this.call(e, e.call, time);
    else if (e.kind === 'command') this.command(e);
    else this.code.run(e.text, e.line, this.flows.current);
    this.finishCalls();
    this.lastTime = time.at;
    this.lastInbound = inbound;
  }

  /** An event's time with relative times made absolute. */
  private schedule(e: ScriptEvent, base: Micros): EventTime {
    const { time } = e;
    if (time.kind === 'any') {
      if (e.kind !== 'packet' || e.packet.direction === 'in')
        throw new Problem(e.line, "'*' is a time for outbound packets only");
      return time;
    }
    const at = base + time.at;
    if (time.kind === 'absolute' && at + this.config.toleranceMicros < this.lastTime)
      throw new Problem(
        e.line,
        `time ${secondsText(at)} lies before the event that precedes it, ${secondsText(this.lastTime)}`,
      );
    return {
      kind: 'absolute',
      at,
      until: time.until === null ? null : time.until === NEVER ? NEVER : base + time.until,
      end: time.end === null ? null : base + time.end,
    };
  }

  private waitUntil(time: Micros): void {
    while (this.machine.advance(time, () => this.machine.finished.length > 0)) this.finishCalls();
    this.finishCalls();
  }

  private command(c: Command | (ScriptEvent & { kind: 'command' })): void {
    this.line = c.line;
    const outcome: Outcome = runShell(c.text, this.commands.run, this.commands, SHELL_VARIABLES);
    this.machine.settle();
    if (outcome.status !== 0)
      throw new Problem(
        c.line,
        `the command ended with status ${outcome.status}${outcome.error === '' ? '' : `: ${outcome.error}`}`,
      );
  }

  // System calls.

  private call(e: ScriptEvent, call: CallSpec, time: EventTime): void {
    this.awaitCall('when the next one begins');
    const handler = Object.hasOwn(CALLS, call.name) ? CALLS[call.name] : undefined;
    if (handler === undefined) throw new Problem(e.line, `the runner has no system call '${call.name}'`);
    const issued = handler(this, new Arguments(call, e.line, this.labels));
    this.machine.settle();
    const { pending } = issued;
    const start = this.machine.now;
    if (pending === null || pending.done) {
      this.machine.finished.length = 0;
      this.verify(e, call, issued, pending?.result ?? issued.result);
      this.verifyEnd(e, call, start, time.end);
      return;
    }
    this.waiting = { event: e, call, issued, pending, start, end: time.end ?? start };
    if (time.end !== null) return;
    // Written as a call that returns at once, and it waits: so does the script.
    this.machine.advance(this.machine.now + HANG, () => pending.done);
    this.finishCalls();
    if (this.waiting !== null)
      throw new Problem(e.line, `${call.name}() has not returned after ${HANG / MICROS_PER_SECOND} s`);
  }

  /** Checks the waiting call if it has come to its end. */
  private finishCalls(): void {
    this.machine.finished.length = 0;
    const w = this.waiting;
    if (w === null || !w.pending.done) return;
    this.waiting = null;
    this.verify(w.event, w.call, w.issued, w.pending.result);
    if (w.event.time.end !== null) this.verifyEnd(w.event, w.call, w.start, w.end);
  }

  private awaitCall(when: string): void {
    const w = this.waiting;
    if (w === null) return;
    if (!w.pending.done) this.machine.advance(this.machine.now + PATIENCE, () => w.pending.done);
    this.finishCalls();
    if (this.waiting !== null)
      throw new Problem(w.event.line, `${w.call.name}() still waits ${when}`, { expected: w.call.text });
  }

  /** A waiting call has to return when the script says. */
  private verifyEnd(e: ScriptEvent, call: CallSpec, start: Micros, end: Micros | null): void {
    if (end === null) return;
    const now = this.machine.now;
    const tolerance = Math.max(
      this.config.toleranceMicros,
      (this.config.tolerancePercent / 100) * (end - start),
    );
    if (Math.abs(now - end) <= tolerance) return;
    this.complain(e, `${call.name}() returned at ${secondsText(now)} instead of ${secondsText(end)}`, call);
  }

  private verify(e: ScriptEvent, call: CallSpec, issued: Issued, raw: number): void {
    const result = issued.visible === undefined ? raw : issued.visible(raw);
    const actual = result < 0 ? `-1 ${errnoName(result)}` : String(result);
    if (this.differs(call, issued, result)) {
      this.complain(e, `${call.name}() returned ${actual} instead of ${resultText(call)}`, call, actual);
      return;
    }
    if (issued.descriptor !== undefined && result >= 0) {
      const label = call.result?.kind === 'integer' ? call.result.value : result;
      const complaint = issued.descriptor(result, label);
      if (complaint !== null) this.complain(e, complaint, call, actual);
    }
    const complaint = issued.check?.(raw) ?? null;
    if (complaint !== null) this.complain(e, `${call.name}(): ${complaint}`, call, actual);
  }

  private differs(call: CallSpec, issued: Issued, result: number): boolean {
    if (call.result === null) return false;
    const expected = new Arguments(call, this.line, this.labels).value(call.result, 'the result');
    if (expected < 0) {
      if (result >= 0) return true;
      const wanted = call.errno === null ? null : symbol(call.errno);
      return wanted !== null && wanted !== -result;
    }
    return issued.descriptor !== undefined ? result < 0 : result !== expected;
  }

  private complain(e: ScriptEvent, message: string, call: CallSpec, actual?: string): void {
    if (this.config.lenientCalls) {
      this.note(`line ${e.line}: ${message}`);
      return;
    }
    throw new Problem(e.line, message, {
      expected: call.text,
      ...(actual === undefined ? {} : { actual: `${call.name}(…) = ${actual}` }),
    });
  }

  // What calls tell.

  made(fd: number): void {
    this.flows.made(fd);
  }

  listening(fd: number): void {
    this.flows.listening(fd);
  }

  connecting(fd: number): void {
    this.flows.connecting(fd);
  }

  disconnected(fd: number): void {
    this.flows.disconnected(fd);
  }

  closed(fd: number): void {
    this.flows.closed(fd);
  }

  accepted(fd: number): string | null {
    const peer = this.sockets.getpeername(fd);
    const known = this.flows.accepted(fd, typeof peer === 'number' ? null : peer.port);
    return known ? null : 'accept() gave a connection that no packet of the script began';
  }

  note(text: string): void {
    if (this.remarks.length < 100) this.remarks.push(text);
  }
}

function resultText(call: CallSpec): string {
  const value = call.result?.kind === 'integer' ? String(call.result.value) : 'what was expected';
  return call.errno === null ? value : `${value} ${call.errno}`;
}
