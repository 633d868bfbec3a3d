import { type WebSocketLike, WebSocketLink, type WebSocketLinkOptions } from './link.ts';

/** A class of sockets: the global `WebSocket`, or that of the package `ws`. */
export type WebSocketClass = new (url: string, protocols?: string[]) => WebSocketLike;

export interface ConnectOptions extends WebSocketLinkOptions {
  /** What to connect with. @default the global WebSocket of browsers, workers and Node from 22 on */
  WebSocket?: WebSocketClass;
  /** Subprotocols to offer. */
  protocols?: readonly string[];
  /** Gives up after so long, in microseconds of the clock. @default 30 s */
  timeout?: number;
}

/**
 * Connects to `ws://…` or `wss://…` and resolves with the link once the socket is open.
 * @throws Error if the connection fails or takes too long, TypeError if there is no WebSocket here
 */
export function connectWebSocket(url: string, options: ConnectOptions): Promise<WebSocketLink> {
  const Class = options.WebSocket ?? globalClass();
  const socket = new Class(url, [...(options.protocols ?? [])]);
  const link = new WebSocketLink(socket, options);
  return new Promise((resolve, reject) => {
    let done = false;
    const end = (reason: string | null): void => {
      if (done) return;
      done = true;
      link.onclose = null;
      if (reason === null) resolve(link);
      else {
        link.close();
        reject(new Error(`${url}: ${reason}`));
      }
    };
    socket.addEventListener('open', () => end(null));
    link.onclose = end;
    const { clock, timeout = 30_000_000 } = options;
    clock.schedule({ run: () => end('no answer in time') }, clock.now() + timeout);
  });
}

function globalClass(): WebSocketClass {
  const found = (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  if (found !== undefined) return found;
  throw new TypeError(
    "no global WebSocket here: give one, such as { WebSocket } of the package 'ws', or use connectWebSocket of lastack/link/websocket-server",
  );
}
