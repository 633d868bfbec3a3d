// ws: an echo server and clients, small and large messages, pings, both ways to close, a connection cut.
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(server, 'listening');
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
server.on('connection', (socket, request) => {
  console.log('server: connection', request.socket.remoteAddress);
  socket.on('message', (data, binary) => {
    if (String(data) === 'bye') socket.close(4001, 'as you wish');
    else socket.send(data, { binary });
  });
  socket.on('close', (code, reason) => console.log('server: close', code, String(reason)));
});

const a = new WebSocket(`ws://127.0.0.1:${port}/path`);
await once(a, 'open');
a.send('hello');
console.log(String((await once(a, 'message'))[0]));
a.send(Buffer.alloc(1_500_000, 7));
const [big] = await once(a, 'message');
console.log(big.length, big[1_000_000]);
a.ping('are you there');
console.log(String((await once(a, 'pong'))[0]));
a.send('bye');
const [code, reason] = await once(a, 'close');
console.log(code, String(reason));

const b = new WebSocket(`ws://127.0.0.1:${port}`);
await once(b, 'open');
b.close(1000, 'done');
console.log((await once(b, 'close'))[0]);

const c = new WebSocket(`ws://127.0.0.1:${port}`);
await once(c, 'open');
c.terminate();
console.log((await once(c, 'close'))[0]);
await new Promise(resolve => setTimeout(resolve, 30));
const d = new WebSocket('ws://127.0.0.1:9');
console.log((await once(d, 'error'))[0].code);
server.close(() => console.log('closed'));
