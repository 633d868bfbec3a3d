// The long form of the test in front of nginx, by hand: `npm run soak`. Prints what came of each step and ends
// with code 1 if anything was not as it must be.
//
//   npm run soak [-- --requests N]

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { cleanUp, missing, nginx, pattern, run, type Up, up } from './kit.ts';

const sha = (b: Uint8Array): string => createHash('sha256').update(b).digest('hex');
const at = process.argv.indexOf('--requests');
const REQUESTS = at < 0 ? 10_000 : Number(process.argv[at + 1]);
let failures = 0;

function say(ok: boolean, what: string, began: number): void {
  if (!ok) failures++;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
}

/** A number behind a name in ab's report. */
const figure = (text: string, name: string): string =>
  new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(text)?.[1] ?? '?';

async function requestsByAb(u: Up, body: number): Promise<void> {
  const began = performance.now();
  const r = await run(
    'ab',
    ['-q', '-n', String(REQUESTS), '-c', '50', '-s', '120', `http://127.0.0.1:${u.port}/page`],
    { timeout: 1_800_000 },
  );
  const complete = figure(r.out, 'Complete requests');
  const ok =
    r.code === 0 &&
    complete === String(REQUESTS) &&
    figure(r.out, 'Failed requests') === '0' &&
    !/Non-2xx/.test(r.out) &&
    figure(r.out, 'HTML transferred') === String(REQUESTS * body);
  say(
    ok,
    `ab: ${complete} of ${REQUESTS} requests, ${figure(r.out, 'Failed requests')} failed, ${figure(r.out, 'Requests per second')} per second, 50 at a time`,
    began,
  );
  if (!ok) console.log(r.out + r.err);
}

/** ab compares lengths only; here each body is hashed. */
async function requestsHashed(u: Up, hash: string): Promise<void> {
  const began = performance.now();
  const agent = new Agent({ maxSockets: 50 });
  let same = 0;
  const errors = new Map<string, number>();
  const one = (): Promise<void> =>
    new Promise(done => {
      const lose = (why: string): void => {
        errors.set(why, (errors.get(why) ?? 0) + 1);
        done();
      };
      get(
        { port: u.port, host: '127.0.0.1', path: '/page', agent, headers: { connection: 'close' } },
        response => {
          const chunks: Buffer[] = [];
          response.on('data', (c: Buffer) => chunks.push(c));
          response.on('error', e => lose(e.message));
          response.on('end', () => {
            if (response.statusCode !== 200 || sha(Buffer.concat(chunks)) !== hash)
              lose(`status ${response.statusCode}, or another body`);
            else {
              same++;
              done();
            }
          });
        },
      ).on('error', e => lose(e.message));
    });
  await Promise.all(Array.from({ length: REQUESTS }, one));
  const others = [...errors].map(([why, n]) => `, ${n} × ${why}`).join('');
  say(same === REQUESTS, `Node: ${same} of ${REQUESTS} bodies are the file's by SHA-256${others}`, began);
}

async function download(u: Up, name: string, bytes: number, hash: string, wire: string): Promise<void> {
  const began = performance.now();
  const r = await run('curl', ['-sS', '--max-time', '1200', `http://127.0.0.1:${u.port}/${name}`], {
    timeout: 1_250_000,
  });
  const rate = bytes / 1e6 / ((performance.now() - began) / 1000);
  say(
    r.code === 0 && sha(r.bytes) === hash,
    `curl: ${r.bytes.length} of ${bytes} bytes, ${wire}, hash ${sha(r.bytes) === hash ? 'right' : `wrong ${r.err}`}, ${rate.toFixed(1)} MB/s`,
    began,
  );
}

async function resident(u: Up, when: string): Promise<void> {
  const r = await run('ps', ['-o', 'rss=', '-p', String(u.pid)]);
  console.log(`     resident memory ${when}: ${(Number(r.out) / 1024).toFixed(0)} MB`);
}

async function main(): Promise<void> {
  const reason = missing('nginx', 'ab', 'curl');
  if (reason !== null) {
    console.error(`soak: ${reason}`);
    process.exitCode = 1;
    return;
  }
  const server = await nginx();
  const to = ['--to', `127.0.0.1:${server.port}`];
  const page = pattern(10_000, 1);
  const ten = pattern(10_000_000, 2);
  const hundred = pattern(100_000_000, 3);
  for (const [name, bytes] of [
    ['page', page],
    ['ten', ten],
    ['hundred', hundred],
  ] as const)
    writeFileSync(join(server.root, name), bytes);

  const bad = await up(...to, '--loss', '5%', '--delay', '5ms', '--seed', 'soak');
  await resident(bad, 'at the start');
  await requestsByAb(bad, page.length);
  await resident(bad, 'afterwards');
  await requestsHashed(bad, sha(page));
  await resident(bad, 'afterwards');
  await download(bad, 'ten', ten.length, sha(ten), '5 % loss and 5 ms each way');
  console.log(`     ${(await bad.lastack('ss', '-s')).out.trim().replaceAll('\n', '\n     ')}`);
  await bad.stop();
  console.log(`     ${bad.said().trim().split('\n').at(-1)}`);

  const good = await up(...to);
  await download(good, 'hundred', hundred.length, sha(hundred), 'a perfect wire');
  await resident(good, 'afterwards');
  await good.stop();
}

try {
  await main();
} finally {
  await cleanUp();
}
if (failures > 0) process.exitCode = 1;
