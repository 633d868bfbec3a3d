import type { Mib } from '../base/mib.ts';
import type { Random } from '../base/random.ts';
import type { SysctlValues } from '../base/sysctl.ts';
import type { Micros } from '../base/time.ts';
import type { FramePool } from '../wire/frame.ts';

/** What every part of the IP layer shares: one object a host, whose `now` the stack sets. */
export interface IpEnv {
  /** The time as last told to the stack. */
  now: Micros;
  readonly sysctl: SysctlValues;
  readonly mib: Mib;
  readonly random: Random;
  readonly frames: FramePool;
}
