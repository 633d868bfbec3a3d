import { mkdirSync, writeFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { lastackBulk } from '../bulk.ts';
import type { Side } from '../harness.ts';
import { lastackLives } from '../lives.ts';
import { flameGraph } from './svg.ts';
import { treeOf } from './tree.ts';

/**
 * Where the time goes, as flame graphs:
 *
 *   npm run bench:flame [-- DIRECTORY]        docs/profiles if none is given
 */
const directory = process.argv[2] ?? join('docs', 'profiles');
const SECONDS = 10;
const CHUNK = 65536;

const works: readonly { name: string; title: string; side: () => Side }[] = [
  {
    name: 'bulk-offload',
    title: 'Bulk, memory link with offload',
    side: () => lastackBulk(CHUNK * 4000, CHUNK, 'offload'),
  },
  {
    name: 'bulk-frames',
    title: 'Bulk, 1500-byte frames, checksums made and verified',
    side: () => lastackBulk(CHUNK * 4000, CHUNK, 'frames'),
  },
  { name: 'lives', title: 'Connection lives', side: () => lastackLives(10_000, 64) },
];

mkdirSync(directory, { recursive: true });
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: 250 });
for (const { name, title, side } of works) {
  const work = side();
  // Compiled before it is looked at.
  for (let i = 0; i < 4; i++) await work.run();
  await session.post('Profiler.start');
  const began = performance.now();
  while (performance.now() - began < SECONDS * 1000) await work.run();
  const { profile } = (await session.post('Profiler.stop')) as { profile: Profiler.Profile };
  await work.close?.();
  const file = join(directory, `${name}.svg`);
  writeFileSync(file, flameGraph(treeOf(profile), title));
  console.log(`${file}: ${profile.samples?.length ?? 0} samples`);
}
session.disconnect();
