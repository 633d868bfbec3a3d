import { get } from 'node:http';
import type { Conversation } from '../trace/event.ts';
import type { ConversationLog } from '../trace/log.ts';
import { isOver } from '../trace/over.ts';
import type { Gateway } from './gateway.ts';

/** How long the program waits for its own request to have lived its whole life, in milliseconds. */
export const DEMO_MS = 9_500;

/**
 * Makes one request to the built-in page as any program would, and waits until its inner connection has
 * come to its end.
 * @returns its log as far as it got, or null if there is none
 */
export async function demonstrate(gateway: Gateway, signal: AbortSignal): Promise<Conversation | null> {
  const front = gateway.fronts.find(f => f.kind === 'page');
  if (front === undefined) return null;
  const began = gateway.recorder.begun;
  const request = get({ host: dialable(front.address), port: front.port, path: '/', agent: false });
  const done = new Promise<void>(resolve => {
    request.on('response', response => response.resume());
    request.on('close', () => resolve());
    request.on('error', () => resolve());
  });
  const deadline = performance.now() + DEMO_MS;
  await Promise.race([done, sleep(DEMO_MS, signal)]);
  const log = (): ConversationLog | undefined => gateway.recorder.logs.find(l => l.id >= began);
  for (;;) {
    const l = log();
    if (signal.aborted || performance.now() >= deadline || (l !== undefined && isOver(l))) break;
    await sleep(20, signal);
  }
  request.destroy();
  return log() ?? null;
}

/** An address to connect to for one that was listened on: everywhere means here. */
const dialable = (address: string): string =>
  address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
