/** Names of the DNS as text: labels in lower case, odd bytes escaped as RFC 4343 writes them. */

const MAX_NAME = 255;
const MAX_LABEL = 63;

/**
 * A host name as it is asked for: lower case, without a final dot, international labels in their ASCII form.
 * @returns null if no name can look like this
 */
export function hostName(text: string): string | null {
  let name = text;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) < 0x80) continue;
    const url = `http://${text}/`;
    if (/[/?#@:\s]/.test(text) || !URL.canParse(url)) return null;
    name = new URL(url).hostname;
    break;
  }
  if (name.endsWith('.')) name = name.slice(0, -1);
  if (name.length === 0 || name.length > MAX_NAME - 2) return null;
  const good = name.split('.').every(l => l.length <= MAX_LABEL && /^[\w-]+$/.test(l));
  return good ? name.toLowerCase() : null;
}

/** Writes a name that `hostName` has passed. @returns where it ends */
export function putName(bytes: Uint8Array, at: number, name: string): number {
  for (const label of name.split('.')) {
    bytes[at++] = label.length;
    for (let i = 0; i < label.length; i++) bytes[at++] = label.charCodeAt(i);
  }
  bytes[at++] = 0;
  return at;
}

/** A name read out of a message, and where it ends there; one object per reader, refilled. */
export interface NameAt {
  name: string;
  end: number;
}

/**
 * Reads a name at `at`, following pointers, which must lead back: so that it ends however they lie.
 * @returns false if it is malformed or longer than 255 bytes
 */
export function readName(bytes: Uint8Array, at: number, into: NameAt): boolean {
  const labels: string[] = [];
  let length = 1;
  let end = -1;
  let before = at;
  for (;;) {
    const n = bytes[at];
    if (n === undefined) return false;
    if (n === 0) {
      into.name = labels.join('.');
      into.end = end >= 0 ? end : at + 1;
      return true;
    }
    if (n >= 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined) return false;
      const to = ((n & 0x3f) << 8) | low;
      if (end < 0) end = at + 2;
      if (to >= before) return false;
      before = to;
      at = to;
      continue;
    }
    length += n + 1;
    if (n > MAX_LABEL || length > MAX_NAME || at + n >= bytes.length) return false;
    labels.push(labelText(bytes, at + 1, n));
    at += n + 1;
  }
}

function labelText(bytes: Uint8Array, at: number, n: number): string {
  let text = '';
  for (let i = at; i < at + n; i++) {
    const c = bytes[i]!;
    if (c === 0x2e || c === 0x5c) text += `\\${String.fromCharCode(c)}`;
    else if (c <= 0x20 || c >= 0x7f) text += `\\${String(c).padStart(3, '0')}`;
    else text += String.fromCharCode(c >= 0x41 && c <= 0x5a ? c + 32 : c);
  }
  return text;
}
