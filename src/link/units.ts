import type { Micros } from '../base/time.ts';

/** The units that people write behind numbers; each function gives null for what it cannot read. */
const TIME = /^(\d+(?:\.\d+)?)(us|µs|ms|s|m|min|h)?$/;
const RATE = /^(\d+(?:\.\d+)?)(k|m|g)?(bit|bps|byte|bytes)?(?:\/s)?$/i;
const SIZE = /^(\d+(?:\.\d+)?)(k|ki|m|mi|g|gi)?b?$/i;

const TIME_UNITS: Record<string, number> = { us: 1, µs: 1, ms: 1e3, s: 1e6, m: 6e7, min: 6e7, h: 3.6e9 };

/** '250us', '40ms', '1.5s', '2min'; a bare number is milliseconds. In microseconds. */
export function parseTime(text: string): Micros | null {
  const m = TIME.exec(text);
  return m === null ? null : Math.round(Number(m[1]) * (TIME_UNITS[m[2] ?? 'ms'] ?? 1e3));
}

/** '10mbit', '1gbit', '500kbit', '2mbyte'; in bits per second (a bare number too). */
export function parseRate(text: string): number | null {
  const m = RATE.exec(text);
  if (m === null) return null;
  const scale = { k: 1e3, m: 1e6, g: 1e9 }[(m[2] ?? '').toLowerCase()] ?? 1;
  return Number(m[1]) * scale * ((m[3] ?? '').toLowerCase().startsWith('byte') ? 8 : 1);
}

/** '2%' or '0.02' as a probability 0 … 1. */
export function parseProbability(text: string): number | null {
  const percent = text.endsWith('%');
  const body = percent ? text.slice(0, -1) : text;
  if (!/^\d*\.?\d+$/.test(body)) return null;
  const p = Number(body) / (percent ? 100 : 1);
  return p >= 0 && p <= 1 ? p : null;
}

/** '64kb', '1mib', '1500'; in bytes. */
export function parseSize(text: string): number | null {
  const m = SIZE.exec(text);
  if (m === null) return null;
  const unit = (m[2] ?? '').toLowerCase();
  const base = unit.endsWith('i') ? 1024 : 1000;
  const power = unit === '' ? 0 : 'kmg'.indexOf(unit.charAt(0)) + 1;
  return Math.round(Number(m[1]) * base ** power);
}

/** A time as people read it: '250us', '40ms', '1.5s'. `parseTime` reads it back. */
export function formatTime(t: Micros): string {
  if (t < 1000) return `${t}us`;
  return t < 1_000_000 ? `${t / 1000}ms` : `${t / 1_000_000}s`;
}
