import { afterAll, beforeAll, expect, test } from 'vitest';
import { STATE } from '../../../lab/engine/log.ts';
import { TIME_WAIT } from '../../../src/tcp/state.ts';
import { cleanUp, need, run, up } from '../../peers/kit.ts';
import { shownOf } from '../golden.ts';
import { Bench, CHROMIUM, needChromium } from './kit.ts';

let bench: Bench;
beforeAll(async () => {
  if (CHROMIUM !== null) bench = await Bench.open();
});
afterAll(async () => {
  await bench?.close();
  await cleanUp();
});

test('the connection of a curl is seen live, up to TIME_WAIT, and another that comes meanwhile', async ctx => {
  needChromium(ctx);
  need(ctx, 'curl');
  const gateway = await up('--no-demo', '--delay', '5ms', '--lab', '0');
  const address = /http:\/\/127\.0\.0\.1:(\d+)\/(?=.*\blab\b)|\blab\b.*?(http:\/\/127\.0\.0\.1:\d+\/)/i.exec(
    gateway.said(),
  );
  const lab = address?.[2] ?? `http://127.0.0.1:${address?.[1]}/`;
  const seen = await bench.page({ reducedMotion: 'reduce' });
  await seen.open(`${lab}#lang=en`);
  await seen.page.getByRole('button', { name: 'Live' }).click();
  await seen.page.getByText('connected to the gateway').waitFor();

  const fetchOnce = async (): Promise<void> => {
    const r = await run('curl', ['-sS', '-o', '/dev/null', `http://127.0.0.1:${gateway.port}/`]);
    expect([r.code, r.err]).toEqual([0, '']);
  };
  await fetchOnce();
  // The page closes first, so B is the side that waits.
  await seen.page.locator('.side-b .diagram svg[aria-label$="TIME_WAIT"]').waitFor();
  expect(await seen.path('B')).toBe('LISTEN → SYN_RECV → ESTABLISHED → FIN_WAIT_1 → FIN_WAIT_2 → TIME_WAIT');
  await seen.page.locator('.side-b .ss').getByText('TIME-WAIT').waitFor();
  const { segments } = shownOf(await seen.log());
  expect(segments.slice(0, 3).map(s => s.from + s.flags)).toEqual(['AS', 'BS.', 'A.']);
  expect(segments.filter(s => s.flags.includes('F')).map(s => s.from)).toEqual(['B', 'A']);

  await fetchOnce();
  await seen.page.waitForFunction(
    ([kind, state]) => {
      const { columns } = globalThis.lastackLab!.log();
      return [...columns.kind].filter((k, i) => k === kind && columns.to[i] === state).length === 2;
    },
    [STATE, TIME_WAIT],
  );
  expect(await seen.page.getByLabel('Connection').locator('option').count()).toBe(2);
  expect(seen.complaints).toEqual([]);
  expect(seen.requests.filter(url => !url.startsWith(lab))).toEqual([]);

  // The gateway goes: the page says so and keeps what it has.
  expect(await gateway.stop()).toBe(0);
  await seen.page.getByText('The gateway does not answer').waitFor();
  expect(shownOf(await seen.log()).segments.length).toBeGreaterThan(10);
  await seen.end();
});
