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

/** Scripts longer than this are not read out of an address. */
const LONGEST = 60_000;

/**
 * The part of the address behind '#'. Servers never see it, and a static site needs to know nothing of it.
 * Line ends and spaces, of which a script is full, are written as `~` and `_`.
 */
export function writePlace(place: Place): string {
  const parts: string[] = [];
  const lesson = lessonOf(place.lesson);
  if (lesson !== null) parts.push(`lesson=${lesson.id}`);
  if (lesson?.script !== place.script) parts.push(`s=${pack(place.script)}`);
  if (place.time > 0) parts.push(`t=${Math.round(place.time)}`);
  if (place.lang !== '') parts.push(`lang=${place.lang}`);
  return `#${parts.join('&')}`;
}

/** Reads it; what can't be read is as if it were not there. */
export function readPlace(hash: string): Place {
  const values = new Map<string, string>();
  for (const part of hash.replace(/^#/, '').split('&')) {
    const at = part.indexOf('=');
    if (at > 0) values.set(part.slice(0, at), part.slice(at + 1));
  }
  const lesson = lessonOf(values.get('lesson') ?? '');
  const packed = values.get('s');
  const time = Number(values.get('t') ?? 0);
  const lang = values.get('lang');
  return {
    lesson: lesson?.id ?? '',
    script: (packed === undefined ? null : unpack(packed)) ?? lesson?.script ?? '',
    time: Number.isFinite(time) && time > 0 ? Math.min(time, 1e15) : 0,
    lang: lang === 'en' || lang === 'zh' ? lang : '',
  };
}

const pack = (text: string): string =>
  encodeURIComponent(text)
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
