// http as Node has it: keep-alive pools, idle servers, aborts, half-close, pipelining, upgrades.
const http = require('node:http');
const net = require('node:net');
const { once } = require('node:events');

/** @param {import('http').RequestOptions} options @param {string} [body] @returns {Promise<string>} */
function ask(options, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', ...options }, response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', d => (text += d));
      response.on('end', () => resolve(`${response.statusCode} ${text} reused=${request.reusedSocket}`));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

const server = http.createServer((request, response) => {
  if (request.url === '/slow') {
    response.write('begin');
    request.on('aborted', () => console.log('server: aborted'));
    response.on('close', () => console.log('server: response closed', response.writableFinished));
    return;
  }
  if (request.url === '/big') {
    response.end(Buffer.alloc(2_000_000, 'x'));
    return;
  }
  let n = 0;
  request.on('data', d => (n += d.length));
  request.on('end', () =>
    response.end(`${request.method} ${request.url} ${n} from ${request.socket.remoteAddress}`),
  );
});
server.on('upgrade', (request, socket, head) => {
  socket.write(
    `HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`,
  );
  socket.write(head);
  socket.pipe(socket);
});
server.keepAliveTimeout = 300;

async function main() {
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(null)));
  const { port } = /** @type {import('net').AddressInfo} */ (server.address());
  const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });

  for (let i = 0; i < 3; i++) {
    console.log(await ask({ port, agent, path: `/${i}` }));
    await new Promise(resolve => setImmediate(resolve));
  }
  console.log(await ask({ port, agent, method: 'POST', path: '/post' }, 'x'.repeat(100_000)));
  const many = await Promise.all(
    Array.from({ length: 10 }, (_, i) => ask({ port, agent, path: `/many/${i}` })),
  );
  console.log(many.map(m => m.replace(/ reused.*/, '')).join('\n'));

  // The server ends idle connections, and the pool notices.
  await new Promise(resolve => setTimeout(resolve, 1700));
  console.log('idle', Object.keys(agent.freeSockets).length);
  console.log(await ask({ port, agent, path: '/fresh' }));
  agent.destroy();

  const aborted = http.get({ host: '127.0.0.1', port, path: '/slow' });
  const [response] = await once(aborted, 'response');
  response.on('error', (/** @type {Error} */ e) => console.log('client:', e.message));
  await once(response, 'data');
  aborted.destroy();
  await once(aborted, 'close');
  await new Promise(resolve => setTimeout(resolve, 50));

  // Half-close: the request's end is the end of the writing half.
  const raw = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  raw.setEncoding('utf8');
  let text = '';
  raw.on('data', d => (text += d));
  raw.end('GET /half HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await once(raw, 'close');
  console.log(text.split('\r\n')[0], text.includes('GET /half'));

  const two = net.connect(port, '127.0.0.1');
  two.setEncoding('utf8');
  text = '';
  two.on('data', d => (text += d));
  two.write('GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await once(two, 'close');
  console.log(text.match(/GET \/\w+/g));

  const bad = net.connect(port, '127.0.0.1');
  bad.setEncoding('utf8');
  text = '';
  bad.on('data', d => (text += d));
  bad.write('nonsense\r\n\r\n');
  await once(bad, 'close');
  console.log(text.split('\r\n')[0]);

  const up = http.get({ host: '127.0.0.1', port, headers: { connection: 'upgrade', upgrade: 'echo' } });
  const [, socket] = await once(up, 'upgrade');
  socket.write('echo me');
  console.log(String((await once(socket, 'data'))[0]));
  socket.end();
  await once(socket, 'close');

  const timed = http.get({ host: '127.0.0.1', port, path: '/slow', timeout: 60 });
  timed.on('timeout', () => timed.destroy(new Error('too slow')));
  console.log(await once(timed, 'error').then(([e]) => e.message));

  const [big] = await once(http.get({ host: '127.0.0.1', port, path: '/big' }), 'response');
  let n = 0;
  for await (const chunk of big) n += chunk.length;
  console.log('big', n);
  await ask({ port: 9, path: '/' }).catch(e => console.log(e.code, e.syscall, e.address));
  server.closeAllConnections();
  server.close(() => console.log('closed'));
}
main();
