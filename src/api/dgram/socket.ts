import type { SocketOptions as NodeSocketOptions, SocketType } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { EBADF, ENOPROTOOPT } from '../../base/errno.ts';
import { callFailed, placeFailed } from '../net/errors.ts';
import type { NetHost } from '../net/host.ts';
import { lookupLocal } from '../net/lookup.ts';
import { asNode, dgramErrors, isPort, refuse, type Sending, sendArguments } from './arguments.ts';
import { UdpHandle } from './handle.ts';

export interface SocketOptions extends NodeSocketOptions {
  type: SocketType;
}

type Lookup = (
  address: string,
  family: 4 | 6,
  callback: (error: NodeJS.ErrnoException | null, address: string) => void,
) => void;

/** Sends and connects that may wait for the bind that they have begun. */
const MAX_QUEUE = 65_536;

/** The groups that every host is in. */
const ALL_HOSTS: readonly string[] = ['224.0.0.1', 'ff02::1'];

/**
 * `dgram.Socket` on a lastack host: its methods, events, errors and their order. Not here: descriptors of the
 * kernel (`fd`), and multicast groups beside those that every host is in.
 */
export class Socket extends EventEmitter {
  readonly type: SocketType;
  private handle: UdpHandle | null;
  private binding: 'no' | 'yes' | 'done' = 'no';
  private connecting: 'no' | 'yes' | 'done' = 'no';
  /** What waits for the bind. */
  private queue: (() => void)[] | null = null;
  private readonly options: SocketOptions;
  private readonly find: Lookup;

  constructor(host: NetHost, type: SocketType | SocketOptions, listener?: unknown) {
    super();
    const options = typeof type === 'object' && type !== null ? type : { type };
    const kind = options.type;
    const { lookup, signal } = options;
    if (
      (kind !== 'udp4' && kind !== 'udp6') ||
      (lookup !== undefined && typeof lookup !== 'function') ||
      (signal !== undefined && !(typeof signal === 'object' && signal !== null && 'aborted' in signal))
    )
      refuse(type);
    this.type = kind;
    this.options = options;
    const six = kind === 'udp6';
    const { reuseAddr = false, ipv6Only = false } = options;
    this.handle = new UdpHandle(host, { six, reuseAddr, ipv6Only });
    this.handle.onmessage = (bytes, from) => this.emit('message', bytes, from);
    this.handle.onerror = status => this.emit('error', callFailed(status, 'recvmsg'));
    const local = lookupLocal(host.lookup);
    this.find =
      (lookup as unknown as Lookup | undefined) ??
      ((address, family, callback) => local(address, { family }, (e, found) => callback(e, found as string)));
    if (typeof listener === 'function') this.on('message', listener as () => void);
    if (signal !== undefined) this.heed(signal);
  }

  bind(...args: unknown[]): this {
    const handle = this.running();
    if (this.binding !== 'no') throw dgramErrors.alreadyBound();
    this.binding = 'yes';
    const callback = args.at(-1);
    if (typeof callback === 'function') this.onceListening(callback as () => void);
    const [first, second] = args;
    const given = typeof first === 'object' && first !== null ? (first as BindOptions) : null;
    if (given?.fd !== undefined) {
      this.binding = 'no';
      throw callFailed(-ENOPROTOOPT, 'bind');
    }
    const port = given === null ? (typeof first === 'function' ? 0 : first) : given.port;
    const asked = given === null ? (typeof second === 'function' ? '' : second) : given.address;
    const address = String(asked || (this.type === 'udp4' ? '0.0.0.0' : '::'));
    this.look(address, (error, ip) => {
      if (this.handle !== handle) return;
      const status = error === null ? handle.bind(ip, Number(port) || 0) : 0;
      const failure = error ?? (status < 0 ? placeFailed(status, 'bind', ip, Number(port) || 0) : null);
      this.binding = failure === null ? 'done' : 'no';
      if (failure !== null) this.emit('error', failure);
      else this.listening();
    });
    return this;
  }

  connect(port: number, address?: unknown, callback?: unknown): void {
    if (!isPort(port)) asNode(s => s.connect(port));
    const done = typeof address === 'function' ? address : callback;
    const to = typeof address === 'function' || address === undefined ? '' : address;
    if (typeof to !== 'string') asNode(s => s.connect(port, to as string));
    if (this.connecting !== 'no') throw dgramErrors.isConnected();
    this.connecting = 'yes';
    if (this.binding === 'no') this.bind({ port: 0 });
    this.whenBound(() => this.connectNow(Number(port), to as string, done as (() => void) | undefined));
  }

  disconnect(): void {
    if (this.connecting !== 'done') throw dgramErrors.notConnected();
    const status = this.running().disconnect();
    if (status < 0) throw callFailed(status, 'connect');
    this.connecting = 'no';
  }

  send(...args: unknown[]): void {
    const sending = sendArguments(args, this.connecting === 'done');
    this.running();
    if (this.binding === 'no') this.bind({ port: 0 });
    this.whenBound(() => this.sendNow(sending));
  }

  /** @deprecated as in Node: `send` */
  sendto(...args: unknown[]): void {
    this.send(...args);
  }

  close(callback?: () => void): this {
    if (typeof callback === 'function') this.on('close', callback);
    if (this.queue !== null) {
      this.queue.push(() => void this.close());
      return this;
    }
    this.running().close();
    this.handle = null;
    process.nextTick(() => this.emit('close'));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.handle === null) return;
    await new Promise<void>(resolve => this.close(resolve));
  }

  address(): { address: string; family: string; port: number } {
    const name = this.running().name(false);
    if (typeof name === 'number') throw callFailed(name, 'getsockname');
    return { address: name.address, family: name.family, port: name.port };
  }

  remoteAddress(): { address: string; family: string; port: number } {
    const handle = this.running();
    if (this.connecting !== 'done') throw dgramErrors.notConnected();
    const name = handle.name(true);
    if (typeof name === 'number') throw callFailed(name, 'getpeername');
    return { address: name.address, family: name.family, port: name.port };
  }

  setBroadcast(on: unknown): void {
    this.set('setBroadcast', this.running().setBroadcast(Boolean(on)));
  }

  setTTL(ttl: number): number {
    if (typeof ttl !== 'number') asNode(s => s.setTTL(ttl));
    this.set('setTTL', this.running().setTtl(ttl));
    return ttl;
  }

  setMulticastTTL(ttl: number): number {
    if (typeof ttl !== 'number') asNode(s => s.setMulticastTTL(ttl));
    this.set('setMulticastTTL', this.running().setMulticastTtl(ttl));
    return ttl;
  }

  /** What a lastack host sends to a group it does not hear itself; only `false` can be had. */
  setMulticastLoopback(on: unknown): unknown {
    const open = this.running().isOpen;
    this.set('setMulticastLoopback', open ? (on ? -ENOPROTOOPT : 0) : -EBADF);
    return on;
  }

  setMulticastInterface(address: string): void {
    if (typeof address !== 'string') asNode(s => s.setMulticastInterface(address));
    this.running();
    this.set('setMulticastInterface', -ENOPROTOOPT);
  }

  addMembership(group: string, _interface?: string): void {
    this.member('addMembership', group);
  }

  dropMembership(group: string, _interface?: string): void {
    this.member('dropMembership', group);
  }

  addSourceSpecificMembership(_source: string, _group: string, _interface?: string): void {
    this.running();
    this.set('addSourceSpecificMembership', -ENOPROTOOPT);
  }

  dropSourceSpecificMembership(_source: string, _group: string, _interface?: string): void {
    this.running();
    this.set('dropSourceSpecificMembership', -ENOPROTOOPT);
  }

  setRecvBufferSize(size: number): void {
    this.buffer(size, true);
  }

  setSendBufferSize(size: number): void {
    this.buffer(size, false);
  }

  getRecvBufferSize(): number {
    return this.set('uv_recv_buffer_size', this.running().buffers(true));
  }

  getSendBufferSize(): number {
    return this.set('uv_send_buffer_size', this.running().buffers(false));
  }

  /** Datagrams leave at once: none waits. */
  getSendQueueSize(): number {
    return 0;
  }

  getSendQueueCount(): number {
    return 0;
  }

  ref(): this {
    this.handle?.ref(true);
    return this;
  }

  unref(): this {
    this.handle?.ref(false);
    return this;
  }

  private running(): UdpHandle {
    if (this.handle === null) throw dgramErrors.notRunning();
    return this.handle;
  }

  private look(address: string, then: (error: NodeJS.ErrnoException | null, address: string) => void): void {
    const six = this.type === 'udp6';
    this.find(address || (six ? '::1' : '127.0.0.1'), six ? 6 : 4, (e, ip) => then(e ?? null, ip));
  }

  private listening(): void {
    const { recvBufferSize, sendBufferSize } = this.options;
    if (recvBufferSize) this.buffer(recvBufferSize, true);
    if (sendBufferSize) this.buffer(sendBufferSize, false);
    this.emit('listening');
    const queue = this.queue ?? [];
    this.queue = null;
    for (const task of queue) task();
  }

  /** A callback of `bind` hears of success only, and is forgotten with the first error. */
  private onceListening(callback: () => void): void {
    const forget = (): void => {
      this.off('error', forget);
      this.off('listening', heard);
    };
    const heard = (): void => {
      forget();
      callback.call(this);
    };
    this.on('error', forget);
    this.on('listening', heard);
  }

  private whenBound(task: () => void): void {
    if (this.binding === 'done') {
      task();
      return;
    }
    if (this.queue === null) {
      this.queue = [];
      this.once(EventEmitter.errorMonitor, () => {
        if (this.binding !== 'done') this.queue = null;
      });
    }
    // Nobody fills this on purpose while one address is being looked up; what is beyond is lost, as UDP may.
    if (this.queue.length < MAX_QUEUE) this.queue.push(task);
  }

  private connectNow(port: number, address: string, callback: (() => void) | undefined): void {
    if (callback !== undefined) this.once('connect', callback);
    this.look(address, (error, ip) => {
      if (this.handle === null) return;
      const status = error === null ? this.handle.connect(ip, port) : 0;
      const failure = error ?? (status < 0 ? placeFailed(status, 'connect', address, port) : null);
      this.connecting = failure === null ? 'done' : 'no';
      process.nextTick(() => {
        if (failure === null) this.emit('connect');
        else if (callback === undefined) this.emit('error', failure);
        else {
          this.off('connect', callback);
          (callback as (e: Error) => void)(failure);
        }
      });
    });
  }

  private sendNow({ bytes, port, address, callback }: Sending): void {
    const go = (error: NodeJS.ErrnoException | null, ip: string | null): void => {
      if (error !== null) {
        if (callback !== null) process.nextTick(callback, error, 0);
        else process.nextTick(() => this.emit('error', error));
        return;
      }
      if (this.handle === null) return;
      const sent = this.handle.send(bytes, ip, port);
      if (callback === null) return;
      if (sent >= 0) process.nextTick(callback, null, sent);
      else process.nextTick(callback, placeFailed(sent, 'send', address, port));
    };
    if (this.connecting === 'done') go(null, null);
    else this.look(address, go);
  }

  private set(call: string, result: number): number {
    if (result < 0) throw callFailed(result, call);
    return result;
  }

  private member(call: 'addMembership' | 'dropMembership', group: string): void {
    this.running();
    if (!group) asNode(s => s[call](group));
    this.set(call, ALL_HOSTS.includes(group) ? 0 : -ENOPROTOOPT);
  }

  private buffer(size: number, receive: boolean): void {
    if (size >>> 0 !== size) asNode(s => (receive ? s.setRecvBufferSize(size) : s.setSendBufferSize(size)));
    this.set(
      receive ? 'uv_recv_buffer_size' : 'uv_send_buffer_size',
      this.running().setBuffer(size, receive),
    );
  }

  private heed(signal: AbortSignal): void {
    const abort = (): void => {
      if (this.handle !== null) this.close();
    };
    if (signal.aborted) abort();
    else {
      signal.addEventListener('abort', abort, { once: true });
      this.once('close', () => signal.removeEventListener('abort', abort));
    }
  }
}

interface BindOptions {
  readonly port?: unknown;
  readonly address?: unknown;
  readonly fd?: unknown;
}
