import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** docs/recovery.md says what holds each feature: it must be there. */
const docs = new URL('../../docs/', import.meta.url);
const text = readFileSync(new URL('recovery.md', docs), 'utf8');
const rows = text
  .split('\n## ')[0]!
  .split('\n')
  .filter(l => l.startsWith('| ') && !l.startsWith('| feature'))
  .map(l => l.slice(2, -2).split(' | '));

const links = (cell: string): string[] => [...cell.matchAll(/\]\(([^)]+)\)/g)].map(m => m[1]!);

describe('the table of loss recovery and control', () => {
  test('has a row for each feature, and five cells in it', () => {
    expect(rows.length).toBeGreaterThanOrEqual(16);
    for (const row of rows) expect(row.length, row[0]).toBe(5);
  });

  test('names files and folders that exist, of the kind that the column says', () => {
    const kinds = [null, '../src/tcp/', '../test/', '../test/packetdrill/', '../test/'];
    for (const row of rows)
      row.forEach((cell, i) => {
        for (const link of links(cell)) {
          const path = fileURLToPath(new URL(link, docs));
          expect(existsSync(path), `${row[0]}: ${link}`).toBe(true);
          if (statSync(path).isDirectory()) expect(readdirSync(path).length, link).toBeGreaterThan(2);
          const kind = kinds[i];
          if (kind != null)
            expect(link.startsWith(kind) || link.startsWith('../src/socket/'), link).toBe(true);
        }
      });
  });

  test('leaves no cell without a file, unless it says why', () => {
    for (const row of rows)
      row.slice(1).forEach((cell, i) => {
        if (links(cell).length > 0) return;
        expect(cell, `${row[0]}, column ${i + 2}`).toMatch(/^no RFC/);
      });
  });
});
