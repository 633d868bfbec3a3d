/** BSD sockets over a `Stack`: descriptors, Linux's calls, options, poll and epoll, and calls that wait. */
export * from './constants.ts';
export type { SocketHost } from './endpoint.ts';
export type { EpollEvent } from './epoll.ts';
export type { ControlMessage, IoVec, Message } from './message.ts';
export type { Linger, OptionInput, TimeVal } from './option.ts';
export { Pending } from './pending.ts';
export type { PollEntry } from './poll.ts';
export type { Received, SocketName } from './socket.ts';
export { Sockets, type SocketsOptions } from './sockets.ts';
export { encodeTcpInfo, TCP_INFO_SIZE, type TcpInfo } from './tcp-info.ts';
