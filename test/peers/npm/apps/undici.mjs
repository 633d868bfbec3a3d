// undici: requests through an agent and a pipelining pool, streams, aborts, and Node's own fetch.
import { once } from 'node:events';
import http from 'node:http';
import { Agent, Pool, request, stream } from 'undici';

let connections = 0;
const server = http.createServer((q, r) => {
  if (q.url === '/never') return;
  q.pipe(r);
});
server.on('connection', () => connections++);
await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(null)));
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const origin = `http://127.0.0.1:${port}`;

const agent = new Agent({ keepAliveTimeout: 1000 });
for (let i = 0; i < 3; i++) {
  const { statusCode, body } = await request(`${origin}/${i}`, {
    method: 'POST',
    body: `n${i}`,
    dispatcher: agent,
  });
  console.log(statusCode, await body.text());
}
console.log('connections', connections);
await agent.close();

const pool = new Pool(origin, { connections: 1, pipelining: 10 });
const all = await Promise.all(
  Array.from({ length: 20 }, (_, i) =>
    pool.request({ path: `/${i}`, method: 'GET' }).then(r => r.body.text()),
  ),
);
console.log(all.length, 'connections', connections);
const chunks = /** @type {Buffer[]} */ ([]);
const { Writable } = await import('node:stream');
await stream(
  `${origin}/up`,
  { method: 'PUT', body: Buffer.alloc(700_000, 'u'), dispatcher: pool },
  () =>
    new Writable({
      write(d, _encoding, done) {
        chunks.push(d);
        done();
      },
    }),
);
console.log(Buffer.concat(chunks).length);
const abort = new AbortController();
setTimeout(() => abort.abort(), 30);
await pool.request({ path: '/never', method: 'GET', signal: abort.signal }).catch(e => console.log(e.name));
await pool.close();

const answer = await fetch(`${origin}/fetch`, { method: 'POST', body: 'by fetch' });
console.log(answer.status, await answer.text());
await fetch('http://127.0.0.1:4/').catch(e => console.log(e.message, e.cause?.code ?? e.cause?.message));
server.closeAllConnections();
server.close(() => console.log('closed'));
await once(server, 'close');
