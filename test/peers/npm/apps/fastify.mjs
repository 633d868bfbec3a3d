// A fastify application with undici clients. With an argument it waits for a line on stdin before it ends.
import Fastify from 'fastify';
import { Pool } from 'undici';

const app = Fastify();
app.get('/', async request => ({ hello: request.ip, host: request.hostname }));
app.post('/echo', async request => request.body);
app.get('/fail', async () => {
  throw new Error('as asked');
});
await app.listen({ port: 0, host: '127.0.0.1' });
const { port } = /** @type {import('node:net').AddressInfo} */ (app.server.address());
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 3 });

/** @param {string} path @param {object} [body] */
async function ask(path, body) {
  const r = await pool.request({
    path,
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json' },
    body: body ? JSON.stringify(body) : null,
  });
  return `${r.statusCode} ${(await r.body.text()).replaceAll(String(port), 'PORT')}`;
}

console.log(await ask('/'));
console.log(await ask('/echo', { a: [1, 2, 3] }));
console.log(await ask('/fail'));
console.log(await ask('/nowhere'));
console.log((await Promise.all(Array.from({ length: 12 }, (_, i) => ask('/echo', { i })))).join(' '));
if (process.argv[2] === 'wait') {
  console.log(`port ${port}`);
  await new Promise(resolve => process.stdin.once('data', resolve));
  process.stdin.destroy();
}
await pool.close();
await app.close();
console.log('closed');
