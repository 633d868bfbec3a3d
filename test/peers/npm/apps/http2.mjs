// http2 without and with TLS: streams side by side, a push of data, a ping, a graceful end.
import { once } from 'node:events';
import http2 from 'node:http2';

const server = http2.createServer();
server.on('stream', (stream, headers) => {
  if (headers[':path'] === '/big') {
    stream.respond({ ':status': 200 });
    stream.end(Buffer.alloc(1_000_000, 'z'));
    return;
  }
  stream.respond({ ':status': 200, 'x-path': headers[':path'] });
  stream.pipe(stream);
});
server.on('session', s => console.log('session', s.socket.remoteAddress, s.encrypted));
await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(null)));
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const client = http2.connect(`http://127.0.0.1:${port}`);

/** @param {string} path @param {string} body */
async function ask(path, body) {
  const stream = client.request({ ':path': path, ':method': 'POST' });
  stream.setEncoding('utf8');
  stream.end(body);
  let n = 0;
  let text = '';
  for await (const d of stream) {
    n += d.length;
    if (text.length < 50) text += d;
  }
  return `${path} ${n} ${text.slice(0, 20)}`;
}

console.log(await ask('/one', 'first'));
console.log((await Promise.all(Array.from({ length: 8 }, (_, i) => ask(`/${i}`, `body ${i}`)))).join('\n'));
console.log(await ask('/big', ''));
await new Promise(resolve => client.ping((e, ms) => resolve(console.log('ping', e, typeof ms))));
client.close();
await once(client, 'close');
const refused = http2.connect('http://127.0.0.1:9');
await once(refused, 'error').then(([e]) => console.log(e.code));
server.close(() => console.log('closed'));
