import { EBADF, EINVAL, EIO } from '../../base/errno.ts';
import type { SocketName } from '../../socket/socket.ts';
import type { BsdDriver } from '../bsd.ts';
import { formatSocketAddress, type SocketAddress } from './address.ts';
import { failure, Handle } from './handle.ts';
import { infoOf, Socket, type SocketOptions } from './socket.ts';

export interface ListenOptions extends Pick<SocketOptions, 'allowHalfOpen' | 'noDelay'> {
  /** Connections that may wait to be taken, at most `somaxconn`. @default 511 */
  readonly backlog?: number;
  /** Closes the listener when it is aborted. */
  readonly signal?: AbortSignal;
}

/**
 * The connections that come to a port: `for await (const socket of listener)`. Leaving the loop closes it.
 * Connections that nobody has taken when it closes are reset, as Linux does.
 */
export class Listener implements AsyncIterableIterator<Socket, undefined, undefined> {
  /** Where it listens: the port is one that was chosen if 0 was asked for. */
  readonly address: SocketAddress;
  private readonly driver: BsdDriver;
  private readonly handle: Handle;
  private readonly options: ListenOptions;
  private readonly onabort = (): void => this.close();

  /** For this folder; programs call `listen`. */
  constructor(driver: BsdDriver, handle: Handle, name: SocketName, options: ListenOptions) {
    this.driver = driver;
    this.handle = handle;
    this.options = options;
    this.address = { hostname: name.address.toString(), port: name.port };
    options.signal?.addEventListener('abort', this.onabort, { once: true });
  }

  get closed(): boolean {
    return this.handle.closed;
  }

  /** 'host:port', as `connect` takes it. */
  toString(): string {
    return formatSocketAddress(this.address.hostname, this.address.port);
  }

  /** The next connection; done once the listener is closed. Calls may overlap. */
  async next(): Promise<IteratorResult<Socket, undefined>> {
    const { driver, handle } = this;
    if (handle.closed) return { done: true, value: undefined };
    const fd = await handle.wait(driver.enter().begin.accept(handle.fd));
    if (fd >= 0) return { done: false, value: this.socket(fd) };
    if (!handle.closed && fd !== -EBADF && fd !== -EINVAL) throw failure('accept', -fd, this.toString());
    this.close();
    return { done: true, value: undefined };
  }

  /** What a loop does when it is left early. */
  async return(): Promise<IteratorResult<Socket, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Takes no more connections; those that were taken live on. */
  close(): void {
    this.options.signal?.removeEventListener('abort', this.onabort);
    this.handle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  private socket(fd: number): Socket {
    const handle = new Handle(this.driver);
    handle.fd = fd;
    const sockets = this.driver.enter();
    const local = sockets.getsockname(fd);
    const remote = sockets.getpeername(fd);
    // One that was reset while it waited has no peer any more: it is there, and broken.
    const names = typeof local === 'object' && typeof remote === 'object';
    const connected = names
      ? Promise.resolve(infoOf(local, remote))
      : Promise.reject(failure('accept', handle.takeError() || EIO, this.toString()));
    return new Socket({ handle, connected, about: this.toString() }, this.options);
  }
}
