import type { Address } from '../base/address.ts';
import type { Micros } from '../base/time.ts';
import { type Arrival, Channel, type ChannelHost, type Fate, Medley, type Model } from '../link/channel.ts';
import { type ConditionOptions, type Conditions, PERFECT, withConditions } from '../link/conditions.ts';
import type { Medium } from '../link/link.ts';
import type { Packet } from '../link/packet.ts';
import type { Rule, RuleSpec } from '../link/rule.ts';
import type { Frame } from '../wire/frame.ts';
import type { PacketEvent, SegmentEvent } from './log.ts';
import { actionFate, describe } from './observe.ts';
import type { World } from './world.ts';

/** What may stand at the end of a wire: a host or a raw peer. */
export interface SimNode {
  readonly name: string;
  /** The wire was put in. */
  plug(end: WireEnd, options: WireOptions): void;
  /** A frame arrives at `end`; takes it over. */
  arrive(end: WireEnd, frame: Frame): void;
  /** The address that a raw peer opposite it talks to. */
  primaryAddress?(): Address | null;
  /** A frame of its own leaves, or one arrives: for captures. */
  witness?(end: WireEnd, frame: Frame, outgoing: boolean, comment: string): void;
}

export interface WireOptions extends ConditionOptions {
  /** @default 'ip' */
  medium?: Medium;
  /** Largest IP datagram, and the MTU of the interfaces at its ends. @default 1500 */
  mtu?: number;
  /** Conditions of one direction only, by the sender's name; they come on top of the others. */
  from?: Record<string, ConditionOptions>;
  /** Addresses of the interfaces at its ends, by node; a host's own `addresses` if absent. */
  addresses?: Record<string, readonly string[]>;
  /** In logs and capture files. @default 'A-B' from the nodes' names */
  name?: string;
  rules?: readonly (string | RuleSpec)[];
}

/** One of a wire's two ends. */
export class WireEnd {
  readonly wire: Wire;
  readonly node: SimNode;
  readonly side: 0 | 1;
  /** Number of this wire among those of its node, from 0. */
  index = 0;

  constructor(wire: Wire, node: SimNode, side: 0 | 1) {
    this.wire = wire;
    this.node = node;
    this.side = side;
  }

  get other(): WireEnd {
    return this.wire.ends[this.side === 0 ? 1 : 0];
  }

  /** Puts a frame on the wire. */
  send(frame: Frame): void {
    this.wire.channels[this.side].offer(frame, this.wire.world.now);
  }
}

/** A frame that is handed to a node without having been on the wire. */
export class Injection {
  readonly end: WireEnd;
  private readonly frame: Frame;
  constructor(end: WireEnd, frame: Frame) {
    this.end = end;
    this.frame = frame;
  }

  deliver(): void {
    this.end.node.witness?.(this.end, this.frame, false, 'injected');
    this.end.node.arrive(this.end, this.frame);
  }
}

/** Told of each segment or packet on a wire when it is sent, with its fate. */
export type Tap = (event: SegmentEvent | PacketEvent, frame: Uint8Array) => void;

/** Two nodes joined by a wire; made by `World.wire`. */
export class Wire implements ChannelHost {
  readonly world: World;
  readonly name: string;
  readonly medium: Medium;
  readonly mtu: number;
  readonly ends: readonly [WireEnd, WireEnd];
  /** Channel 0 carries what the first node sends. */
  readonly channels: readonly [Channel, Channel];
  private readonly shared: Medley;
  private readonly taps: Tap[] = [];

  /** @throws Error that says which option or rule could not be understood */
  constructor(world: World, a: SimNode, b: SimNode, options: WireOptions) {
    this.world = world;
    this.name = options.name ?? `${a.name}-${b.name}`;
    this.medium = options.medium ?? 'ip';
    this.mtu = options.mtu ?? 1500;
    this.ends = [new WireEnd(this, a, 0), new WireEnd(this, b, 1)];
    this.shared = new Medley(this, [a.name, b.name], this.medium, this.mtu);
    const random = world.random.fork(`wire ${this.name}`);
    this.channels = [
      new Channel(this.shared, 0, random.fork('0')),
      new Channel(this.shared, 1, random.fork('1')),
    ];
    this.set(options);
    for (const name of Object.keys(options.from ?? {})) this.set(options.from?.[name] ?? {}, name);
    for (const rule of options.rules ?? []) this.rule(rule);
    this.rewatch();
    a.plug(this.ends[0], options);
    b.plug(this.ends[1], options);
  }

  /** Frames put on the wire so far, both directions, dropped ones included. */
  get count(): number {
    return this.shared.count;
  }

  /** Changes conditions from now on, for what `from` sends or for both directions. @throws Error as above */
  set(options: ConditionOptions, from?: string): this {
    for (const channel of this.sides(from)) {
      const conditions: Conditions | string = withConditions(channel.conditions ?? PERFECT, options);
      if (typeof conditions === 'string') throw new Error(`wire ${this.name}: ${conditions}`);
      channel.conditions = conditions;
    }
    return this;
  }

  /**
   * Adds a rule, in text (see `parseRule`) or code: `wire.rule('drop B FIN 2')`. Times in rules are the
   * world's. @throws Error that says what was expected and where
   */
  rule(rule: string | RuleSpec): Rule {
    const made = this.shared.addRule(rule);
    if (typeof made === 'string') throw new Error(made);
    return made;
  }

  /** Takes a rule away, or all of them. */
  unrule(rule?: Rule): void {
    if (rule !== undefined) this.shared.removeRule(rule);
    else this.shared.rules = [];
  }

  get rules(): readonly Rule[] {
    return this.shared.rules;
  }

  /** Cuts the wire (what `from` sends, or both directions) or joins it again. Frames on their way arrive. */
  partition(on: boolean, from?: string): void {
    for (const channel of this.sides(from)) channel.blocked = on;
  }

  /**
   * Decides frames by their number, both directions counted together from 0, before any rule: the function
   * returns a set of the action bits PASS, DROP, DUPLICATE, CORRUPT and REORDER.
   * @param wait how long a reordered frame waits for the next of its direction
   */
  plan(decide: ((index: number, side: 0 | 1) => number) | null, wait?: Micros): void {
    this.shared.plan = decide as ((index: number, side: number) => number) | null;
    if (wait !== undefined) this.shared.planWait = wait;
  }

  /**
   * Lets a function decide when each frame arrives, in the place of rate, queue, delay and jitter; null gives the
   * conditions back. @param from for what this node sends; both directions if absent
   */
  model(model: Model | null, from?: string): void {
    for (const channel of this.sides(from)) channel.model = model;
  }

  /** Calls `tap` for each frame from now on, dropped ones included. */
  tap(tap: Tap): void {
    this.taps.push(tap);
    this.rewatch();
  }

  /**
   * Hands an IP datagram (or Ethernet frame) to a node as if it had come over the wire: as the next thing
   * that happens at this moment. Rules and conditions do not touch it.
   */
  inject(to: string, bytes: Uint8Array): void {
    const end = this.end(to);
    const frame = this.world.frames.from(bytes);
    if (this.shared.watched) {
      const packet = this.shared.packet;
      packet.read(frame, this.medium);
      this.shared.flows.observe(packet);
      this.tell(
        describe(packet, this.world.now, this.name, '', to, -1, 'delivered', '', this.world.now, null),
        frame,
      );
    }
    this.world.enqueue(this.world.now, new Injection(end, frame));
  }

  /** The end at a node. @throws Error if it is not on this wire */
  end(name: string): WireEnd {
    const end = this.ends.find(e => e.node.name === name);
    if (end === undefined) throw new Error(`wire ${this.name}: no '${name}' on it`);
    return end;
  }

  /** Somebody wants to see what passes: the log, a tap or a capture. */
  rewatch(): void {
    this.shared.watched =
      this.world.logging || this.taps.length > 0 || this.ends.some(e => e.node.witness !== undefined);
  }

  // What the channels ask of the wire.

  carry(arrival: Arrival, at: Micros): void {
    this.world.enqueue(at, arrival);
  }

  observe(channel: Channel, packet: Packet, frame: Frame, fate: Fate, now: Micros): void {
    const name = actionFate(fate.action);
    const arrival = fate.arrival < 0 ? null : fate.arrival;
    const copy = fate.copy < 0 ? null : fate.copy;
    const end = this.ends[channel.side];
    if (this.world.logging || this.taps.length > 0)
      this.tell(
        describe(
          packet,
          now,
          this.name,
          channel.from,
          channel.to,
          fate.index,
          name,
          fate.reason,
          arrival,
          copy,
        ),
        frame,
      );
    end.node.witness?.(end, frame, true, name === 'delivered' ? '' : `${name}: ${fate.reason}`);
  }

  /** Delivers an arrival; called by the world when its time has come. */
  deliver(arrival: Arrival): void {
    const frame = arrival.take();
    if (frame === null) return;
    const end = this.ends[arrival.channel.side === 0 ? 1 : 0];
    end.node.witness?.(end, frame, false, '');
    end.node.arrive(end, frame);
  }

  private tell(event: SegmentEvent | PacketEvent, frame: Frame): void {
    if (this.world.logging) this.world.log.push(event);
    if (this.taps.length === 0) return;
    const bytes = frame.bytes.slice(frame.start, frame.end);
    for (const tap of this.taps) tap(event, bytes);
  }

  private sides(from: string | undefined): readonly Channel[] {
    return from === undefined ? this.channels : [this.channels[this.end(from).side]];
  }
}
