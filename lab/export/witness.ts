import { type Micros, NEVER } from '../../src/base/time.ts';
import type { Begin } from '../../src/socket/begin.ts';
import type { OptionInput } from '../../src/socket/option.ts';
import { type LivePacket, viewPacket } from '../../src/tools/packetdrill/packet-view.ts';
import { CSUM_PARTIAL } from '../../src/wire/frame.ts';
import { Recorder } from '../engine/recorder.ts';
import { MOST_STEPS } from '../engine/run.ts';
import type { Script } from '../engine/script.ts';
import { build, type Stage, stepWorld } from '../engine/world.ts';

/** A packet that the host sent, or that reached it. */
export interface PacketItem {
  readonly kind: 'in' | 'out';
  readonly time: Micros;
  /** Rows that the log had before. */
  readonly row: number;
  readonly packet: LivePacket;
}

/** A call stands where it began; `end` is when it returned, null if it had not. */
export interface CallItem {
  readonly kind: 'call';
  readonly time: Micros;
  readonly name: string;
  readonly fd: number;
  args: readonly (number | string)[];
  end: Micros | null;
  /** How many items, and how many rows of the log, there were when it returned. */
  endAt: number;
  row: number;
  result: number;
  /** The value of an option that is no number. */
  option: OptionInput | null;
  /** Ports of the connection that connect() began or accept() gave; 0 as long as they are not known. */
  localPort: number;
  remotePort: number;
}

export type Item =
  | PacketItem
  | CallItem
  | { readonly kind: 'sysctl'; readonly time: Micros; readonly name: string; readonly value: string }
  | { readonly kind: 'crash'; readonly time: Micros };

/** Everything that one host did and met, in its order, which the wire's log alone does not tell. */
export interface Testimony {
  readonly items: readonly Item[];
  readonly stage: Stage;
  readonly recorder: Recorder;
  /** Something was left out behind its end: there were too many. */
  readonly cut: boolean;
}

/** The most that is written down. */
const MOST_ITEMS = 20_000;

/**
 * Runs a script again up to an event and writes down what happens at one host: every packet at the moment
 * when it leaves or reaches the host, every call at the moment when it begins.
 * @param each called after each event
 */
export function testify(
  script: Script,
  step: number,
  side: 0 | 1,
  each: (t: Testimony) => void = () => {},
): Testimony {
  const stage = build(script);
  const witness = new Witness(stage, side);
  stage.world.runSteps(0);
  witness.drain();
  each(witness);
  while (stage.world.steps < step && stepWorld(stage.world, NEVER)) {
    witness.drain();
    each(witness);
    witness.cut = witness.items.length >= MOST_ITEMS || stage.world.steps >= MOST_STEPS;
    if (witness.cut) break;
  }
  return witness;
}

class Witness implements Testimony {
  readonly items: Item[] = [];
  readonly stage: Stage;
  readonly recorder: Recorder;
  cut = false;
  private readonly side: 0 | 1;
  private readonly name: string;
  private at = 0;
  private waiting: CallItem[] = [];
  private option: OptionInput | null = null;

  constructor(stage: Stage, side: 0 | 1) {
    this.stage = stage;
    this.recorder = new Recorder(stage);
    this.side = side;
    const host = stage.hosts[side];
    this.name = host.name;
    const arrive = host.arrive.bind(host);
    host.arrive = (end, frame) => {
      // A frame that was never on a real wire has no checksum yet: what is not filled in can't be wrong.
      if (!host.down)
        this.packet('in', frame.bytes.slice(frame.start, frame.end), frame.csum === CSUM_PARTIAL);
      arrive(end, frame);
    };
    stage.wire.tap((event, bytes) => {
      if (event.from === this.name) this.packet('out', bytes, true);
    });
    const { sockets } = host;
    this.watch(sockets.begin);
    const setsockopt = sockets.setsockopt.bind(sockets);
    sockets.setsockopt = (fd, level, name, value) => {
      this.option = value;
      return setsockopt(fd, level, name, value);
    };
  }

  private now(): Micros {
    return this.stage.world.now;
  }

  private packet(kind: 'in' | 'out', bytes: Uint8Array, trusted: boolean): void {
    this.drain();
    const packet = viewPacket(bytes, this.now());
    if (packet === null) return;
    const row = this.recorder.log.length;
    this.items.push({ kind, time: this.now(), row, packet: trusted ? { ...packet, fault: '' } : packet });
  }

  /** The calls that may wait: where they begin decides what they cause. */
  private watch(begin: Begin): void {
    const { accept, recv, send, close, connect } = begin;
    begin.accept = (...a) => {
      this.begins('accept', a[0]);
      return accept.apply(begin, a);
    };
    begin.recv = (...a) => {
      this.begins('recv', a[0]);
      return recv.apply(begin, a);
    };
    begin.send = (...a) => {
      this.begins('send', a[0], a[1]?.length ?? 0);
      return send.apply(begin, a);
    };
    begin.close = (...a) => {
      this.begins('close', a[0]);
      return close.apply(begin, a);
    };
    begin.connect = (...a) => {
      const item = this.begins('connect', a[0]);
      const pending = connect.apply(begin, a);
      const name = this.stage.hosts[this.side].sockets.getsockname(a[0]);
      if (typeof name !== 'number') item.localPort = name.port;
      item.remotePort = a[2] ?? 0;
      return pending;
    };
  }

  private begins(name: string, fd: number, n = -1): CallItem {
    this.drain();
    const item = this.call(name, fd, n < 0 ? [fd] : [fd, n]);
    this.waiting.push(item);
    return item;
  }

  private call(name: string, fd: number, args: readonly (number | string)[]): CallItem {
    const item: CallItem = {
      kind: 'call',
      time: this.now(),
      name,
      fd,
      args,
      end: null,
      endAt: -1,
      row: this.recorder.log.length,
      result: 0,
      option: null,
      localPort: 0,
      remotePort: 0,
    };
    this.items.push(item);
    return item;
  }

  /** Takes in what the world has logged since. */
  drain(): void {
    const { log } = this.stage.world;
    for (; this.at < log.length; this.at++) {
      const e = log[this.at]!;
      if (e.kind === 'note') this.note(e.text, e.time);
      else if (e.kind === 'call' && e.host === this.name) {
        const fd = Number(e.args[0]);
        const known = this.waiting.findIndex(
          w => w.name === e.call && w.fd === fd && w.time === e.time - e.blocked,
        );
        const item = known < 0 ? this.call(e.call, fd, e.args) : this.waiting.splice(known, 1)[0]!;
        this.returned(item, e.args, e.result, e.time);
      }
    }
    this.recorder.drain();
    this.at = log.length;
  }

  private returned(item: CallItem, args: CallItem['args'], result: number, time: Micros): void {
    item.args = args;
    item.end = time;
    item.endAt = this.items.length;
    item.row = this.recorder.log.length;
    item.result = result;
    if (item.name === 'setsockopt') item.option = this.option;
    if (item.name !== 'accept' || result < 0) return;
    const peer = this.stage.hosts[this.side].sockets.getpeername(result);
    if (typeof peer !== 'number') item.remotePort = peer.port;
  }

  private note(text: string, time: Micros): void {
    if (text === `${this.name} crashes`) this.items.push({ kind: 'crash', time });
    const [, name = '', value = ''] = new RegExp(`^${this.name}: sysctl (\\S+) = (.*)$`).exec(text) ?? [];
    if (name !== '') this.items.push({ kind: 'sysctl', time, name, value });
  }
}
