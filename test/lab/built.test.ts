import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';

const site = join(import.meta.dirname, '..', '..', 'dist', 'lab');

describe('the built page', () => {
  beforeEach(ctx => {
    if (!existsSync(join(site, 'index.html'))) ctx.skip('dist/lab is not built: npm run lab');
  });

  const page = (): string => readFileSync(join(site, 'index.html'), 'utf8');

  test('loads its own files only, each of which is there', () => {
    const targets = [...page().matchAll(/\b(?:src|href)="([^"]*)"/g)].map(m => m[1] ?? '');
    expect(targets.some(t => t.endsWith('.js'))).toBe(true);
    for (const target of targets.filter(t => !t.startsWith('data:'))) {
      expect(target).toMatch(/^\.\//);
      expect(existsSync(join(site, target)), target).toBe(true);
    }
  });

  test('has no script or style in itself, and forbids them', () => {
    expect(page()).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=/);
    const csp = /Content-Security-Policy"\s+content="([^"]*)"/.exec(page())?.[1] ?? '';
    expect(csp).toContain("default-src 'none'");
    expect(csp).not.toMatch(/unsafe|\*/);
  });

  test('names its parts by their content, so that they may be kept for ever', () => {
    for (const file of readdirSync(join(site, 'assets'))) expect(file).toMatch(/-[\w-]{8}\.\w+$/);
  });
});
