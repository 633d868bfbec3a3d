import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { LIVE_MARK, LIVE_PATH } from './protocol.ts';

/** A site larger than this is not the lab's. */
const MOST_FILES = 500;
const MOST_BYTES = 64 * 1024 * 1024;
/** Smaller files do not gain by compression. */
const WORTH_IT = 512;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};
const COMPRESSED = new Set(['.png', '.woff2']);

const compress = promisify(gzip);

/** A file of the page as it was when the server started. */
export class SiteFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
  /** Its name holds a hash of its content: it may be kept for ever. */
  readonly immutable: boolean;
  private readonly worthIt: boolean;
  private packed: Promise<Buffer> | null = null;

  constructor(path: string, body: Buffer) {
    const extension = extname(path);
    this.body = body;
    this.type = TYPES[extension] ?? 'application/octet-stream';
    this.etag = createHash('sha256').update(body).digest('base64url').slice(0, 22);
    this.immutable = /^\/assets\/.+-[\w-]{8}\.\w+$/.test(path);
    this.worthIt = body.length >= WORTH_IT && !COMPRESSED.has(extension);
  }

  /** Compressed, once; null if that is of no use. */
  gzipped(): Promise<Buffer> | null {
    if (!this.worthIt) return null;
    return (this.packed ??= compress(this.body, { level: 9 }));
  }
}

/** The files by the path that a browser asks for. */
export type Site = ReadonlyMap<string, SiteFile>;

/** Where the built page lies: beside the compiled tools, in a clone and in the package. */
export const labDirectory = (): string => fileURLToPath(new URL('../../../dist/lab', import.meta.url));

const marked = (index: Buffer): Buffer =>
  Buffer.from(
    index.toString().replace('</head>', `<meta name="${LIVE_MARK}" content="${LIVE_PATH}" /></head>`),
  );

/** All files below a directory, null if there is no page. @throws Error if it can not be read, or is no such page */
export async function readSite(directory: string): Promise<Site | null> {
  try {
    await stat(join(directory, 'index.html'));
  } catch {
    return null;
  }
  const site = new Map<string, SiteFile>();
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const path = `/${relative(directory, file).split(sep).join('/')}`;
    bytes += (await stat(file)).size;
    if (site.size >= MOST_FILES || bytes > MOST_BYTES)
      throw new Error(`${directory} is too large for the lab`);
    const body = await readFile(file);
    site.set(path, new SiteFile(path, path === '/index.html' ? marked(body) : body));
  }
  const index = site.get('/index.html');
  if (index === undefined) return null;
  return site.set('/', index);
}
