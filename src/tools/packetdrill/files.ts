import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Deepest folder that is looked into. */
const MAX_DEPTH = 32;

/**
 * The scripts under a path: the file itself, or all `*.pkt` in a folder and those below it, by name.
 * @returns null if there is nothing at that path
 */
export async function findScripts(path: string): Promise<string[] | null> {
  const info = await stat(path).catch(() => null);
  if (info === null) return null;
  if (!info.isDirectory()) return [path];
  const found: string[] = [];
  await walk(path, 0, found);
  return found;
}

async function walk(folder: string, depth: number, found: string[]): Promise<void> {
  if (depth > MAX_DEPTH) return;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const e of entries) {
    const path = join(folder, e.name);
    if (e.isDirectory()) await walk(path, depth + 1, found);
    else if (e.name.endsWith('.pkt')) found.push(path);
  }
}

/** A script's text (bytes beyond ASCII are only in comments); null if it cannot be read. */
export const readScript = (path: string): Promise<string | null> =>
  readFile(path, 'latin1').catch(() => null);
