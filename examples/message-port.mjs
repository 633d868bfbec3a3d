// A host in a worker thread, joined to one in this thread by a message port. In a browser it is the same with
// `new Worker(…)` and `self`.
//
//   npm run build && node examples/message-port.mjs

import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { MessagePortLink } from 'lastack/link/message-port';
import { createHost, createNet } from 'lastack/net';
import { NodeLoop } from 'lastack/node';

const loop = new NodeLoop();

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  const link = new MessagePortLink(worker, { clock: loop });
  const host = createHost({ loop, links: [link], addresses: ['10.9.0.1/24'] });
  const socket = createNet(host).connect(7, '10.9.0.2');
  socket.end(Buffer.alloc(1_000_000));
  let bytes = 0;
  for await (const chunk of socket) bytes += chunk.length;
  console.log(`${bytes} bytes came back from the other thread`);
  await host.close();
  await worker.terminate();
} else if (parentPort !== null) {
  const link = new MessagePortLink(parentPort, { clock: loop });
  const host = createHost({ loop, links: [link], addresses: ['10.9.0.2/24'] });
  createNet(host)
    .createServer({ allowHalfOpen: true }, socket => socket.pipe(socket))
    .listen(7);
}
