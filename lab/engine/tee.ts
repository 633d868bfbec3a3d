import type { Micros } from '../../src/base/time.ts';
import type { Host } from '../../src/sim/host.ts';
import type { State } from '../../src/tcp/state.ts';
import type { Tcb } from '../../src/tcp/tcb.ts';
import type { SentKind, TimerName, TraceSink } from '../../src/tcp/trace.ts';
import type { Segment } from '../../src/wire/segment.ts';

/** What the simulator's own log does not hold: timers that went off, and what goes from a host to itself. */
export interface Observer {
  timer(host: Host, tcb: Tcb, name: TimerName): void;
  /** Something happened to a connection; what it did is done at the end of the event. */
  touched(host: Host, tcb: Tcb): void;
  /** A segment to an address of the host's own. */
  loop(host: Host, tcb: Tcb, seq: number, length: number, flags: number, kind: SentKind): void;
}

/** Hears what a host's connections do and passes it on to who listened before. */
export class Tee implements TraceSink {
  /** The timer that went off last, and when: the reason of what is sent at that moment. */
  lastTimer: TimerName | '' = '';
  lastTimerAt: Micros = -1;
  private readonly host: Host;
  private readonly observer: Observer;
  private next: TraceSink | null = null;

  constructor(host: Host, observer: Observer) {
    this.host = host;
    this.observer = observer;
    this.hold();
  }

  /** Listens to the present stack of the host: it has a new one after a restart. */
  hold(): void {
    const { tcp } = this.host.stack;
    if (tcp.trace === this) return;
    this.next = tcp.trace;
    tcp.trace = this;
  }

  sent(tcb: Tcb, seq: number, length: number, flags: number, kind: SentKind): void {
    this.next?.sent(tcb, seq, length, flags, kind);
    this.observer.touched(this.host, tcb);
    if (tcb.local.equals(tcb.remote)) this.observer.loop(this.host, tcb, seq, length, flags, kind);
  }

  received(tcb: Tcb, segment: Segment): void {
    this.next?.received(tcb, segment);
    this.observer.touched(this.host, tcb);
  }

  dropped(tcb: Tcb, reason: string): void {
    this.next?.dropped(tcb, reason);
  }

  transition(tcb: Tcb, from: State, to: State, why: string): void {
    this.next?.transition(tcb, from, to, why);
  }

  timer(tcb: Tcb, name: TimerName): void {
    this.lastTimer = name;
    this.lastTimerAt = this.host.world.now;
    this.next?.timer(tcb, name);
    this.observer.touched(this.host, tcb);
    this.observer.timer(this.host, tcb, name);
  }

  lost(tcb: Tcb, seq: number, end: number): void {
    this.next?.lost(tcb, seq, end);
  }

  congestion(tcb: Tcb): void {
    this.next?.congestion(tcb);
  }
}
