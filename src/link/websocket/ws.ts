import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocketClass } from './connect.ts';
import type { WebSocketLike } from './link.ts';

/** A socket of the package `ws`: what it has beyond a browser's. */
export interface NodeWebSocket extends WebSocketLike {
  ping(): void;
  terminate(): void;
  on(event: 'pong' | 'ping', listener: () => void): unknown;
}

/** Turns HTTP upgrades into sockets. */
export interface Upgrader {
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    then: (socket: NodeWebSocket) => void,
  ): void;
  close(): void;
}

interface Ws {
  readonly WebSocket: new (url: string, protocols: string[], options: object) => NodeWebSocket;
  readonly WebSocketServer: new (options: object) => Upgrader;
}

/**
 * The package `ws`, which is not installed with this one.
 * @throws Error that says how to install it
 */
export async function loadWs(): Promise<Ws> {
  try {
    return (await import('ws')) as unknown as Ws;
  } catch (cause) {
    throw new Error("WebSocket links on Node need the package 'ws': npm install ws", { cause });
  }
}

/** The class of `ws` as browsers' looks: without compression, which a frame rarely gains by. */
export async function wsClass(maxPayload: number): Promise<WebSocketClass> {
  const { WebSocket } = await loadWs();
  return class extends WebSocket {
    constructor(url: string, protocols: string[] = []) {
      super(url, protocols, { perMessageDeflate: false, maxPayload, skipUTF8Validation: true });
    }
  };
}
