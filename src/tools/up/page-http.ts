const encoder = new TextEncoder();

/** A page in pieces, of which those that never change are encoded once. */
export type Page = readonly (string | Uint8Array)[];

export const encode = (text: string): Uint8Array => encoder.encode(text);

/**
 * An answer of the built-in page, complete: one request for each connection, then `Connection: close`. It
 * gives no Content-Length: the body ends where the connection does, so that B closes first, and a client
 * feels it when B's FIN is lost.
 */
export function httpResponse(status: string, type: string, body: Page, head = false): Uint8Array {
  const lines = [
    `HTTP/1.1 ${status}`,
    'Server: lastack',
    `Content-Type: ${type}`,
    'Cache-Control: no-store',
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    'X-Content-Type-Options: nosniff',
    'Connection: close',
    '',
    '',
  ];
  const top = encode(lines.join('\r\n'));
  if (head) return top;
  return Buffer.concat([top, ...body.map(piece => (typeof piece === 'string' ? encode(piece) : piece))]);
}

export const HTML = 'text/html; charset=utf-8';
export const TEXT = 'text/plain; charset=utf-8';
export const SVG = 'image/svg+xml; charset=utf-8';
export const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';
