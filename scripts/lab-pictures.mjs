// Makes the pictures of the lab under docs/pictures/ anew: what a browser shows of the page that `npm start`
// serves. Wants Debian's chromium (or CHROMIUM=…), and a font with Chinese characters.
//
//   npm run setup && node scripts/lab-pictures.mjs

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pictures = join(root, 'docs', 'pictures');
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
if (!existsSync(executablePath)) {
  console.error(`${executablePath} is missing: apt-get install chromium, or say CHROMIUM=/path/to/it`);
  process.exit(2);
}
const runtime = mkdtempSync(join(tmpdir(), 'lastack-picture-'));

/**
 * @typedef {object} Shot
 * @property {string} name
 * @property {string} hash the place in the lab
 * @property {'light' | 'dark'} scheme
 * @property {readonly [number, number]} size
 * @property {readonly string[]} keys pressed before the picture is taken
 * @property {string} [click] what is clicked before that
 */

/** @type {readonly Shot[]} */
const SHOTS = [
  {
    name: 'lab',
    hash: '#lesson=close-four&lang=en&t=70000000',
    scheme: 'light',
    size: [1440, 900],
    keys: [],
  },
  {
    name: 'lab-lost-ack',
    hash: '#lesson=close-four&lang=en&t=70000000',
    scheme: 'dark',
    size: [1440, 900],
    keys: ['k', 'd'],
  },
  {
    name: 'lab-lost-ack-zh',
    hash: '#lesson=close-four&lang=zh&t=70000000',
    scheme: 'dark',
    size: [1440, 900],
    keys: ['k', 'd'],
  },
  {
    name: 'lab-slow-start',
    hash: '#lesson=slow-start&lang=en&t=2000000',
    scheme: 'light',
    size: [1440, 900],
    keys: [],
  },
  {
    name: 'lab-zh',
    hash: '#lesson=close-four&lang=zh&t=70000000',
    scheme: 'light',
    size: [1440, 900],
    keys: [],
  },
  {
    name: 'lab-phone',
    hash: '#lesson=close-four&lang=en&t=70000000',
    scheme: 'light',
    size: [390, 844],
    keys: [],
  },
];

/** A running `lastack up`, and where its lab is. */
function up() {
  const child = spawn(
    process.execPath,
    [join(root, 'dist', 'tools', 'cli.js'), 'up', '--port', '0', '--lab', '0', '--no-demo', '--plain'],
    { env: { ...process.env, LASTACK_RUNTIME_DIR: runtime, NO_COLOR: '1' } },
  );
  let said = '';
  /** @type {Promise<string>} */
  const address = new Promise((resolve, reject) => {
    const look = () => {
      const m = /(http:\S+)\s+the lab/.exec(said);
      if (m?.[1] !== undefined) resolve(m[1]);
    };
    child.stdout.on('data', b => {
      said += b;
      look();
    });
    child.stderr.on('data', b => (said += b));
    child.on('exit', () => reject(new Error(`lastack up ended: ${said}`)));
  });
  return { address, stop: () => child.kill('SIGINT') };
}

/** Waits until a run is known to its end and drawn. @param {import('playwright-core').Page} page */
async function quiet(page) {
  await page.waitForTimeout(300);
  await page.waitForFunction(() => Reflect.get(globalThis, 'lastackLab').known().done);
  await page.waitForTimeout(700);
}

const gateway = up();
const browser = await chromium.launch({
  executablePath,
  args: '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking'.split(' '),
});
try {
  const address = await gateway.address;
  for (const shot of SHOTS) {
    const [width, height] = shot.size;
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: shot.scheme,
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    await page.goto(address + shot.hash);
    await page.locator('nav .icon').first().waitFor();
    await quiet(page);
    for (const key of shot.keys) {
      await page.keyboard.press(key);
      await quiet(page);
    }
    await page.screenshot({ path: join(pictures, `${shot.name}.png`) });
    console.log(`docs/pictures/${shot.name}.png`);
    await context.close();
  }
} finally {
  await browser.close();
  gateway.stop();
  rmSync(runtime, { recursive: true, force: true });
}
