/**
 * lastack: TCP in TypeScript. The engine (`Stack`), its sockets (`Sockets`), and BSD calls in promise form
 * (`BsdHost`). The simulator is `lastack/sim`.
 *
 * Nothing here has a clock or does I/O: see `Stack` for what it must be told. On Node, `lastack/node` brings
 * a driver that does the telling.
 */

export { BsdHost, SocketError } from './api/bsd.ts';
export { Address, parseAddress } from './base/address.ts';
export { errnoName, errnoNumber, errnoText } from './base/errno.ts';
export { Mib } from './base/mib.ts';
export { type Random, SeededRandom, seededRandom } from './base/random.ts';
export { Sysctl, type SysctlValues } from './base/sysctl.ts';
export { listSysctls, type SysctlEntry } from './base/sysctl-list.ts';
export { type Micros, milliseconds, NEVER, seconds } from './base/time.ts';
export * from './link/index.ts';
export * as constants from './socket/constants.ts';
export { Sockets } from './socket/sockets.ts';
export { Interface } from './stack/interface.ts';
export { Stack, type StackOptions } from './stack/stack.ts';
export type { TcpInfo } from './tcp/info.ts';
export { stateName, TRANSITIONS, type Transition } from './tcp/state.ts';
export type { TraceSink } from './tcp/trace.ts';
export { Frame, FramePool } from './wire/frame.ts';
export { PcapngWriter, readCapture } from './wire/pcapng.ts';
