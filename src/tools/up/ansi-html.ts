import { escapeXml } from '../cli/escape.ts';

const CLASSES: Readonly<Record<string, string>> = {
  '1': 'bold',
  '2': 'dim',
  '31': 'red',
  '32': 'green',
  '33': 'yellow',
  '35': 'magenta',
  '36': 'cyan',
  '94': 'blue',
};

/** Text with our own colour sequences as HTML: spans with classes, everything else escaped. */
export function ansiToHtml(text: string): string {
  let out = '';
  let open = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  for (const part of text.split(/(\x1b\[\d+m)/)) {
    const code = part.startsWith('\x1b[') ? part.slice(2, -1) : null;
    if (code === null) out += escapeXml(part);
    else if (CLASSES[code] !== undefined) {
      out += `<span class="${CLASSES[code]}">`;
      open++;
    } else if (open > 0) {
      out += '</span>';
      open--;
    }
  }
  return out + '</span>'.repeat(open);
}
