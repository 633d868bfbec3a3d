import { lessonOf } from '../lessons/index.ts';

/** What of the page is in its address: all that another needs to see the same. */
export interface Place {
  /** The lesson that is open, '' for none. */
  readonly lesson: string;
  /** The script, where it is not the lesson's own. */
  readonly script: string;
  /** Virtual time, microseconds. */
  readonly time: number;
  readonly lang: 'en' | 'zh' | '';
}

/** Scripts that are longer than this when written are neither put into an address nor read out of one. */
const LONGEST = 60_000;
const LATEST = 1e15;

/**
 * The part of the address behind '#'. Servers never see it, and a static site needs to know nothing of it.
 * Line ends and spaces, of which a script is full, are written as `~` and `_`. Of a place whose script is too
 * long only the language is written: without its script it would be another place.
 */
export function writePlace(place: Place): string {
  const parts: string[] = [];
  const lesson = lessonOf(place.lesson);
  const script = lesson?.script === place.script ? '' : pack(place.script);
  if (script.length <= LONGEST) {
    if (lesson !== null) parts.push(`lesson=${lesson.id}`);
    if (lesson?.script !== place.script) parts.push(`s=${script}`);
    if (place.time >= 0.5) parts.push(`t=${Math.round(Math.min(place.time, LATEST))}`);
  }
  if (place.lang !== '') parts.push(`lang=${place.lang}`);
  return `#${parts.join('&')}`;
}

/** Reads it; what can't be read is as if it were not there. */
export function readPlace(hash: string): Place {
  const values = valuesOf(hash);
  const lesson = lessonOf(values.get('lesson') ?? '');
  const packed = values.get('s');
  const time = Number(values.get('t') ?? 0);
  const lang = values.get('lang');
  return {
    lesson: lesson?.id ?? '',
    script: (packed === undefined ? null : unpack(packed)) ?? lesson?.script ?? '',
    time: Number.isFinite(time) && time > 0 ? Math.min(time, LATEST) : 0,
    lang: lang === 'en' || lang === 'zh' ? lang : '',
  };
}

/** Whether there is a script in it that can't be read. */
export function isUnreadable(hash: string): boolean {
  const packed = valuesOf(hash).get('s');
  return packed !== undefined && unpack(packed) === null;
}

function valuesOf(hash: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const part of hash.replace(/^#/, '').split('&')) {
    const at = part.indexOf('=');
    if (at > 0) values.set(part.slice(0, at), part.slice(at + 1));
  }
  return values;
}

/** Half of a surrogate pair, which a text field may hold, can't be written as UTF-8. */
const pack = (text: string): string =>
  encodeURIComponent(
    text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd'),
  )
    .replace(/[~_]/g, c => (c === '~' ? '%7E' : '%5F'))
    .replace(/%0A/g, '~')
    .replace(/%20/g, '_');

function unpack(text: string): string | null {
  if (text.length > LONGEST) return null;
  try {
    return decodeURIComponent(text.replace(/~/g, '%0A').replace(/_/g, '%20'));
  } catch {
    return null;
  }
}
