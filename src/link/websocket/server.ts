import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkLinkMtu } from '../message-counters.ts';
import { type ConnectOptions, connectWebSocket as connect } from './connect.ts';
import { WebSocketLink, type WebSocketLinkOptions } from './link.ts';
import { loadWs, type NodeWebSocket, type Upgrader, wsClass } from './ws.ts';

/** A message may be so long before its socket is closed with 1009; what is longer than the MTU is only dropped. */
const MAX_PAYLOAD = 128 * 1024;

export interface WebSocketServerOptions extends WebSocketLinkOptions {
  /** Told of each client's link. Set its `onreceive` (or attach it to a driver, a switch) before returning. */
  onlink: (link: WebSocketLink, request: IncomingMessage) => void;
  /** Serve on this server, which stays the caller's. Without one, the link server makes its own. */
  server?: Server;
  /** Of its own server. @default 0, chosen by the system */
  port?: number;
  /** Of its own server. @default '127.0.0.1' */
  host?: string;
  /** Only upgrades of this path are taken. @default '/' */
  path?: string;
  /**
   * Which web pages may connect: a list of origins such as `https://example.org`, or a function. Without it,
   * pages of this very host and port, and clients that are no browsers (they send no Origin). A browser lets
   * any page of the web connect to any server: this check is what keeps strangers out.
   */
  origins?: readonly string[] | ((origin: string | null, request: IncomingMessage) => boolean);
  /** Clients at once; further ones are refused with 503. @default 64 */
  maxClients?: number;
  /** A client that answers no ping between two of them is cut off, in milliseconds; 0 for never. @default 30000 */
  heartbeat?: number;
}

interface Client {
  readonly socket: NodeWebSocket;
  answered: boolean;
}

/** Accepts WebSocket links. Made by `serveWebSockets`. */
export class WebSocketLinkServer {
  /** Upgrades refused so far: by path, origin or number of clients. */
  refused = 0;
  private readonly options: WebSocketServerOptions;
  private readonly server: Server;
  private readonly owned: boolean;
  private readonly upgrader: Upgrader;
  private readonly path: string;
  private readonly clients = new Set<Client>();
  private readonly timer: NodeJS.Timeout | null;
  private closed = false;

  constructor(options: WebSocketServerOptions, upgrader: Upgrader) {
    this.options = options;
    this.upgrader = upgrader;
    this.owned = options.server === undefined;
    this.server = options.server ?? createServer((_, response) => response.writeHead(426).end());
    this.path = options.path ?? '/';
    this.server.on('upgrade', this.upgrade);
    const { heartbeat = 30_000 } = options;
    this.timer = heartbeat > 0 ? setInterval(() => this.beat(), heartbeat) : null;
    this.timer?.unref();
  }

  /** Clients that are connected. */
  get size(): number {
    return this.clients.size;
  }

  /** Where it listens, `ws://127.0.0.1:8080/path`; empty while its server does not listen on a port. */
  get url(): string {
    const a = this.server.address() as AddressInfo | string | null;
    if (a === null || typeof a === 'string') return '';
    const host = a.family === 'IPv6' ? `[${a.address}]` : a.address;
    return `ws://${host}:${a.port}${this.path}`;
  }

  /** For `serveWebSockets`: starts its own server. */
  async listen(): Promise<void> {
    if (!this.owned) return;
    const { port = 0, host = '127.0.0.1' } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  /** Cuts off all clients and, if the server is its own, closes that. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.timer !== null) clearInterval(this.timer);
    this.server.off('upgrade', this.upgrade);
    for (const c of this.clients) c.socket.terminate();
    this.upgrader.close();
    if (this.owned) await new Promise<void>(resolve => this.server.close(() => resolve()));
  }

  private readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = (request.url ?? '').split('?')[0];
    if (path !== this.path) {
      // Somebody else on this server may want it.
      if (this.server.listenerCount('upgrade') === 1) this.refuse(socket, '404 Not Found');
      return;
    }
    if (!this.welcomes(request)) this.refuse(socket, '403 Forbidden');
    else if (this.clients.size >= (this.options.maxClients ?? 64))
      this.refuse(socket, '503 Service Unavailable');
    else this.upgrader.handleUpgrade(request, socket, head, s => this.accept(s, request));
  };

  private accept(socket: NodeWebSocket, request: IncomingMessage): void {
    const client: Client = { socket, answered: true };
    this.clients.add(client);
    socket.on('pong', () => {
      client.answered = true;
    });
    socket.addEventListener('close', () => this.clients.delete(client));
    if (this.closed) socket.terminate();
    else this.options.onlink(new WebSocketLink(socket, this.options), request);
  }

  private welcomes(request: IncomingMessage): boolean {
    const origin = request.headers.origin ?? null;
    const { origins } = this.options;
    if (typeof origins === 'function') return origins(origin, request);
    if (origin === null) return true;
    if (origins !== undefined) return origins.includes(origin);
    return URL.canParse(origin) && new URL(origin).host === request.headers.host;
  }

  private refuse(socket: Duplex, status: string): void {
    this.refused++;
    socket.on('error', () => {});
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  private beat(): void {
    for (const c of this.clients) {
      if (!c.answered) c.socket.terminate();
      else {
        c.answered = false;
        c.socket.ping();
      }
    }
  }
}

/**
 * Accepts WebSocket links, on a server of its own or on one that is there already.
 * @throws Error if the package `ws` is missing or the port is not to be had, RangeError for a bad MTU
 */
export async function serveWebSockets(options: WebSocketServerOptions): Promise<WebSocketLinkServer> {
  checkLinkMtu(options.mtu ?? 1500);
  const { WebSocketServer } = await loadWs();
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD,
    skipUTF8Validation: true,
  });
  const server = new WebSocketLinkServer(options, upgrader);
  try {
    await server.listen();
  } catch (error) {
    await server.close().catch(() => {});
    throw error;
  }
  return server;
}

/** As `connectWebSocket` of lastack/link/websocket, with the package `ws`. @throws Error if that is missing */
export async function connectWebSocket(url: string, options: ConnectOptions): Promise<WebSocketLink> {
  return connect(url, { ...options, WebSocket: options.WebSocket ?? (await wsClass(MAX_PAYLOAD)) });
}

export type { ConnectOptions, WebSocketLink };
