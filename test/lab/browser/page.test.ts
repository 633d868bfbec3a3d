import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SEGMENT } from '../../../lab/engine/log.ts';
import { lessonOf } from '../../../lab/lessons/index.ts';
import { writePlace } from '../../../lab/url/url.ts';
import { goldenDifferences, shownOf } from '../golden.ts';
import { rowsOf, runOf } from '../run.ts';
import { Bench, CHROMIUM, needChromium, type Watched } from './kit.ts';

let bench: Bench;
let seen: Watched;
beforeAll(async () => {
  if (CHROMIUM !== null) bench = await Bench.open();
});
afterAll(async () => bench?.close());
beforeEach(async ctx => {
  needChromium(ctx);
  seen = await bench.page({ reducedMotion: 'reduce' });
});
afterEach(async () => {
  if (CHROMIUM === null) return;
  expect(seen.complaints).toEqual([]);
  await seen.end();
});

/** The address of a script, or of a lesson, at a moment. */
const at = (script: string, seconds = 0, lesson = ''): string =>
  bench.url + writePlace({ lesson, script, time: seconds * 1e6, lang: 'en' });
const lessonAt = (id: string, seconds = 0): string => at(lessonOf(id)!.script, seconds, id);

describe('a segment lost by a click', () => {
  // Who closes when is the lesson's own; its rule is left out, and the segment is lost by hand instead.
  test.for([
    ['wave1-once', 'A', /^F/, 1],
    ['wave2-once', 'B', /^\.$/, 1],
    ['wave3-once', 'B', /^F/, 1],
    ['wave4-once', 'A', /^\.$/, 2],
  ] as const)('%s tells what Linux did', async ([id, from, flags, nth]) => {
    const lesson = lessonOf(id)!;
    const script = lesson.script
      .split('\n')
      .filter(l => !/ wire (?:rule|clear)/.test(l))
      .join('\n');
    await seen.open(at(script));
    await seen.toEnd();
    const row = await rowOf(from, flags, nth);
    await seen.clickRow(row);
    await seen.page.click('.break .danger');
    await seen.known();
    await seen.toEnd();
    const log = await seen.log();
    expect(goldenDifferences(lesson, shownOf(log))).toEqual([]);
    expect(await seen.path('A')).toMatch(/TIME_WAIT → CLOSED$/);
    // The address holds what was done.
    expect(await seen.page.evaluate(() => globalThis.lastackLab!.script())).toMatch(/\nframe \d+ drop$/);
  });

  /** The row of the n-th segment with such flags. */
  async function rowOf(from: 'A' | 'B', flags: RegExp, nth: number): Promise<number> {
    const log = await seen.log();
    const { segments } = shownOf(log);
    const rows: number[] = [];
    for (let i = 0; i < log.length; i++) if (log.columns.kind[i] === SEGMENT) rows.push(i);
    let left: number = nth;
    const found = segments.findIndex(s => s.from === from && flags.test(s.flags) && --left === 0);
    return rows[found]!;
  }
});

describe('time', () => {
  test('goes back and forward through the same moments', async () => {
    await seen.open(lessonAt('close-four'));
    const look = async (): Promise<string> => {
      await seen.settled();
      return seen.page.$$eval('.host', hosts => hosts.map(h => (h as HTMLElement).innerText).join('\n'));
    };
    const forward = [await look()];
    while ((await seen.clock()) < 70) {
      await seen.page.keyboard.press('ArrowRight');
      forward.push(await look());
    }
    expect(new Set(forward).size).toBeGreaterThan(12);
    const back = [forward.at(-1)!];
    while ((await seen.clock()) > 0) {
      await seen.page.keyboard.press('ArrowLeft');
      back.push(await look());
    }
    expect(back.reverse()).toEqual(forward);
  });

  test('passes the 60 s of TIME_WAIT at one key', async () => {
    await seen.open(lessonAt('close-four', 1));
    expect(await seen.path('A')).toMatch(/TIME_WAIT$/);
    await seen.page.keyboard.press('n');
    expect(await seen.path('A')).toMatch(/TIME_WAIT → CLOSED$/);
    expect(await seen.clock()).toBeGreaterThan(60);
  });

  test('plays by itself, stops at the end, and can be dragged', async () => {
    await seen.open(lessonAt('handshake'));
    await seen.page.selectOption('.speed select', '1000');
    await seen.page.locator('.play').click();
    await seen.page.waitForFunction(() => document.querySelector('.clock')?.textContent?.startsWith('2.000'));
    expect(await seen.page.getAttribute('.play', 'aria-label')).toBe('Play');
    await seen.page.fill('.slider input', '1000');
    await seen.settled();
    const middle = await seen.clock();
    expect(middle).toBeGreaterThan(0);
    expect(middle).toBeLessThan(2);
  });

  test('what if: from a moment on one is on one’s own', async () => {
    await seen.open(lessonAt('close-four', 0.35));
    await seen.page.getByRole('button', { name: 'What if…' }).click();
    await seen.known();
    await seen.toEnd();
    expect(await seen.path('A')).toMatch(/FIN_WAIT_2$|FIN_WAIT_2 → CLOSED$/);
    expect(await seen.path('B')).toMatch(/CLOSE_WAIT$/);
  });
});

describe('the application', () => {
  test('is acted by hand through a whole life', async () => {
    await seen.open(at('end 100s'));
    const host = (side: 'a' | 'b') => seen.page.locator(`.host.side-${side}`);
    const press = async (side: 'a' | 'b', name: string | RegExp): Promise<void> => {
      await host(side).getByRole('button', { name, exact: true }).click();
      await seen.known();
    };
    const pass = async (ms: number): Promise<void> => {
      const now = await seen.clock();
      await seen.page.evaluate(t => globalThis.lastackLab!.go(t), now + ms / 1000);
      await seen.settled();
    };
    await press('b', 'listen()');
    await press('a', 'connect(B)');
    await pass(100);
    expect(await seen.path('A')).toMatch(/ESTABLISHED$/);
    await press('b', 'accept()');
    await press('a', 'write()');
    await pass(100);
    await host('b')
      .getByRole('combobox', { name: 'socket' })
      .selectOption({ label: await optionOf('b', 'ESTAB') });
    await press('b', 'read()');
    await pass(100);
    await press('a', 'SHUT_WR');
    await pass(100);
    expect(await seen.path('B')).toMatch(/CLOSE_WAIT$/);
    await press('b', 'close()');
    await pass(100);
    expect(await seen.path('A')).toMatch(/TIME_WAIT$/);
    expect(await seen.path('B')).toMatch(/LAST_ACK → CLOSED$/);

    async function optionOf(side: 'a' | 'b', state: string): Promise<string> {
      const labels = await host(side)
        .getByRole('combobox', { name: 'socket' })
        .locator('option')
        .allTextContents();
      return labels.find(l => l.includes(state))!;
    }
  });

  test('a host loses its power and comes back', async () => {
    await seen.open(lessonAt('handshake', 1));
    await seen.page.locator('.side-b').getByRole('button', { name: 'Cut the power' }).click();
    await seen.known();
    await seen.page.locator('.side-b').getByRole('button', { name: 'Start again' }).click();
    await seen.known();
    await seen.page.locator('.side-a').getByRole('button', { name: 'write()' }).click();
    await seen.known();
    await seen.toEnd();
    expect(await seen.path('A')).toMatch(/ESTABLISHED → CLOSED$/);
  });
});

describe('the wire', () => {
  test('takes rules in words', async () => {
    await seen.open(lessonAt('close-four'));
    await seen.page.getByRole('tab', { name: 'Wire' }).click();
    await seen.page.getByLabel('Rules').fill('lose B’s first 2 FINs');
    await seen.page.locator('.understood').getByText('drop B FIN 1..2').waitFor();
    await seen.page.getByRole('button', { name: 'Add', exact: true }).click();
    await seen.known();
    const lost = shownOf(await seen.log()).segments.filter(s => s.lost);
    expect(lost.map(s => s.from + s.flags)).toEqual(['BF.', 'BF.']);
  });

  test('obeys a knob that is set by its name', async () => {
    await seen.open(lessonAt('fw2-close', 0.29));
    await seen.page.getByRole('tab', { name: 'sysctl' }).click();
    await seen.page.getByLabel('tcp_fin_timeout A', { exact: true }).fill('7');
    await seen.page.getByRole('button', { name: 'Set tcp_fin_timeout A' }).click();
    await seen.known();
    await seen.toEnd();
    const log = await seen.log();
    const gone = Math.max(...[...log.columns.time].slice(0, log.length));
    expect(gone / 1e6).toBeGreaterThan(7);
    expect(gone / 1e6).toBeLessThan(9);
    await seen.page.locator('form.changed').first().waitFor();
  });
});

test('the address gives another the same: script, moment, language', async () => {
  await seen.open(lessonAt('wave2-once', 0.4));
  await seen.page.getByRole('tab', { name: 'Script' }).click();
  await seen.page
    .getByRole('textbox', { name: 'Script' })
    .fill(`${lessonOf('wave2-once')!.script}\n1s A write a 10`);
  await seen.page.getByRole('button', { name: 'Run' }).click();
  await seen.known();
  await seen.page.evaluate(() => globalThis.lastackLab!.go(1.2));
  await seen.page.getByRole('button', { name: '中文' }).click();
  await seen.page.waitForFunction(
    () => location.hash.includes('t=1200000') && location.hash.includes('lang=zh'),
  );
  const url = seen.page.url();
  const rows = rowsOf({ log: await seen.log() });
  const other = await bench.page();
  await other.open(url);
  expect(rowsOf({ log: await other.log() })).toEqual(rows);
  expect(await other.clock()).toBe(1.2);
  expect(await other.page.getAttribute('html', 'lang')).toBe('zh-CN');
  expect(await other.path('A')).toBe(await seen.path('A'));
  await other.end();
});

test('a script that can not be read is answered with line and reason, and nothing is lost', async () => {
  await seen.open(lessonAt('handshake'));
  await seen.page.getByRole('tab', { name: 'Script' }).click();
  const field = seen.page.getByRole('textbox', { name: 'Script' });
  await field.fill('end 1s\n0 A dance');
  await seen.page.getByRole('button', { name: 'Run' }).click();
  await seen.page.getByText(/line 2: 'dance'/).waitFor();
  expect(await field.inputValue()).toBe('end 1s\n0 A dance');
});

test('a segment shows its header and bytes, and which bytes say what', async () => {
  await seen.open(lessonAt('handshake'));
  await seen.toEnd();
  const log = await seen.log();
  const syn = [...log.columns.kind].findIndex((k, i) => k === SEGMENT && i < log.length);
  await seen.clickRow(syn);
  await seen.page.locator('.fields').getByText('window scale').hover();
  expect(await seen.page.locator('.byte.on').allTextContents()).toEqual(['03', '03', '0a']);
  expect(await seen.page.locator('.inspector').innerText()).toMatch(/TCP\s+flags\s+SYN/);
});

test('an old address, and one that makes no sense, open all the same', async () => {
  await seen.open(`${bench.url}#lesson=nothing&s=%E0%A4%A&t=-5&lang=xx`);
  expect(await seen.path('A')).toMatch(/no connection|CLOSED/);
  expect(runOf(lessonOf('close-four')!.script).log.length).toBe((await seen.log()).length);
});

test('the first minute: the page plays, the last ACK is clicked and lost, and the answer is seen', async () => {
  const moving = await bench.page();
  await moving.page.goto(`${bench.url}#lang=en`);
  await moving.page.waitForFunction(
    () => document.querySelector('.clock')?.textContent?.startsWith('70.000'),
    null,
    {
      timeout: 60_000,
    },
  );
  const log = await moving.log();
  const last = [...log.columns.kind].slice(0, log.length).lastIndexOf(SEGMENT);
  await moving.clickRow(last);
  await moving.page.getByRole('button', { name: 'Lose it' }).click();
  await moving.page.locator('.side-b .diagram svg[aria-label$="LAST_ACK"]').waitFor();
  await moving.page.waitForFunction(
    () => document.querySelector('.clock')?.textContent?.startsWith('70.000'),
    null,
    {
      timeout: 60_000,
    },
  );
  expect(await moving.path('B')).toMatch(/LAST_ACK → CLOSED$/);
  const told = await moving.page.$$eval('#ladder-table tr', rows =>
    rows.map(r => (r as HTMLElement).innerText).join('\n'),
  );
  expect(told).toMatch(/A → B ACK ack 2\s+lost[\s\S]*B → A again TLP FIN\+ACK[\s\S]*TIME_WAIT → CLOSED/);
  expect(moving.complaints).toEqual([]);
  await moving.end();
});
