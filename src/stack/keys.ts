import type { Address } from '../base/address.ts';
import { type Random, randomKey, type SipKey, siphash } from '../base/random.ts';
import { type Seq, seq } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';

/** A host's secrets, and the numbers made from them that an outsider must not foresee. */
export class Keys {
  /** Of SYN cookies. */
  readonly cookies: SipKey;
  /** Of the tables and of the choice of ports. */
  readonly tables: SipKey;
  readonly ports: SipKey;
  private readonly isnKey: SipKey;
  private readonly timestampKey: SipKey;

  constructor(random: Random) {
    this.cookies = randomKey(random);
    this.tables = randomKey(random);
    this.ports = randomKey(random);
    this.isnKey = randomKey(random);
    this.timestampKey = randomKey(random);
  }

  /**
   * An initial sequence number (RFC 6528, SHLD-1): a keyed hash of the 4-tuple plus a clock. Linux's
   * ticks every 64 ns and wraps in 274 s, where MUST-8 speaks of about 4 µs.
   */
  isn(now: Micros, local: Address, localPort: number, remote: Address, remotePort: number): Seq {
    const ticks = Math.floor((now * 1000) / 64) % 2 ** 32;
    return seq(hash(this.isnKey, local, localPort, remote, remotePort) + ticks);
  }

  /** Where the timestamp clock begins for a pair of hosts (RFC 7323 §5.4), in milliseconds. */
  timestampOffset(local: Address, remote: Address): number {
    return hash(this.timestampKey, local, 0, remote, 0);
  }
}

function hash(key: SipKey, local: Address, lp: number, remote: Address, rp: number): number {
  const ports = (lp << 16) | rp;
  if (remote.is4) return siphash(key, local.d, remote.d, ports, 0, 0, 0);
  const a = siphash(key, local.a, local.b, local.c, local.d, ports, 1);
  return siphash(key, a, remote.a, remote.b, remote.c, remote.d, 2);
}
