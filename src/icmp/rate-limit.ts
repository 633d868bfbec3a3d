import type { Address } from '../base/address.ts';
import { halfSipHash, randomKey, type SipKey } from '../base/random.ts';
import { MICROS_PER_SECOND, type Micros } from '../base/time.ts';
import type { IcmpEnv } from './env.ts';

/** How many errors a destination that has been left alone may get at once (Linux's XRLIM_BURST_FACTOR). */
const BURST = 6;
/** Destinations remembered; two that share a slot share its allowance. */
const SLOTS = 1024;

/**
 * How many ICMP messages a host sends (RFC 1812 §4.3.2.8, RFC 4443 §2.4 f): token buckets as Linux has them,
 * one for all (`icmp_msgs_per_sec`, `icmp_msgs_burst`) and one a destination (`icmp_ratelimit`,
 * `ipv6_icmp_ratelimit`, in ms between messages). The table has a fixed size.
 */
export class IcmpRateLimit {
  private readonly env: IcmpEnv;
  private readonly key: SipKey;
  private readonly tag = new Int32Array(SLOTS);
  private readonly tokens = new Float64Array(SLOTS);
  private readonly stamp = new Float64Array(SLOTS).fill(Number.NEGATIVE_INFINITY);
  private globalTokens = -1;
  private globalStamp: Micros = 0;

  constructor(env: IcmpEnv) {
    this.env = env;
    this.key = randomKey(env.random);
  }

  /** Whether a message of an IPv4 type may be sent now; if so it is counted. */
  allow4(type: number, destination: Address): boolean {
    const { sysctl, mib } = this.env;
    if (type > 31 || (sysctl.icmp_ratemask & (1 << type)) === 0) return true;
    if (!this.allowGlobal()) {
      mib.IcmpOutRateLimitGlobal++;
      return false;
    }
    if (this.allowHost(destination, sysctl.icmp_ratelimit * 1000)) return true;
    mib.IcmpOutRateLimitHost++;
    return false;
  }

  /** The same for ICMPv6 errors and echo replies; packet too big is never held back, as path MTU discovery needs it. */
  allow6(destination: Address, packetTooBig: boolean): boolean {
    if (packetTooBig) return true;
    if (this.allowGlobal() && this.allowHost(destination, this.env.sysctl.ipv6_icmp_ratelimit * 1000))
      return true;
    this.env.mib.Icmp6OutRateLimitHost++;
    return false;
  }

  private allowGlobal(): boolean {
    const { now, sysctl } = this.env;
    const rate = sysctl.icmp_msgs_per_sec;
    const burst = sysctl.icmp_msgs_burst;
    if (this.globalTokens < 0) this.globalTokens = burst;
    else {
      const gained = ((now - this.globalStamp) * rate) / MICROS_PER_SECOND;
      this.globalTokens = Math.min(burst, this.globalTokens + Math.max(0, gained));
    }
    this.globalStamp = now;
    if (this.globalTokens < 1) return false;
    this.globalTokens--;
    return true;
  }

  private allowHost(x: Address, interval: Micros): boolean {
    if (interval === 0) return true;
    const { now } = this.env;
    const hash = halfSipHash(this.key, x.a, x.b, x.c, x.d, 0, 0);
    const at = hash & (SLOTS - 1);
    const full = BURST * interval;
    let tokens = full;
    if (this.tag[at] === hash && this.stamp[at]! >= 0) {
      tokens = Math.min(full, this.tokens[at]! + Math.max(0, now - this.stamp[at]!));
    }
    this.tag[at] = hash;
    this.stamp[at] = now;
    const allowed = tokens >= interval;
    this.tokens[at] = allowed ? tokens - interval : tokens;
    return allowed;
  }
}
