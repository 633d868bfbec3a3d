import { type Address, parseAddress } from '../../src/base/address.ts';
import { EADDRINUSE, EAGAIN, ECONNRESET, EINVAL, ENOTCONN, EPIPE } from '../../src/base/errno.ts';
import { Mib } from '../../src/base/mib.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Sysctl } from '../../src/base/sysctl.ts';
import type {
  BindOptions,
  BoundPort,
  SocketHost,
  StreamConnection,
  StreamHost,
  StreamListener,
} from '../../src/socket/endpoint.ts';
import { freshTcpInfo, type TcpInfo } from '../../src/socket/tcp-info.ts';
import type { TcpOptions } from '../../src/tcp/options.ts';
import type { Path } from '../../src/tcp/path.ts';
import { UdpHost } from '../../src/udp/udp.ts';
import { FramePool } from '../../src/wire/frame.ts';

export const ip = (text: string): Address => parseAddress(text)!;

/** A connection whose peer is the test. */
export class FakeConnection implements StreamConnection {
  state = 2;
  options: TcpOptions;
  owner: unknown = null;
  reuseAddr = false;
  error = 0;
  errors = null;
  arrivedAt = 0;
  receiveMemory = 0;
  sendMemory = 0;
  unacked = 0;
  unsent = 0;
  atMark = false;
  sndbuf = 16384;
  rcvbuf = 131072;
  mss = 1460;
  windowClamp = 65536;
  quickack = true;
  timestamp = 7;
  space = 1000;
  shut = 0;
  input: number[] = [];
  written: number[] = [];
  flags: number[] = [];
  closed: 'no' | 'close' | 'linger0' = 'no';
  changes: string[] = [];
  readonly host: FakeHost;
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;

  constructor(
    host: FakeHost,
    options: TcpOptions,
    local: Address,
    port: number,
    remote: Address,
    remotePort: number,
  ) {
    this.host = host;
    this.options = options;
    this.local = local;
    this.localPort = port;
    this.remote = remote;
    this.remotePort = remotePort;
  }

  private taken = 0;

  get readable(): number {
    return this.input.length;
  }
  get arrivals(): number {
    return this.taken + this.input.length;
  }
  get writableSpace(): number {
    return this.space;
  }
  get lingering(): boolean {
    return this.state === 4 || this.state === 9 || this.state === 11;
  }

  private take(): number {
    const e = this.error;
    this.error = 0;
    return e;
  }

  send(bytes: Uint8Array, at: number, n: number, flags: number): number {
    if (this.error) return -this.take();
    if (this.shut & 2) return -EPIPE;
    if (this.state === 2 || this.state === 3) return -EAGAIN;
    if (this.state !== 1 && this.state !== 8) return -EPIPE;
    const k = Math.min(n, this.space);
    if (k === 0) return n === 0 ? 0 : -EAGAIN;
    for (let i = 0; i < k; i++) this.written.push(bytes[at + i]!);
    this.flags.push(flags);
    this.space -= k;
    return k;
  }

  recv(bytes: Uint8Array | null, at: number, n: number, flags: number): number {
    if (flags & 1) return -EINVAL;
    const k = Math.min(n, this.input.length);
    if (k === 0) {
      if (this.shut & 1 && this.error === 0) return 0;
      if (this.error) return -this.take();
      return this.state === 7 ? -ENOTCONN : -EAGAIN;
    }
    if (bytes !== null) bytes.set(this.input.slice(0, k), at);
    if (!(flags & 2)) {
      this.input.splice(0, k);
      this.taken += k;
    }
    return k;
  }

  shutdown(how: number): number {
    this.shut |= how + 1;
    if (how !== 0) this.state = this.state === 8 ? 9 : this.state === 1 ? 4 : this.state;
    this.host.changed.push(this);
    return 0;
  }

  close(linger0: boolean): void {
    this.closed = linger0 ? 'linger0' : 'close';
    this.state = 7;
  }

  disconnect(): void {
    if (this.state !== 7) this.fail(ECONNRESET);
  }

  readiness(): number {
    let r = 0;
    if (this.shut === 3 || this.state === 7) r |= 0x10;
    if (this.shut & 1) r |= 0x2001;
    if (this.state !== 2) {
      if (this.input.length >= this.options.rcvlowat) r |= 1;
      if (this.space > 300 || this.shut & 2) r |= 4;
    }
    return this.error ? r | 8 : r;
  }

  info(): TcpInfo {
    return freshTcpInfo(this.state, 1460, 0, 3);
  }

  takeError(): number {
    return this.take();
  }

  optionChanged(level: number, name: number): void {
    this.changes.push(`${level}:${name}`);
  }

  setQuickack(value: number): void {
    this.quickack = value !== 0;
  }

  takeSavedSyn(): null {
    return null;
  }

  // What the test does as the peer.

  establish(): void {
    this.state = 1;
    this.host.changed.push(this);
  }

  arrive(text: string): void {
    for (const c of text) this.input.push(c.charCodeAt(0));
    this.host.changed.push(this);
  }

  fin(): void {
    this.state = 8;
    this.shut |= 1;
    this.host.changed.push(this);
  }

  free(n: number): void {
    this.space += n;
    this.host.changed.push(this);
  }

  fail(error: number): void {
    this.state = 7;
    this.error = error;
    this.shut = 3;
    this.host.changed.push(this);
  }
}

export class FakeListener implements StreamListener {
  owner: unknown = null;
  closed = false;
  queue: FakeConnection[] = [];
  backlog: number;
  readonly host: FakeHost;
  options: TcpOptions;

  constructor(host: FakeHost, options: TcpOptions, backlog: number) {
    this.host = host;
    this.options = options;
    this.backlog = backlog;
  }

  get queueLength(): number {
    return this.queue.length;
  }

  private accepted = 0;
  get arrivals(): number {
    return this.accepted + this.queue.length;
  }

  accept(): FakeConnection | null {
    if (this.queue.length > 0) this.accepted++;
    return this.queue.shift() ?? null;
  }

  close(): void {
    this.closed = true;
  }

  setBacklog(n: number): void {
    this.backlog = n;
  }

  incoming(): FakeConnection {
    const c = new FakeConnection(this.host, this.options.clone(), ip('10.9.0.1'), 80, ip('10.9.0.2'), 4000);
    c.state = 1;
    this.queue.push(c);
    this.host.changed.push(this);
    return c;
  }
}

/** A host whose TCP is played by the test; its UDP is the real room with a network that goes nowhere. */
export class FakeHost implements SocketHost, StreamHost {
  now = 0;
  hz = 1000;
  sysctl = new Sysctl();
  tcp = this;
  udp: UdpHost;
  changed: (FakeConnection | FakeListener)[] = [];
  connectResult = 0;
  last: FakeConnection | null = null;
  lastListener: FakeListener | null = null;
  bounds = new Set<BoundPort>();
  private nextPort = 32768;

  constructor() {
    const path = {
      source: ip('10.9.0.1'),
      mtu: 1500,
      linkMtu: 1500,
      advmss: 0,
      initcwnd: 0,
      loopback: false,
      gsoMax: 0,
      checksumOffload: false,
      scatter: false,
      valid: true,
    } as Path;
    const frames = new FramePool();
    this.udp = new UdpHost({ now: 0, sysctl: this.sysctl.values, mib: new Mib(), random: seededRandom(1) }, {
      path: () => path,
      frame: size => frames.take(size),
      send: (_path, frame) => {
        frame.release();
        return true;
      },
      isLocal: a => a.toString().startsWith('10.9.0.1') || a.isLoopback,
      isBroadcast: a => a.isMulticast || a.d === -1,
      lowerMtu: () => {},
      suspect: () => {},
      confirm: () => {},
    } as ConstructorParameters<typeof UdpHost>[1]);
  }

  takeChanged(): readonly (FakeConnection | FakeListener)[] {
    const list = this.changed;
    this.changed = [];
    return list;
  }

  connect(
    options: TcpOptions,
    bound: BoundPort | null,
    remote: Address,
    port: number,
  ): FakeConnection | number {
    if (this.connectResult < 0) return this.connectResult;
    const local = bound?.address ?? ip('10.9.0.1');
    this.last = new FakeConnection(this, options, local, bound?.port || this.nextPort++, remote, port);
    return this.last;
  }

  listen(options: TcpOptions, _bound: BoundPort, backlog: number): FakeListener {
    this.lastListener = new FakeListener(this, options, backlog);
    return this.lastListener;
  }

  ports = {
    bind: (address: Address, port: number, o: BindOptions): BoundPort | number => {
      for (const b of this.bounds) if (b.port === port && !(o.reuseAddr && b.reuseAddr)) return -EADDRINUSE;
      const b = { address, port: port || this.nextPort++, reuseAddr: o.reuseAddr, reusePort: o.reusePort };
      this.bounds.add(b);
      return b;
    },
    release: (b: BoundPort): void => {
      this.bounds.delete(b);
    },
  };
}
