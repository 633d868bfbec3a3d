import type { SeededRandom } from '../base/random.ts';
import { MICROS_PER_MS, type Micros, NEVER } from '../base/time.ts';
import { CapturePoint } from '../link/capture.ts';
import { type Arrival, Channel, type ChannelHost, Fate, Medley } from '../link/channel.ts';
import { type ConditionOptions, PERFECT, withConditions } from '../link/conditions.ts';
import type { Clock, Link, Task } from '../link/link.ts';
import { Packet } from '../link/packet.ts';
import { DROP, type Rule, type RuleSpec } from '../link/rule.ts';
import { parseRule } from '../link/rule-parser.ts';
import { TimeQueue } from '../link/time-queue.ts';
import { type Recorder, reasonText } from '../tools/trace/recorder.ts';
import type { Frame } from '../wire/frame.ts';
import { CaptureBuffer, PcapngWriter } from '../wire/pcapng.ts';

/** What a wire does to all that passes, and rules as `parseRule` reads them. */
export interface WireSettings extends ConditionOptions {
  /** One rule per line: 'drop server FIN 2'. Times in them count from the beginning of the network. */
  readonly rules?: readonly (string | RuleSpec)[];
  /** Largest IP datagram. @default 1500 */
  readonly mtu?: number;
}

/** Bytes of capture that are kept; what comes later is left out. */
const MAX_CAPTURE = 32 * 1024 * 1024;

/** The wire between the two hosts of a test. */
export class TestWire implements ChannelHost, Task {
  readonly ends: readonly [WireEnd, WireEnd];
  /** When the last frame that was put on it arrives. */
  busyUntil: Micros = 0;
  private readonly clock: Clock;
  private readonly names: readonly [string, string];
  private readonly shared: Medley;
  private readonly channels: readonly [Channel, Channel];
  private readonly recorder: Recorder;
  private readonly due = new TimeQueue<Arrival>();
  private readonly began: Micros;
  private readonly captured = new CaptureBuffer(MAX_CAPTURE);
  private readonly point: CapturePoint;
  private wakeAt: Micros = NEVER;
  private healing = 0;

  /** @throws Error that says which option or rule could not be understood */
  constructor(
    clock: Clock,
    names: readonly [string, string],
    random: SeededRandom,
    recorder: Recorder,
    settings: WireSettings,
  ) {
    this.clock = clock;
    this.names = names;
    this.began = clock.now();
    this.recorder = recorder;
    this.shared = new Medley(this, names, 'ip', settings.mtu ?? 1500);
    this.shared.watched = true;
    this.channels = [
      new Channel(this.shared, 0, random.fork('0')),
      new Channel(this.shared, 1, random.fork('1')),
    ];
    this.ends = [new WireEnd(this, 0, this.shared.mtu), new WireEnd(this, 1, this.shared.mtu)];
    const writer = new PcapngWriter(this.captured.sink, 'lastack/testing');
    this.point = new CapturePoint(writer, `${names[0]}-${names[1]}`, 'ip');
    this.set(settings);
    for (const rule of settings.rules ?? []) this.rule(rule);
  }

  /**
   * Changes the conditions from now on: `{ delay: '40ms', loss: '2%', rate: '10mbit' }`; numbers of times are
   * microseconds.
   * @param from what this host sends only
   */
  set(conditions: ConditionOptions, from?: string): void {
    for (const channel of this.sides(from)) {
      const made = withConditions(channel.conditions ?? PERFECT, conditions);
      if (typeof made === 'string') throw new Error(`wire: ${made}`);
      channel.conditions = made;
    }
  }

  /** The delay of each direction: '40ms', or milliseconds. */
  delay(time: string | number): void {
    this.set({ delay: typeof time === 'number' ? time * MICROS_PER_MS : time });
  }

  /** The share of frames that are lost: '2%', 0.02. */
  loss(share: string | number): void {
    this.set({ loss: share });
  }

  /** Adds a rule: `rule('drop server FIN 1')`. @throws Error that says what was expected and where */
  rule(rule: string | RuleSpec): Rule {
    let spec = rule;
    if (typeof rule === 'string') {
      const parsed = parseRule(rule, this.names);
      if (!parsed.ok) throw new Error(parsed.error);
      spec = { ...parsed.rule };
      if (spec.after !== undefined) spec.after += this.began;
      if (spec.until !== undefined) spec.until += this.began;
    }
    const made = this.shared.addRule(spec);
    if (typeof made === 'string') throw new Error(made);
    return made;
  }

  /** Takes a rule away, or all of them. */
  unrule(rule?: Rule): void {
    if (rule === undefined) this.shared.rules = [];
    else this.shared.removeRule(rule);
  }

  /** Cuts the wire; what is on its way arrives. @param ms heals by itself after this time */
  partition(ms?: number): void {
    const number = ++this.healing;
    for (const c of this.channels) c.blocked = true;
    if (ms === undefined) return;
    const task = {
      run: () => {
        if (number === this.healing) this.heal();
      },
    };
    this.clock.schedule(task, this.clock.now() + ms * MICROS_PER_MS);
  }

  /** Joins a cut wire again. */
  heal(): void {
    this.healing++;
    for (const c of this.channels) c.blocked = false;
  }

  /** What passed so far as a pcapng file. */
  get capture(): Uint8Array {
    return this.captured.bytes();
  }

  /** Frames put on the wire so far, lost ones included. */
  get frames(): number {
    return this.shared.count;
  }

  /** Gives a host a datagram as if the other had sent it, at once. */
  inject(to: 0 | 1, frame: Frame): void {
    const channel = this.channels[to === 0 ? 1 : 0];
    const packet = new Packet();
    packet.read(frame, 'ip');
    this.shared.flows.observe(packet);
    const fate = new Fate();
    fate.reason = 'injected';
    this.observe(channel, packet, frame, fate, this.clock.now());
    this.hand(to, frame);
  }

  // For the ends and channels.

  send(side: 0 | 1, frame: Frame): void {
    this.channels[side].offer(frame, this.clock.now());
  }

  carry(arrival: Arrival, at: Micros): void {
    this.due.push(at, arrival);
    if (at > this.busyUntil) this.busyUntil = at;
    if (at >= this.wakeAt) return;
    this.wakeAt = at;
    if (at <= this.clock.now()) this.clock.soon(this);
    else this.clock.schedule(this, at);
  }

  observe(channel: Channel, packet: Packet, frame: Frame, fate: Fate, now: Micros): void {
    const lost = (fate.action & DROP) !== 0;
    this.point.record(
      frame,
      now,
      channel.side === 0,
      lost ? `lost: ${reasonText(fate.reason)}` : fate.reason,
    );
    this.recorder.observe(channel, packet, frame, fate, now);
  }

  /** Delivers what is due; called by the clock. */
  run(): void {
    this.wakeAt = NEVER;
    const now = this.clock.now();
    while (this.due.next <= now) {
      const arrival = this.due.pop()!;
      const frame = arrival.take();
      if (frame !== null) this.hand(arrival.channel.side === 0 ? 1 : 0, frame);
    }
    if (this.due.next < this.wakeAt) {
      this.wakeAt = this.due.next;
      this.clock.schedule(this, this.wakeAt);
    }
  }

  private hand(to: 0 | 1, frame: Frame): void {
    const { onreceive } = this.ends[to];
    this.recorder.arrived(frame);
    if (onreceive !== null) onreceive(frame);
    else frame.release();
    this.recorder.caughtUp();
  }

  private sides(from: string | undefined): readonly Channel[] {
    if (from === undefined) return this.channels;
    const side = this.names.indexOf(from);
    if (side < 0) throw new Error(`wire: no '${from}' on it, only ${this.names.join(' and ')}`);
    return [this.channels[side]!];
  }
}

/** A host's end of the wire. */
export class WireEnd implements Link {
  readonly medium = 'ip';
  readonly mtu: number;
  onreceive: ((frame: Frame) => void) | null = null;
  onwritable: (() => void) | null = null;
  onclose: ((reason: string) => void) | null = null;
  private readonly wire: TestWire;
  private readonly side: 0 | 1;

  constructor(wire: TestWire, side: 0 | 1, mtu: number) {
    this.wire = wire;
    this.side = side;
    this.mtu = mtu;
  }

  transmit(frame: Frame): boolean {
    this.wire.send(this.side, frame);
    return true;
  }

  close(): void {
    this.onreceive = null;
  }
}
