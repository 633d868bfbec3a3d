/** What the built-in page needs to know of a request. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
}

export type HttpStep =
  | { readonly kind: 'more' }
  | { readonly kind: 'request'; readonly request: HttpRequest }
  | { readonly kind: 'bad'; readonly status: string };

const MAX_HEAD = 16 * 1024;

/** Collects a request head (RFC 9112) of at most 16 KiB; the body, if any, is left unread. */
export class HttpHead {
  private head = '';
  /** The request has been answered; what comes further is thrown away. */
  done = false;

  push(bytes: Uint8Array): HttpStep {
    if (this.done) return { kind: 'more' };
    this.head += new TextDecoder('latin1').decode(
      bytes.length > MAX_HEAD ? bytes.subarray(0, MAX_HEAD + 1) : bytes,
    );
    const end = this.head.search(/\r?\n\r?\n/);
    if (end < 0) {
      if (this.head.length <= MAX_HEAD) return { kind: 'more' };
      this.done = true;
      return { kind: 'bad', status: '431 Request Header Fields Too Large' };
    }
    this.done = true;
    const line = this.head.slice(0, end).split(/\r?\n/, 1)[0] ?? '';
    this.head = '';
    const m = /^([A-Z]{1,20}) (\/[!-~]{0,2000}) HTTP\/1\.[01]$/.exec(line);
    if (m === null) return { kind: 'bad', status: '400 Bad Request' };
    return { kind: 'request', request: { method: m[1]!, path: (m[2] ?? '/').split('?')[0]! } };
  }
}
