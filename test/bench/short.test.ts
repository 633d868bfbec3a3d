/** The short forms of the benches: they throw where a byte is wrong, a life is not whole, a process does not end. */
import { describe, expect, test } from 'vitest';
import { emptyReader, gateway, tun } from '../../bench/book/beside-linux.ts';
import type { Table } from '../../bench/book/compared.ts';
import { GROUPS, inProcess } from '../../bench/book/in-process.ts';
import type { Figure } from '../../bench/harness.ts';
import { run } from '../peers/kit.ts';
import { needTun } from '../peers/tun/net.ts';

const TIMEOUT = 240_000;

async function bench(program: string): Promise<Figure[]> {
  const r = await run(process.execPath, ['scripts/run.mjs', program, '--quick', '--json'], {
    timeout: TIMEOUT,
  });
  expect(r.code, r.err).toBe(0);
  return JSON.parse(r.out).figures;
}

/** Every row of a table was measured. */
function expectFigures(tables: readonly Table[]): void {
  for (const { name, rows } of tables)
    for (const row of rows)
      for (const n of row.ours.values) expect(Number.isFinite(n), `${name}: ${row.what}`).toBe(true);
}

describe('the short form of the benches', { timeout: TIMEOUT }, () => {
  test('npm run bench', async () => {
    const figures = await bench('bench/run.ts');
    expectFigures(GROUPS.map(group => inProcess(group, figures)));
  });

  test('npm run bench:tun', async ctx => {
    needTun(ctx, 'iperf3', 'ab', 'nginx', 'ping', 'socat', 'wrk');
    const figures = await bench('bench/tun/main.ts');
    expectFigures([tun, emptyReader, gateway].map(table => table(figures)));
  });

  test('npm run bench:near', async () => {
    const figures = await bench('bench/loss/near.ts');
    for (const loss of ['1 %', '5 %'])
      expect(figures.find(f => f.measurement === `near, ${loss}`)?.median).toBeGreaterThan(0);
  });
});
