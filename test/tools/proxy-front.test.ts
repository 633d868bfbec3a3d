import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HttpHead } from '../../src/tools/up/http-head.ts';
import { ProxyParser, type ProxyStep } from '../../src/tools/up/proxy-parser.ts';

const ascii = (s: string): Uint8Array => new TextEncoder().encode(s);
const text = (b: Uint8Array): string => new TextDecoder().decode(b);
const bytes = (...n: (number | string)[]): Uint8Array =>
  new Uint8Array(n.flatMap(x => (typeof x === 'number' ? [x] : [...ascii(x)])));

describe('the SOCKS5 front', () => {
  const greeted = (): ProxyParser => {
    const p = new ProxyParser();
    expect(p.push(bytes(5, 1, 0))).toEqual({ kind: 'reply', bytes: bytes(5, 0) });
    return p;
  };

  test('reads a name, an IPv4 and an IPv6 address, and keeps what came after', () => {
    expect(greeted().push(bytes(5, 1, 0, 3, 11, 'example.org', 0, 80, 'GET'))).toEqual({
      kind: 'connect',
      host: 'example.org',
      port: 80,
      rest: ascii('GET'),
    });
    expect(greeted().push(bytes(5, 1, 0, 1, 10, 0, 0, 7, 31, 144))).toMatchObject({
      host: '10.0.0.7',
      port: 8080,
    });
    const six = greeted().push(
      bytes(5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 1, 1, 187),
    );
    expect(six).toMatchObject({ host: '2001:db8::1', port: 443 });
  });

  test('does not mind how the bytes are cut', () => {
    const all = bytes(5, 2, 1, 0, 5, 1, 0, 3, 11, 'example.org', 0, 80, 'rest');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 30, maxLength: 30 }), sizes => {
        const p = new ProxyParser();
        let at = 0;
        let step: ProxyStep = { kind: 'more' };
        let greetings = 0;
        for (const n of sizes) {
          if (step.kind === 'connect') break;
          step = p.push(all.subarray(at, at + n));
          at += n;
          if (step.kind === 'reply') {
            greetings++;
            step = p.push(new Uint8Array(0));
          }
        }
        expect(greetings).toBe(1);
        expect(step).toMatchObject({ kind: 'connect', host: 'example.org', port: 80 });
      }),
    );
  });

  test('refuses what it does not serve, in the words of the protocol', () => {
    expect(new ProxyParser().push(bytes(5, 1, 2))).toMatchObject({ kind: 'refuse', bytes: bytes(5, 255) });
    expect(greeted().push(bytes(5, 2, 0, 1, 1, 2, 3, 4, 0, 80))).toMatchObject({
      kind: 'refuse',
      bytes: bytes(5, 7, 0, 1, 0, 0, 0, 0, 0, 0),
    });
    expect(greeted().push(bytes(5, 1, 0, 9, 1, 2, 3, 4, 0, 80))).toMatchObject({
      kind: 'refuse',
      bytes: bytes(5, 8, 0, 1, 0, 0, 0, 0, 0, 0),
    });
    expect(greeted().push(bytes(5, 1, 0, 3, 3, 'a b', 0, 80))).toMatchObject({ kind: 'refuse' });
    expect(greeted().push(bytes(5, 1, 0, 1, 1, 2, 3, 4, 0, 0))).toMatchObject({ kind: 'refuse' });
    expect(new ProxyParser().push(bytes(4, 1, 0, 80))).toMatchObject({
      kind: 'refuse',
      bytes: bytes(0, 91, 0, 0, 0, 0, 0, 0),
    });
  });

  test('answers with the code that fits the failure', () => {
    const p = greeted();
    expect(p.connected()[1]).toBe(0);
    expect(
      ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ENOTFOUND', 'EXYZ'].map(
        e => p.failed(e)[1],
      ),
    ).toEqual([5, 4, 3, 6, 4, 1]);
  });
});

describe('the HTTP CONNECT front', () => {
  test('reads host and port and keeps what came after', () => {
    const p = new ProxyParser();
    expect(p.push(ascii('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org'))).toEqual({ kind: 'more' });
    expect(p.push(ascii('\r\n\r\nhello'))).toEqual({
      kind: 'connect',
      host: 'example.org',
      port: 443,
      rest: ascii('hello'),
    });
    expect(text(p.connected())).toBe('HTTP/1.1 200 Connection established\r\n\r\n');
    expect(text(p.failed('ECONNREFUSED'))).toMatch(/^HTTP\/1\.1 502 /);
    expect(text(p.failed('ETIMEDOUT'))).toMatch(/^HTTP\/1\.1 504 /);
    expect(new ProxyParser().push(ascii('CONNECT [::1]:80 HTTP/1.1\r\n\r\n'))).toMatchObject({
      host: '::1',
      port: 80,
    });
  });

  test('tells other methods and nonsense apart', () => {
    const said = (s: string): string => {
      const step = new ProxyParser().push(ascii(s));
      return step.kind === 'refuse' ? text(step.bytes).split('\r\n')[0]! : step.kind;
    };
    expect(said('GET http://example.org/ HTTP/1.1\r\n\r\n')).toBe('HTTP/1.1 405 Method Not Allowed');
    expect(said('CONNECT example.org HTTP/1.1\r\n\r\n')).toBe('HTTP/1.1 400 Bad Request');
    expect(said('CONNECT a:99999 HTTP/1.1\r\n\r\n')).toBe('HTTP/1.1 400 Bad Request');
    expect(said('CONNECT a;b:80 HTTP/1.1\r\n\r\n')).toBe('HTTP/1.1 400 Bad Request');
    expect(said('\x16\x03\x01\r\n\r\n')).toBe('HTTP/1.1 400 Bad Request');
    expect(said('x'.repeat(9000))).toBe('HTTP/1.1 431 Request Header Fields Too Large');
  });

  test('never throws and never holds much, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 40 }), chunks => {
        const p = new ProxyParser();
        let held = 0;
        for (const c of chunks) {
          const step = p.push(c);
          held += c.length;
          if (step.kind !== 'more' && step.kind !== 'reply') return;
          if (step.kind === 'more') expect(held).toBeLessThanOrEqual(8192 + 1200);
        }
      }),
    );
  });
});

describe('request heads for the built-in page', () => {
  test('are read whole, in pieces, and without their query', () => {
    const h = new HttpHead();
    expect(h.push(ascii('GET /metrics?x=1 HT'))).toEqual({ kind: 'more' });
    expect(h.push(ascii('TP/1.1\r\nHost: x\r\n\r\nbody'))).toEqual({
      kind: 'request',
      request: { method: 'GET', path: '/metrics' },
    });
    expect(h.push(ascii('more'))).toEqual({ kind: 'more' });
  });

  test('that are too long or no HTTP are refused', () => {
    expect(new HttpHead().push(ascii('x'.repeat(20_000)))).toMatchObject({
      kind: 'bad',
      status: '431 Request Header Fields Too Large',
    });
    expect(new HttpHead().push(ascii('HELO\r\n\r\n'))).toMatchObject({
      kind: 'bad',
      status: '400 Bad Request',
    });
  });
});
