import { readFileSync } from 'node:fs';

/** The version in package.json, which stands two folders above this one in the source and in the build. */
export function version(): string {
  try {
    const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
  } catch {
    // Bundled or moved: the number is a nicety.
  }
  return 'unknown';
}
