import type { Random } from '../base/random.ts';
import type { Micros } from '../base/time.ts';
import { put16, u16 } from '../wire/bytes.ts';
import { adjust } from '../wire/checksum.ts';
import { CSUM_UNKNOWN, type Frame } from '../wire/frame.ts';
import { type Conditions, PERFECT } from './conditions.ts';
import { FlowTable } from './flow.ts';
import type { Medium } from './link.ts';
import { Packet } from './packet.ts';
import {
  CORRUPT,
  DELAY,
  DROP,
  DUPLICATE,
  MARK,
  PASS,
  REORDER,
  REORDER_WAIT,
  Rule,
  type RuleSpec,
} from './rule.ts';
import { parseRule } from './rule-parser.ts';

/** A frame on its way. `frame` is null once it was delivered, or if another arrival took its place. */
export class Arrival {
  frame: Frame | null;
  readonly channel: Channel;
  constructor(channel: Channel, frame: Frame) {
    this.channel = channel;
    this.frame = frame;
  }

  /** The frame to deliver, which is then the caller's; null if another arrival took its place. */
  take(): Frame | null {
    const frame = this.frame;
    this.frame = null;
    return frame;
  }
}

/** What became of a frame that was offered; one object per wire, refilled. */
export class Fate {
  /** Number of the frame on its wire, from 0. */
  index = 0;
  action = PASS;
  /** Why it was dropped: a rule's text, 'loss', 'queue', 'partition', 'mtu'; or the rule that did something else. */
  reason = '';
  /** When it arrives (a reordered one: at the latest); −1 if it does not. */
  arrival: Micros = -1;
  /** When its second copy arrives; −1 if there is none. */
  copy: Micros = -1;
}

/**
 * A path of the caller's own making: when does a frame of `length` bytes that is put on the wire `now` arrive?
 * −1: it is lost. Frames may overtake one another.
 */
export type Model = (now: Micros, length: number) => Micros;

/** Who carries the arrivals of a wire's channels through time, and who watches. */
export interface ChannelHost {
  /** Give `arrival.frame` to the far end at `at`; equal times in the order of these calls. */
  carry(arrival: Arrival, at: Micros): void;
  /** Told of each frame before it leaves, if `watched`; `packet` has been read. */
  observe(channel: Channel, packet: Packet, frame: Frame, fate: Fate, now: Micros): void;
}

/** What both directions of a wire share: its rules, the connections on it, the count of frames. */
export class Medley {
  readonly names: readonly [string, string];
  readonly medium: Medium;
  readonly mtu: number;
  readonly flows = new FlowTable();
  readonly packet = new Packet();
  readonly fate = new Fate();
  readonly host: ChannelHost;
  rules: Rule[] = [];
  /** Frames offered so far, both directions together. */
  count = 0;
  /** Somebody wants `observe` to be called. */
  watched = false;
  /** Decides by number of frame and side before any rule: a set of action bits. For exhaustive exploration. */
  plan: ((index: number, side: number) => number) | null = null;
  /** How long a frame that the plan reorders waits for another. */
  planWait: Micros = REORDER_WAIT;
  private made = 0;

  constructor(host: ChannelHost, names: readonly [string, string], medium: Medium, mtu: number) {
    this.host = host;
    this.names = names;
    this.medium = medium;
    this.mtu = mtu;
  }

  /** Adds a rule; a sentence if it can't be understood. Rules are asked in the order in which they were added. */
  addRule(rule: string | RuleSpec): Rule | string {
    let spec: RuleSpec;
    if (typeof rule === 'string') {
      const parsed = parseRule(rule, this.names);
      if (!parsed.ok) return parsed.error;
      spec = parsed.rule;
    } else spec = rule;
    const from = spec.from ?? '*';
    const side = from === '*' ? -1 : this.names.indexOf(from);
    if (side < 0 && from !== '*') return `rule: no '${from}' on this wire, only ${this.names.join(' and ')}`;
    const made = new Rule(spec, this.made++, side);
    this.rules.push(made);
    return made;
  }

  removeRule(rule: Rule): void {
    this.rules = this.rules.filter(r => r !== rule);
  }
}

/**
 * One direction of a wire: decides when each frame arrives, if it does. The order of things: partition,
 * plan, rules and random impairments (all of whose effects add up; a drop wins), then the rate limit and
 * its queue, then propagation.
 */
export class Channel {
  readonly wire: Medley;
  /** 0 carries frames from `wire.names[0]` to the other, 1 the reverse. */
  readonly side: 0 | 1;
  conditions: Conditions = PERFECT;
  /** Cut: everything is dropped. */
  blocked = false;
  /** In the place of rate, queue, delay and jitter; none by default. */
  model: Model | null = null;
  carried = 0;
  dropped = 0;
  private readonly random: Random;
  private held: Arrival[] = [];
  /** Until when the transmitter is busy, and when each frame in its queue will have left. */
  private busyUntil: Micros = 0;
  private departures: Micros[] = [];
  private departed = 0;
  private lastArrival: Micros = 0;

  constructor(wire: Medley, side: 0 | 1, random: Random) {
    this.wire = wire;
    this.side = side;
    this.random = random;
  }

  get from(): string {
    return this.wire.names[this.side];
  }

  get to(): string {
    return this.wire.names[this.side === 0 ? 1 : 0];
  }

  /** Takes the frame over. */
  offer(frame: Frame, now: Micros): void {
    const { wire, conditions: c } = this;
    const fate = wire.fate;
    fate.index = wire.count++;
    fate.action = PASS;
    fate.reason = '';
    fate.arrival = -1;
    fate.copy = -1;
    const looks = wire.watched || wire.rules.length > 0;
    if (looks) {
      wire.packet.read(frame, wire.medium);
      wire.flows.observe(wire.packet);
    }
    if (wire.plan !== null) {
      fate.action = wire.plan(fate.index, this.side);
      if (fate.action !== PASS) fate.reason = 'plan';
    }
    let delay = 0;
    let duplicateAfter = 0;
    let wait = fate.action & REORDER ? wire.planWait : c.reorderWait;
    for (let i = 0; i < wire.rules.length; i++) {
      const rule = wire.rules[i]!;
      if (!rule.applies(wire.packet, this.side, now, this.random)) continue;
      fate.action |= rule.action;
      if (fate.reason === '' || rule.action === DROP) fate.reason = rule.text;
      if (rule.action === DELAY) delay += rule.time;
      else if (rule.action === DUPLICATE) duplicateAfter = rule.time;
      else if (rule.action === REORDER) wait = rule.time;
    }
    if (c.loss > 0 || c.duplicate > 0 || c.corrupt > 0 || c.reorder > 0) this.draw(fate);
    if (this.blocked) this.lose(fate, 'partition');
    else if (this.sizeOf(frame) > wire.mtu) this.lose(fate, 'mtu');
    let at = now;
    if ((fate.action & DROP) === 0) {
      at = this.model === null ? this.travel(frame.length, now) : this.model(now, frame.length);
      if (at < 0) this.lose(fate, this.model === null ? 'queue' : 'model');
    }
    if (fate.action & DROP) {
      this.dropped++;
      if (looks && wire.watched) wire.host.observe(this, wire.packet, frame, fate, now);
      frame.release();
      return;
    }
    this.carried++;
    if (fate.action & REORDER) {
      fate.arrival = at + delay + wait;
      if (looks && wire.watched) wire.host.observe(this, wire.packet, frame, fate, now);
      frame = this.alter(frame, fate.action);
      const arrival = new Arrival(this, frame);
      this.held.push(arrival);
      wire.host.carry(arrival, fate.arrival);
    } else {
      if (delay === 0) this.lastArrival = at;
      fate.arrival = at + delay;
      if (fate.action & DUPLICATE) fate.copy = at + delay + duplicateAfter;
      if (looks && wire.watched) wire.host.observe(this, wire.packet, frame, fate, now);
      const second = fate.action & DUPLICATE ? frame.copy() : null;
      frame = this.alter(frame, fate.action);
      wire.host.carry(new Arrival(this, frame), at + delay);
      if (second !== null) wire.host.carry(new Arrival(this, second), fate.copy);
      if (this.held.length > 0 && delay === 0) this.releaseHeld(at);
    }
  }

  /** Frames that wait in the transmitter's queue at `now`. */
  queued(now: Micros): number {
    while (this.departed < this.departures.length && this.departures[this.departed]! <= now) this.departed++;
    if (this.departed > 256 && this.departed * 2 > this.departures.length) {
      this.departures.splice(0, this.departed);
      this.departed = 0;
    }
    return this.departures.length - this.departed;
  }

  /** Frames held back for another to pass arrive now, behind it. */
  private releaseHeld(at: Micros): void {
    const held = this.held;
    this.held = [];
    for (const arrival of held) {
      const frame = arrival.take();
      if (frame !== null) this.wire.host.carry(new Arrival(this, frame), at);
    }
  }

  /** Random impairments. Every probability that is not 0 draws once, whatever the others gave. */
  private draw(fate: Fate): void {
    const { conditions: c, random } = this;
    if (c.loss > 0 && random.float() < c.loss) this.lose(fate, 'loss');
    if (c.duplicate > 0 && random.float() < c.duplicate) this.add(fate, DUPLICATE, 'random duplicate');
    if (c.corrupt > 0 && random.float() < c.corrupt) this.add(fate, CORRUPT, 'random corruption');
    if (c.reorder > 0 && random.float() < c.reorder) this.add(fate, REORDER, 'random reordering');
  }

  private add(fate: Fate, action: number, reason: string): void {
    fate.action |= action;
    if (fate.reason === '') fate.reason = reason;
  }

  private lose(fate: Fate, reason: string): void {
    if ((fate.action & DROP) === 0) fate.reason = reason;
    fate.action |= DROP;
  }

  /** When the frame arrives by the conditions: rate limit and queue, then propagation; −1 if the queue is full. */
  private travel(length: number, now: Micros): Micros {
    const { conditions: c } = this;
    const leaves = c.rate > 0 ? this.depart(length, now) : now;
    if (leaves < 0) return -1;
    let at = leaves + c.delay;
    if (c.jitter > 0) at += this.random.below(c.jitter + 1);
    return at < this.lastArrival ? this.lastArrival : at;
  }

  /** When the frame will have been put on the wire, −1 if the queue is full. */
  private depart(length: number, now: Micros): Micros {
    const { conditions: c } = this;
    if (this.queued(now) >= c.queue) return -1;
    const start = Math.max(now, this.busyUntil);
    if (c.queueBytes > 0 && ((start - now) * c.rate) / 8_000_000 + length > c.queueBytes) return -1;
    this.busyUntil = start + Math.ceil((length * 8_000_000) / c.rate);
    this.departures.push(this.busyUntil);
    return this.busyUntil;
  }

  private sizeOf(frame: Frame): number {
    const size = frame.length - (this.wire.medium === 'ethernet' ? 14 : 0);
    return frame.gsoSize > 0 ? 0 : size;
  }

  /** A corrupted or marked copy in place of the frame, if the action says so. */
  private alter(frame: Frame, action: number): Frame {
    if ((action & (CORRUPT | MARK)) === 0) return frame;
    const altered = frame.copy();
    frame.release();
    altered.csum = CSUM_UNKNOWN;
    const at = altered.start + (this.wire.medium === 'ethernet' ? 14 : 0);
    if (action & MARK) mark(altered, at);
    if (action & CORRUPT && altered.end > at && isIp(altered, at)) {
      const bit = this.random.below((altered.end - at) * 8);
      altered.bytes[at + (bit >>> 3)]! ^= 1 << (bit & 7);
    }
    return altered;
  }
}

/** Only what a checksum of IP or of its transport protects is corrupted: a link that damages the rest drops it. */
function isIp(frame: Frame, at: number): boolean {
  const version = frame.bytes[at]! >>> 4;
  return (version === 4 && frame.end - at >= 20) || (version === 6 && frame.end - at >= 40);
}

/** Sets "congestion experienced" on an ECN-capable datagram (RFC 3168 §5). */
function mark(frame: Frame, at: number): void {
  const { bytes } = frame;
  if (!isIp(frame, at)) return;
  const before = u16(bytes, at);
  if (before >>> 12 === 4) {
    if ((before & 3) === 0) return;
    put16(bytes, at, before | 3);
    put16(bytes, at + 10, adjust(u16(bytes, at + 10), before, before | 3));
  } else if (before & 0x30) put16(bytes, at, before | 0x30);
}
