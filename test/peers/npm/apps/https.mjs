// https and tls: pools, sessions, upgraded sockets, client aborts.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';

const dir = mkdtempSync(join(tmpdir(), 'lastack-cert-'));
const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost';
const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
const files = ['-keyout', join(dir, 'key'), '-out', join(dir, 'cert')];
execFileSync('openssl', [...args.split(' '), ...names, ...files], { stdio: 'ignore' });
const key = readFileSync(join(dir, 'key'));
const cert = readFileSync(join(dir, 'cert'));
rmSync(dir, { recursive: true });

const server = https.createServer({ key, cert }, (request, response) => {
  const s = /** @type {import('node:tls').TLSSocket} */ (request.socket);
  const port = typeof s.remotePort;
  if (request.url === '/slow') response.write('begin');
  else if (request.url === '/big') response.end(Buffer.alloc(3_000_000, 'y'));
  else response.end(`${request.url} ${s.remoteAddress} ${port} ${s.encrypted} ${s.getProtocol()}`);
});
await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(null)));
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const host = '127.0.0.1';

/** @param {https.RequestOptions} options @returns {Promise<string>} */
const ask = options =>
  new Promise((resolve, reject) => {
    const request = https.get({ host, port, ca: cert, ...options }, response => {
      const { remoteAddress } = response.socket;
      let text = '';
      response.setEncoding('utf8');
      response.on('data', d => (text += d.length > 1000 ? '' : d));
      response.on('end', () => resolve(`${text} from ${remoteAddress} reused=${request.reusedSocket}`));
    });
    request.on('error', reject);
  });

const agent = new https.Agent({ keepAlive: true });
for (let i = 0; i < 3; i++) {
  console.log(await ask({ agent, path: `/${i}` }));
  await new Promise(resolve => setImmediate(resolve));
}
agent.destroy();
console.log(await ask({ path: '/big' }));
await ask({ ca: [] }).catch(e => console.log(e.code));
await ask({ port: 9 }).catch(e => console.log(e.code, e.syscall, e.address));

const c = tls.connect({ port, host, ca: cert, servername: 'localhost' });
for (const event of ['connect', 'ready', 'secureConnect', 'end', 'close'])
  c.on(event, () => console.log('tls', event));
await once(c, 'secureConnect');
console.log(c.authorized, c.remotePort === port, c.localAddress, c.remoteFamily);
c.resume();
c.end();
await once(c, 'close');

const raw = connect(port, host);
await once(raw, 'connect');
const upgraded = tls.connect({ socket: raw, ca: cert, servername: 'localhost' });
await once(upgraded, 'secureConnect');
upgraded.write('GET /upgraded HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
let text = '';
for await (const d of upgraded) text += d;
console.log(text.includes('/upgraded 127.0.0.1'));

const slow = https.get({ host, port, ca: cert, path: '/slow' });
const [response] = await once(slow, 'response');
await once(response, 'data');
response.on('error', (/** @type {Error} */ e) => console.log(e.message));
slow.destroy();
await once(slow, 'close');

const plain = connect(port, host);
plain.on('error', () => {});
plain.resume();
server.on('tlsClientError', e =>
  console.log('tlsClientError', /** @type {NodeJS.ErrnoException} */ (e).code),
);
plain.write('not tls at all\r\n\r\n');
await once(plain, 'close');
server.closeAllConnections();
server.close(() => console.log('closed'));
