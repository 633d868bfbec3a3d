import type { Ask } from './protocol.ts';
import { Server } from './server.ts';

/** The engine's thread. A message to oneself comes behind those that are waiting, without a timer's delay. */
const channel = new MessageChannel();
let next: (() => void) | null = null;
channel.port1.onmessage = () => {
  const work = next;
  next = null;
  work?.();
};

const server = new Server(
  (answer, transfer) => postMessage(answer, { transfer: transfer as Transferable[] }),
  work => {
    next = work;
    channel.port2.postMessage(0);
  },
);

addEventListener('message', (e: MessageEvent<Ask>) => server.take(e.data));
