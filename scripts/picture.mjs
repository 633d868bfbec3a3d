// Makes the pictures under docs/pictures/ from real runs of this clone's `lastack`: what it prints into a
// terminal is read as a terminal would read it and drawn as SVG, colours kept. Nothing in them is written by
// hand but the command lines. Wants Linux with util-linux (`script`, for a terminal) and port 8080 free.
//
//   npm run build && node scripts/picture.mjs

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cli = join(root, 'dist', 'tools', 'cli.js');
const pictures = join(root, 'docs', 'pictures');
const runtime = mkdtempSync(join(tmpdir(), 'lastack-picture-'));
const env = { ...process.env, LASTACK_RUNTIME_DIR: runtime, TERM: 'xterm-256color', NO_COLOR: '' };
const COLUMNS = 106;

/** @typedef {{ char: string, style: string }} Cell */

/** As much of a terminal as `lastack` uses: text, colours, up, and the two ways to erase. */
class Terminal {
  /** @type {Cell[][]} */
  lines = [[]];
  row = 0;
  column = 0;
  /** @type {Set<number>} */
  attributes = new Set();
  rest = '';

  /** @param {string} text */
  write(text) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
    const token = /\x1b\[([?\d;]*)([A-Za-z])|\x1b?[\s\S]/gu;
    const all = this.rest + text;
    // A sequence that is not complete yet waits for the rest.
    const cut = all.lastIndexOf('\x1b');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the same
    const whole = cut < 0 || /^\x1b\[[?\d;]*[A-Za-z]/.test(all.slice(cut));
    this.rest = whole ? '' : all.slice(cut);
    for (const m of (whole ? all : all.slice(0, cut)).matchAll(token)) {
      if (m[2] !== undefined) this.control(m[1] ?? '', m[2]);
      else this.put(m[0]);
    }
  }

  /** @param {string} char */
  put(char) {
    if (char === '\r') this.column = 0;
    else if (char === '\n') {
      this.row++;
      this.column = 0;
      this.line(this.row);
    } else if (char >= ' ') {
      const line = this.line(this.row);
      while (line.length < this.column) line.push({ char: ' ', style: '' });
      line[this.column++] = { char, style: this.style() };
    }
  }

  /** @param {string} text @param {string} letter */
  control(text, letter) {
    const n = Number(text) || 1;
    if (letter === 'F') {
      this.row = Math.max(0, this.row - n);
      this.column = 0;
    } else if (letter === 'K') this.line(this.row).length = Math.min(this.line(this.row).length, this.column);
    else if (letter === 'J') {
      this.line(this.row).length = Math.min(this.line(this.row).length, this.column);
      this.lines.length = this.row + 1;
    } else if (letter === 'm') for (const code of (text || '0').split(';')) this.colour(Number(code));
  }

  /** @param {number} code */
  colour(code) {
    const { attributes } = this;
    if (code === 0) attributes.clear();
    else if (code === 22) {
      attributes.delete(1);
      attributes.delete(2);
    } else if (code === 27) attributes.delete(7);
    else {
      if (code >= 30) for (const c of attributes) if (c >= 30) attributes.delete(c);
      if (code !== 39) attributes.add(code);
    }
  }

  style() {
    return [...this.attributes]
      .sort((a, b) => a - b)
      .map(c => `c${c}`)
      .join(' ');
  }

  /** @param {number} row @returns {Cell[]} */
  line(row) {
    while (this.lines.length <= row) this.lines.push([]);
    return this.lines[row] ?? [];
  }

  text() {
    return this.lines.map(l => l.map(c => c.char).join('')).join('\n');
  }
}

const CELL = 8.2;
const LINE = 19;
const TOP = 42;
const LEFT = 18;

const CSS = `text{font:13.6px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6dde6;white-space:pre}
path{stroke:#d6dde6;fill:none}.c1{font-weight:700;fill:#f4f7fa}.c2{fill:#7d8894}path.c2{stroke:#4a545f}
.c31{fill:#ff7b72}.c32{fill:#56d364}.c33{fill:#e3b341}.c94{fill:#79b8ff}.c35{fill:#d2a8ff}.c36{fill:#56d4dd}
path.c31{stroke:#ff7b72}path.c32{stroke:#56d364}path.c33{stroke:#e3b341}path.c94{stroke:#79b8ff}path.c35{stroke:#d2a8ff}path.c36{stroke:#56d4dd}
path.c31,path.c32,path.c33,path.c94,path.c35,path.c36{fill:none}.title{fill:#7d8894;font-size:12.5px}`;

/** Characters that are drawn, so that lines join: a bar, a rule, a dotted rule. */
const DRAWN = '│─┄';

/** @param {readonly (readonly Cell[])[]} lines @param {string} title @param {string} label */
function svg(lines, title, label) {
  const columns = Math.max(80, ...lines.map(l => l.length));
  const width = Math.round(columns * CELL + 2 * LEFT);
  const height = lines.length * LINE + TOP + 16;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(label).replaceAll('\u00a0', ' ')}">`,
    `<title>${escapeXml(label).replaceAll('\u00a0', ' ')}</title><style>${CSS}</style>`,
    `<rect width="${width}" height="${height}" rx="10" fill="#0d1218"/>`,
    '<circle cx="20" cy="18" r="5.5" fill="#ff5f57"/><circle cx="38" cy="18" r="5.5" fill="#febc2e"/><circle cx="56" cy="18" r="5.5" fill="#28c840"/>',
    `<text class="title" x="${width / 2}" y="22" text-anchor="middle">${escapeXml(title)}</text>`,
  ];
  lines.forEach((line, row) => {
    out.push(...runs(line).map(r => draw(r, row)));
  });
  out.push('</svg>', '');
  return out.join('\n');
}

/** @typedef {{ at: number, text: string, style: string, drawn: boolean }} Run */

/** Neighbours of one style, spaces left out; drawn characters apart. @param {readonly Cell[]} line */
function runs(line) {
  /** @type {Run[]} */
  const list = [];
  line.forEach((cell, at) => {
    const drawn = DRAWN.includes(cell.char);
    const last = list.at(-1);
    const joins = last !== undefined && last.at + [...last.text].length === at && last.style === cell.style;
    if (joins && (drawn ? last.drawn && last.text.startsWith(cell.char) : !last.drawn))
      last.text += cell.char;
    else if (cell.char !== ' ') list.push({ at, text: cell.char, style: cell.style, drawn });
  });
  return list.map(r => ({ ...r, text: r.text.trimEnd() }));
}

/** @param {Run} run @param {number} row */
function draw(run, row) {
  const n = [...run.text].length;
  const x = round(LEFT + run.at * CELL);
  const y = TOP + row * LINE;
  const style = run.style === '' ? '' : ` class="${run.style}"`;
  if (!run.drawn)
    return `<text${style} x="${x}" y="${y + 14}" textLength="${round(n * CELL)}" lengthAdjust="spacingAndGlyphs">${escapeXml(run.text)}</text>`;
  if (run.text[0] === '│')
    return `<path${style} d="${Array.from({ length: n }, (_, i) => `M${round(x + (i + 0.5) * CELL)} ${y}v${LINE}`).join('')}"/>`;
  const dots = run.text[0] === '┄' ? ' stroke-dasharray="2 2"' : '';
  return `<path${style}${dots} d="M${x} ${y + 9.5}h${round(n * CELL)}"/>`;
}

/** @param {number} n */
const round = n => Math.round(n * 10) / 10;
/** Spaces become such that no renderer folds. @param {string} text */
const escapeXml = text =>
  text
    .replaceAll(' ', '\u00a0')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
/** @param {number} ms */
const pause = ms => new Promise(done => setTimeout(done, ms));

/** `lastack up` in a terminal of its own. @param {string[]} args @param {number} rows */
function terminal(args, rows) {
  const quoted = args.map(a => `'${a}'`).join(' ');
  const command = `stty cols ${COLUMNS + 1} rows ${rows}; exec '${process.execPath}' '${cli}' up ${quoted}`;
  const child = spawn('script', ['-qfec', command, '/dev/null'], { cwd: root, env });
  const screen = new Terminal();
  child.stdout.on('data', d => screen.write(String(d)));
  const ended = new Promise(done => child.on('exit', done));
  return {
    screen,
    /** Waits until the terminal shows something. @param {RegExp} what */
    async shows(what) {
      const late = performance.now() + 30_000;
      while (!what.test(screen.text())) {
        if (performance.now() > late || child.exitCode !== null) {
          child.kill();
          throw new Error(`never shown: ${what}\n${screen.text()}`);
        }
        await pause(20);
      }
    },
    /** Ctrl-C. */
    async end() {
      child.stdin.write('\x03');
      await ended;
    },
  };
}

/** A line that a person has typed. @param {string} command @returns {Cell[]} */
const typed = command => [
  { char: '$', style: 'c32' },
  { char: ' ', style: '' },
  ...[...command].map(char => ({ char, style: 'c1' })),
];

/** @param {string} text */
const plain = text => text.split('\n').map(l => [...l].map(char => ({ char, style: '' })));

/** @param {readonly Cell[][]} lines @returns {Cell[][]} without blank lines at the end */
function trimmed(lines) {
  const copy = lines.map(l => [...l]);
  while (copy.length > 0 && copy.at(-1)?.every(c => c.char === ' ')) copy.pop();
  return copy;
}

/** @param {string} name @param {readonly (readonly Cell[])[]} lines @param {string} title @param {string} label */
function save(name, lines, title, label) {
  mkdirSync(pictures, { recursive: true });
  writeFileSync(join(pictures, name), svg(lines, title, label));
  console.log(`docs/pictures/${name}`);
}

/** What a command line prints. @param {string} command */
const shell = command =>
  execFileSync('sh', ['-c', command.replace('npx lastack', `'${process.execPath}' '${cli}'`)], {
    cwd: root,
    env,
    encoding: 'utf8',
  }).trimEnd();

async function start() {
  const t = terminal([], 16);
  await t.shows(/in TIME_WAIT for 2 MSL[\s\S]*Ctrl-C ends ·/);
  await pause(4000);
  for (let i = 0; i < 2; i++) {
    await (await fetch('http://127.0.0.1:8080/')).text();
    await pause(1500);
  }
  save(
    'start.svg',
    [typed('npm start'), [], ...trimmed(t.screen.lines)],
    'npm start',
    'npm start: the whole life of one connection as a ladder, from SYN to TIME_WAIT, and below it the live table of connections',
  );
  // One that says nothing for a while.
  const idle = connect(8080, '127.0.0.1');
  await pause(1000);
  const commands = [
    'npx lastack ss -tano',
    'npx lastack netstat -n | grep TIME_WAIT',
    'npx lastack sysctl tcp_fin_timeout',
  ];
  const lines = commands.flatMap(c => [typed(c), ...plain(shell(c)), []]);
  idle.destroy();
  save(
    'tables.svg',
    trimmed(lines),
    'in another terminal',
    'lastack ss and lastack netstat: the connections of the running instance, one open and three in TIME-WAIT',
  );
  await t.end();
}

async function lostFin() {
  const t = terminal(['--drop', 'B FIN 1', '--plain', '--color', 'always'], 50);
  await t.shows(/in TIME_WAIT for 2 MSL[^\n]*\n[^\n]*\n/);
  await pause(300);
  const { lines } = t.screen;
  const first = lines.findIndex(l =>
    l
      .map(c => c.char)
      .join('')
      .trimStart()
      .startsWith('seconds'),
  );
  // What closes the ladder is two lines of explanation.
  const last = lines.findIndex(l => /in TIME_WAIT for 2 MSL/.test(l.map(c => c.char).join('')));
  save(
    'lost-fin.svg',
    [typed('npm start -- --drop "B FIN 1"'), [], ...trimmed(lines.slice(first, last + 2))],
    'the first FIN is lost',
    'The same with the first FIN of B lost: B sends it again, and the connection closes all the same',
  );
  await t.end();
}

try {
  await start();
  await lostFin();
  writeFileSync(join(pictures, 'states.svg'), `${shell('npx lastack diagram svg')}\n`);
  console.log('docs/pictures/states.svg');
} finally {
  rmSync(runtime, { recursive: true, force: true });
}
