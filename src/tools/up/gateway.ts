import { connect as dialServer, type Server, type Socket } from 'node:net';
import { ECONNREFUSED, errnoName } from '../../base/errno.ts';
import { seededRandom } from '../../base/random.ts';
import type { HeldRequest } from '../../tcp/listener.ts';
import { errorCode, errorText } from '../cli/error.ts';
import { hostAndPort } from '../trace/event.ts';
import { Recorder } from '../trace/recorder.ts';
import { aAddresses, B_ADDRESS, PAGE_PORT, PROXY_PORT } from './addresses.ts';
import { Bridge, Traffic } from './bridge.ts';
import { CaptureFiles } from './capture-files.ts';
import { Carry, type Target } from './carry.ts';
import { openFront } from './front.ts';
import { InnerHost } from './host.ts';
import { GatewayLoop } from './loop.ts';
import { HOSTS, type HostName, type UpOptions } from './options.ts';
import { PageConnection, type PageHandler } from './page-server.ts';
import { ProxyFront } from './proxy-front.ts';
import { GatewayWire, wallClock } from './wire.ts';

/** Connections carried at once; the kernel's further ones are closed. */
const MAX_OPEN = 20_000;
/** So many connections may have buffers that grow to 2 MiB each way; further ones get small, fixed ones. */
const GROWING = 32;
const SMALL_BUFFER = 64 * 1024;
/** How long a server may take to answer B, in milliseconds: as long as A's SYN is repeated. */
const DIAL_TIMEOUT = 130_000;

/** Both hosts start with these; `--sysctl` comes after. */
const SYSCTLS: Readonly<Record<string, string>> = {
  tcp_rmem: '4096 131072 2097152',
  tcp_wmem: '4096 16384 2097152',
};

/** What the gateway tells whoever shows it. */
export interface GatewayListener {
  opened?(carry: Carry): void;
  /** It is over; `carry.outcome` says how. */
  closed?(carry: Carry): void;
  note?(text: string): void;
}

/** Where the gateway listens. */
export interface Front {
  readonly kind: 'page' | 'server' | 'proxy';
  readonly address: string;
  readonly port: number;
}

/** Two hosts on a wire, the ordinary listeners in front of A, and what stands behind B. */
export class Gateway {
  readonly options: UpOptions;
  readonly loop = new GatewayLoop();
  readonly recorder: Recorder;
  readonly a: InnerHost;
  readonly b: InnerHost;
  readonly wire: GatewayWire;
  readonly captures: CaptureFiles | null;
  readonly fronts: Front[] = [];
  /** Connections being carried. */
  readonly open = new Set<Carry>();
  accepted = 0;
  failed = 0;
  /** Bytes of connections that are over. */
  readonly total = new Traffic();
  listener: GatewayListener = {};
  /** Answers requests to the built-in page. */
  page: PageHandler = () => new Uint8Array(0);
  private readonly servers: Server[] = [];
  /** Connections on their way from A to B's accept(), by A's end of them. */
  private readonly coming = new Map<string, Carry>();
  private closing = false;

  constructor(options: UpOptions) {
    this.options = options;
    const seed = options.seed ?? String(Date.now() ^ (process.pid << 8));
    const random = seededRandom(seed);
    const loop = this.loop;
    this.recorder = new Recorder(HOSTS, () => loop.now());
    this.captures = options.capture === null ? null : new CaptureFiles(options.capture, wallClock(loop));
    const host = (name: HostName, addresses: string[]): InnerHost =>
      new InnerHost({
        name,
        loop,
        random: random.fork(name),
        sysctl: this.sysctls(name),
        addresses,
        mtu: options.wire.mtu,
      });
    this.a = host('A', aAddresses());
    this.b = host('B', [`${B_ADDRESS}/16`]);
    this.wire = new GatewayWire(loop, random.fork('wire'), options.wire, this.recorder, this.captures);
    this.a.attach(this.wire.ends[0]);
    this.b.attach(this.wire.ends[1]);
    this.a.stack.tcp.trace = this.recorder.sink('A');
    this.b.stack.tcp.trace = this.recorder.sink('B');
    this.b.onheld = r => this.requested(r);
  }

  get hosts(): readonly [InnerHost, InnerHost] {
    return [this.a, this.b];
  }

  /** Opens the inner listeners and the fronts. @throws CliError if a port is not to be had */
  async start(): Promise<void> {
    const { options } = this;
    const target: Target = options.to === null ? { kind: 'page' } : { kind: 'server', ...options.to };
    const port = innerPort(target);
    for (const p of new Set([PAGE_PORT, port, ...(options.socks === null ? [] : [PROXY_PORT])]))
      this.listenInside(p);
    const main = await this.listenOutside(
      options.port,
      client => this.begin(client, target, port, null),
      '--port',
    );
    this.fronts.push({ kind: target.kind, address: options.address, port: main });
    if (options.socks !== null) {
      const proxy = await this.listenOutside(options.socks, client => this.proxy(client), '--socks');
      this.fronts.push({ kind: 'proxy', address: options.address, port: proxy });
    }
  }

  /** Ends all connections, waits a little for their last segments, and says what was cut off. */
  async close(timeoutMs = 3000): Promise<string[]> {
    if (this.closing) return [];
    this.closing = true;
    const closed = this.servers.map(s => new Promise<void>(resolve => s.close(() => resolve())));
    for (const c of [...this.open]) {
      c.client.destroy();
      c.server?.destroy();
    }
    for (const h of this.hosts) h.enter().closeAll();
    await Promise.all(closed);
    const end = performance.now() + timeoutMs;
    while (performance.now() < end && this.unfinished().length > 0) {
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    const cut = this.unfinished();
    for (const h of this.hosts) h.stop();
    await Promise.all(this.hosts.map(h => h.driver.close(0)));
    this.loop.stop();
    await this.captures?.close();
    return cut;
  }

  /** Inner connections whose end has not been said and heard. */
  private unfinished(): string[] {
    const list: string[] = [];
    for (const h of this.hosts) {
      for (const c of h.stack.tcp.connections()) {
        if (c.state === 7) continue;
        list.push(
          `${h.name} ${hostAndPort(c.local.toString(), c.localPort)} ${hostAndPort(c.remote.toString(), c.remotePort)}`,
        );
      }
    }
    return list;
  }

  private sysctls(name: HostName): Record<string, string> {
    const all: Record<string, string> = { ...SYSCTLS };
    for (const s of this.options.sysctls) if (s.host === null || s.host === name) all[s.name] = s.value;
    return all;
  }

  /** Opens a front. @returns its port */
  private async listenOutside(
    port: number,
    onclient: (client: Socket) => void,
    option: string,
  ): Promise<number> {
    const front = await openFront(this.options.address, port, option, MAX_OPEN, client => {
      if (this.closing) client.destroy();
      else onclient(client);
    });
    front.server.on('drop', () =>
      this.listener.note?.(`more than ${MAX_OPEN} connections at once: one was turned away`),
    );
    front.server.on('error', e => this.listener.note?.(`port ${port}: ${errorText(e)}`));
    this.servers.push(front.server);
    return front.port;
  }

  private listenInside(port: number): void {
    const fd = this.b.listen(B_ADDRESS, port, true, { ready: () => this.acceptAll(fd) });
  }

  /** An ordinary connection has come in; A opens its inner one. */
  begin(client: Socket, target: Target, port: number, front: ProxyFront | null): Carry {
    const carry = new Carry(
      this.accepted++,
      client,
      hostAndPort(client.remoteAddress ?? '?', client.remotePort ?? 0),
      performance.now(),
    );
    carry.target = target;
    carry.stage = 'connecting';
    this.open.add(carry);
    const gone = (): void => {
      if (carry.stage === 'connecting') this.fail(carry, 'client left');
      else if (carry.stage === 'open') carry.stage = 'closing';
    };
    client.once('close', gone);
    const a = this.a;
    const fd = a.connect(a.pickAddress(), B_ADDRESS, port, { ready: () => this.answered(carry, front) });
    if (fd < 0) {
      this.fail(carry, errnoName(fd), front);
      return carry;
    }
    carry.aFd = fd;
    if (this.open.size > GROWING) a.limitBuffers(fd, SMALL_BUFFER);
    const name = a.nameOf(fd);
    if (name !== null) {
      carry.inner = keyOf(name.address.toString(), name.port);
      this.coming.set(carry.inner, carry);
    }
    this.listener.opened?.(carry);
    return carry;
  }

  private proxy(client: Socket): void {
    new ProxyFront(client, (front, host, port) => {
      this.begin(client, { kind: 'server', host, port }, PROXY_PORT, front);
    });
  }

  /** A SYN has reached B: the server is dialled before B answers it. */
  private requested(request: HeldRequest): void {
    const remote = request.remote.toString();
    this.recorder.queued('B', request.local.toString(), request.localPort, remote, request.remotePort);
    const carry = this.coming.get(keyOf(remote, request.remotePort));
    if (carry === undefined || carry.stage !== 'connecting') request.refuse();
    else if (carry.target?.kind !== 'server') request.accept();
    else if (carry.server === null) {
      this.dial(carry, ok => {
        this.b.enter();
        if (ok) request.accept();
        else request.refuse();
      });
    } else {
      // A repeated attempt of the same connection while the server is being dialled.
      request.accept();
    }
  }

  private dial(carry: Carry, then: (ok: boolean) => void): void {
    const target = carry.target;
    if (target?.kind !== 'server') return;
    const server = dialServer({ host: target.host, port: target.port, allowHalfOpen: true, noDelay: true });
    carry.server = server;
    const timer = setTimeout(() => {
      carry.dialError ||= 'ETIMEDOUT';
      server.destroy();
    }, DIAL_TIMEOUT);
    let told = false;
    const tell = (ok: boolean): void => {
      clearTimeout(timer);
      if (told) return;
      told = true;
      if (!this.closing) then(ok);
    };
    server.on('error', e => {
      carry.dialError ||= errorCode(e) || 'ECONNREFUSED';
    });
    server.once('connect', () => tell(true));
    server.once('close', () => tell(false));
  }

  /** A's connect() has come to an end. */
  private answered(carry: Carry, front: ProxyFront | null): void {
    if (carry.stage !== 'connecting' || carry.near !== null) return;
    const error = this.a.connectError(carry.aFd);
    if (error < 0) return;
    if (error !== 0 || this.a.peerOf(carry.aFd) === null) {
      const inner = errnoName(error || ECONNREFUSED);
      this.fail(carry, carry.dialError || inner, front);
      return;
    }
    carry.stage = 'open';
    const { client } = carry;
    carry.near = new Bridge(this.a, carry.aFd, client, carry.traffic, how => this.ended(carry, how));
    if (front !== null) client.write(front.connected());
    carry.near.start(front?.rest ?? null);
  }

  private acceptAll(listener: number): void {
    for (;;) {
      let carry: Carry | null = null;
      const fd = this.b.accept(listener, f => this.ownerOf(f, c => (carry = c)), 'gateway');
      if (fd < 0) return;
      if (carry === null) this.b.abort(fd);
      else this.acceptedInside(carry, fd);
    }
  }

  private ownerOf(fd: number, found: (c: Carry) => void): { ready(): void } {
    const peer = this.b.peerOf(fd);
    const key = peer === null ? '' : keyOf(peer.address.toString(), peer.port);
    const carry = this.coming.get(key);
    if (carry !== undefined) {
      this.coming.delete(key);
      found(carry);
    }
    return { ready: () => {} };
  }

  private acceptedInside(carry: Carry, fd: number): void {
    carry.bFd = fd;
    if (this.open.size > GROWING) this.b.limitBuffers(fd, SMALL_BUFFER);
    if (carry.target?.kind !== 'server') {
      const page = new PageConnection(this.b, fd, this.page);
      this.b.rewatch(fd, page);
      page.ready(1);
      return;
    }
    if (carry.server === null) {
      // A SYN cookie answered for us, so that nobody has dialled yet.
      this.dial(carry, ok => (ok ? this.join(carry, fd) : this.b.abort(fd)));
    } else this.join(carry, fd);
  }

  private join(carry: Carry, fd: number): void {
    const server = carry.server;
    if (server === null || carry.stage === 'done') {
      server?.destroy();
      this.b.abort(fd);
      return;
    }
    // Its bytes are the client's again, and counted there.
    carry.far = new Bridge(this.b, fd, server, new Traffic(), () => {});
    carry.far.start();
  }

  /** The near side is over; the far one follows by itself. */
  private ended(carry: Carry, how: string): void {
    if (carry.stage === 'done') return;
    carry.stage = 'done';
    carry.outcome = how;
    this.forget(carry);
  }

  /** No inner connection came about. */
  private fail(carry: Carry, errno: string, front: ProxyFront | null = null): void {
    if (carry.stage === 'done') return;
    carry.stage = 'done';
    carry.outcome = errno;
    this.failed++;
    if (carry.aFd >= 0) this.a.close(carry.aFd);
    carry.server?.destroy();
    if (front !== null) front.fail(errno);
    else if (!carry.client.destroyed) carry.client.resetAndDestroy();
    this.forget(carry);
  }

  private forget(carry: Carry): void {
    if (carry.inner !== '' && this.coming.get(carry.inner) === carry) {
      this.coming.delete(carry.inner);
      if (carry.bFd < 0) carry.server?.destroy();
    }
    this.open.delete(carry);
    carry.duration = performance.now() - carry.began;
    this.total.in += carry.traffic.in;
    this.total.out += carry.traffic.out;
    this.listener.closed?.(carry);
  }
}

const keyOf = (address: string, port: number): string => `${address} ${port}`;

/** The port on B: that of the server, so that it is seen in traces. */
const innerPort = (t: Target): number => (t.kind === 'page' ? PAGE_PORT : t.port);
