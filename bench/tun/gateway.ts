import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { end, run, until } from '../../test/peers/kit.ts';
import { must, type Side } from '../harness.ts';

/** `lastack up` with its built-in page, beside a plain proxy of `node:net` in front of the same page; wrk asks both. */
const CONNECTIONS = '100';
const UP_PORT = 18480;
const PROXY_PORT = 18481;

/** In a process of its own: a server that answers with the bytes of a file and closes, and a proxy before it. */
export function plainProxy(file: string): void {
  const page = readFileSync(file);
  const server = createServer(s => {
    s.on('error', () => {});
    s.once('data', () => s.end(page));
  });
  server.listen(0, '127.0.0.1', 4096, () => {
    const { port } = server.address() as { port: number };
    const front = createServer({ allowHalfOpen: true, noDelay: true }, near => {
      const far = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
      near.pipe(far).pipe(near);
    });
    front.listen(PROXY_PORT, '127.0.0.1', 4096);
  });
}

async function wrk(port: number, seconds: number): Promise<number> {
  const url = `http://127.0.0.1:${port}/`;
  const r = await run('wrk', ['-t', '1', '-c', CONNECTIONS, '-d', `${seconds}s`, url]);
  must(!/Non-2xx/.test(r.out), `wrk: ${r.out}`);
  return Number(/^Requests\/sec: +([\d.]+)/m.exec(r.out)?.[1]);
}

/** The page as it comes, head and all. */
function fetchPage(port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.on('data', b => parts.push(b));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(parts)));
  });
}

/** @param folder for what the two leave behind */
export async function gatewaySides(folder: string, seconds: number): Promise<Side[]> {
  const start = (args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess =>
    spawn(process.execPath, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  const listens = async (port: number): Promise<void> => {
    await until(
      () =>
        fetchPage(port).then(
          b => b.length > 0,
          () => false,
        ),
      `port ${port} answers`,
      20_000,
    );
  };
  const cli = ['dist/tools/cli.js', 'up', '--port', `${UP_PORT}`, '--lab', 'off', '--no-demo'];
  const up = start(cli, { LASTACK_RUNTIME_DIR: folder });
  await listens(UP_PORT);
  const page = join(folder, 'page');
  writeFileSync(page, await fetchPage(UP_PORT));
  // This very program, which is also the proxy's.
  const proxy = start([process.argv[1]!, '--plain-proxy', page]);
  await listens(PROXY_PORT);
  return [
    { name: 'net proxy', run: () => wrk(PROXY_PORT, seconds), close: () => end(proxy).then(() => {}) },
    { name: 'lastack up', run: () => wrk(UP_PORT, seconds), close: () => end(up, 'SIGINT').then(() => {}) },
  ];
}
