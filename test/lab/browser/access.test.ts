import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Bench, CHROMIUM, needChromium, type Watched } from './kit.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let bench: Bench;
beforeAll(async () => {
  if (CHROMIUM !== null) bench = await Bench.open();
});
afterAll(async () => bench?.close());
beforeEach(needChromium);

/** What axe-core finds wrong with the page as it stands, a sentence for each place. */
async function violations(page: Page): Promise<string[]> {
  // The page's own policy forbids scripts from elsewhere; those of the debugger are no part of it.
  await page.evaluate(AXE);
  const results = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResults;
  return results.violations.flatMap(v =>
    v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`),
  );
}

describe.each(['en', 'zh'] as const)('in %s', lang => {
  describe.each(['light', 'dark'] as const)('in %s colours', colorScheme => {
    test('axe finds nothing wrong: at the start, at the end, in each panel and dialog', async () => {
      const seen = await bench.page({ colorScheme, reducedMotion: 'reduce' });
      await seen.open(`${bench.url}#lesson=wave4-once&t=400000&lang=${lang}`);
      const { page } = seen;
      expect(await violations(page), 'a moment').toEqual([]);
      await seen.toEnd();
      for (const tab of ['wire', 'script', 'knobs', 'lesson']) {
        await page.click(`#tab-${tab}`);
        await seen.settled();
        expect(await violations(page), tab).toEqual([]);
      }
      await page.click('.question button');
      await page.keyboard.press('k');
      await page.locator('.fields').waitFor();
      expect(await violations(page), 'a segment').toEqual([]);
      await page.click('.menu summary');
      expect(await violations(page), 'menu').toEqual([]);
      await page.keyboard.press('Escape');
      for (const key of ['l', '?']) {
        await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
        await page.keyboard.press(key);
        await page.locator('dialog[open]').waitFor();
        expect(await violations(page), key).toEqual([]);
        await page.keyboard.press('Escape');
      }
      await seen.open(`${bench.url}#lesson=slow-start&lang=${lang}`);
      await seen.toEnd();
      expect(await violations(page), 'charts').toEqual([]);
      expect(seen.complaints).toEqual([]);
      await seen.end();
    });
  });
});

describe('with a keyboard alone', () => {
  test('a segment is chosen, read and lost, and the ladder says the same as a table', async () => {
    const seen = await bench.page({ reducedMotion: 'reduce' });
    await seen.open(`${bench.url}#lesson=close-four&lang=en`);
    await seen.page.keyboard.press('Tab');
    await seen.page.keyboard.press('Enter');
    expect(await seen.page.evaluate(() => document.activeElement?.id)).toBe('ladder');
    await seen.page.keyboard.press('End');
    await seen.page.keyboard.press('ArrowUp');
    await seen.page.locator('.inspector').waitFor();
    expect(await seen.page.locator('.inspector h2').innerText()).toBe('A → B ACK ack 2');
    await seen.page.keyboard.press('d');
    await seen.known();
    await seen.settled();
    const rows = await tableOf(seen);
    expect(rows.some(r => /A → B ACK ack 2.*lost/.test(r))).toBe(true);
    expect(rows.some(r => /B → A again TLP FIN\+ACK/.test(r))).toBe(true);
    await seen.end();
  });

  test('where one is can always be seen', async () => {
    const seen = await bench.page({ reducedMotion: 'reduce' });
    await seen.open(`${bench.url}#lesson=handshake&lang=en`);
    const unseen: string[] = [];
    for (let i = 0; i < 60; i++) {
      await seen.page.keyboard.press('Tab');
      const lacks = await seen.page.evaluate(() => {
        const at = document.activeElement;
        if (at === null || at === document.body) return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(at);
        return outlineStyle === 'none' || outlineWidth === '0px' ? at.outerHTML.slice(0, 80) : null;
      });
      if (lacks !== null) unseen.push(lacks);
    }
    expect(unseen).toEqual([]);
    await seen.end();
  });
});

describe('on a phone', () => {
  test('one of the three columns is shown, nothing sticks out, axe finds nothing wrong', async () => {
    const seen = await bench.page({
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
      reducedMotion: 'reduce',
    });
    await seen.open(`${bench.url}#lesson=close-four&lang=en`);
    await seen.toEnd();
    for (const name of ['Host A', 'Host B', 'Ladder']) {
      await seen.page.getByRole('navigation', { name: 'Ladder' }).getByRole('button', { name }).click();
      await seen.settled();
      const wide = await seen.page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, name).toBeLessThanOrEqual(360);
      expect(await violations(seen.page), name).toEqual([]);
    }
    const box = (await seen.page.locator('#ladder').boundingBox())!;
    expect(box.height).toBeGreaterThan(150);
    await seen.end();
  });
});

test('who wants no movement sees the end at once', async () => {
  const seen = await bench.page({ reducedMotion: 'reduce' });
  await seen.open(bench.url);
  await seen.settled();
  expect(await seen.clock()).toBe(70);
  await seen.end();
});

async function tableOf(seen: Watched): Promise<string[]> {
  return seen.page.$$eval('#ladder-table tbody tr', rows => rows.map(r => (r as HTMLElement).innerText));
}
