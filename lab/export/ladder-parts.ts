import { clip, type Lang, WORDS, xml } from './ladder-text.ts';

export const round = (n: number, parts = 10): number => Math.round(n * parts) / parts;

/** The heads of arrows, by colour. */
export const HEADS: readonly string[] = ['a', 'b', 'bad', 'again'].map(
  k =>
    `<marker id="ll-${k}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="head ${k}" d="M 0 0.8 L 10 5 L 0 9.2 z"/></marker>`,
);

/**
 * A text that is cut to what there is room for; the whole is in its tool tip.
 * @param transform as SVG has it, '' none
 */
export function label(
  style: string,
  x: number,
  y: number,
  text: string,
  columns: number,
  transform: string,
): string {
  const shown = clip(text, columns);
  const tip = shown === text ? '' : `<title>${xml(text)}</title>`;
  const move = transform === '' ? '' : ` transform="${transform}"`;
  return `<text class="${style}" x="${x}" y="${y}"${move}>${tip}${xml(shown)}</text>`;
}

/** What the signs mean, at the foot of a picture; `left` says what was left out. */
export function legend(width: number, height: number, left: string, lang: Lang): string[] {
  const y = height - 22;
  return [
    `<path class="arrow a" marker-end="url(#ll-a)" d="M 14 ${y - 4} h 34"/>`,
    `<text class="foot" x="56" y="${y}">${WORDS.arrow[lang]}</text>`,
    `<path class="cross" d="M 280 ${y - 9} l 9 9 m -9 0 l 9 -9"/>`,
    `<text class="foot" x="296" y="${y}">${WORDS.lost[lang]}</text>`,
    `<path class="arrow again" marker-end="url(#ll-again)" d="M 360 ${y - 4} h 40"/>`,
    `<text class="foot" x="408" y="${y}">↻ ${WORDS.again[lang]}</text>`,
    `<rect class="wait" x="480" y="${y - 12}" width="4" height="15" rx="2"/>`,
    `<text class="foot" x="492" y="${y}">${WORDS.wait[lang]}</text>`,
    `<text class="foot" x="590" y="${y}">${WORDS.numbers[lang]}</text>`,
    ...(left === '' ? [] : [`<text class="foot end" x="${width - 14}" y="${y}">${left}</text>`]),
  ];
}
