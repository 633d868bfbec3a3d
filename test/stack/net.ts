import { type Address, parseAddress } from '../../src/base/address.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Micros } from '../../src/base/time.ts';
import type { Medium } from '../../src/ip/device.ts';
import type { Interface } from '../../src/stack/interface.ts';
import { type InterfaceOptions, Stack } from '../../src/stack/stack.ts';
import { CSUM_UNKNOWN, type Frame } from '../../src/wire/frame.ts';

export function address(text: string): Address {
  const a = parseAddress(text);
  if (a === null) throw new Error(`not an address: ${text}`);
  return a;
}

export function bytes(n: number, seed = 1): Uint8Array {
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = (i * 7 + seed * 13 + (i >>> 8)) & 255;
  return out;
}

interface Cable {
  readonly from: { readonly stack: Stack; readonly ifc: Interface };
  readonly to: { readonly stack: Stack; readonly ifc: Interface };
}

/** Hosts joined by hand: cables that carry frames at once, and a time that the test moves. */
export class Bench {
  now: Micros = 0;
  readonly stacks: Stack[] = [];
  /** Every frame carried: `from>to` and a copy of its bytes. */
  readonly seen: { readonly way: string; readonly bytes: Uint8Array }[] = [];
  /** Returns true to lose the frame. */
  lose: (frame: Frame, from: string) => boolean = () => false;
  private readonly cables: Cable[] = [];

  host(name: string, sysctl: Record<string, string | number> = {}): Stack {
    const stack = new Stack({ name, random: seededRandom(name), sysctl, start: this.now });
    this.stacks.push(stack);
    return stack;
  }

  /** Joins two hosts; the addresses go to the ends. */
  wire(
    a: Stack,
    b: Stack,
    addressesA: string[],
    addressesB: string[],
    options: { medium?: Medium; mtu?: number; mtuB?: number; extra?: Partial<InterfaceOptions> } = {},
  ): [Interface, Interface] {
    const { medium = 'ip', mtu = 1500, mtuB = mtu, extra = {} } = options;
    const x = a.addInterface({ name: `eth${a.interfaces.length - 1}`, medium, mtu, ...extra });
    const y = b.addInterface({ name: `eth${b.interfaces.length - 1}`, medium, mtu: mtuB, ...extra });
    for (const t of addressesA) if (x.addAddress(t) !== 0) throw new Error(`address ${t}`);
    for (const t of addressesB) if (y.addAddress(t) !== 0) throw new Error(`address ${t}`);
    this.cables.push({ from: { stack: a, ifc: x }, to: { stack: b, ifc: y } });
    this.cables.push({ from: { stack: b, ifc: y }, to: { stack: a, ifc: x } });
    return [x, y];
  }

  /** Carries frames until nothing moves any more at this time. */
  settle(): void {
    for (let round = 0; round < 10000; round++) {
      let moved = false;
      for (const { from, to } of this.cables) {
        const frames: Frame[] = [];
        from.stack.transmit(from.ifc, this.now, f => {
          frames.push(f);
          return true;
        });
        for (const f of frames) {
          moved = true;
          this.seen.push({
            way: `${from.stack.name}>${to.stack.name}`,
            bytes: f.bytes.slice(f.start, f.end),
          });
          if (this.lose(f, from.stack.name)) f.release();
          else {
            // A wire vouches for nothing.
            if (!to.ifc.checksumOffload) f.csum = CSUM_UNKNOWN;
            to.stack.receive(to.ifc, f, this.now);
          }
        }
      }
      for (const s of this.stacks) {
        if (s.deadline() <= this.now) {
          s.expire(this.now);
          moved = true;
        }
      }
      if (!moved) return;
    }
    throw new Error('the hosts never come to rest');
  }

  /** Moves time forward, stopping at every deadline on the way. */
  run(duration: Micros): void {
    const end = this.now + duration;
    this.settle();
    for (;;) {
      let next = Number.POSITIVE_INFINITY;
      for (const s of this.stacks) next = Math.min(next, s.deadline());
      if (next > end) break;
      this.now = Math.max(this.now, next);
      for (const s of this.stacks) s.expire(this.now);
      this.settle();
    }
    this.now = end;
    for (const s of this.stacks) s.expire(end);
    this.settle();
  }
}
