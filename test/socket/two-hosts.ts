import { type Address, parseAddress } from '../../src/base/address.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Pending } from '../../src/socket/pending.ts';
import { Sockets } from '../../src/socket/sockets.ts';
import type { Interface } from '../../src/stack/interface.ts';
import { Stack } from '../../src/stack/stack.ts';
import type { Frame } from '../../src/wire/frame.ts';

export const ip = (text: string): Address => parseAddress(text)!;

/** One of two real stacks. */
export class Host {
  readonly stack: Stack;
  readonly os: Sockets;
  readonly ifc: Interface;
  /** Calls that `settle` has returned. */
  readonly done: Pending[] = [];

  constructor(
    name: string,
    addresses: readonly string[],
    sysctl: Record<string, string | number>,
    hz: number,
  ) {
    this.stack = new Stack({ name, hz, random: seededRandom(name), sysctl, start: 1_000_000 });
    this.ifc = this.stack.addInterface({ name: 'eth0', medium: 'ip', mtu: 1500 });
    for (const a of addresses) this.ifc.addAddress(a);
    this.os = new Sockets(this.stack);
  }
}

/** Two stacks joined by a wire with a fixed delay, in virtual time. */
export class TwoHosts {
  readonly a: Host;
  readonly b: Host;
  now = 1_000_000;
  /** One way, in microseconds. */
  delay = 250;
  /** Frames for which this is true are lost. */
  drop: (from: Host, frame: Frame) => boolean = () => false;
  sent = 0;
  private readonly wire: { at: number; to: Host; frame: Frame }[] = [];

  constructor(sysctl: Record<string, string | number> = {}, hz = 1000) {
    this.a = new Host('A', ['10.9.0.1/24', 'fd00::1/64'], sysctl, hz);
    this.b = new Host('B', ['10.9.0.2/24', 'fd00::2/64'], sysctl, hz);
  }

  /** Lets both hosts do what they have to do now. */
  flush(): void {
    for (let i = 0; i < 100; i++) {
      let moved = false;
      for (const h of [this.a, this.b]) {
        h.stack.tick(this.now);
        h.done.push(...h.os.settle());
        const to = h === this.a ? this.b : this.a;
        h.stack.transmit(h.ifc, this.now, frame => {
          moved = true;
          this.sent++;
          if (this.drop(h, frame)) frame.release();
          else this.wire.push({ at: this.now + this.delay, to, frame });
          return true;
        });
        h.done.push(...h.os.settle());
        if (h.stack.deadline() <= this.now) {
          h.stack.expire(this.now);
          moved = true;
        }
      }
      if (!moved) return;
    }
  }

  /** Runs for so many milliseconds. */
  run(ms = 100): void {
    const end = this.now + ms * 1000;
    this.flush();
    for (;;) {
      const next = Math.min(
        this.wire[0]?.at ?? Number.POSITIVE_INFINITY,
        ...[this.a, this.b].flatMap(h => [h.stack.deadline(), h.os.deadline()]),
      );
      if (next > end) break;
      this.now = Math.max(this.now, next);
      while (this.wire.length > 0 && this.wire[0]!.at <= this.now) {
        const { to, frame } = this.wire.shift()!;
        to.stack.receive(to.ifc, frame, this.now);
      }
      for (const h of [this.a, this.b]) h.stack.expire(this.now);
      this.flush();
    }
    this.now = end;
    this.flush();
  }
}
