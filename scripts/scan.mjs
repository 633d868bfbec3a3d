// Reads import statements and names out of a source with a small scanner of its own, for scripts/imports.mjs.

/** Lines that a source file may have. */
export const MAX_LINES = 400;

/**
 * The source with comments and the insides of strings blanked out, positions unchanged; and its strings.
 * A regular expression is told from a division by what stands before it.
 * @param {string} source
 */
export function scan(source) {
  const out = source.split('');
  /** @type {{ at: number, text: string }[]} */
  const strings = [];
  /** @type {string[]} */
  const nesting = [];
  let i = 0;
  let previous = '';
  const blank = (/** @type {number} */ from, /** @type {number} */ to) => {
    for (let k = from; k < to && k < out.length; k++) if (out[k] !== '\n') out[k] = ' ';
  };
  /** From behind a template's opening back-quote, or behind the brace that ends a substitution. */
  const template = (/** @type {number} */ from) => {
    let k = from;
    while (k < source.length && source[k] !== '`' && !(source[k] === '$' && source[k + 1] === '{')) {
      k += source[k] === '\\' ? 2 : 1;
    }
    blank(from, k);
    if (source[k] === '$') {
      nesting.push('`');
      return k + 2;
    }
    return k + 1;
  };
  while (i < source.length) {
    const c = source[i] ?? '';
    const next = source[i + 1];
    if (c === '/' && next === '/') {
      const end = source.indexOf('\n', i);
      blank(i, end < 0 ? source.length : end);
      i = end < 0 ? source.length : end;
    } else if (c === '/' && next === '*') {
      const end = source.indexOf('*/', i + 2);
      blank(i, end < 0 ? source.length : end + 2);
      i = end < 0 ? source.length : end + 2;
    } else if (c === "'" || c === '"') {
      let k = i + 1;
      while (k < source.length && source[k] !== c && source[k] !== '\n') k += source[k] === '\\' ? 2 : 1;
      strings.push({ at: i, text: source.slice(i + 1, k) });
      blank(i + 1, k);
      i = k + 1;
      previous = c;
    } else if (c === '`') {
      i = template(i + 1);
      previous = '`';
    } else if (c === '/' && regexMayFollow(previous, source, i)) {
      let k = i + 1;
      let set = false;
      while (k < source.length && source[k] !== '\n' && (set || source[k] !== '/')) {
        if (source[k] === '[') set = true;
        else if (source[k] === ']') set = false;
        k += source[k] === '\\' ? 2 : 1;
      }
      blank(i + 1, k);
      i = k + 1;
      previous = '/';
    } else {
      if (c === '{') nesting.push('{');
      else if (c === '}' && nesting.pop() === '`') {
        i = template(i + 1);
        previous = '`';
        continue;
      }
      if (c.trim() !== '') previous = c;
      i++;
    }
  }
  return { code: out.join(''), strings };
}

/** @param {string} previous the last visible character @param {string} source @param {number} at */
function regexMayFollow(previous, source, at) {
  if (previous === '' || '(,=:[!&|?{};+-*%<>~^'.includes(previous)) return true;
  return /\b(?:return|typeof|case|in|of|delete|void|throw|else|do)\s*$/.test(
    source.slice(Math.max(0, at - 12), at),
  );
}

/**
 * Every module a file names: `import … from`, `export … from`, `import '…'`, `import('…')`.
 * @param {{ code: string, strings: { at: number, text: string }[] }} scanned
 */
export function importsOf({ code, strings }) {
  return strings.filter(({ at }) => {
    const before = code.slice(Math.max(0, at - 4000), at);
    return /(?:^|[\s;}])from\s*$/.test(before)
      ? /(?:^|[\s;}])(?:import|export)\b[^;'"]*$/.test(before)
      : /(?:^|[\s;}=(:,!&|?])import\s*\(?\s*$/.test(before);
  });
}
