import { join } from 'node:path';
import { build } from 'vite';

/** The page's script as one module. @throws if anything in it needs Node */
export async function bundle(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      lib: { entry: join(import.meta.dirname, 'page.ts'), formats: ['es'], fileName: 'page' },
    },
  });
  const [first] = Array.isArray(result) ? result : [result];
  if (first === undefined || !('output' in first)) throw new Error('nothing was bundled');
  const { code } = first.output[0];
  if (/\bfrom ?["']node:|__vite-browser-external/.test(code)) throw new Error('the page needs Node');
  return code;
}
