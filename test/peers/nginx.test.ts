import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, need, nginx, pattern, run, up } from './kit.ts';

afterAll(cleanUp);

const sha = (b: Uint8Array): string => createHash('sha256').update(b).digest('hex');

// The short form; the long one is `npm run soak`.
describe('nginx behind a wire that loses 5 % and takes 5 ms', () => {
  test('300 requests of ab complete, 50 bodies are the same by hash, and a download is whole', async ctx => {
    need(ctx, 'nginx', 'ab', 'curl');
    const { port, root } = await nginx();
    const page = pattern(10_000, 1);
    const large = pattern(500_000, 2);
    writeFileSync(join(root, 'page'), page);
    writeFileSync(join(root, 'large'), large);
    const u = await up('--to', `127.0.0.1:${port}`, '--loss', '5%', '--delay', '5ms', '--seed', '7');

    const ab = await run('ab', ['-q', '-n', '300', '-c', '30', `http://127.0.0.1:${u.port}/page`]);
    expect(ab.code).toBe(0);
    expect(ab.out).toMatch(/^Complete requests: +300$/m);
    expect(ab.out).toMatch(/^Failed requests: +0$/m);
    expect(ab.out).toMatch(/^HTML transferred: +3000000 bytes$/m);
    expect(ab.out).not.toMatch(/Non-2xx/);

    const bodies = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const r = await fetch(`http://127.0.0.1:${u.port}/page`, { headers: { connection: 'close' } });
        return sha(new Uint8Array(await r.arrayBuffer()));
      }),
    );
    expect(new Set(bodies)).toEqual(new Set([sha(page)]));

    const r = await run('curl', ['-sS', `http://127.0.0.1:${u.port}/large`]);
    expect([r.code, sha(r.bytes)]).toEqual([0, sha(large)]);
    expect(await u.stop()).toBe(0);
    expect(u.said()).toMatch(/ connections carried, 0 failed\. Goodbye\.\n$/);
  });

  test('20 MB without loss are whole', async ctx => {
    need(ctx, 'nginx', 'curl');
    const { port, root } = await nginx();
    const large = pattern(20_000_000, 3);
    writeFileSync(join(root, 'large'), large);
    const u = await up('--to', `127.0.0.1:${port}`);
    const r = await run('curl', ['-sS', `http://127.0.0.1:${u.port}/large`]);
    expect([r.code, sha(r.bytes)]).toEqual([0, sha(large)]);
  });
});
