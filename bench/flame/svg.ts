import type { Call } from './tree.ts';

const WIDTH = 1200;
const ROW = 18;
const HEAD = 44;
/** Calls narrower than this many pixels are left out. */
const NARROW = 1.5;
const LETTER = 6.6;

/** Colours by room of src/, so that a look says which layer the time is in. */
const COLOURS: Readonly<Record<string, string>> = {
  base: '#b7c9e2',
  wire: '#9fd3c7',
  tcp: '#f2a65a',
  ip: '#8fc1e3',
  stack: '#c9a7e0',
  socket: '#f5d76e',
  link: '#a8d08d',
  bench: '#d9d9d9',
};
const OTHER = '#e8e3da';

/** A flame graph that stands alone: callers below, width by time, names on hover. */
export function flameGraph(root: Call, title: string): string {
  const scale = WIDTH / root.time;
  const rows: string[] = [];
  let deepest = 0;
  const draw = (call: Call, x: number, depth: number): void => {
    const w = call.time * scale;
    if (w < NARROW) return;
    deepest = Math.max(deepest, depth);
    rows.push(box(call, x, depth, w, (100 * call.time) / root.time));
    let at = x;
    for (const callee of [...call.calls.values()].sort((a, b) => b.time - a.time)) {
      draw(callee, at, depth + 1);
      at += callee.time * scale;
    }
  };
  draw(root, 0, 0);
  const height = HEAD + (deepest + 1) * ROW + 8;
  const legend = Object.entries(COLOURS)
    .map(
      ([room, colour], i) =>
        `<rect x="${8 + i * 80}" y="26" width="10" height="10" fill="${colour}"/><text x="${22 + i * 80}" y="35">${room}</text>`,
    )
    .join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="11" role="img" aria-label="${asText(title)}">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="8" y="17" font-size="14" font-weight="bold">${asText(title)}</text>${legend}
${rows.join('\n')}
</svg>
`;
}

function box(call: Call, x: number, depth: number, w: number, share: number): string {
  const y = HEAD + depth * ROW;
  const room = /^src\/(\w+)\//.exec(call.file)?.[1] ?? (call.file.startsWith('bench/') ? 'bench' : '');
  const fill = COLOURS[room] ?? OTHER;
  const where = call.file === '' ? '' : ` (${call.file.replace(/\.js$/, '')})`;
  const fits = Math.floor((w - 6) / LETTER);
  const label = fits < 3 ? '' : call.name.length > fits ? `${call.name.slice(0, fits - 1)}…` : call.name;
  const text = label === '' ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${asText(label)}</text>`;
  return `<g><title>${asText(call.name)}${asText(where)}, ${share.toFixed(1)} %</title><rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.5, w - 0.5).toFixed(1)}" height="${ROW - 1}" fill="${fill}"/>${text}</g>`;
}

const asText = (s: string): string =>
  s.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
