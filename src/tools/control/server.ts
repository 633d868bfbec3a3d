import { chmodSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { errorText } from '../cli/error.ts';
import { LineSplitter } from './lines.ts';
import { MAX_REQUEST, parseRequest, type Request } from './protocol.ts';

/** Clients served at once; further ones are told to come again. */
const MAX_CLIENTS = 32;
/** A client that does not say what it wants, or does not read its answer, is cut off after so long. */
const PATIENCE_MS = 15_000;
/** Items written before everything else has its turn. */
const SLICE = 512;

export interface Answer {
  /** Goes into the first line beside `ok`. */
  readonly head?: Readonly<Record<string, unknown>>;
  readonly items?: Iterable<unknown> | AsyncIterable<unknown>;
}

/** Answers one request; a sentence if it can't. `signal` is aborted when the client has gone. */
export type Handler = (request: Request, signal: AbortSignal) => Answer | string;

/** Serves the control socket at `path` until closed. */
export class ControlServer {
  readonly path: string;
  private readonly server: Server;
  private readonly clients = new Set<Socket>();
  private readonly handler: Handler;

  constructor(path: string, handler: Handler) {
    this.path = path;
    this.handler = handler;
    this.server = createServer({ allowHalfOpen: true }, socket => this.serve(socket));
  }

  /** Rejects with the system's error. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.path, () => {
        this.server.off('error', reject);
        this.server.on('error', () => {});
        resolve();
      });
    });
    chmodSync(this.path, 0o600);
    // Being watched is no reason for a process to stay alive.
    this.server.unref();
  }

  async close(): Promise<void> {
    for (const c of this.clients) c.destroy();
    await new Promise<void>(resolve => this.server.close(() => resolve()));
    try {
      unlinkSync(this.path);
    } catch {
      // Node has removed it already.
    }
  }

  private serve(socket: Socket): void {
    if (this.clients.size >= MAX_CLIENTS) {
      socket.on('error', () => {});
      socket.end(`${JSON.stringify({ ok: false, error: 'too many clients at once; try again' })}\n`);
      return;
    }
    this.clients.add(socket);
    const gone = new AbortController();
    socket.on('close', () => {
      this.clients.delete(socket);
      gone.abort();
    });
    socket.on('error', () => socket.destroy());
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    const splitter = new LineSplitter(MAX_REQUEST);
    let asked = false;
    socket.on('data', chunk => {
      if (asked) return;
      const lines = splitter.push(chunk);
      if (lines === null) {
        asked = true;
        socket.end(`${JSON.stringify({ ok: false, error: 'the request is too long' })}\n`);
      } else if (lines[0] !== undefined) {
        asked = true;
        void this.answer(socket, lines[0], gone.signal);
      }
    });
    socket.on('end', () => {
      if (!asked) socket.destroy();
    });
  }

  private async answer(socket: Socket, line: string, signal: AbortSignal): Promise<void> {
    const say = (o: unknown): boolean => socket.write(`${JSON.stringify(o)}\n`);
    const request = parseRequest(line);
    try {
      const answer = typeof request === 'string' ? request : this.handler(request, signal);
      if (typeof answer === 'string') say({ ok: false, error: answer });
      else {
        say({ ok: true, ...answer.head });
        // A stream may be silent for long; only an unread answer counts against the client then.
        if (typeof request !== 'string' && mayBeSilent(request)) socket.setTimeout(0);
        let n = 0;
        for await (const item of answer.items ?? []) {
          if (signal.aborted) return;
          if (!say({ item })) await drained(socket, signal);
          // A long table must not hold up the connections that it is about.
          if (++n % SLICE === 0) await new Promise(resolve => setImmediate(resolve));
        }
        say({ end: true });
      }
    } catch (e) {
      say({ ok: false, error: errorText(e) });
    }
    socket.end();
  }
}

/** Answers that come as things happen. */
const mayBeSilent = (r: Request): boolean =>
  r.ask === 'ping' || r.ask === 'traceroute' || (r.ask === 'trace' && r.follow);

/** Waits until the socket has room; cuts off a client that does not read. */
async function drained(socket: Socket, signal: AbortSignal): Promise<void> {
  if (signal.aborted || !socket.writableNeedDrain) return;
  await new Promise<void>(resolve => {
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    const done = (): void => {
      clearTimeout(timer);
      socket.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    socket.on('drain', done);
    signal.addEventListener('abort', done);
  });
}
