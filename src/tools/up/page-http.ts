/**
 * An answer of the built-in page, complete: one request for each connection, then `Connection: close`. It
 * gives no Content-Length: the body ends where the connection does, so that B closes first, and a client
 * feels it when B's FIN is lost.
 */
export function httpResponse(status: string, type: string, body: string, head = false): Uint8Array {
  const bytes = new TextEncoder().encode(body);
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
  const top = new TextEncoder().encode(lines.join('\r\n'));
  if (head) return top;
  const all = new Uint8Array(top.length + bytes.length);
  all.set(top);
  all.set(bytes, top.length);
  return all;
}

export const HTML = 'text/html; charset=utf-8';
export const TEXT = 'text/plain; charset=utf-8';
export const SVG = 'image/svg+xml; charset=utf-8';
export const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';
