import { unlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Io } from '../cli/command.ts';
import { CliError, EXIT_FAILED, EXIT_NO_INSTANCE, errorCode, errorText, usage } from '../cli/error.ts';
import { LineSplitter } from './lines.ts';
import { instancesIn, runtimeDirectory, socketPath } from './place.ts';
import { MAX_LINE, type Request } from './protocol.ts';

type Env = Readonly<Record<string, string | undefined>>;

const PATIENCE_MS = 10_000;

/** The answer of a running instance. */
export interface Reply {
  readonly head: Readonly<Record<string, unknown>>;
  /** Read them to the end, or call `close`. */
  readonly items: AsyncIterable<unknown>;
  close(): void;
}

/**
 * Asks a running instance.
 * @param instance process id of the one that is meant, or null if there is only one
 * @throws CliError if there is none, if several run and none was named, or if it refuses
 */
export async function ask(env: Env, instance: string | null, request: Request): Promise<Reply> {
  const { socket } = await reach(env, instance);
  const lines = readLines(socket);
  socket.write(`${JSON.stringify(request)}\n`);
  const first = await lines.next();
  const head = first.done ? null : first.value;
  if (head === null)
    throw new CliError(EXIT_NO_INSTANCE, 'the running instance closed the connection', TRY_AGAIN);
  if (head['ok'] !== true) {
    socket.destroy();
    throw new CliError(EXIT_FAILED, String(head['error'] ?? 'the running instance refused'));
  }
  return { head, items: itemsOf(lines), close: () => socket.destroy() };
}

/** All items of an answer. */
export async function askAll(env: Env, instance: string | null, request: Request): Promise<unknown[]> {
  const reply = await ask(env, instance, request);
  const items: unknown[] = [];
  for await (const item of reply.items) items.push(item);
  return items;
}

/**
 * Shows each item as it comes, no faster than it can be written, until the last or until the person has had enough
 * (Ctrl-C): that cuts the conversation off, and is an end like any other.
 */
export async function showItems(reply: Reply, io: Io, show: (item: unknown) => void): Promise<void> {
  const stop = (): void => reply.close();
  io.signal.addEventListener('abort', stop);
  try {
    for await (const item of reply.items) {
      show(item);
      await io.drained();
    }
  } catch (e) {
    if (!io.signal.aborted) throw e;
  } finally {
    io.signal.removeEventListener('abort', stop);
    reply.close();
  }
}

const TRY_AGAIN = 'is it being stopped? Try again';

async function reach(env: Env, instance: string | null): Promise<{ socket: Socket; pid: number }> {
  const directory = runtimeDirectory(env);
  const wanted = instance ?? env['LASTACK_INSTANCE'] ?? null;
  if (wanted !== null && !/^\d{1,10}$/.test(wanted)) {
    throw usage(
      `--instance ${wanted}`,
      'write the process id that the running instance shows when it starts',
    );
  }
  const candidates = wanted !== null ? [Number(wanted)] : instancesIn(directory);
  const alive: { socket: Socket; pid: number }[] = [];
  for (const pid of candidates) {
    const path = socketPath(directory, pid);
    try {
      alive.push({ socket: await open(path), pid });
    } catch (e) {
      // Left behind by a process that was killed.
      if (errorCode(e) === 'ECONNREFUSED') remove(path);
      else if (errorCode(e) !== 'ENOENT') {
        throw new CliError(
          EXIT_NO_INSTANCE,
          `cannot reach the instance with process id ${pid}: ${errorText(e)}`,
          TRY_AGAIN,
        );
      }
    }
  }
  const only = alive[0];
  if (alive.length === 1 && only !== undefined) return only;
  for (const a of alive) a.socket.destroy();
  if (alive.length > 1) {
    throw usage(
      `${alive.length} instances are running: ${alive.map(a => a.pid).join(', ')}`,
      `say which one: --instance ${alive[alive.length - 1]!.pid}`,
    );
  }
  throw new CliError(
    EXIT_NO_INSTANCE,
    wanted === null
      ? 'no running instance of lastack found'
      : `no instance of lastack runs with process id ${wanted}`,
    "start one with 'lastack up' (or 'npm start') in another terminal",
  );
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else was faster.
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('it does not answer')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

async function* readLines(socket: Socket): AsyncGenerator<Record<string, unknown>, void> {
  const splitter = new LineSplitter(MAX_LINE);
  for await (const chunk of socket) {
    const lines = splitter.push(chunk as Buffer);
    if (lines === null)
      throw new CliError(EXIT_NO_INSTANCE, 'the running instance sent a line that is too long');
    for (const line of lines) yield JSON.parse(line) as Record<string, unknown>;
  }
}

async function* itemsOf(lines: AsyncGenerator<Record<string, unknown>, void>): AsyncGenerator<unknown, void> {
  for await (const line of lines) {
    if (line['end'] === true) return;
    if (line['ok'] === false) throw new CliError(EXIT_FAILED, String(line['error']));
    yield line['item'];
  }
}
