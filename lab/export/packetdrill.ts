import type { Micros } from '../../src/base/time.ts';
import type { Connection } from '../../src/tcp/connection.ts';
import { SYN } from '../../src/wire/segment.ts';
import { ADDRESS } from '../engine/names.ts';
import type { Script } from '../engine/script.ts';
import { checked } from './packetdrill-check.ts';
import { chooseFlow, type Flow, isOf, tcpOf } from './packetdrill-flow.ts';
import {
  callText,
  learn,
  type Origins,
  resultText,
  segmentText,
  sysctlText,
  timeText,
} from './packetdrill-text.ts';
import { type CallItem, type Item, type Testimony, testify } from './witness.ts';

/**
 * What happened at one host up to an event, as a packetdrill script: its calls with their results, the
 * segments that reached it (`<`) and those that it sent (`>`), at the times of the scenario. It follows one
 * connection. Our runner has run it: what it can't repeat stands behind the script as a comment with the
 * reason, and a script of comments alone says why nothing can be told.
 * @param side 0 host A, 1 host B
 * @param conn number of the connection in the log; the host's first one with the other host if left out
 */
export function packetdrillOf(script: Script, step: number, side: 0 | 1, conn?: number): string {
  const testimony = testify(script, step, side);
  const name = side === 0 ? 'A' : 'B';
  const flow = chooseFlow(testimony, side, conn);
  if (typeof flow === 'string') return `// Host ${name} of a scenario.\n// ${flow}\n`;
  return checked(new Composer(testimony, side, flow, script).compose(name));
}

/** Lines of the script, and what stands behind it. */
export interface Draft {
  readonly head: readonly string[];
  readonly lines: readonly string[];
  /** Why it ends before the scenario does, sentences. */
  readonly rest: readonly string[];
}

const MOST_LINES = 6000;

class Composer {
  private readonly items: readonly Item[];
  private readonly flow: Flow;
  private readonly script: Script;
  private readonly origins: Origins = { own: null, peer: null };
  private readonly lines: string[] = [];
  private readonly head: string[] = [];
  private readonly cut: boolean;
  private readonly connections: () => Iterable<Connection>;
  private rest = '';
  /** The first thing that happens in a script has to happen at 0. */
  private begun = false;
  /** Calls that are written where they return. */
  private readonly late = new Map<number, CallItem[]>();

  constructor({ items, cut, stage }: Testimony, side: 0 | 1, flow: Flow, script: Script) {
    this.items = items;
    this.cut = cut;
    this.connections = () => stage.hosts[side].stack.tcp.connections();
    this.flow = flow;
    this.script = script;
  }

  compose(name: string): Draft {
    const { flow, script } = this;
    const port = flow.active ? flow.remotePort : flow.localPort;
    this.head.push(
      `// Host ${name} in the connection ${flow.label}, times as in the scenario.`,
      '--ip_version=ipv4',
      `--local_ip=${name === 'A' ? ADDRESS.A : ADDRESS.B}`,
      `--remote_ip=${flow.peer}`,
      `--bind_port=${flow.localPort}`,
      `--connect_port=${port}`,
      ...(script.hz === 1000 ? [] : [`--hz=${script.hz}`]),
    );
    for (let i = 0; i < this.items.length && this.rest === ''; i++) {
      this.returns(i);
      if (this.lines.length >= MOST_LINES) this.rest = `More than ${MOST_LINES} lines: the rest is left out.`;
      else if (this.rest === '') this.item(this.items[i]!, i);
    }
    this.returns(this.items.length);
    if (this.cut && this.rest === '') this.rest = 'More happens than is written down: the rest is left out.';
    return { head: this.head, lines: this.lines, rest: this.rest === '' ? [] : [this.rest] };
  }

  private add(time: Micros, text: string, end?: Micros | null): void {
    if (!this.begun) {
      this.begun = true;
      if (time > 0) this.lines.push(`${timeText(0)} \`true\``);
    }
    this.lines.push(`${timeText(time)}${end == null ? '' : `...${timeText(end)}`} ${text}`);
  }

  private item(item: Item, at: number): void {
    if (item.kind === 'call') this.call(item, at);
    else if (item.kind === 'crash')
      this.rest = `At ${timeText(item.time)} the host's power is cut; packetdrill has no word for that.`;
    else if (item.kind === 'sysctl') {
      const text = sysctlText(item.name, item.value);
      if (text === null) return;
      if (this.begun) this.add(item.time, `\`${text}\``);
      else this.head.push(`\`${text}\``);
    } else this.packet(item);
  }

  private packet(item: Item & { kind: 'in' | 'out' }): void {
    const { flow, origins } = this;
    const segment = tcpOf(item);
    if (segment === null) return;
    const { packet, tcp } = segment;
    const out = item.kind === 'out';
    if (!isOf(flow, item)) {
      const { sourcePort: remote, destinationPort: local } = tcp;
      // SYNs of others fill the listener's queue; what it answers them a script does not see.
      if (
        !out &&
        !flow.active &&
        local === flow.localPort &&
        tcp.flags === SYN &&
        packet.source.toString() !== flow.peer
      )
        this.add(
          item.time,
          segmentText('<', packet, tcp, { own: null, peer: tcp.seq }, `${remote} > ${local} `),
        );
      return;
    }
    if (packet.fault !== '') {
      this.lines.push(
        `// ${timeText(item.time)}: a segment arrives damaged and is dropped (${packet.fault}).`,
      );
      return;
    }
    const direction = out ? '>' : '<';
    if (!learn(direction, tcp, origins)) {
      this.rest = `At ${timeText(item.time)} a new connection begins on the same ports; a script follows one.`;
      return;
    }
    this.add(item.time, segmentText(direction, packet, tcp, origins));
  }

  private call(call: CallItem, at: number): void {
    if (!this.flow.calls.has(call)) return;
    const { end } = call;
    const waits = (c: Item): boolean =>
      c.kind === 'call' && this.flow.calls.has(c) && c.fd === call.fd && (c.end === null || c.endAt > at);
    if (call.name === 'close' && this.items.slice(0, at).some(waits)) {
      this.rest = `At ${timeText(call.time)} close() is called while another call waits on the same socket; packetdrill waits for one at a time.`;
      return;
    }
    const begunLater = this.items
      .slice(at + 1, end === null ? undefined : call.endAt)
      .some(c => c.kind === 'call' && this.flow.calls.has(c));
    if (end === null) {
      this.unfinished(call, begunLater);
      return;
    }
    if (call.endAt === at + 1) this.add(call.time, this.text(call));
    else if (!begunLater) this.add(call.time, this.text(call), end);
    else if (call.name === 'connect') {
      this.connectInBackground(call);
      this.postpone(call);
    } else if (call.name === 'accept' || call.name === 'recv') this.postpone(call);
    else
      this.rest = `At ${timeText(call.time)} ${call.name}() waits while other calls are made; packetdrill waits for one at a time.`;
  }

  /** A call that had not returned: one that only waits leaves no trace. */
  private unfinished(call: CallItem, begunLater: boolean): void {
    const at = timeText(call.time);
    if (call.name === 'connect') this.connectInBackground(call);
    else if (call.name === 'close') this.rest = `At ${at} close() begins to wait, and it had not returned.`;
    else if (call.name === 'send' && begunLater)
      this.rest = `At ${at} send() waits while other calls are made; packetdrill waits for one at a time.`;
    else if (call.name === 'send') {
      // With a time limit it returns at the script's end, and says how much it had taken.
      const end = this.lastTime() + 10_000;
      const limit = end - call.time;
      const seconds = Math.floor(limit / 1_000_000);
      const taken = this.taken(call);
      this.add(
        call.time,
        `setsockopt(${call.fd}, SOL_SOCKET, SO_SNDTIMEO, {tv_sec=${seconds}, tv_usec=${limit - seconds * 1_000_000}}, 16) = 0  // so that it ends with the script`,
      );
      this.add(call.time, `${callText(call)} = ${taken > 0 ? taken : '-1 EAGAIN'}`, end);
    }
  }

  /** When the last thing that the script tells has happened. */
  private lastTime(): Micros {
    let last = 0;
    for (const item of this.items) {
      if (item.kind === 'call') {
        if (this.flow.calls.has(item)) last = Math.max(last, item.end ?? item.time);
      } else if (isOf(this.flow, item)) last = Math.max(last, item.time);
    }
    return last;
  }

  /** Bytes that a send() that still waits has handed over. */
  private taken(call: CallItem): number {
    const { localPort, remotePort, peer, calls } = this.flow;
    let before = 0;
    for (const c of calls)
      if (c.name === 'send' && c.fd === call.fd && c.end !== null && c.result > 0) before += c.result;
    for (const c of this.connections())
      if (c.localPort === localPort && c.remotePort === remotePort && c.remote.toString() === peer)
        return ((c.writeSeq - c.iss) >>> 0) - 1 - before;
    return 0;
  }

  private text(call: CallItem): string {
    return `${callText(call)} = ${resultText(call.result)}`;
  }

  private connectInBackground(call: CallItem): void {
    this.add(call.time, `fcntl(${call.fd}, F_SETFL, O_RDWR|O_NONBLOCK) = 0`);
    this.add(call.time, `connect(${call.fd}, ..., ...) = -1 EINPROGRESS`);
  }

  private postpone(call: CallItem): void {
    const list = this.late.get(call.endAt);
    if (list === undefined) this.late.set(call.endAt, [call]);
    else list.push(call);
  }

  /** Calls that wait while others are made can't be written as waiting: they are made when they return. */
  private returns(at: number): void {
    for (const call of this.late.get(at) ?? []) {
      if (this.rest !== '' || call.end === null) continue;
      if (call.name !== 'connect') {
        this.add(call.end, `${this.text(call)}  // since ${timeText(call.time)}`);
        continue;
      }
      const error = call.result < 0 ? resultText(call.result).slice(3) : '0';
      this.add(call.end, `getsockopt(${call.fd}, SOL_SOCKET, SO_ERROR, [${error}], [4]) = 0`);
      this.add(call.end, `fcntl(${call.fd}, F_SETFL, O_RDWR) = 0`);
    }
  }
}
