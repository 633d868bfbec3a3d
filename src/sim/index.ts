/**
 * The simulator: hosts, wires and routers in virtual time, all from one seed. Begin with `World`.
 */

export type { Model } from '../link/channel.ts';
export type { ConditionOptions } from '../link/conditions.ts';
export {
  CORRUPT,
  DELAY,
  DROP,
  DUPLICATE,
  MARK,
  PASS,
  REORDER,
  type Rule,
  type RuleSpec,
} from '../link/rule.ts';
export { parseRule } from '../link/rule-parser.ts';
export type { Congestion } from '../tcp/congestion/controller.ts';
export { FixedWindow } from '../tcp/congestion/fixed.ts';
export {
  type BuildIcmp,
  type BuildOptions,
  type BuildSegment,
  buildDatagram,
  buildIcmp,
  buildSegment,
} from './build.ts';
export { Call, type Waitable } from './call.ts';
export { formatEvent, formatFlags, formatOptions, formatSegment } from './format.ts';
export { Host, type HostOptions } from './host.ts';
export { checkConnection, checkEnded, checkHost, checkWorld, InvariantError } from './invariants.ts';
export type * from './log.ts';
export { type From, type How, Os, type Read, type Where } from './os.ts';
export { Process, type Program } from './process.ts';
export { type RawOptions, RawPeer, type RawSegment, type RawSend } from './raw.ts';
export { type Moment, type Scenario, Timeline } from './replay.ts';
export { type ShrinkOptions, type Shrunk, shrinkList, smallerNumbers } from './shrink.ts';
export { type SimNode, type Tap, Wire, WireEnd, type WireOptions } from './wire.ts';
export { type RunOptions, World, type WorldOptions } from './world.ts';
