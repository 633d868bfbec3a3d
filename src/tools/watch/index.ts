/**
 * The watch over a host's sockets: who leaks CLOSE_WAIT, whose FIN_WAIT_2 never ends, where TIME_WAIT eats the
 * ports and which accept queue overflows, each with its cause and what to do. `new Watch(stack)`, then `look()`
 * every second.
 */
export { findingText } from './examine.ts';
export { type Finding, type FindingKind, THRESHOLDS, type Thresholds } from './finding.ts';
export { Watch } from './watch.ts';
