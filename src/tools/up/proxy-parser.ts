import { Address } from '../../base/address.ts';

/** What a proxy client is asking for next. */
export type ProxyStep =
  /** More bytes are needed. */
  | { readonly kind: 'more' }
  /** Send these bytes and go on. */
  | { readonly kind: 'reply'; readonly bytes: Uint8Array }
  /** It wants to be connected; bytes after the request are in `rest`. */
  | { readonly kind: 'connect'; readonly host: string; readonly port: number; readonly rest: Uint8Array }
  /** It can't be served: send these bytes and close. `why` is for the log. */
  | { readonly kind: 'refuse'; readonly bytes: Uint8Array; readonly why: string };

/** Longest request head of HTTP CONNECT, in bytes; a SOCKS5 request has at most 262. */
const MAX_HEAD = 8192;
const MORE: ProxyStep = { kind: 'more' };

const SOCKS5 = 5;
const NO_AUTHENTICATION = 0;
const NOTHING_ACCEPTABLE = 0xff;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;

/** SOCKS5 reply codes (RFC 1928 §6). */
export const SOCKS_OK = 0;
export const SOCKS_FAILURE = 1;
export const SOCKS_NET_UNREACHABLE = 3;
export const SOCKS_HOST_UNREACHABLE = 4;
export const SOCKS_REFUSED = 5;
export const SOCKS_TTL_EXPIRED = 6;
const SOCKS_BAD_COMMAND = 7;
const SOCKS_BAD_ADDRESS = 8;

/**
 * Reads what a client of the front sends first: SOCKS5 (RFC 1928, without authentication, CONNECT only) or
 * HTTP CONNECT (RFC 9110 §9.3.6), told apart by the first byte. Holds at most 8 KiB; what is not understood
 * is refused with an answer that says so.
 */
export class ProxyParser {
  /** Which protocol it is, once the first byte has come. */
  protocol: 'socks5' | 'http' | null = null;
  private held: Uint8Array = new Uint8Array(0);
  private greeted = false;

  /** Takes bytes in; call again with none after each 'reply'. */
  push(bytes: Uint8Array): ProxyStep {
    if (bytes.length > 0) {
      const joined = new Uint8Array(this.held.length + bytes.length);
      joined.set(this.held);
      joined.set(bytes, this.held.length);
      this.held = joined;
    }
    const first = this.held[0];
    if (first === undefined) return MORE;
    if (this.protocol === null) {
      if (first === 4)
        return refuse(
          new Uint8Array([0, 91, 0, 0, 0, 0, 0, 0]),
          'SOCKS4; use SOCKS5 (socks5:// or socks5h://)',
        );
      this.protocol = first === SOCKS5 ? 'socks5' : 'http';
    }
    return this.protocol === 'http' ? this.http() : this.greeted ? this.socksRequest() : this.socksGreeting();
  }

  /** The answer for a client that has been connected. */
  connected(): Uint8Array {
    return this.protocol === 'http'
      ? text('HTTP/1.1 200 Connection established\r\n\r\n')
      : socksReply(SOCKS_OK);
  }

  /** The answer for one that could not be. @param errno Linux's name, such as ECONNREFUSED */
  failed(errno: string): Uint8Array {
    if (this.protocol !== 'http') return socksReply(SOCKS_CODES[errno] ?? SOCKS_FAILURE);
    const timeout = errno === 'ETIMEDOUT';
    const status = timeout ? '504 Gateway Timeout' : '502 Bad Gateway';
    return page(status, `The inner connection to the target failed: ${errno}\n`);
  }

  private socksGreeting(): ProxyStep {
    const count = this.held[1];
    if (count === undefined || this.held.length < 2 + count) return MORE;
    const methods = this.held.subarray(2, 2 + count);
    if (!methods.includes(NO_AUTHENTICATION)) {
      return refuse(new Uint8Array([SOCKS5, NOTHING_ACCEPTABLE]), 'the client insists on authentication');
    }
    this.held = this.held.slice(2 + count);
    this.greeted = true;
    return { kind: 'reply', bytes: new Uint8Array([SOCKS5, NO_AUTHENTICATION]) };
  }

  private socksRequest(): ProxyStep {
    const b = this.held;
    if (b.length < 5) return MORE;
    if (b[0] !== SOCKS5) return refuse(socksReply(SOCKS_FAILURE), 'not a SOCKS5 request');
    if (b[1] !== CONNECT) return refuse(socksReply(SOCKS_BAD_COMMAND), 'only CONNECT is served');
    const type = b[3];
    const size = type === IPV4 ? 4 : type === IPV6 ? 16 : type === NAME ? b[4]! + 1 : -1;
    if (size < 0) return refuse(socksReply(SOCKS_BAD_ADDRESS), 'unknown type of address');
    const end = 4 + size + 2;
    if (b.length < end) return MORE;
    let host: string;
    if (type === NAME) {
      host = new TextDecoder('latin1').decode(b.subarray(5, 4 + size));
      if (!isName(host))
        return refuse(socksReply(SOCKS_BAD_ADDRESS), 'the host name has characters that no host name has');
    } else {
      const address = new Address(0, 0, 0, 0);
      if (type === IPV4) address.assign4(b, 4);
      else address.assign6(b, 4, 0);
      host = address.toString();
    }
    const port = (b[end - 2]! << 8) | b[end - 1]!;
    if (port === 0) return refuse(socksReply(SOCKS_FAILURE), 'port 0');
    return { kind: 'connect', host, port, rest: b.slice(end) };
  }

  private http(): ProxyStep {
    const end = endOfHead(this.held);
    if (end < 0) {
      return this.held.length > MAX_HEAD
        ? refuse(
            page('431 Request Header Fields Too Large', 'The request is too long.\n'),
            'request head too long',
          )
        : MORE;
    }
    if (end > MAX_HEAD)
      return refuse(
        page('431 Request Header Fields Too Large', 'The request is too long.\n'),
        'request head too long',
      );
    const line =
      new TextDecoder('latin1').decode(this.held.subarray(0, Math.min(end, 2048))).split('\r\n')[0] ?? '';
    const m = /^CONNECT (?:\[([0-9a-fA-F:.]{2,45})\]|([^\s:[\]]{1,255})):(\d{1,5}) HTTP\/1\.[01]$/.exec(line);
    const host = m?.[1] ?? m?.[2];
    const port = Number(m?.[3] ?? 0);
    if (host === undefined || !isName(host) || port < 1 || port > 65535) {
      const other = /^(?!CONNECT )[A-Z]+ \S+ HTTP\/1\.[01]$/.test(line);
      return other
        ? refuse(
            page(
              '405 Method Not Allowed',
              'This port speaks SOCKS5 and HTTP CONNECT only.\nTry: curl --proxytunnel -x http://HOST:PORT URL\n',
              'Allow: CONNECT\r\n',
            ),
            'not CONNECT',
          )
        : refuse(page('400 Bad Request', 'Neither SOCKS5 nor HTTP CONNECT.\n'), 'not understood');
    }
    return { kind: 'connect', host, port, rest: this.held.slice(end) };
  }
}

const SOCKS_CODES: Readonly<Record<string, number>> = {
  ENETUNREACH: SOCKS_NET_UNREACHABLE,
  EHOSTUNREACH: SOCKS_HOST_UNREACHABLE,
  ENOTFOUND: SOCKS_HOST_UNREACHABLE,
  EAI_AGAIN: SOCKS_HOST_UNREACHABLE,
  ECONNREFUSED: SOCKS_REFUSED,
  ETIMEDOUT: SOCKS_TTL_EXPIRED,
};

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const refuse = (bytes: Uint8Array, why: string): ProxyStep => ({ kind: 'refuse', bytes, why });

/** Version, code, reserved, and 0.0.0.0:0 as the bound address: it is an inner one, of no use to the client. */
const socksReply = (code: number): Uint8Array => new Uint8Array([SOCKS5, code, 0, IPV4, 0, 0, 0, 0, 0, 0]);

function page(status: string, body: string, headers = ''): Uint8Array {
  return text(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text(body).length}\r\n${headers}Connection: close\r\n\r\n${body}`,
  );
}

/** Letters, digits, dots, hyphens, underscores, and colons for IPv6: nothing that could mean anything else to a resolver. */
const isName = (host: string): boolean => /^[A-Za-z0-9._:-]{1,255}$/.test(host);

/** One past the empty line that ends a request head; −1 if it has not come. */
function endOfHead(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) {
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) return i + 1;
  }
  return -1;
}
