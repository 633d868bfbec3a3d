import { SourceMap, type SourceMapPayload } from 'node:module';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build, parseSync, type Rolldown } from 'vite';
import { origin, writeBook } from './book/book.ts';
import { table, verdictItem } from './book/markdown.ts';
import { machine } from './harness.ts';
import { options } from './options.ts';

/**
 * How many bytes a browser loads for an engine with sockets, and what they are: `Stack` and `Sockets` of dist/
 * in one file, bundled and minified by vite's Rolldown.
 *
 * What a file weighs is by how much the gzipped bundle shrinks when its bytes are cut out, so that what is said
 * elsewhere too weighs nothing; what remains (gzip's tables, and what only two files have in common) is `shared`.
 */
const USAGE = `npm run bench:bundle [-- --write]

What a browser loads for an engine with sockets, and what its bytes are, as Markdown; --write puts that into
BENCHMARKS.md.`;
const asked = options(USAGE, { flags: ['write'] });
/** What is wanted, kB. */
const MOST = 60;
const ENTRY = `
  export { Stack } from '/dist/stack/stack.js';
  export { Sockets } from '/dist/socket/sockets.js';`;

/** What could be left out by those who need it not, and the files that serve nothing else. */
const FEATURES: readonly (readonly [name: string, files: RegExp])[] = [
  ['names and ranges of sysctls', /^base\/sysctl(-rows)?\.js$/],
  ['names of counters and drop reasons', /^(base\/(mib|drops)|wire\/reason)\.js$/],
  ['IPv6', /^(ip\/(nd|prefix)|wire\/(ipv6|neighbor-discovery|icmp6))\.js$/],
  ['UDP', /^(udp\/.*|socket\/udp-socket|wire\/udp)\.js$/],
  ['Fast Open', /^tcp\/fastopen.*\.js$/],
  ['fragments', /^ip\/(fragment|reassemble)\.js$/],
  ['TCP_INFO', /^(tcp\/(info|chrono)|socket\/tcp-info)\.js$/],
  [
    'error queue, timestamps of sending',
    /^(tcp\/(tx-stamps|error-queue|opt-stats)|socket\/error-message)\.js$/,
  ],
  ['epoll', /^socket\/(epoll|poll)\.js$/],
  ['path MTU probes', /^tcp\/mtu-probe\.js$/],
  ['forwarding', /^ip\/forward\.js$/],
];

interface Bundle {
  readonly code: string;
  /** The code in order, each piece with the file it comes from, relative to dist/; '' where none does. */
  readonly pieces: readonly { readonly file: string; readonly text: string }[];
}

const gzip = (text: string): number => gzipSync(text, { level: 9 }).length;
const kB = (bytes: number): string => (bytes / 1000).toFixed(1);

/** Names that belong to the language: an engine whose properties are renamed must keep these. */
function languageNames(): string[] {
  const values = [
    Object,
    Function,
    Array,
    ArrayBuffer,
    DataView,
    Map,
    Set,
    String,
    Number,
    BigInt,
    Symbol,
    Error,
  ];
  const objects: object[] = [
    Math,
    JSON,
    Reflect,
    Object.getPrototypeOf(Uint8Array),
    Int32Array,
    Float64Array,
  ];
  const names = new Set(['done', 'value', 'next', 'return', 'encodeInto']);
  for (const o of [
    ...objects,
    ...values,
    TextEncoder,
    TextDecoder,
    Object.getPrototypeOf(Uint8Array.prototype),
  ]) {
    for (const of of [o, (o as { prototype?: object }).prototype ?? o]) {
      for (const name of Object.getOwnPropertyNames(of)) names.add(name);
    }
  }
  return [...names];
}

async function bundle(minify: Rolldown.OutputOptions['minify']): Promise<Bundle> {
  const built = (await build({
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'entry',
        resolveId: id => (id === 'entry' ? id : null),
        load: id => (id === 'entry' ? ENTRY : null),
      },
    ],
    build: {
      write: false,
      sourcemap: true,
      minify: false,
      target: 'esnext',
      modulePreload: false,
      rolldownOptions: {
        input: 'entry',
        preserveEntrySignatures: 'strict',
        output: { minify: minify ?? false, topLevelVar: false },
      },
    },
  })) as Rolldown.RolldownOutput;
  const { code, map } = built.output[0];
  if (map === null) throw new Error('vite made no source map');
  const text = code.replace(/\n\/\/# sourceMappingURL=.*\n?$/, '');
  const lines = new SourceMap(map as unknown as SourceMapPayload);
  const pieces: { file: string; text: string }[] = [];
  for (const [line, content] of text.split('\n').entries()) {
    for (const [column, character] of [...content, '\n'].entries()) {
      const entry = lines.findEntry(line, column);
      const source = 'originalSource' in entry ? entry.originalSource : undefined;
      const file = source === undefined ? '' : source.replace(/^(\.\.\/)*(dist\/)?/, '');
      const last = pieces.at(-1);
      if (last?.file === file) last.text += character;
      else pieces.push({ file, text: character });
    }
  }
  return { code: text, pieces };
}

/** By how much the gzipped bundle shrinks without the files that `cut` names. */
function weight({ pieces }: Bundle, whole: number, cut: (file: string) => boolean): number {
  return whole - gzip(pieces.flatMap(p => (cut(p.file) ? [] : [p.text])).join(''));
}

const KINDS = ['names of properties', 'other names', 'numbers', 'texts'] as const;
type Kind = (typeof KINDS)[number];
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

function kindOf(node: Node, parent: Node, key: string): Kind | null {
  if (node.type === 'TemplateElement') return 'texts';
  if (node.type === 'Literal') {
    return typeof node['value'] === 'string' ? 'texts' : typeof node['value'] === 'number' ? 'numbers' : null;
  }
  if (node.type !== 'Identifier' && node.type !== 'PrivateIdentifier') return null;
  const named = key === 'property' || (key === 'key' && parent.type !== 'Program');
  return named && parent['computed'] !== true ? 'names of properties' : 'other names';
}

/** By how much the gzipped bundle shrinks when all tokens of a kind become the same one. */
function kinds(code: string, whole: number): Map<Kind, number> {
  const tokens = new Map<Kind, Node[]>();
  for (const kind of KINDS) tokens.set(kind, []);
  const visit = (value: unknown, parent: Node, key: string): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, parent, key);
    if (!isNode(value)) return;
    const kind = kindOf(value, parent, key);
    if (kind !== null) tokens.get(kind)?.push(value);
    for (const [name, child] of Object.entries(value)) visit(child, value, name);
  };
  const program = parseSync('bundle.js', code).program as unknown as Node;
  visit(program, program, '');
  const saved = new Map<Kind, number>();
  for (const [kind, nodes] of tokens) {
    let plain = '';
    let end = 0;
    for (const node of nodes.sort((a, b) => a.start - b.start)) {
      if (node.start < end) continue;
      plain += code.slice(end, node.start) + (kind === 'texts' ? '""' : kind === 'numbers' ? '0' : 'a');
      end = node.end;
    }
    saved.set(kind, whole - gzip(plain + code.slice(end)));
  }
  return saved;
}

const written = await bundle(false);
const plain = await bundle(true);
const renamed = await bundle({
  compress: true,
  mangle: true,
  codegen: true,
  mangleProps: { include: /./, reserved: languageNames() },
});
const both = [plain, renamed];
const whole = both.map(b => gzip(b.code));

const weights = (cut: (file: string) => boolean): number[] => both.map((b, i) => weight(b, whole[i]!, cut));
const row = (name: string, sizes: readonly number[]): string[] => [name, ...sizes.map(kB)];

const three = [written, plain, renamed].map(b => b.code);
const sizes = table(
  ['kB', 'as the compiler wrote it', 'minified', 'every property renamed'],
  [
    row(
      'bytes',
      three.map(c => c.length),
    ),
    row('gzip', three.map(gzip)),
    row(
      'Brotli',
      three.map(c => brotliCompressSync(c).length),
    ),
  ],
);
const verdict = {
  what: `minified and gzipped at most ${MOST} kB (${kB(whole[0]!)})`,
  holds: whole[0]! <= 1000 * MOST,
};

const HEAD = ['minified', 'every property renamed'];
const files = [...new Set(plain.pieces.map(p => p.file))].filter(f => f !== '');
const perFile = new Map(files.map(f => [f, weights(file => file === f)]));
const shared = [...whole];
const rooms = ['tcp', 'base', 'socket', 'ip', 'stack', 'wire', 'udp', 'icmp'].map(room => {
  const sums = [0, 0];
  for (const [file, w] of perFile) {
    if (file.startsWith(`${room}/`)) for (const i of [0, 1]) sums[i]! += w[i]!;
  }
  for (const i of [0, 1]) shared[i]! -= sums[i]!;
  return row(room, sums);
});
const byKind = both.map((b, i) => kinds(b.code, whole[i]!));
const heaviest = [...perFile].sort((a, b) => b[1][0]! - a[1][0]!).slice(0, 10);
const text = [
  sizes,
  verdictItem(verdict),
  table(['room, kB gzipped', ...HEAD], [...rooms, row('shared between them', shared)]),
  table(
    ['only for, kB gzipped', ...HEAD],
    [
      ...FEATURES.map(([name, pattern]) =>
        row(
          name,
          weights(file => pattern.test(file)),
        ),
      ),
      row(
        'all of these',
        weights(file => FEATURES.some(([, pattern]) => pattern.test(file))),
      ),
    ],
  ),
  table(
    ['kind of token, kB gzipped', ...HEAD],
    KINDS.map(kind =>
      row(
        kind,
        byKind.map(k => k.get(kind) ?? 0),
      ),
    ),
  ),
  `The heaviest files, kB gzipped when minified: ${heaviest.map(([file, [w = 0]]) => `${file.replace(/\.js$/, '')} ${kB(w)}`).join(', ')}.`,
].join('\n\n');
console.log(text);
if (asked.write) writeBook(origin(machine()), { bundle: text });
