import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { version } from '../cli/version.ts';
import { frontTexts, wireText } from '../up/facts.ts';
import type { Instance } from '../up/instance.ts';
import type { LiveHello, LiveMessage } from './protocol.ts';
import { socketsOf } from './sockets.ts';

/** Readers at once; further ones are told to come again. */
export const MOST_READERS = 8;
/** Connections of the past that a new reader is told of. */
const LAST = 20;
/** Messages written before everything else has its turn. */
const SLICE = 256;
const LOOK_MS = 1000;
/** A silent line is kept open by a comment. */
const HEARTBEAT_MS = 15_000;
/** A reader whose buffers are full for so long is cut off; a browser comes again by itself. */
const PATIENCE_MS = 30_000;

class Reader {
  readonly response: ServerResponse;
  readonly gone = new AbortController();
  /** The sockets as it was told of them last. */
  sockets = '';
  spoke = performance.now();

  constructor(response: ServerResponse) {
    this.response = response;
    response.on('close', () => this.gone.abort());
  }

  /** False if it should not be told more for now. */
  say(message: LiveMessage): boolean {
    return this.write(`data: ${JSON.stringify(message)}\n\n`);
  }

  write(text: string): boolean {
    this.spoke = performance.now();
    return this.response.write(text);
  }

  get full(): boolean {
    return this.response.writableNeedDrain;
  }

  /** Waits until it has room. */
  async drained(): Promise<void> {
    const { response, gone } = this;
    if (gone.signal.aborted || !this.full) return;
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => response.destroy(), PATIENCE_MS);
      const done = (): void => {
        clearTimeout(timer);
        response.off('drain', done);
        gone.signal.removeEventListener('abort', done);
        resolve();
      };
      response.on('drain', done);
      gone.signal.addEventListener('abort', done);
    });
  }
}

/** Tells readers what happens in a running gateway, as server-sent events: see `LiveMessage`. */
export class Live {
  private readonly instance: Instance;
  private readonly id = randomUUID();
  private readonly readers = new Set<Reader>();
  private looking: NodeJS.Timeout | null = null;

  constructor(instance: Instance) {
    this.instance = instance;
  }

  get full(): boolean {
    return this.readers.size >= MOST_READERS;
  }

  hello(): LiveHello {
    const { gateway } = this.instance;
    return {
      lastack: version(),
      instance: this.id,
      hosts: [gateway.hosts[0].name, gateway.hosts[1].name],
      fronts: frontTexts(gateway.fronts),
      wire: wireText(gateway.options),
      settings: gateway.options.wire,
      now: gateway.loop.now(),
    };
  }

  /** Tells a reader everything until it goes. The head of the response has been written. */
  async tell(response: ServerResponse): Promise<void> {
    const reader = new Reader(response);
    this.readers.add(reader);
    this.looking ??= setInterval(() => this.look(), LOOK_MS).unref();
    try {
      reader.write('retry: 2000\n\n');
      reader.say({ hello: this.hello() });
      this.look();
      let n = 0;
      for await (const item of this.instance.trace(LAST, true, reader.gone.signal)) {
        if (reader.gone.signal.aborted) break;
        if (!reader.say(item)) await reader.drained();
        if (++n % SLICE === 0) await new Promise(resolve => setImmediate(resolve));
      }
    } finally {
      this.readers.delete(reader);
      if (this.readers.size === 0 && this.looking !== null) {
        clearInterval(this.looking);
        this.looking = null;
      }
      response.end();
    }
  }

  /** Lets all readers go. */
  close(): void {
    for (const r of this.readers) r.response.destroy();
  }

  private look(): void {
    const sockets = socketsOf(this.instance);
    const text = JSON.stringify(sockets);
    const at = this.instance.gateway.loop.now();
    for (const r of this.readers) {
      if (r.full || r.gone.signal.aborted) continue;
      if (r.sockets !== text) {
        r.sockets = text;
        r.write(`data: {"at":${at},"sockets":${text}}\n\n`);
      } else if (performance.now() - r.spoke >= HEARTBEAT_MS) r.write(':\n\n');
    }
  }
}
