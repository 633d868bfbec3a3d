/** What a transfer ends with: 0, or −errno. */
export type Done = (status: number) => void;

/** One end of a connection, as `address()` shows it. */
export interface Name {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}

/** Status of a read at the end of the stream, as libuv numbers it. */
export const EOF = -4095;
/** Status of what was dropped by close, as libuv numbers it (ECANCELED). */
export const ECANCELED = -125;

/**
 * What carries a socket's bytes. All calls return at once; callbacks come later, each in a turn of Node's
 * loop of its own, so that ticks and promises run between them.
 */
export interface StreamHandle {
  /** Called with each piece, or with null and a negative status (EOF or −errno). */
  received: (status: number, chunk: Buffer | null) => void;
  /**
   * Set by Node's `http.Agent` while a connection is idle, to a function that is known by its name and works
   * with handles of Node's only.
   */
  onread?: unknown;
  /** Into which buffer to read; null: into one of the handle's. */
  readInto: (() => Uint8Array) | null;
  /** Whether the user of the handle wants bytes now. */
  reading: boolean;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Bytes taken by `write` that the transport has not. */
  readonly writeQueueSize: number;
  readStart(): number;
  readStop(): number;
  /** @returns 0: all is written, `done` will not be called; 1: `done` will be; −errno */
  write(chunks: readonly Uint8Array[], done: Done): number;
  /** Ends the writing half after what is queued. */
  shutdown(done: Done): number;
  /** Drops reads, cancels transfers and calls back a little later. */
  close(done: () => void): void;
  /** The same with a RST. */
  reset(done: () => void): number;
  ref(): void;
  unref(): void;
  hasRef(): boolean;
  getsockname(): Name | number;
  getpeername(): Name | number;
  setNoDelay(on: boolean): number;
  /** @param delay seconds */
  setKeepAlive(on: boolean, delay: number): number;
  /** A descriptor of the host, −1 without one. */
  readonly fd: number;
  /** For `async_hooks`; callbacks run in the context in which the handle was made. */
  getAsyncId(): number;
}

/** A handle that can still be connected. */
export interface ClientHandle extends StreamHandle {
  bind(address: string, port: number): number;
  connect(address: string, port: number, done: Done): number;
}

/** What accepts connections for a server. */
export interface ServerHandle {
  onconnection: (status: number, client: StreamHandle | null) => void;
  getsockname(): Name | number;
  close(done: () => void): void;
  ref(): void;
  unref(): void;
  hasRef(): boolean;
  readonly fd: number;
}
