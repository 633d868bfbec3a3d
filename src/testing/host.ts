import http from 'node:http';
import type { Socket } from 'node:net';
import type { LookupFunction } from '../api/net/host.ts';
import { createNet, type Net } from '../api/net/net.ts';
import { createSockets, type FoundAddress, type SocketsApi } from '../api/streams/index.ts';
import type { SeededRandom } from '../base/random.ts';
import { Driver } from '../driver/driver.ts';
import type { Interface } from '../stack/interface.ts';
import { Stack } from '../stack/stack.ts';
import type { Recorder } from '../tools/trace/recorder.ts';
import { timeoutsOn } from './timeouts.ts';
import { keepTrack } from './track.ts';
import type { TestLoop } from './virtual-loop.ts';
import type { WireEnd } from './wire.ts';

/** What a host is made from. */
export interface TestHostParts {
  readonly name: string;
  /** Without a prefix length. */
  readonly address: string;
  readonly loop: TestLoop;
  readonly random: SeededRandom;
  readonly sysctl: Readonly<Record<string, string | number>>;
  readonly end: WireEnd;
  readonly recorder: Recorder;
  readonly lookup: LookupFunction;
}

/** One of the two hosts of a test: its network as `node:net`, as web sockets, and for `node:http`. */
export class TestHost {
  readonly name: string;
  readonly address: string;
  stack!: Stack;
  driver!: Driver;
  /** `connect` and `listen` of `lastack/sockets` on this host. */
  sockets!: SocketsApi;
  /** The whole of `node:net` on this host. */
  net!: Net;
  /** It has crashed and was not started again. */
  down = false;
  private readonly parts: TestHostParts;
  private life = 0;
  private readonly owners = new Map<number, string>();
  /** What ends the sockets and servers of `net` of all lives. */
  private readonly living = new Set<() => void>();

  constructor(parts: TestHostParts) {
    this.parts = parts;
    this.name = parts.name;
    this.address = parts.address;
    this.boot();
  }

  /**
   * Power is cut: the host forgets everything and says nothing to anybody. Its programs are dead: what they
   * wait for never happens.
   */
  crash(): void {
    if (this.down) return;
    this.down = true;
    this.parts.end.onreceive = null;
    this.stack.tcp.trace = null;
    this.stack.close();
  }

  /**
   * Starts it again (after a crash, or crashes it first), with its address and without memory. `net`, `sockets`
   * and agents are new ones: take them from the host again.
   */
  restart(): void {
    this.crash();
    this.down = false;
    this.boot();
  }

  /** The end of the test: nothing is sent any more, and no socket keeps the process alive. */
  end(): void {
    this.crash();
    for (const stop of this.living) stop();
  }

  /** What the program behind a descriptor is called, for `ss`. */
  readonly ownerOf = (fd: number): string | null => this.owners.get(fd) ?? null;

  /** An agent whose requests go over this host: `http.get(url, { agent: host.agent() })`. */
  agent(options: http.AgentOptions = {}): http.Agent {
    const { net } = this;
    const agent = new http.Agent(options);
    const connecting = agent as unknown as { createConnection: unknown };
    connecting.createConnection = net.createConnection;
    return agent;
  }

  /**
   * Lets an HTTP server serve on this host, as `server.listen(port)` would on the machine; `server.close()`
   * ends that too.
   * @returns the server; it is listening
   */
  serve(server: http.Server | http.RequestListener, port: number): http.Server {
    const web = typeof server === 'function' ? http.createServer(server) : server;
    const front = this.net.createServer({ allowHalfOpen: true, noDelay: true }, (socket: Socket) =>
      web.emit('connection', socket),
    );
    front.on('error', error => web.emit('error', error));
    // Node's server keeps a list of its connections from this event on.
    front.on('listening', () => web.emit('listening'));
    front.listen(port, this.address);
    Object.defineProperty(web, 'listening', { get: () => front.listening });
    web.address = () => front.address();
    const close = web.close.bind(web);
    web.close = (callback?: (error?: Error) => void): http.Server => {
      front.close(error => callback?.(error));
      // It has no port of its own to close, and says so to nobody.
      close(() => {});
      return web;
    };
    return web;
  }

  private boot(): void {
    const { parts } = this;
    const life = ++this.life;
    this.stack = new Stack({
      name: parts.name,
      random: parts.random.fork(`life ${life}`),
      sysctl: parts.sysctl,
      start: parts.loop.now(),
    });
    this.stack.tcp.trace = parts.recorder.sink(parts.name);
    const ifc: Interface = this.stack.addInterface({ name: 'eth0', medium: 'ip', mtu: parts.end.mtu });
    ifc.addAddress(`${parts.address}/24`);
    this.driver = new Driver(this.stack, parts.loop);
    this.driver.attach(ifc, parts.end);
    this.owners.clear();
    this.net = createNet({
      driver: this.driver,
      lookup: parts.lookup,
      opened: (fd, owner) => this.owners.set(fd, owner),
    });
    timeoutsOn(this.net, parts.loop);
    keepTrack(this.net, this.living);
    this.sockets = createSockets({
      driver: this.driver,
      lookup: (hostname, options, callback) =>
        parts.lookup(hostname, options, (e, a, f) => callback(e, a as string | FoundAddress[], f)),
    });
  }
}
