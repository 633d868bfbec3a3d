// Unix sockets, pipes of children and standard streams, which stay the kernel's.
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, rmSync } = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { join } = require('node:path');

async function main() {
  const dir = mkdtempSync('/tmp/lastack-path-');
  const path = join(dir, 'sock');
  const server = net.createServer({ allowHalfOpen: true }, s => {
    console.log('server', s instanceof net.Socket, s.remoteAddress);
    s.pipe(s);
  });
  server.listen(path, () => console.log('listening', server.address() === path));
  await once(server, 'listening');
  const c = net.connect(path, () => console.log('connected', c instanceof net.Socket, c.pending));
  c.setEncoding('utf8');
  let text = '';
  c.on('data', d => (text += d));
  c.end('x'.repeat(300_000));
  await once(c, 'close');
  console.log(text.length, c.bytesRead, c.bytesWritten);
  const again = net.createServer();
  again.listen(path);
  const [e] = await once(again, 'error');
  console.log(e.code, e.syscall);
  const nobody = net.connect(join(dir, 'nobody'));
  const [n] = await once(nobody, 'error');
  console.log(n.code, n.message.replace(dir, 'DIR'));
  server.close();
  await once(server, 'close');

  const web = http.createServer((_q, r) => r.end('over a path'));
  web.listen({ path: join(dir, 'web') });
  await once(web, 'listening');
  const [r] = await once(http.get({ socketPath: join(dir, 'web'), path: '/' }), 'response');
  for await (const d of r) console.log(String(d));
  web.close();
  web.closeAllConnections();
  await once(web, 'close');

  const child = spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'], { env: {} });
  console.log(child.stdout instanceof net.Socket);
  child.stdin.end('through a child');
  for await (const d of child.stdout) console.log(String(d));
  console.log(execFileSync('echo', ['sync']).toString().trim());
  rmSync(dir, { recursive: true });
  console.log('closed');
}
main();
