import { parseAddress } from '../../src/base/address.ts';
import { Mib } from '../../src/base/mib.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Sysctl } from '../../src/base/sysctl.ts';
import { type Micros, NEVER } from '../../src/base/time.ts';
import { checkConnection } from '../../src/sim/invariants.ts';
import { TcpHost } from '../../src/stack/tcp-host.ts';
import type { Connection } from '../../src/tcp/connection.ts';
import { TcpOptions } from '../../src/tcp/options.ts';
import { CLOSED, stateName } from '../../src/tcp/state.ts';
import type { Frame } from '../../src/wire/frame.ts';
import { OK } from '../../src/wire/reason.ts';
import { FIN, RST, Segment, SYN } from '../../src/wire/segment.ts';
import { decodeTcp } from '../../src/wire/tcp.ts';
import { End } from './end.ts';
import { judge } from './judge.ts';
import { actionOf, CUT_A, CUT_AB, DELAY, DROP, DUPLICATE, type Life, segmentOf } from './life.ts';
import { CountingPool, LeanNet, type Line } from './net.ts';

const ADDRESSES = [parseAddress('10.0.0.1')!, parseAddress('10.0.0.2')!] as const;
const CLIENT_PORT = 40_000;
const SERVER_PORT = 80;
const MILLISECOND: Micros = 1_000;
/** Linux's first timeouts: of a SYN, and beyond the round trip of anything else. */
const SYN_RTO: Micros = 1_000_000;
const RTO_MIN: Micros = 200_000;
/** A life is over after the longest patience, the last timeout after it and TIME_WAIT. */
const LONGEST: Micros = 4_000_000_000;
const MOST_EVENTS = 5_000;
/** Hosts are made anew after so many lives, so that their clock stays an exact number of microseconds. */
const LIVES = 20_000;

/** A segment on its way. */
class Flight {
  frame: Frame;
  to: 0 | 1;
  at: Micros;
  order: number;
  /** It waits for the next of its direction. */
  held: boolean;
  number: number;

  constructor(frame: Frame, to: 0 | 1, at: Micros, order: number, held: boolean, number: number) {
    this.frame = frame;
    this.to = to;
    this.at = at;
    this.order = order;
    this.held = held;
    this.number = number;
  }
}

/** What a life has shown, beside whether it was right. */
export interface Outcome {
  /** Segments sent, and bit i of `fromB`: segment i (of the first 31) was sent by B. */
  segments: number;
  fromB: number;
  /** A RST was sent; some segments are lost without end. */
  resets: number;
  cut: boolean;
  events: number;
  elapsed: Micros;
}

/**
 * Two TCP hosts joined by a wire, in virtual time, without IP, sockets or logs: as little as it takes to
 * live a connection's life, so that millions can be tried. All hosts of a pair have the same options; they
 * are used for one life after another, for each must leave nothing behind.
 */
export class Pair implements Line {
  readonly hosts: readonly [TcpHost, TcpHost];
  readonly ends: readonly [End, End] = [new End(0x41), new End(0x42)];
  readonly outcome: Outcome = { segments: 0, fromB: 0, resets: 0, cut: false, events: 0, elapsed: 0 };
  /** Receives a line for everything that happens, if set. */
  tell: ((line: string) => void) | null = null;
  now: Micros;
  begun: Micros = 0;
  lives = 0;
  readonly pool = new CountingPool();
  private readonly flights: Flight[] = [];
  private readonly segment = new Segment();
  private readonly due: [Micros, Micros] = [NEVER, NEVER];
  private readonly options = new TcpOptions();
  private life!: Life;
  private order = 0;
  private strays: Connection[] = [];
  private iss = [0, 0];

  constructor(sack: boolean, timestamps: boolean, start: Micros) {
    this.now = start;
    const host = (side: 0 | 1): TcpHost => {
      const sysctl = new Sysctl({ tcp_sack: sack ? 1 : 0, tcp_timestamps: timestamps ? 1 : 0 });
      const h = new TcpHost({
        sysctl: sysctl.values,
        mib: new Mib(),
        random: seededRandom(`host ${side}`),
        hz: 1000,
        net: new LeanNet(ADDRESSES[side], side, this.pool, this),
      });
      h.now = start;
      h.expire(start, 1);
      return h;
    };
    this.hosts = [host(0), host(1)];
    const b = this.hosts[1];
    const bound = b.ports.bind(ADDRESSES[1], SERVER_PORT, {
      reuseAddr: true,
      reusePort: false,
      v6only: false,
      owner: null,
    });
    if (typeof bound === 'number') throw new Error(`bind: ${bound}`);
    const listener = b.listen(this.options, bound, 8);
    if (typeof listener === 'number') throw new Error(`listen: ${listener}`);
    this.ends[1].listener = listener;
  }

  /** So many lives in one pair are enough. */
  get worn(): boolean {
    return this.lives >= LIVES;
  }

  /** Lives one life from the next whole second on. @returns what was wrong, or null */
  live(life: Life): string | null {
    this.lives++;
    this.life = life;
    const { outcome: o, hosts, ends } = this;
    this.now = (Math.floor(this.now / 1e6) + 1) * 1e6;
    this.begun = this.now;
    this.order = 0;
    if (this.strays.length > 0) this.strays = [];
    o.segments = 0;
    o.fromB = 0;
    o.resets = 0;
    o.cut = false;
    for (const h of hosts) h.now = this.now;
    ends[0].begin(life, 0, this.now);
    ends[1].begin(life, 1, this.now);
    const local = { address: ADDRESSES[0], port: CLIENT_PORT };
    const c = hosts[0].connect(this.options, local, ADDRESSES[1], SERVER_PORT);
    if (typeof c === 'number') return `connect: ${c}`;
    ends[0].connection = c;
    let wrong = this.after();
    let events = 0;
    while (wrong === null) {
      if (++events > MOST_EVENTS) wrong = `no end after ${events} events`;
      else if (!this.next()) break;
      else wrong = this.problem;
    }
    o.events = events;
    o.elapsed = this.now - this.begun;
    return wrong ?? judge(this, life);
  }

  private problem: string | null = null;

  /** The next thing that happens: a segment, a timer, a call; at one moment in this order. */
  private next(): boolean {
    const { flights, due, ends } = this;
    let flight = -1;
    let at = Math.min(due[0], due[1], ends[0].at, ends[1].at);
    for (let i = 0; i < flights.length; i++) {
      const f = flights[i]!;
      if (f.at < at || (f.at === at && (flight < 0 || f.order < flights[flight]!.order))) {
        at = f.at;
        flight = i;
      }
    }
    if (at === NEVER) return false;
    if (at > this.now) this.now = at;
    if (at > this.begun + LONGEST) {
      this.problem = 'is still not over';
      return true;
    }
    if (flight >= 0) this.arrive(flight);
    else if (due[0] <= at || due[1] <= at) {
      const side = due[0] <= at ? 0 : 1;
      this.tell?.(`${this.time()} ${'AB'[side]} timer`);
      this.hosts[side].expire(this.now, 64);
    }
    this.problem = this.after();
    return true;
  }

  private arrive(i: number): void {
    const f = this.flights.splice(i, 1)[0]!;
    const host = this.hosts[f.to];
    const s = this.segment;
    s.source.assign(ADDRESSES[f.to === 0 ? 1 : 0]);
    s.destination.assign(ADDRESSES[f.to]);
    const { frame } = f;
    if (decodeTcp(frame.bytes, frame.start, frame.end, s, true) !== OK) throw new Error('bad segment');
    this.tell?.(`${this.time()} ${'AB'[f.to]} gets ${f.number}`);
    host.now = this.now;
    host.receive(s);
    frame.release();
  }

  /** What follows each event: calls of the applications, then output; and the invariants. */
  private after(): string | null {
    const [a, b] = this.hosts;
    const { outcome, due } = this;
    a.now = this.now;
    b.now = this.now;
    for (let sent = -1; sent !== outcome.segments; ) {
      // A call may be due because a segment has just been sent.
      sent = outcome.segments;
      this.wake(a);
      this.wake(b);
      this.step(0);
      this.step(1);
      this.step(0);
      a.output();
      b.output();
    }
    this.stray();
    due[0] = a.deadline();
    due[1] = b.deadline();
    return this.check();
  }

  /** Tells the applications which of them are to look at their sockets. */
  private wake(host: TcpHost): void {
    for (const c of host.takeChanged()) {
      for (const end of this.ends) if (c === end.connection || c === end.listener) end.woken = true;
    }
  }

  private step(side: 0 | 1): void {
    const end = this.ends[side];
    if (!end.ended) end.step(this.now, this.outcome.segments, this.ends[side === 0 ? 1 : 0]);
  }

  /** A connection that nobody expected (of an old SYN) is closed as soon as it is accepted. */
  private stray(): void {
    const { listener, connection } = this.ends[1];
    if (connection === null || listener!.queueLength === 0) return;
    const c = listener!.accept()!;
    this.strays.push(c);
    c.close();
    this.hosts[1].output();
  }

  /** Every connection there can be: the two ends', those not accepted yet, and strays. */
  private check(): string | null {
    const { ends, strays } = this;
    let wrong = this.checkOne(0, ends[0].connection) ?? this.checkOne(1, ends[1].connection);
    for (const c of ends[1].listener!.acceptQueue) wrong ??= this.checkOne(1, c);
    for (const c of strays) wrong ??= this.checkOne(1, c);
    return wrong;
  }

  private checkOne(side: 0 | 1, c: Connection | null): string | null {
    if (c === null || c.state === CLOSED) return null;
    const wrong = checkConnection(c);
    if (wrong !== null) return `${'AB'[side]} in ${stateName(c.state)} ${wrong}`;
    if (c.dirty) return `${'AB'[side]} in ${stateName(c.state)} still wants to send after output()`;
    if (c.earliest() + MILLISECOND < this.due[side])
      return `${'AB'[side]} in ${stateName(c.state)} would be woken too late`;
    return null;
  }

  // The wire.

  emit(side: 0 | 1, frame: Frame): void {
    const { outcome: o, life, flights } = this;
    const number = o.segments++;
    if (side === 1 && number < 31) o.fromB |= 1 << number;
    const flags = frame.bytes[frame.start + 13]!;
    if (flags & RST) o.resets++;
    let action = 0;
    for (const f of life.faults) {
      const what = actionOf(f);
      if (what < CUT_A) {
        if (segmentOf(f) === number) action = what;
      } else if (number >= segmentOf(f) && (what === CUT_AB || (what === CUT_A) === (side === 0))) {
        action = DROP;
        o.cut = true;
        break;
      }
    }
    if (this.tell !== null) this.tell(this.describe(side, number, frame, action));
    if (action === DROP) {
      frame.release();
      return;
    }
    const way = life.rtt / 2;
    const to = side === 0 ? 1 : 0;
    const at = this.now + way;
    if (action === DELAY) {
      const wait = flags & SYN ? SYN_RTO : RTO_MIN + life.rtt;
      flights.push(new Flight(frame, to, at + wait, this.order++, true, number));
      return;
    }
    flights.push(new Flight(frame, to, at, this.order++, false, number));
    // The last that was held back comes first after it.
    for (let i = flights.length - 2; i >= 0; i--) {
      const f = flights[i]!;
      if (!f.held || f.to !== to) continue;
      f.held = false;
      if (f.at < at) continue;
      f.at = at;
      f.order = this.order++;
    }
    if (action === DUPLICATE) flights.push(new Flight(frame.retain(), to, at, this.order++, false, number));
  }

  private time(): string {
    return ((this.now - this.begun) / 1e6).toFixed(6).padStart(12);
  }

  private describe(side: 0 | 1, number: number, frame: Frame, action: number): string {
    const s = new Segment();
    decodeTcp(frame.bytes, frame.start, frame.end, s, true);
    if (s.flags & SYN) this.iss[side] = s.seq;
    const other = side === 0 ? 1 : 0;
    const flags = [...'FSRP.'].filter((_, i) => s.flags & (1 << i)).join('');
    const sack = Array.from(
      { length: s.sackBlocks },
      (_, i) =>
        ` sack ${(s.sackLeft[i]! - this.iss[other]!) | 0}-${(s.sackRight[i]! - this.iss[other]!) | 0}`,
    ).join('');
    const fate = ['', '  LOST', '  twice', '  held back'][action] ?? '';
    const states = this.hosts.map(h => [...h.connections()].map(c => stateName(c.state)).join()).join(' | ');
    const fin = s.flags & FIN ? 1 : 0;
    return (
      `${this.time()} ${'AB'[side]} ${String(number).padStart(2)} ${flags.padEnd(3)} seq ${(s.seq - this.iss[side]!) | 0}` +
      ` len ${s.length + fin} ack ${(s.ack - this.iss[other]!) | 0} win ${s.window}${sack}${fate}   [${states}]`
    );
  }
}
