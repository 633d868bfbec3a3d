import type { Experiments } from '../lab.ts';
import { abort } from './abort.ts';
import { backlog } from './backlog.ts';
import { closingStates } from './closing.ts';
import { failure } from './failure.ts';
import { finWait2 } from './finwait2.ts';
import { icmp } from './icmp.ts';
import { local } from './local.ts';
import { open } from './open.ts';
import { reuse } from './reuse.ts';
import { segments } from './segments.ts';
import { simultaneous } from './simultaneous.ts';
import { timeWait } from './timewait.ts';
import { waves } from './waves.ts';

/** All of them, by theme. */
export const themes: Readonly<Record<string, Experiments>> = {
  waves,
  simultaneous,
  finWait2,
  closingStates,
  timeWait,
  abort,
  open,
  backlog,
  segments,
  icmp,
  failure,
  reuse,
  local,
};
