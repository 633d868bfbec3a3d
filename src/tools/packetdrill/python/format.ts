import { iterate, numeric, type PyValue, raise, repr, text } from './values.ts';

/** Applies a format specification (`05d`, `.2f`, `>10`, `x`, `,`): what f-strings and str.format use. */
export function formatSpec(v: PyValue, spec: string): string {
  if (spec === '') return text(v);
  const m = /^(?:(.)?([<>^=]))?([+ -])?(#)?(0)?(\d{1,4})?(,)?(?:\.(\d{1,3}))?([a-zA-Z%])?$/.exec(spec);
  if (!m) return raise('ValueError', `invalid format specifier '${spec}'`);
  const [, fill, align, sign, alternate, zero, width, comma, precision, type] = m;
  let out: string;
  const digits = precision === undefined ? undefined : Number(precision);
  if (typeof v === 'string' && (type === undefined || type === 's')) out = v.slice(0, digits);
  else if (typeof v === 'string')
    return raise('ValueError', `Unknown format code '${type}' for object of type 'str'`);
  else if (typeof v === 'number' || typeof v === 'boolean') {
    out = formatNumber(numeric(v, 'format'), type, digits, alternate !== undefined);
    if (comma !== undefined) out = out.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
    if ((sign === '+' || sign === ' ') && !out.startsWith('-')) out = sign + out;
  } else out = text(v);
  return pad(
    out,
    Number(width ?? 0),
    fill ?? (zero ? '0' : ' '),
    align ?? (zero ? '=' : typeof v === 'string' ? '<' : '>'),
  );
}

function formatNumber(
  n: number,
  type: string | undefined,
  digits: number | undefined,
  alternate: boolean,
): string {
  switch (type) {
    case 'd':
    case 'i':
    case 'u':
      return String(Math.trunc(n));
    case 'f':
    case 'F':
      return n.toFixed(digits ?? 6);
    case 'e':
    case 'E':
      return n.toExponential(digits ?? 6);
    case '%':
      return `${(n * 100).toFixed(digits ?? 6)}%`;
    case 'x':
      return (alternate ? '0x' : '') + Math.trunc(n).toString(16);
    case 'X':
      return (alternate ? '0X' : '') + Math.trunc(n).toString(16).toUpperCase();
    case 'b':
      return (alternate ? '0b' : '') + Math.trunc(n).toString(2);
    case 'o':
      return (alternate ? '0o' : '') + Math.trunc(n).toString(8);
    default:
      return digits === undefined ? String(n) : String(Number(n.toPrecision(Math.max(1, digits))));
  }
}

function pad(out: string, width: number, fill: string, align: string): string {
  const missing = width - out.length;
  if (missing <= 0) return out;
  if (align === '<') return out + fill.repeat(missing);
  if (align === '^') return fill.repeat(missing >> 1) + out + fill.repeat(missing - (missing >> 1));
  const sign = align === '=' && /^[+-]/.test(out) ? out[0]! : '';
  return sign + fill.repeat(missing) + out.slice(sign.length);
}

/** `'…%d…' % values`. */
export function percentFormat(pattern: string, values: PyValue): string {
  const args =
    typeof values === 'object' && values !== null && values.kind === 'tuple' ? iterate(values) : [values];
  let next = 0;
  const out = pattern.replace(
    /%([-+ 0#]*)(\d{1,4})?(?:\.(\d{1,3}))?[hlL]?([a-zA-Z%])/g,
    (_, flags: string, width?: string, precision?: string, type?: string) => {
      if (type === '%') return '%';
      if (next >= args.length) raise('TypeError', 'not enough arguments for format string');
      const v = args[next++]!;
      const digits = precision === undefined ? undefined : Number(precision);
      let one: string;
      if (type === 's') one = text(v).slice(0, digits);
      else if (type === 'r') one = repr(v);
      else
        one = formatNumber(
          numeric(v, `%${type}`),
          type === 'g' ? undefined : type,
          digits,
          flags.includes('#'),
        );
      if (type !== 's' && type !== 'r' && flags.includes('+') && !one.startsWith('-')) one = `+${one}`;
      const left = flags.includes('-');
      return pad(
        one,
        Number(width ?? 0),
        flags.includes('0') && !left ? '0' : ' ',
        left ? '<' : flags.includes('0') ? '=' : '>',
      );
    },
  );
  if (next < args.length && !(args.length === 1 && next === 0 && typeof values === 'object'))
    raise('TypeError', 'not all arguments converted during string formatting');
  return out;
}

/** `'…{}…'.format(values)`: positions, names and format specifications. */
export function braceFormat(
  pattern: string,
  args: readonly PyValue[],
  keywords: ReadonlyMap<string, PyValue>,
): string {
  let next = 0;
  return pattern.replace(
    /\{\{|\}\}|\{([^{}:!]*)(?:!([rs]))?(?::([^{}]*))?\}/g,
    (all, name?: string, conversion?: string, spec?: string) => {
      if (all === '{{') return '{';
      if (all === '}}') return '}';
      const key = name ?? '';
      const v = key === '' ? args[next++] : /^\d+$/.test(key) ? args[Number(key)] : keywords.get(key);
      if (v === undefined) return raise('IndexError', `nothing to put into '${all}'`);
      return formatSpec(conversion === 'r' ? repr(v) : v, spec ?? '');
    },
  );
}
