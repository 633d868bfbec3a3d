import type { IncomingMessage } from 'node:http';

/**
 * Nothing but the page's own files runs, is shown or is asked, and nobody else frames it. Styles set by
 * script through an element's `style` are allowed by this; style attributes in HTML are not.
 */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** In every answer. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CSP,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

/** The names by which a browser on this machine may know a port of it. */
function hostsOf(port: number): ReadonlySet<string> {
  const names = ['127.0.0.1', 'localhost', '[::1]'];
  return new Set([...names.map(n => `${n}:${port}`), ...(port === 80 ? names : [])]);
}

/**
 * Whether the request is for this server by a name of this machine. Another name means that somebody's name
 * server has led a browser here (DNS rebinding).
 */
export function isForUs(request: IncomingMessage, port: number): boolean {
  return hostsOf(port).has((request.headers.host ?? '').toLowerCase());
}

/** Whether no other site made the browser ask: what is live is for our own page and for tools only. */
export function isOurPage(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const { origin, host } = request.headers;
  return origin === undefined || origin.toLowerCase() === `http://${(host ?? '').toLowerCase()}`;
}
