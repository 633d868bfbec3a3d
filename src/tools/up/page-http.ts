const encoder = new TextEncoder();

/** A page in pieces, of which those that never change are encoded once. */
export type Page = readonly (string | Uint8Array)[];

export const encode = (text: string): Uint8Array => encoder.encode(text);

/** Where answers are put together; it grows with the largest. */
let room = Buffer.alloc(32 * 1024);

/** The pieces in one. */
function joined(pieces: Page): Uint8Array {
  // A letter is three bytes at most.
  const most = pieces.reduce((n, piece) => n + (typeof piece === 'string' ? 3 : 1) * piece.length, 0);
  if (most > room.length) room = Buffer.alloc(2 * most);
  let n = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') n += room.write(piece, n);
    else {
      room.set(piece, n);
      n += piece.length;
    }
  }
  return room.subarray(0, n);
}

/**
 * An answer of the built-in page, complete: one request for each connection, then `Connection: close`. It
 * gives no Content-Length: the body ends where the connection does, so that B closes first, and a client
 * feels it when B's FIN is lost.
 * @returns bytes that hold only until the next answer is made
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
  const top = lines.join('\r\n');
  return joined(head ? [top] : [top, ...body]);
}

export const HTML = 'text/html; charset=utf-8';
export const TEXT = 'text/plain; charset=utf-8';
export const SVG = 'image/svg+xml; charset=utf-8';
export const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';
