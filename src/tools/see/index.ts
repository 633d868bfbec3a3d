/**
 * Seeing connections, of a stack or of a simulated world: tables as `ss` and `netstat` write them, ladders,
 * packet lists, JSON. `conversationsOf(world.log)` or `traceCapture(file)`, then `ladderText`;
 * `socketRows(stack)`, then `ssText`.
 */
export { COLOURED, type Paint, PLAIN } from '../cli/paint.ts';
export { stateMermaid } from '../diagram/mermaid.ts';
export { type Palette, type SvgOptions, stateSvg } from '../diagram/svg.ts';
export { type CollectOptions, socketRows } from '../ss/collect.ts';
export { type SsOptions, ssText } from '../ss/format.ts';
export { type NetstatOptions, netstatText } from '../ss/netstat.ts';
export type { SocketRow } from '../ss/row.ts';
export { type CaptureTrace, traceCapture } from '../trace/capture-file.ts';
export type { Conversation, Endpoint, TraceEvent } from '../trace/event.ts';
export { conversationsOf } from '../trace/from-world.ts';
export { traceJson } from '../trace/json.ts';
export { type LadderOptions, ladderText } from '../trace/ladder.ts';
export { Recorder } from '../trace/recorder.ts';
export { storyOf } from '../trace/story.ts';
export { type TableRow, tableRows, tableText } from '../trace/table.ts';
