import type { Random } from '../base/random.ts';
import type { SysctlValues } from '../base/sysctl.ts';
import { MICROS_PER_SECOND, type Micros } from '../base/time.ts';

const UNLIMITED = 2 ** 31 - 1;

/**
 * A host-wide limit of challenge ACKs, off by default: a predictable one tells an attacker who counts
 * whether his guess was right (CVE-2016-5696). When set it is randomized each second.
 */
export class ChallengeBudget {
  private readonly sysctl: SysctlValues;
  private readonly random: Random;
  private second = -1;
  private left = 0;

  constructor(sysctl: SysctlValues, random: Random) {
    this.sysctl = sysctl;
    this.random = random;
  }

  allow(now: Micros): boolean {
    const limit = this.sysctl.tcp_challenge_ack_limit;
    if (limit >= UNLIMITED) return true;
    const second = Math.floor(now / MICROS_PER_SECOND);
    if (second !== this.second) {
      this.second = second;
      // Between half the limit and one and a half times the limit.
      this.left = ((limit + 1) >> 1) + this.random.below(limit);
    }
    if (this.left === 0) return false;
    this.left--;
    return true;
  }
}
