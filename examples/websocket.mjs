// Two hosts joined by a WebSocket: one frame is one message. The far one could as well be a page in a browser.
//
//   npm install ws && npm run build && node examples/websocket.mjs

import { connectWebSocket, serveWebSockets } from 'lastack/link/websocket-server';
import { createHost, createNet } from 'lastack/net';
import { NodeLoop } from 'lastack/node';

const loop = new NodeLoop();

// Whoever connects finds a host at 10.9.0.2 behind his link, which serves on port 80.
const server = await serveWebSockets({
  clock: loop,
  onlink: link => {
    const far = createHost({ name: 'far', loop, links: [link], addresses: ['10.9.0.2/24'] });
    const web = createNet(far).createServer(socket => socket.end(`hello, ${socket.remoteAddress}\n`));
    web.listen(80);
    link.onclose = async reason => {
      console.log(`far: ${reason}`);
      await new Promise(resolve => web.close(resolve));
      await far.close();
      await server.close();
    };
  },
});

const link = await connectWebSocket(server.url, { clock: loop });
const near = createHost({ name: 'near', loop, links: [link], addresses: ['10.9.0.1/24'] });
const socket = createNet(near).connect(80, '10.9.0.2');
for await (const chunk of socket) process.stdout.write(`near: ${chunk}`);
console.log(`frames: ${link.counters.sent} sent, ${link.counters.received} received`);

await near.close();
