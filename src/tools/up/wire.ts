import type { Random } from '../../base/random.ts';
import type { Micros } from '../../base/time.ts';
import type { Channel, Fate } from '../../link/channel.ts';
import { ImpairedLink } from '../../link/impair.ts';
import type { Clock, Link, Medium } from '../../link/link.ts';
import { memoryPair } from '../../link/memory.ts';
import type { Packet } from '../../link/packet.ts';
import { DROP, type RuleSpec } from '../../link/rule.ts';
import { parseRule } from '../../link/rule-parser.ts';
import type { Frame } from '../../wire/frame.ts';
import { type Recorder, reasonText } from '../trace/recorder.ts';
import type { CaptureFiles } from './capture-files.ts';
import { HOSTS, type WireSettings } from './options.ts';

/** Reasons counted apart; further ones are counted together. */
const MAX_REASONS = 100;

/** What one direction of the wire has done so far. */
export class WireCount {
  carried = 0;
  bytes = 0;
  lost = 0;
  readonly reasons = new Map<string, number>();

  lose(reason: string): void {
    this.lost++;
    const name = this.reasons.size < MAX_REASONS || this.reasons.has(reason) ? reason : 'other';
    this.reasons.set(name, (this.reasons.get(name) ?? 0) + 1);
  }
}

/** The wire between the two hosts: impaired, counted, recorded and captured. */
export class GatewayWire {
  /** The links that the hosts' drivers are joined to: A's and B's. */
  readonly ends: readonly [Link, Link];
  /** From A to B, and from B to A. */
  readonly counts: readonly [WireCount, WireCount] = [new WireCount(), new WireCount()];
  private readonly impaired: ImpairedLink;

  constructor(
    clock: Clock,
    random: Random,
    settings: WireSettings,
    recorder: Recorder,
    captures: CaptureFiles | null,
  ) {
    const [near, far] = memoryPair(clock, { medium: 'ip', mtu: settings.mtu, queue: 4096 });
    const { rules: texts, mtu: _, ...conditions } = settings;
    const rules = texts.map(text => sinceStart(text, clock.now()));
    this.impaired = new ImpairedLink(near, { clock, random, names: HOSTS, rules, ...conditions });
    this.impaired.watch((channel, packet, frame, fate, now) => {
      this.count(channel, packet, fate);
      recorder.observe(channel, packet, frame, fate, now);
      captures?.sent(
        channel.side,
        frame,
        now,
        (fate.action & DROP) !== 0 ? `lost: ${reasonText(fate.reason)}` : '',
      );
    });
    this.ends = [
      new ArrivalLink(
        this.impaired,
        frame => this.arrive(0, frame, recorder, captures, clock),
        () => recorder.caughtUp(),
      ),
      new ArrivalLink(
        far,
        frame => this.arrive(1, frame, recorder, captures, clock),
        () => recorder.caughtUp(),
      ),
    ];
  }

  private arrive(
    host: 0 | 1,
    frame: Frame,
    recorder: Recorder,
    captures: CaptureFiles | null,
    clock: Clock,
  ): void {
    recorder.arrived(frame);
    captures?.received(host, frame, clock.now());
  }

  private count(channel: Channel, packet: Packet, fate: Fate): void {
    const c = this.counts[channel.side];
    if (fate.action & DROP) c.lose(reasonText(fate.reason));
    else {
      c.carried++;
      c.bytes += packet.size;
    }
  }
}

/** A rule whose times count from the start of the program, not of the clock. */
export function sinceStart(
  text: string,
  start: Micros,
  names: readonly [string, string] = HOSTS,
): string | RuleSpec {
  const parsed = parseRule(text, names);
  if (!parsed.ok) return text;
  const rule: RuleSpec = { ...parsed.rule };
  if (rule.after !== undefined) rule.after += start;
  if (rule.until !== undefined) rule.until += start;
  return rule;
}

/** A link that tells of each frame before and after it is handed up. */
class ArrivalLink implements Link {
  readonly medium: Medium;
  readonly mtu: number;
  onreceive: ((frame: Frame) => void) | null = null;
  onwritable: (() => void) | null = null;
  onclose: ((reason: string) => void) | null = null;
  private readonly inner: Link;

  constructor(inner: Link, before: (frame: Frame) => void, after: () => void) {
    this.inner = inner;
    this.medium = inner.medium;
    this.mtu = inner.mtu;
    inner.onreceive = frame => {
      before(frame);
      if (this.onreceive !== null) this.onreceive(frame);
      else frame.release();
      after();
    };
    inner.onwritable = () => this.onwritable?.();
    inner.onclose = reason => this.onclose?.(reason);
  }

  transmit(frame: Frame): boolean {
    return this.inner.transmit(frame);
  }

  close(): void {
    this.inner.close();
  }
}

/** A moment on the monotonic clock as microseconds since 1970. */
export function wallClock(clock: Pick<Clock, 'now'>): (at: Micros) => Micros {
  const offset = Date.now() * 1000 - clock.now();
  return at => at + offset;
}
