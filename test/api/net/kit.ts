import type { EventEmitter } from 'node:events';
import type * as nodeNet from 'node:net';

/** Either Node's own `net` or ours. */
export type Net = typeof nodeNet;

/** A small program that is run twice, on `node:net` and on `lastack/net`; what it logs must be the same. */
export interface Program {
  readonly name: string;
  readonly run: (t: Tools) => Promise<void> | void;
}

export const program = (name: string, run: Program['run']): Program => ({ name, run });

/** What actors did, each in its own order: Node promises none between two sockets. */
export type Logs = Record<string, string[]>;

/** Events that are Node's own business. */
const QUIET = new Set<unknown>(['newListener', 'removeListener', 'readable', 'prefinish']);
/** A program that is not over by then has hung. */
const PATIENCE = 40_000;

/** How long events that come late are waited for when a program is over. */
const pause = async (ms: number): Promise<void> => {
  await new Promise(resolve => setTimeout(resolve, ms));
  // On a busy machine a timer may be due before a loop has turned once.
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve));
};

export class Tools {
  readonly net: Net;
  readonly logs: Logs = {};
  private readonly ports = new Map<number, string>();
  private readonly servers: nodeNet.Server[] = [];
  private readonly sockets: nodeNet.Socket[] = [];

  constructor(net: Net) {
    this.net = net;
  }

  readonly pause = pause;

  log(actor: string, ...things: unknown[]): void {
    this.logs[actor] ??= [];
    this.logs[actor].push(things.map(x => this.show(x)).join(' '));
  }

  /** Logs the outcome of a call: what it returns or throws. */
  attempt(actor: string, what: string, run: () => unknown): void {
    try {
      this.log(actor, what, 'returns', run());
    } catch (e) {
      this.log(actor, what, 'throws', e);
    }
  }

  /** Logs each event of an emitter with its arguments; pieces of data that follow each other are one. */
  watch<E extends EventEmitter>(actor: string, emitter: E): E {
    const { emit } = emitter;
    const list = (this.logs[actor] ??= []);
    let data = -1;
    const spy = (event: string | symbol, ...args: unknown[]): boolean => {
      this.learn(emitter);
      this.learn(args[0]);
      if (event === 'data') {
        const text = String(args[0]);
        if (data >= 0 && data === list.length - 1) list[data] += text;
        else {
          data = list.length;
          list.push(`data ${text}`);
        }
      } else if (!QUIET.has(event)) this.log(actor, String(event), ...args);
      return Reflect.apply(emit, emitter, [event, ...args]) as boolean;
    };
    emitter.emit = spy as typeof emit;
    return emitter;
  }

  /** A server that listens on 127.0.0.1, closed at the end. */
  async server(
    options: nodeNet.ServerOpts = {},
    listener?: (socket: nodeNet.Socket) => void,
  ): Promise<nodeNet.Server & { port: number }> {
    const s = this.net.createServer(options, listener);
    this.servers.push(s);
    await new Promise<void>(resolve => s.listen(0, '127.0.0.1', resolve));
    const { port } = s.address() as nodeNet.AddressInfo;
    this.port(port, 'SERVER');
    s.on('connection', c => this.keep(c));
    return Object.assign(s, { port });
  }

  /** Destroyed at the end. */
  keep<T extends { destroy(): unknown }>(socket: T): T {
    this.sockets.push(socket as unknown as nodeNet.Socket);
    (socket as unknown as EventEmitter).on?.('error', () => {});
    return socket;
  }

  keepServer<T extends nodeNet.Server>(server: T): T {
    this.servers.push(server);
    return server;
  }

  /** A connected pair: the client, and what the server got. */
  async pair(
    serverOptions: nodeNet.ServerOpts = {},
    clientOptions: Partial<nodeNet.TcpNetConnectOpts> & nodeNet.SocketConstructorOpts = {},
  ): Promise<{ server: nodeNet.Server; client: nodeNet.Socket; peer: nodeNet.Socket }> {
    const server = await this.server(serverOptions);
    const accepted = new Promise<nodeNet.Socket>(resolve => server.once('connection', resolve));
    const client = this.net.connect({ port: server.port, host: '127.0.0.1', ...clientOptions });
    this.keep(client);
    const [peer] = await Promise.all([accepted, new Promise(resolve => client.once('connect', resolve))]);
    this.learn(client);
    return { server, client, peer };
  }

  /** Resolves at the next such event. */
  when(emitter: EventEmitter, event: string): Promise<void> {
    return new Promise(resolve => emitter.once(event, () => resolve()));
  }

  /** A port where nobody listens. */
  async deadPort(): Promise<number> {
    const s = this.net.createServer();
    await new Promise<void>(resolve => s.listen(0, '127.0.0.1', resolve));
    const { port } = s.address() as nodeNet.AddressInfo;
    await new Promise<void>(resolve => s.close(() => resolve()));
    this.port(port, 'DEAD');
    return port;
  }

  port(port: number, name = `PORT${this.ports.size}`): void {
    if (!this.ports.has(port)) this.ports.set(port, name);
  }

  /** Remembers the ports of a socket, which differ from run to run. */
  learn(emitter: unknown): void {
    const s = emitter as Partial<nodeNet.Socket> | null | undefined;
    for (const p of [s?.localPort, s?.remotePort]) if (typeof p === 'number' && p > 1023) this.port(p);
  }

  /** Ends what the program left open. */
  async end(): Promise<void> {
    for (const s of this.sockets) if (!s.destroyed) s.destroy();
    for (const s of this.servers) if (s.listening) s.close();
    await pause(1);
  }

  private show(x: unknown): string {
    return this.withoutPorts(this.text(x, 0));
  }

  private text(x: unknown, depth: number): string {
    if (typeof x === 'string') return depth === 0 ? x : JSON.stringify(x);
    if (typeof x === 'function') return `[function]`;
    if (typeof x === 'symbol' || typeof x === 'bigint') return String(x);
    if (x === null || typeof x !== 'object') return String(x);
    if (x instanceof Error) return this.error(x, depth);
    if (x instanceof Uint8Array) return `bytes:${Buffer.from(x)}`;
    const kind = x.constructor?.name ?? 'null';
    if (kind === 'Socket' || kind === 'Server') return `[${kind}]`;
    if (depth > 3) return '…';
    if (Array.isArray(x)) return `[${x.map(y => this.text(y, depth + 1)).join(', ')}]`;
    const body = Object.entries(x).map(([k, v]) => `${k}: ${this.text(v, depth + 1)}`);
    return `{${body.join(', ')}}`;
  }

  private error(e: Error, depth: number): string {
    const own = Object.entries(e)
      .filter(([k]) => k !== 'stack')
      .map(([k, v]) => `${k}: ${this.text(v, depth + 1)}`);
    const many = e instanceof AggregateError ? ` of [${e.errors.map(x => this.text(x, depth + 1))}]` : '';
    return `${e.name}(${e.message}) {${own.join(', ')}}${many} ${String(e).split('\n')[0]}`;
  }

  private withoutPorts(text: string): string {
    return text.replace(/\d{4,5}/g, n => this.ports.get(Number(n)) ?? n);
  }
}

/** Runs a program on one `net`. */
export async function run(p: Program, net: Net): Promise<Logs> {
  const t = new Tools(net);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>(resolve => {
    timer = setTimeout(() => {
      t.log('program', 'hangs');
      resolve();
    }, PATIENCE);
  });
  try {
    await Promise.race([p.run(t), late]);
  } catch (e) {
    t.log('program', 'rejects', e);
  }
  clearTimeout(timer);
  await pause(12);
  const logs = structuredClone(t.logs);
  await t.end();
  return logs;
}
