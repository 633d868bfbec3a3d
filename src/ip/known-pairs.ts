import type { Address } from '../base/address.ts';

/** Slots at first and at most. */
const LEAST = 16;
const MOST = 1024;
/** Source, destination, interface, generation. */
const WORDS = 10;

/**
 * Who has written to whom, and was found to be no martian and one of this host's addresses: most datagrams
 * continue what others began (Linux's early demultiplexing, `ip_early_demux`, spares them the same judgement).
 * Each slot has the last pair that fell on it: two that meet take turns, which only costs the judgement anew, and
 * makes the table grow.
 */
export class KnownPairs {
  private slots = new Int32Array(LEAST * WORDS);
  private shift = Math.clz32(LEAST - 1);

  /** @param generation of the tables that the judgement was made from: 1 or more, another after each change */
  has(source: Address, destination: Address, device: number, generation: number): boolean {
    const { slots } = this;
    const at = this.slotOf(source, destination);
    return (
      slots[at + 3] === source.d &&
      slots[at + 7] === destination.d &&
      slots[at + 8] === device &&
      slots[at + 9] === generation &&
      slots[at + 2] === source.c &&
      slots[at + 1] === source.b &&
      slots[at] === source.a &&
      slots[at + 6] === destination.c &&
      slots[at + 5] === destination.b &&
      slots[at + 4] === destination.a
    );
  }

  add(source: Address, destination: Address, device: number, generation: number): void {
    let at = this.slotOf(source, destination);
    if (this.slots[at + 9] === generation && this.slots.length < MOST * WORDS) {
      this.slots = new Int32Array(2 * this.slots.length);
      this.shift--;
      at = this.slotOf(source, destination);
    }
    const { slots } = this;
    slots[at] = source.a;
    slots[at + 1] = source.b;
    slots[at + 2] = source.c;
    slots[at + 3] = source.d;
    slots[at + 4] = destination.a;
    slots[at + 5] = destination.b;
    slots[at + 6] = destination.c;
    slots[at + 7] = destination.d;
    slots[at + 8] = device;
    slots[at + 9] = generation;
  }

  private slotOf(source: Address, destination: Address): number {
    const mixed = Math.imul(source.d ^ Math.imul(destination.d, 0x85ebca6b), 0x9e3779b1);
    return (mixed >>> this.shift) * WORDS;
  }
}
