import {
  createSockets,
  type Listener,
  type Socket,
  type SocketsApi,
} from '../../../src/api/streams/index.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { Driver } from '../../../src/driver/driver.ts';
import type { Loop } from '../../../src/driver/loop.ts';
import { NodeDriver, NodeLoop } from '../../../src/driver/node.ts';
import { ImpairedLink, type ImpairOptions } from '../../../src/link/impair.ts';
import type { Link } from '../../../src/link/link.ts';
import { memoryPair } from '../../../src/link/memory.ts';
import { Stack } from '../../../src/stack/stack.ts';
import { VirtualLoop } from '../../../src/testing/virtual-loop.ts';

export type Clock = 'virtual' | 'node';
export const CLOCKS: readonly Clock[] = ['virtual', 'node'];

/** Two hosts on a wire, A at 10.9.0.1 and B at 10.9.0.2, and the sockets API of each. */
export class Pair {
  readonly loop: Loop;
  readonly a: Driver;
  readonly b: Driver;
  readonly client: SocketsApi;
  readonly server: SocketsApi;
  readonly wire: ImpairedLink;

  constructor(
    clock: Clock,
    impair: Partial<ImpairOptions> = {},
    sysctl: Record<string, number | string> = {},
  ) {
    this.loop = clock === 'virtual' ? new VirtualLoop() : new NodeLoop();
    const [left, right] = memoryPair(this.loop);
    this.wire = new ImpairedLink(left, { clock: this.loop, random: seededRandom(1), ...impair });
    this.a = this.host('A', '10.9.0.1/24', this.wire, sysctl);
    this.b = this.host('B', '10.9.0.2/24', right, sysctl);
    this.client = createSockets(this.a);
    this.server = createSockets({ driver: this.b });
  }

  private host(name: string, address: string, link: Link, sysctl: Record<string, number | string>): Driver {
    const stack = new Stack({ name, random: seededRandom(name), start: this.loop.now(), sysctl });
    const { loop } = this;
    const driver = loop instanceof NodeLoop ? new NodeDriver(stack, loop) : new Driver(stack, loop);
    const ifc = stack.addInterface({ name: 'tun0', medium: 'ip', mtu: 1500 });
    ifc.addAddress(address);
    driver.attach(ifc, link);
    return driver;
  }

  /** Lets a time pass. Real milliseconds are waited for, so that few of them are asked for. */
  async pass(ms: number): Promise<void> {
    if (this.loop instanceof VirtualLoop) await this.loop.advance(ms * 1000);
    else await new Promise(done => setTimeout(done, ms));
  }

  /** A connection with both its ends. */
  async connect(options: { client?: object; server?: object } = {}): Promise<[Socket, Socket, Listener]> {
    const listener = this.server.listen('10.9.0.2:0', options.server ?? {});
    const c = this.client.connect(listener.toString(), options.client ?? {});
    const { value: s } = await listener.next();
    if (s === undefined) throw new Error('nothing came');
    await c.opened;
    return [c, s, listener];
  }

  states(driver: Driver): number[] {
    return [...driver.stack.tcp.connections()].map(c => c.state);
  }

  async close(): Promise<void> {
    const ends = [this.a.close(0), this.b.close(0)];
    await this.pass(20);
    await Promise.all(ends);
    this.loop.stop();
  }
}

const bytes = new TextEncoder();
export const encode = (text: string): Uint8Array => bytes.encode(text);

export async function write(socket: Socket, data: string | Uint8Array): Promise<void> {
  const writer = socket.writable.getWriter();
  try {
    await writer.write(typeof data === 'string' ? encode(data) : data);
  } finally {
    writer.releaseLock();
  }
}

export async function read(socket: Socket): Promise<string | null> {
  const reader = socket.readable.getReader();
  try {
    const { value, done } = await reader.read();
    return done ? null : new TextDecoder().decode(value);
  } finally {
    reader.releaseLock();
  }
}

export async function readAll(socket: Socket): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of socket.readable) parts.push(part);
  return Buffer.concat(parts);
}

export const text = async (socket: Socket): Promise<string> =>
  new TextDecoder().decode(await readAll(socket));

/** The code of the error that a promise rejects with. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: { code?: string }) => error.code ?? String(error),
  );
