import type { Random } from '../base/random.ts';
import type { Micros } from '../base/time.ts';
import type { Frame } from '../wire/frame.ts';
import { type Arrival, Channel, type ChannelHost, type Fate, Medley } from './channel.ts';
import { type ConditionOptions, PERFECT, withConditions } from './conditions.ts';
import type { Clock, Link, Medium, Task } from './link.ts';
import type { Packet } from './packet.ts';
import type { Rule, RuleSpec } from './rule.ts';
import { TimeQueue } from './time-queue.ts';

export interface ImpairOptions extends ConditionOptions {
  clock: Clock;
  random: Random;
  /** This end's name and the far end's, as rules call them. @default ['A', 'B'] */
  names?: readonly [string, string];
  /** Rules in the grammar of `parseRule`. */
  rules?: readonly (string | RuleSpec)[];
}

/** Told of each frame that an impaired link was given, and what became of it. */
export type ImpairListener = (
  channel: Channel,
  packet: Packet,
  frame: Frame,
  fate: Fate,
  now: Micros,
) => void;

/**
 * A link made worse: loses, delays, reorders, duplicates, corrupts or slows down what passes, by the same
 * conditions and rules as a simulated wire, in real time. What this end sends is named `names[0]`.
 */
export class ImpairedLink implements Link, ChannelHost, Task {
  readonly medium: Medium;
  readonly mtu: number;
  onreceive: ((frame: Frame) => void) | null = null;
  onwritable: (() => void) | null = null;
  onclose: ((reason: string) => void) | null = null;
  private readonly inner: Link;
  private readonly clock: Clock;
  private readonly wire: Medley;
  private readonly out: Channel;
  private readonly in: Channel;
  private readonly due = new TimeQueue<Arrival>();
  private wakeAt = Number.POSITIVE_INFINITY;
  /** Frames that the inner link had no room for, oldest first. */
  private waiting: Frame[] = [];
  private refused = false;
  private closed = false;
  private listener: ImpairListener | null = null;

  /** @throws Error that says which option or rule could not be understood */
  constructor(inner: Link, options: ImpairOptions) {
    this.inner = inner;
    this.medium = inner.medium;
    this.mtu = inner.mtu;
    this.clock = options.clock;
    this.wire = new Medley(this, options.names ?? ['A', 'B'], inner.medium, inner.mtu);
    this.out = new Channel(this.wire, 0, options.random);
    this.in = new Channel(this.wire, 1, options.random);
    this.set(options);
    for (const rule of options.rules ?? []) this.rule(rule);
    inner.onreceive = frame => this.in.offer(frame.gather(), this.clock.now());
    inner.onwritable = () => this.flush();
    inner.onclose = reason => this.onclose?.(reason);
  }

  /** Changes the conditions of both directions. @throws Error as the constructor does */
  set(options: ConditionOptions): void {
    for (const channel of [this.out, this.in]) {
      const conditions = withConditions(channel.conditions ?? PERFECT, options);
      if (typeof conditions === 'string') throw new Error(conditions);
      channel.conditions = conditions;
    }
  }

  /** Adds a rule. @throws Error as the constructor does */
  rule(rule: string | RuleSpec): Rule {
    const made = this.wire.addRule(rule);
    if (typeof made === 'string') throw new Error(made);
    return made;
  }

  partition(on: boolean): void {
    this.out.blocked = on;
    this.in.blocked = on;
  }

  /** Called for each frame, dropped ones included; it must not keep `packet`, `frame` or `fate`. */
  watch(listener: ImpairListener | null): void {
    this.listener = listener;
    this.wire.watched = listener !== null;
  }

  transmit(frame: Frame): boolean {
    if (this.closed || this.waiting.length > 0) {
      this.refused = true;
      return false;
    }
    this.out.offer(frame, this.clock.now());
    return true;
  }

  kick(): void {
    this.inner.kick?.();
  }

  carry(arrival: Arrival, at: Micros): void {
    const now = this.clock.now();
    // A frame that is not delayed goes at once, unless one before it still waits. Neither way enters a stack
    // again: the inner link queues what is sent, and delivers from the loop.
    if (at <= now && !(this.due.next <= now)) {
      this.deliver(arrival);
      return;
    }
    this.due.push(at, arrival);
    if (at < this.wakeAt) {
      this.wakeAt = at;
      this.clock.schedule(this, at);
    }
  }

  observe(channel: Channel, packet: Packet, frame: Frame, fate: Fate, now: Micros): void {
    this.listener?.(channel, packet, frame, fate, now);
  }

  /** Delivers what is due; called by the clock. */
  run(): void {
    this.wakeAt = Number.POSITIVE_INFINITY;
    if (this.closed) return;
    const now = this.clock.now();
    while (this.due.next <= now) this.deliver(this.due.pop()!);
    if (this.due.size > 0) {
      this.wakeAt = this.due.next;
      this.clock.schedule(this, this.wakeAt);
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const arrival of this.due.values()) arrival.frame?.release();
    this.due.clear();
    for (const frame of this.waiting) frame.release();
    this.waiting = [];
    this.inner.close();
  }

  private deliver(arrival: Arrival): void {
    const frame = arrival.take();
    if (frame === null) return;
    if (arrival.channel === this.out) {
      if (this.waiting.length > 0 || !this.inner.transmit(frame)) this.waiting.push(frame);
    } else if (this.onreceive !== null) this.onreceive(frame);
    else frame.release();
  }

  private flush(): void {
    let sent = 0;
    while (sent < this.waiting.length && this.inner.transmit(this.waiting[sent]!)) sent++;
    this.waiting.splice(0, sent);
    if (this.waiting.length === 0 && this.refused) {
      this.refused = false;
      this.onwritable?.();
    }
  }
}
