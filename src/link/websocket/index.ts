/** Ethernet or IP over a WebSocket, in browsers and anywhere else: `lastack/link/websocket`. */

export { MessageCounters } from '../message-counters.ts';
export { type ConnectOptions, connectWebSocket, type WebSocketClass } from './connect.ts';
export { type WebSocketLike, WebSocketLink, type WebSocketLinkOptions } from './link.ts';
