import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SEGMENT, STATE } from '../../../lab/engine/log.ts';
import { lessonOf } from '../../../lab/lessons/index.ts';
import { readCapture } from '../../../src/wire/pcapng.ts';
import { shownOf } from '../golden.ts';
import { runOf } from '../run.ts';
import { Bench, CHROMIUM, needChromium, type Watched } from './kit.ts';

let bench: Bench;
beforeAll(async () => {
  if (CHROMIUM !== null) bench = await Bench.open();
});
afterAll(async () => bench?.close());
beforeEach(needChromium);

const LESSON = lessonOf('wave2-once')!;

describe('what is taken away', () => {
  let seen: Watched;
  const take = async (name: string): Promise<{ file: string; bytes: Buffer }> => {
    await seen.page.click('.menu summary');
    const [download] = await Promise.all([
      seen.page.waitForEvent('download'),
      seen.page.locator('.menu-list').getByRole('button', { name, exact: true }).click(),
    ]);
    await seen.page.keyboard.press('Escape');
    return { file: download.suggestedFilename(), bytes: readFileSync((await download.path())!) };
  };

  test('captures, qlog, packetdrill, pictures, the link', async () => {
    seen = await bench.page({ reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'] });
    await seen.open(`${bench.url}#lesson=${LESSON.id}&lang=en`);
    await seen.toEnd();
    const segments = shownOf(await seen.log()).segments;

    for (const host of ['A', 'B']) {
      const { file, bytes } = await take(`Capture at ${host}, pcapng`);
      expect(file).toBe(`wave2-once-${host}.pcapng`);
      const capture = readCapture(bytes);
      expect(capture.errors).toEqual([]);
      expect(capture.packets.length).toBeGreaterThan(segments.length - 2);
    }
    const qlog = JSON.parse((await take('qlog')).bytes.toString());
    expect(qlog.qlog_version).toBeDefined();
    const { file, bytes } = await take('packetdrill script of A');
    expect(file).toBe('wave2-once-A.pkt');
    expect(bytes.toString()).toMatch(/ > F\. /);
    const svg = (await take('Ladder, SVG')).bytes.toString();
    expect(svg).toMatch(/^<svg[\s\S]*<\/svg>\s*$/);
    for (const name of ['Ladder, PNG', 'State diagram, PNG']) {
      const png = (await take(name)).bytes;
      expect(png.subarray(1, 4).toString()).toBe('PNG');
      expect(png.length).toBeGreaterThan(10_000);
    }
    await seen.page.click('.menu summary');
    await seen.page.getByRole('button', { name: 'Copy the link to this moment' }).click();
    await seen.page.getByText('Copied').waitFor();
    expect(await seen.page.evaluate(() => navigator.clipboard.readText())).toBe(
      `${bench.url}#lesson=wave2-once&t=70000000&lang=en`,
    );
    expect(seen.complaints).toEqual([]);
    await seen.end();
  });
});

describe('a capture file', () => {
  const [capture] = runOf(LESSON.script).captures(10_000);

  test('is read by choosing it, and its ladder is that of the connection', async () => {
    const seen = await bench.page({ reducedMotion: 'reduce' });
    await seen.open(`${bench.url}#lang=en`);
    await seen.page.setInputFiles('input[type=file]', {
      name: 'a.pcapng',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(capture),
    });
    await seen.page.getByText('a.pcapng').waitFor();
    const log = await seen.log();
    const rows = (kind: number) => [...log.columns.kind].slice(0, log.length).filter(k => k === kind).length;
    // What B lost on the wire A never saw.
    expect(rows(SEGMENT)).toBe(
      shownOf(runOf(LESSON.script).log).segments.filter(s => !(s.lost && s.from === 'B')).length,
    );
    expect(rows(STATE)).toBeGreaterThan(6);
    expect(await seen.path('A')).toMatch(/TIME_WAIT$/);
    await seen.page.keyboard.press('k');
    await seen.page.locator('.byte').first().waitFor();
    await seen.page.getByRole('button', { name: '← Back to the lab' }).click();
    await seen.known(lessonOf('close-four')!.script);
    expect(await seen.page.getByRole('tab').count()).toBe(4);
    expect(seen.complaints).toEqual([]);
    await seen.end();
  });

  test('may be dropped on the page; what is none is said to be none', async () => {
    const seen = await bench.page({ reducedMotion: 'reduce' });
    await seen.open(`${bench.url}#lang=en`);
    const drop = (name: string, bytes: number[]): Promise<void> =>
      seen.page.evaluate(
        ([name, bytes]) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
          document.body.dispatchEvent(
            new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }),
          );
        },
        [name, bytes] as const,
      );
    await drop('notes.txt', [1, 2, 3]);
    await seen.page.getByText('can’t be read as a capture').waitFor();
    await drop('b.pcapng', [...capture]);
    await seen.page.getByText('b.pcapng').waitFor();
    expect(await seen.path('B')).toMatch(/LAST_ACK/);
    expect(seen.complaints).toEqual([]);
    await seen.end();
  });
});
