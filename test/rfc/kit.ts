import { expect } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { EAGAIN } from '../../src/base/errno.ts';
import type { Mib } from '../../src/base/mib.ts';
import { type BuildOptions, buildIcmp, buildSegment } from '../../src/sim/build.ts';
import type { Host } from '../../src/sim/host.ts';
import type { SimNode, Wire, WireEnd } from '../../src/sim/wire.ts';
import { World } from '../../src/sim/world.ts';
import {
  AF_INET,
  AF_INET6,
  SO_ERROR,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../src/socket/constants.ts';
import type { OptionInput } from '../../src/socket/option.ts';
import type { TcpInfo } from '../../src/socket/tcp-info.ts';
import { type State, stateName } from '../../src/tcp/state.ts';
import type { Frame } from '../../src/wire/frame.ts';
import { type Heard, readSegment } from './packet.ts';

/**
 * One lastack host at a wire whose other end is played by the test, segment by segment. Sequence numbers
 * are relative to the initial ones, as in a Wireshark column: a SYN is 0, the first byte 1.
 */
export interface LabOptions {
  sysctl?: Record<string, string | number>;
  family?: 4 | 6;
  mtu?: number;
  hz?: number;
  seed?: number;
  /** More addresses of the host, with prefix lengths. */
  addresses?: readonly string[];
}

/** What the peer puts into its SYN, and how it behaves. */
export interface PeerOptions {
  mss?: number | null;
  /** Offers window scaling with this shift. */
  windowScale?: number;
  sackOk?: boolean;
  timestamps?: boolean;
  /** Window field of what it sends. @default 65535 */
  window?: number;
  /** Its port and its initial sequence number. */
  port?: number;
  isn?: number;
  /** More flags on its SYN or SYN-ACK, such as 'EW'. */
  synFlags?: string;
}

/** What may be said beside flags. Absent numbers are the next in order: all that was heard is acknowledged. */
export interface Say {
  seq?: number;
  ack?: number;
  data?: Uint8Array | string | number;
  window?: number;
  urgent?: number;
  options?: BuildOptions;
  tos?: number;
  checksum?: number;
  source?: string;
  destination?: string;
}

const ADDRESSES = {
  4: { host: '10.9.0.2', peer: '10.9.0.1', prefix: 24 },
  6: { host: 'fd00::2', peer: 'fd00::1', prefix: 64 },
} as const;

/** Bytes that are the same only at the same place. */
export const fill = (n: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: n }, (_, i) => ((from + i) * 167 + ((from + i) >> 8)) & 255);

/** `S. 0:0(0) ack 1` */
export const line = (h: Heard): string =>
  `${h.flags} ${h.seq}:${h.seq + h.data.length}(${h.data.length})${h.flags.includes('.') ? ` ack ${h.ack}` : ''}`;

export class Lab implements SimNode {
  readonly name = 'peer';
  readonly world: World;
  readonly host: Host;
  readonly wire: Wire;
  readonly family: 4 | 6;
  readonly hostAddress: string;
  readonly peerAddress: string;
  /** TCP segments of the host that no `heard` has taken yet, absolute numbers. */
  segments: Heard[] = [];
  /** All TCP segments of the host since the beginning. */
  readonly all: Heard[] = [];
  /** Other datagrams of the host. */
  datagrams: Uint8Array[] = [];
  private readonly listeners = new Map<number, number>();
  private nextPort = 40_000;

  constructor(options: LabOptions = {}) {
    this.family = options.family ?? 4;
    const { host, peer, prefix } = ADDRESSES[this.family];
    this.hostAddress = host;
    this.peerAddress = peer;
    this.world = new World({ seed: options.seed ?? 1, hz: options.hz ?? 1000 });
    this.host = this.world.host('host', {
      addresses: [`${host}/${prefix}`, ...(options.addresses ?? [])],
      sysctl: options.sysctl ?? {},
    });
    this.wire = this.world.wire(this.host, this, { mtu: options.mtu ?? 1500, medium: 'ip' });
    this.settle();
  }

  // The wire.

  plug(): void {}

  arrive(_end: WireEnd, frame: Frame): void {
    const bytes = frame.bytes.slice(frame.start, frame.end);
    frame.release();
    const heard = readSegment(bytes, this.world.now);
    if (heard === null) {
      this.datagrams.push(bytes);
      return;
    }
    this.segments.push(heard);
    this.all.push(heard);
  }

  inject(datagram: Uint8Array): void {
    this.wire.inject('host', datagram);
    this.settle();
  }

  /** An ICMP error about a datagram of the host's. */
  icmp(type: number, code: number, original: Uint8Array, rest = 0): void {
    this.inject(
      buildIcmp({ source: this.peerAddress, destination: this.hostAddress, type, code, rest, original }),
    );
  }

  /** Everything that can happen now, happens. */
  settle(): void {
    this.world.run({ until: this.world.now });
  }

  /** Lets seconds pass. */
  run(seconds: number): void {
    this.world.run({ until: this.world.now + Math.round(seconds * 1e6) });
  }

  get now(): number {
    return this.world.now / 1e6;
  }

  get mib(): Mib {
    return this.host.stack.mib;
  }

  // The host's system calls; all sockets are non-blocking.

  call<T>(verb: (sockets: Host['sockets']) => T): T {
    this.host.enter();
    const result = verb(this.host.sockets);
    this.settle();
    return result;
  }

  socket(): number {
    const family = this.family === 4 ? AF_INET : AF_INET6;
    const fd = this.call(s => s.socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0));
    expect(fd).toBeGreaterThanOrEqual(0);
    return fd;
  }

  bind(fd: number, address: string, port: number): number {
    return this.call(s => s.bind(fd, parseAddress(address)!, port));
  }

  connect(fd: number, address: string, port: number): number {
    return this.call(s => s.connect(fd, parseAddress(address)!, port));
  }

  accept(listener: number): number {
    return this.call(s => s.accept(listener, SOCK_NONBLOCK));
  }

  setsockopt(fd: number, level: number, name: number, value: OptionInput): number {
    return this.call(s => s.setsockopt(fd, level, name, value));
  }

  getsockopt(fd: number, level: number, name: number): number {
    return this.call(s => s.getsockopt(fd, level, name));
  }

  close(fd: number): number {
    return this.call(s => s.close(fd));
  }

  /** A listening socket on `port`, made once. */
  listen(port = 80, prepare: (fd: number) => void = () => {}, backlog = 16): number {
    const known = this.listeners.get(port);
    if (known !== undefined) return known;
    const fd = this.socket();
    prepare(fd);
    expect(this.bind(fd, this.hostAddress, port)).toBe(0);
    expect(this.call(s => s.listen(fd, backlog))).toBe(0);
    this.listeners.set(port, fd);
    return fd;
  }

  /** States of all the host's connections and TIME_WAIT rows, listeners not among them. */
  states(): string[] {
    const { tcp } = this.host.stack;
    return [
      ...[...tcp.connections()].map(c => stateName(c.state)),
      ...[...tcp.timeWaits()].map(t => stateName(t.state as State)),
    ];
  }

  // Connections.

  /** A peer that has not sent its SYN yet. */
  peer(options: PeerOptions = {}, port = 80): Conn {
    return new Conn(this, options, port, options.port ?? this.nextPort++);
  }

  /** A connection that the peer has opened and the host accepted. */
  accepted(options: PeerOptions = {}, prepare?: (fd: number) => void): Conn {
    const listener = this.listen(80, prepare);
    const c = this.peer(options);
    c.knock();
    c.take();
    c.say('.');
    c.fd = this.accept(listener);
    expect(c.fd, 'accept').toBeGreaterThanOrEqual(0);
    expect(c.lines()).toEqual([]);
    return c;
  }

  /** A connection that the host is opening: its SYN has been heard. */
  dialled(options: PeerOptions = {}, prepare: (fd: number) => void = () => {}): Conn {
    const fd = this.socket();
    prepare(fd);
    const port = options.port ?? 7;
    this.connect(fd, this.peerAddress, port);
    const syn = this.segments.find(s => s.flags.startsWith('S') && s.destinationPort === port);
    expect(syn, 'a SYN').toBeDefined();
    const c = new Conn(this, options, syn!.sourcePort, port);
    c.fd = fd;
    c.take();
    return c;
  }

  /** A connection that the host has opened. */
  connected(options: PeerOptions = {}, prepare?: (fd: number) => void): Conn {
    const c = this.dialled(options, prepare);
    c.answer();
    expect(c.lines()).toEqual(['. 1:1(0) ack 1']);
    return c;
  }
}

/** One connection as the peer plays it. */
export class Conn {
  readonly lab: Lab;
  readonly hostPort: number;
  readonly port: number;
  /** The host's descriptor. */
  fd = -1;
  /** Initial sequence numbers of the peer and of the host. */
  readonly isn: number;
  hostIsn = -1;
  /** The peer's next sequence number and what it acknowledges, relative. */
  seq = 0;
  ack = 0;
  window: number;
  /** What the host's application has still to write: `feed` gives more, every segment heard of drains it. */
  private unwritten: Uint8Array = new Uint8Array(0);
  readonly options: PeerOptions;
  /** Timestamps: what it sends next (a millisecond a tick) and the last value heard. */
  echo = 0;
  private readonly timestampBase = 5000;

  constructor(lab: Lab, options: PeerOptions, hostPort: number, port: number) {
    this.lab = lab;
    this.options = options;
    this.hostPort = hostPort;
    this.port = port;
    this.isn = options.isn ?? 1_000_000;
    this.window = options.window ?? 65535;
  }

  get tsVal(): number {
    return this.timestampBase + Math.floor(this.lab.world.now / 1000);
  }

  /** The options of the peer's SYN or SYN-ACK. */
  get synOptions(): BuildOptions {
    const { mss = this.lab.family === 4 ? 1460 : 1440, windowScale, sackOk, timestamps } = this.options;
    return {
      ...(mss === null ? {} : { mss }),
      ...(sackOk ? { sackOk } : {}),
      ...(timestamps ? { timestamps: [this.tsVal, this.echo] as const } : {}),
      ...(windowScale === undefined ? {} : { windowScale }),
    };
  }

  /** Sends the SYN. */
  knock(options: BuildOptions = this.synOptions): void {
    this.say(`S${this.options.synFlags ?? ''}`, { seq: 0, options });
  }

  /** Sends the SYN-ACK. */
  answer(options: BuildOptions = this.synOptions): void {
    this.say(`S.${this.options.synFlags ?? ''}`, { seq: 0, options });
  }

  /** The peer sends one segment. */
  say(flags: string, more: Say = {}): void {
    const data =
      typeof more.data === 'number' ? fill(more.data, (more.seq ?? this.seq) - 1) : (more.data ?? '');
    const seq = more.seq ?? this.seq;
    const options: BuildOptions = { ...more.options };
    if (this.options.timestamps && !flags.includes('S') && !flags.includes('R') && !options.timestamps) {
      options.timestamps = [this.tsVal, this.echo];
    }
    const after = seq + data.length + (/[SF]/.test(flags) ? 1 : 0);
    if (after > this.seq) this.seq = after;
    this.lab.inject(
      buildSegment({
        source: more.source ?? this.lab.peerAddress,
        destination: more.destination ?? this.lab.hostAddress,
        sourcePort: this.port,
        destinationPort: this.hostPort,
        seq: (this.isn + seq) | 0,
        ack: flags.includes('.') ? (this.hostIsn + (more.ack ?? this.ack)) | 0 : 0,
        flags,
        window: more.window ?? this.window,
        urgent: more.urgent ?? 0,
        data,
        options,
        tos: more.tos ?? 0,
        ...(more.checksum === undefined ? {} : { checksum: more.checksum }),
      }),
    );
    this.write();
  }

  /** What the host has sent on this connection since last asked, with relative numbers; ACKs follow it. */
  heard(): Heard[] {
    const mine = (s: Heard): boolean => s.sourcePort === this.hostPort && s.destinationPort === this.port;
    const taken = this.lab.segments.filter(mine);
    this.lab.segments = this.lab.segments.filter(s => !mine(s));
    return taken.map(s => {
      if (s.flags.includes('S') && this.hostIsn !== s.seq) {
        this.hostIsn = s.seq;
        this.ack = 0;
      }
      const seq = this.hostIsn < 0 ? s.seq : (s.seq - this.hostIsn) | 0;
      const end = seq + s.data.length + (s.flags.includes('S') || s.flags.includes('F') ? 1 : 0);
      if (seq <= this.ack && end > this.ack && !s.flags.includes('R')) this.ack = end;
      if (s.timestamps) this.echo = s.timestamps[0];
      const sack = s.sack.map(([l, r]): [number, number] => [(l - this.isn) | 0, (r - this.isn) | 0]);
      const ack = s.flags.includes('.') ? (s.ack - this.isn) | 0 : 0;
      return { ...s, seq, ack, sack };
    });
  }

  /** The one segment that the host has sent. */
  take(): Heard {
    const all = this.heard();
    expect(all.map(line), 'one segment').toHaveLength(1);
    return all[0]!;
  }

  lines(): string[] {
    return this.heard().map(line);
  }

  /** Acknowledges what is there until the host sends nothing more; all the segments. */
  drain(): Heard[] {
    const all: Heard[] = [];
    for (let rounds = 0; rounds < 10_000; rounds++) {
      const now = this.heard();
      if (now.length === 0) return all;
      all.push(...now);
      if (now.some(h => h.data.length > 0 || /[SF]/.test(h.flags))) this.say('.');
    }
    throw new Error('the host never stops sending');
  }

  // The host's calls on it.

  /** @returns bytes taken or −errno */
  send(data: Uint8Array | string | number, flags = 0): number {
    const bytes =
      typeof data === 'number'
        ? fill(data)
        : typeof data === 'string'
          ? new TextEncoder().encode(data)
          : data;
    return this.lab.call(s => s.send(this.fd, bytes, flags));
  }

  /** The host's application writes all of it, going on whenever there is room again. */
  feed(data: number): void {
    this.unwritten = fill(data);
    this.write();
  }

  private write(): void {
    while (this.unwritten.length > 0) {
      const n = this.send(this.unwritten);
      if (n <= 0) return;
      this.unwritten = this.unwritten.subarray(n);
    }
  }

  /** @returns the bytes read, or −errno */
  recv(n: number, flags = 0): Uint8Array | number {
    const bytes = new Uint8Array(n);
    const r = this.lab.call(s => s.recv(this.fd, bytes, flags));
    return r < 0 ? r : bytes.slice(0, r);
  }

  /** Everything there is to read now. */
  readAll(): Uint8Array {
    const parts: number[] = [];
    for (;;) {
      const r = this.recv(65536);
      if (typeof r === 'number') {
        if (r !== -EAGAIN) throw new Error(`recv: ${r}`);
        return Uint8Array.from(parts);
      }
      if (r.length === 0) return Uint8Array.from(parts);
      for (const b of r) parts.push(b);
    }
  }

  set(level: number, name: number, value: OptionInput): void {
    expect(this.lab.setsockopt(this.fd, level, name, value), `setsockopt ${level} ${name}`).toBe(0);
  }

  get(level: number, name: number): number {
    return this.lab.getsockopt(this.fd, level, name);
  }

  /** SO_ERROR: a positive errno or 0, cleared. */
  error(): number {
    return this.get(SOL_SOCKET, SO_ERROR);
  }

  shutdown(how: number): number {
    return this.lab.call(s => s.shutdown(this.fd, how));
  }

  close(): number {
    return this.lab.close(this.fd);
  }

  /** The poll bits of the descriptor. */
  poll(): number {
    const entry = { fd: this.fd, events: 0x7fff, revents: 0 };
    this.lab.call(s => s.poll([entry]));
    return entry.revents;
  }

  ioctl(request: number): number {
    return this.lab.call(s => s.ioctl(this.fd, request));
  }

  info(): TcpInfo {
    return this.lab.call(s => s.tcpInfo(this.fd)) as TcpInfo;
  }

  state(): string {
    const c = [...this.lab.host.stack.tcp.connections()].find(
      x => x.localPort === this.hostPort && x.remotePort === this.port,
    );
    if (c !== undefined) return stateName(c.state);
    const row = [...this.lab.host.stack.tcp.timeWaits()].find(
      x => x.localPort === this.hostPort && x.remotePort === this.port,
    );
    return row === undefined ? 'CLOSED' : stateName(row.state as State);
  }
}
