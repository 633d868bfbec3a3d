import type { Mib } from '../base/mib.ts';
import type { Random } from '../base/random.ts';
import type { SysctlValues } from '../base/sysctl.ts';
import type { Micros } from '../base/time.ts';

/** What ICMP must know of its host. */
export interface IcmpEnv {
  readonly now: Micros;
  readonly sysctl: SysctlValues;
  readonly mib: Mib;
  readonly random: Random;
}
