import { SeededRandom } from '../../src/base/random.ts';
import type { Micros } from '../../src/base/time.ts';

/**
 * What a wire does to one direction of one connection: the same function decides for real packets between two
 * Linux hosts and for simulated ones in virtual time.
 *
 * In this order, for each IP packet: loss (random or in bursts), the transmitter's queue and rate, propagation,
 * and for some packets a further delay by which others overtake them. A packet that is lost takes no room in the
 * queue. Both directions are impaired, each by a generator of its own.
 */
export type Kind = 'random' | 'bursty' | 'reordering';

export interface Wire {
  readonly kind: Kind;
  /** Share of the packets of each direction that is lost on average, 0 ≤ loss < 1; the queue's losses come on top. */
  readonly loss: number;
  /** Microseconds of the round trip, half in each direction; the transmitter's time comes on top. */
  readonly rtt: Micros;
  /** Bits per second of IP packets in each direction, 0 for no limit. */
  readonly rate: number;
  /** Packets that may wait or be under way in the transmitter; one more is dropped. */
  readonly queue: number;
}

/** Mean length of a loss burst, in packets that follow one another closely. */
export const BURST_PACKETS = 4;
/**
 * Bursts belong to a stretch of time: after a silence as long as this, the state is drawn anew. Without it a
 * single packet sent again and again after timeouts would stay in its burst for minutes.
 */
export const BURST_SILENCE: Micros = 10_000;
/** Share of the packets that others overtake, if the kind is 'reordering'. */
export const REORDER_SHARE = 0.01;
/** Their further delay is spread evenly between these shares of the round trip. */
export const REORDER_FROM = 1 / 20;
export const REORDER_TO = 1 / 2;

/** One direction of one connection's wire. */
export class Direction {
  /** Packets lost by chance, and those for which the queue had no room. */
  lost = 0;
  overflowed = 0;
  /** Packets offered. */
  offered = 0;
  private readonly wire: Wire;
  private readonly random: SeededRandom;
  /** Gilbert's chain: from good to bad and back, per packet. */
  private readonly worsens: number;
  private bad = false;
  private last: Micros = Number.NEGATIVE_INFINITY;
  private busyUntil: Micros = 0;
  /** When each packet in the transmitter will have left: a ring. */
  private readonly departures: Float64Array;
  private head = 0;
  private queued = 0;

  /** @param seed the run's, and which direction it is: see `seedOf` */
  constructor(wire: Wire, seed: string) {
    this.wire = wire;
    this.random = new SeededRandom(seed);
    this.worsens = wire.loss / (1 - wire.loss) / BURST_PACKETS;
    this.departures = new Float64Array(wire.rate > 0 ? wire.queue : 0);
  }

  /**
   * A packet enters the wire.
   * @param now microseconds of any clock that does not go back
   * @param length bytes of the IP packet
   * @returns when it arrives by the same clock, or −1 if it does not
   */
  offer(now: Micros, length: number): Micros {
    this.offered++;
    if (this.wire.loss > 0 && this.loses(now)) {
      this.lost++;
      return -1;
    }
    const leaves = this.depart(now, length);
    if (leaves < 0) {
      this.overflowed++;
      return -1;
    }
    return leaves + this.wire.rtt / 2 + (this.wire.kind === 'reordering' ? this.overtaken() : 0);
  }

  private loses(now: Micros): boolean {
    if (this.wire.kind !== 'bursty') return this.random.float() < this.wire.loss;
    const x = this.random.float();
    // Gilbert: in the bad state all is lost, in the good one nothing; the share of bad packets is the loss.
    if (now - this.last > BURST_SILENCE) this.bad = x < this.wire.loss;
    else this.bad = this.bad ? x >= 1 / BURST_PACKETS : x < this.worsens;
    this.last = now;
    return this.bad;
  }

  private overtaken(): Micros {
    if (this.random.float() >= REORDER_SHARE) return 0;
    const { rtt } = this.wire;
    return Math.round(rtt * (REORDER_FROM + this.random.float() * (REORDER_TO - REORDER_FROM)));
  }

  /** When the packet's last bit has been sent, −1 if the queue is full. */
  private depart(now: Micros, length: number): Micros {
    const { rate, queue } = this.wire;
    if (rate === 0) return now;
    const { departures } = this;
    while (this.queued > 0 && departures[this.head]! <= now) {
      this.head = (this.head + 1) % queue;
      this.queued--;
    }
    if (this.queued >= queue) return -1;
    this.busyUntil = Math.max(now, this.busyUntil) + (length * 8_000_000) / rate;
    departures[(this.head + this.queued) % queue] = this.busyUntil;
    this.queued++;
    return this.busyUntil;
  }
}

/** @param direction 'data' from the sender of the bytes, 'acks' to it */
export const seedOf = (cell: string, seed: number, direction: 'data' | 'acks'): string =>
  `${cell}/${seed}/${direction}`;
