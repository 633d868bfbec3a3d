import { usage } from './error.ts';

type Style = (text: string) => string;

/** Colours, or none: every renderer is given one, and lays out before it paints. */
export interface Paint {
  readonly colours: boolean;
  readonly bold: Style;
  readonly dim: Style;
  readonly red: Style;
  readonly green: Style;
  readonly yellow: Style;
  readonly blue: Style;
  readonly magenta: Style;
  readonly cyan: Style;
  readonly inverse: Style;
}

const same: Style = text => text;
const sgr =
  (on: number, off: number): Style =>
  text =>
    text === '' ? '' : `\x1b[${on}m${text}\x1b[${off}m`;

export const PLAIN: Paint = {
  colours: false,
  bold: same,
  dim: same,
  red: same,
  green: same,
  yellow: same,
  blue: same,
  magenta: same,
  cyan: same,
  inverse: same,
};

export const COLOURED: Paint = {
  colours: true,
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  blue: sgr(94, 39),
  magenta: sgr(35, 39),
  cyan: sgr(36, 39),
  inverse: sgr(7, 27),
};

/** `--color auto|always|never`; auto means in a terminal, unless NO_COLOR is set or TERM is dumb. */
export function choosePaint(
  option: string | null,
  tty: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Paint {
  if (option === 'always') return COLOURED;
  if (option === 'never') return PLAIN;
  if (option !== null && option !== 'auto') throw usage(`--color ${option}`, 'write auto, always or never');
  return tty && !env['NO_COLOR'] && env['TERM'] !== 'dumb' ? COLOURED : PLAIN;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ESCAPES = /\x1b\[[0-9;?]*[A-Za-z]/g;

export const unpainted = (text: string): string => text.replace(ESCAPES, '');

/** How many columns the text takes (no character we print is wide). */
export const columnsOf = (text: string): number => [...unpainted(text)].length;

/** At most `width` columns of a painted text; its colours are closed. */
export function clip(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let out = '';
  let columns = 0;
  let at = 0;
  let painted = false;
  ESCAPES.lastIndex = 0;
  while (at < text.length && columns < width - 1) {
    ESCAPES.lastIndex = at;
    const m = ESCAPES.exec(text);
    if (m !== null && m.index === at) {
      out += m[0];
      painted = true;
      at += m[0].length;
      continue;
    }
    const char = String.fromCodePoint(text.codePointAt(at)!);
    out += char;
    at += char.length;
    columns++;
  }
  return `${out}…${painted ? '\x1b[0m' : ''}`;
}

/**
 * Text from outside (a file, a network, an error) made safe for a terminal: control characters, escape
 * sequences among them, become visible.
 */
export function printable(text: string, limit = 400): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this removes
  return cut.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, c => {
    const code = c.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '�';
  });
}
