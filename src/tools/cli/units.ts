import { MICROS_PER_MS, MICROS_PER_SECOND, type Micros } from '../../base/time.ts';
import { type CliError, usage } from './error.ts';

const bad = (option: string, text: string, hint: string): CliError => usage(`${option}: '${text}'`, hint);

/** `2%`, `0.5%`, or a fraction with a point such as `0.02`. Returns 0 … 1. */
export function percent(option: string, text: string): number {
  const m = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text);
  const n = m ? Number(m[1]) : Number.NaN;
  if (m?.[2] === '%' && n <= 100) return n / 100;
  if (m?.[2] === '' && (n === 0 || (n <= 1 && text.includes('.')))) return n;
  throw bad(
    option,
    text,
    `write a share such as 2% or 0.5%${n <= 100 ? ` (${text}% if you meant that)` : ''}`,
  );
}

const DURATIONS: Readonly<Record<string, number>> = {
  us: 1,
  µs: 1,
  ms: MICROS_PER_MS,
  s: MICROS_PER_SECOND,
  m: 60 * MICROS_PER_SECOND,
};

/** `40ms`, `1.5s`, `250us`, `2m`, or 0. At most an hour. */
export function duration(option: string, text: string): Micros {
  const m = /^(\d+(?:\.\d+)?)(us|µs|ms|s|m)?$/.exec(text);
  const micros = m ? Math.round(Number(m[1]) * (DURATIONS[m[2] ?? ''] ?? Number.NaN)) : Number.NaN;
  if (text === '0') return 0;
  if (micros <= 3600 * MICROS_PER_SECOND) return micros;
  throw bad(
    option,
    text,
    /^\d+$/.test(text)
      ? `add a unit: ${text}ms or ${text}s`
      : 'write a time such as 40ms, 1.5s or 250us, at most 60m',
  );
}

const RATES: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

/** `10mbit`, `500kbit`, `1gbit`, as tc(8) writes them. Returns bits per second, at least 1,000. */
export function rate(option: string, text: string): number {
  const m = /^(\d+(?:\.\d+)?)([kmg]?bit)$/i.exec(text);
  const bits = m ? Number(m[1]) * (RATES[m[2]!.toLowerCase()] ?? Number.NaN) : Number.NaN;
  if (bits >= 1000 && bits <= 1e12) return bits;
  throw bad(option, text, 'write a rate such as 10mbit, 500kbit or 1gbit (1kbit at least)');
}

export function integer(option: string, text: string, low: number, high: number): number {
  const n = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (n >= low && n <= high) return n;
  throw bad(option, text, `write a whole number from ${low} to ${high}`);
}

/** A TCP port; 0 lets the system choose where that is allowed. */
export const port = (option: string, text: string, low = 1): number => integer(option, text, low, 65535);

export interface HostPort {
  /** A name or an address; IPv6 without its brackets. */
  host: string;
  port: number;
}

/** `host:port`, `[::1]:80`, or `:80` for this machine. */
export function hostPort(option: string, text: string): HostPort {
  const url = /^(https?):\/\/([^/]+)/i.exec(text);
  if (url) {
    const at = url[2]!;
    const say = /:\d+$/.test(at) ? at : `${at}:${url[1]!.toLowerCase() === 'https' ? 443 : 80}`;
    throw bad(option, text, `write host:port without the rest of the URL: ${option} ${say}`);
  }
  const m = /^(?:\[([0-9a-fA-F:.]+(?:%\w+)?)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(text);
  if (!m) {
    throw bad(
      option,
      text,
      /^\d+$/.test(text)
        ? `write a host too: ${option} 127.0.0.1:${text}`
        : 'write host:port, such as 127.0.0.1:3000, example.org:80 or [::1]:3000',
    );
  }
  return { host: m[1] ?? (m[2] || '127.0.0.1'), port: port(option, m[3]!) };
}

/** 1234567 → 1,234,567 */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** Microseconds for people: 412 µs, 40.3 ms, 1.204 s, 12.5 s. */
export function shortTime(micros: Micros): string {
  if (micros < 1000) return `${Math.round(micros)} µs`;
  if (micros < MICROS_PER_SECOND) return `${trim((micros / MICROS_PER_MS).toFixed(1))} ms`;
  const s = micros / MICROS_PER_SECOND;
  return `${trim(s.toFixed(s < 10 ? 2 : 1))} s`;
}

const trim = (s: string): string => (s.includes('.') ? s.replace(/\.?0+$/, '') : s);
