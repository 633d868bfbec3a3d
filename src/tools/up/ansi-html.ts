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
  const [start = '', ...parts] = escapeXml(text).split('\x1b[');
  let out = start;
  let open = 0;
  for (const part of parts) {
    const end = part.indexOf('m');
    const name = CLASSES[part.slice(0, end)];
    if (name !== undefined) {
      out += `<span class="${name}">`;
      open++;
    } else if (open > 0) {
      out += '</span>';
      open--;
    }
    out += part.slice(end + 1);
  }
  return out + '</span>'.repeat(open);
}
