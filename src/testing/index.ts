/**
 * `lastack/testing`: a network inside a test. Two hosts and a wire between them that loses, delays, cuts and
 * forgets as the test says, in virtual time or the runner's, from one seed. Begin with `withNetwork` or
 * `testNetwork`; docs/testing.md has recipes.
 */
export type { SocketRow } from '../tools/ss/row.ts';
export { TestHost } from './host.ts';
export { type Leak, LeakError } from './leaks.ts';
export { type NetworkOptions, TestNetwork, testNetwork } from './network.ts';
export type { LadderOptions } from './report.ts';
export { tellOnFailure, withNetwork } from './runner.ts';
export { TestWire, type WireSettings } from './wire.ts';
