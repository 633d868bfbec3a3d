/** Links: what carries frames, and what stands in their way. */
export { CaptureLink, CapturePoint } from './capture.ts';
export { Arrival, Channel, type ChannelHost, type Fate, Medley } from './channel.ts';
export { type ConditionOptions, type Conditions, PERFECT, withConditions } from './conditions.ts';
export { Flow, FlowTable } from './flow.ts';
export { ImpairedLink, type ImpairListener, type ImpairOptions } from './impair.ts';
export type { Clock, Link, Medium, Offloads, Task } from './link.ts';
export { MemoryLink, type MemoryOptions, memoryPair } from './memory.ts';
export * from './packet.ts';
export * from './rule.ts';
export { type ParsedRule, parseRule } from './rule-parser.ts';
export { TimeQueue } from './time-queue.ts';
export * from './units.ts';
