import { defineConfig } from 'vite';

/** A static site that works under any path: everything is named relative to the page. */
export default defineConfig({
  base: './',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  build: { outDir: '../dist/lab', emptyOutDir: true, target: 'es2023', modulePreload: { polyfill: false } },
});
