import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address } from '../../src/base/address.ts';
import { EEXIST, EINVAL, ENETUNREACH, ENOENT } from '../../src/base/errno.ts';
import { MAX_PATHS } from '../../src/ip/path-cache.ts';
import { commonLength, networkOf, parsePrefix, samePrefix } from '../../src/ip/prefix.ts';
import { address, Bench } from '../stack/net.ts';

function router() {
  const b = new Bench();
  const A = b.host('A');
  const B = b.host('B');
  const C = b.host('C');
  const [x] = b.wire(A, B, ['10.1.0.1/24', 'fd01::1/64'], ['10.1.0.2/24']);
  const [y] = b.wire(A, C, ['10.2.0.1/24', 'fd02::1/64'], ['10.2.0.2/24']);
  return { A, x, y };
}

describe('the route table', () => {
  it('prefers the longest prefix, then the lowest metric', () => {
    const { A, x, y } = router();
    expect(A.routes.add({ destination: 'default', via: '10.1.0.2', interface: x })).toBe(0);
    expect(A.routes.add({ destination: '172.16.0.0/12', via: '10.2.0.2', interface: y })).toBe(0);
    expect(A.routes.add({ destination: '172.16.5.0/24', via: '10.1.0.2', interface: x, metric: 20 })).toBe(0);
    expect(A.routes.add({ destination: '172.16.5.0/24', via: '10.2.0.2', interface: y, metric: 10 })).toBe(0);
    const via = (text: string): string => A.routes.lookup(address(text))?.gateway?.toString() ?? 'link';
    expect(via('8.8.8.8')).toBe('10.1.0.2');
    expect(via('172.17.0.1')).toBe('10.2.0.2');
    expect(via('172.16.5.9')).toBe('10.2.0.2');
    expect(via('10.1.0.77')).toBe('link');
    expect(A.routes.lookup(address('2001:db8::1'))).toBe(null);
  });

  it('keeps the families’ default routes apart', () => {
    const { A, x } = router();
    A.routes.add({ destination: 'default', via: 'fe80::2', interface: x });
    expect(A.routes.lookup(address('8.8.8.8'))).toBe(null);
    expect(A.routes.lookup(address('2001:db8::1'))?.gateway?.toString()).toBe(`fe80::2%${x.index}`);
  });

  it('says no to what makes no sense', () => {
    const { A, x } = router();
    expect(A.routes.add({ destination: '10.0.0.0/33', interface: x })).toBe(-EINVAL);
    expect(A.routes.add({ destination: '10.0.0.0/8', via: 'fd01::2', interface: x })).toBe(-EINVAL);
    expect(A.routes.add({ destination: '10.0.0.0/8', via: 'nonsense', interface: x })).toBe(-EINVAL);
    expect(A.routes.add({ destination: '10.3.0.0/16', via: '10.1.0.2', interface: x })).toBe(0);
    expect(A.routes.add({ destination: '10.3.0.0/16', via: '10.1.0.2', interface: x })).toBe(-EEXIST);
    expect(A.routes.remove('10.3.0.0/16')).toBe(0);
    expect(A.routes.remove('10.3.0.0/16')).toBe(-ENOENT);
    const b = new Bench();
    const D = b.host('D');
    const e = D.addInterface({ name: 'eth0', medium: 'ethernet', mtu: 1500 });
    e.addAddress('10.1.0.1/24');
    expect(D.routes.add({ destination: 'default', via: '192.0.2.1', interface: e })).toBe(-ENETUNREACH);
  });

  it('gives paths with the route’s MTU, advmss, initial window and source', () => {
    const { A, x } = router();
    x.addAddress('10.1.0.9/24');
    A.routes.add({
      destination: '192.0.2.0/24',
      via: '10.1.0.2',
      interface: x,
      mtu: 1300,
      advmss: 900,
      initcwnd: 4,
      source: '10.1.0.9',
    });
    const p = A.net.path(address('192.0.2.7'), null);
    if (typeof p === 'number') throw new Error(`${p}`);
    expect([p.mtu, p.linkMtu, p.advmss, p.initcwnd, p.source.toString()]).toEqual([
      1300,
      1300,
      900,
      4,
      '10.1.0.9',
    ]);
  });

  it('makes paths invalid when routes, addresses or interfaces change', () => {
    const { A, x } = router();
    const p = A.net.path(address('10.1.0.2'), null);
    if (typeof p === 'number') throw new Error(`${p}`);
    expect(A.net.path(address('10.1.0.2'), null)).toBe(p);
    expect(p.valid).toBe(true);
    x.down();
    expect(p.valid).toBe(false);
    expect(A.net.path(address('10.1.0.2'), null)).toBe(-ENETUNREACH);
    x.up();
    expect(typeof A.net.path(address('10.1.0.2'), null)).toBe('object');
  });

  it('keeps a bounded number of paths; those thrown out are no longer valid', () => {
    const { A, x } = router();
    A.routes.add({ destination: 'default', via: '10.1.0.2', interface: x });
    const first = A.net.path(Address.v4(0x08000000), null);
    let valid = 0;
    const all = [];
    for (let i = 1; i < MAX_PATHS + 5000; i++) all.push(A.net.path(Address.v4(0x08000000 + i), null));
    for (const p of all) if (typeof p === 'object' && p.valid) valid++;
    expect(valid).toBeLessThanOrEqual(MAX_PATHS);
    expect(valid).toBeGreaterThan(MAX_PATHS / 2);
    expect(typeof first).toBe('object');
  });

  it('chooses the source in the next hop’s subnet, and for IPv6 of fitting scope', () => {
    const { A, x } = router();
    x.addAddress('10.5.0.1/16');
    const source = (text: string): string => {
      const p = A.net.path(address(text), null);
      return typeof p === 'number' ? `${p}` : p.source.toString();
    };
    expect(source('10.1.0.2')).toBe('10.1.0.1');
    expect(source('10.5.9.9')).toBe('10.5.0.1');
    expect(source('10.2.0.2')).toBe('10.2.0.1');
    expect(source('fd02::9')).toBe('fd02::1');
    expect(source('127.0.0.5')).toBe('127.0.0.5');
    expect(source('10.2.0.1')).toBe('10.2.0.1');
  });
});

describe('prefixes', () => {
  it('parse with the lengths of their family only', () => {
    expect(parsePrefix('10.0.0.0/8')?.length).toBe(104);
    expect(parsePrefix('2001:db8::/32')?.length).toBe(32);
    for (const bad of ['10.0.0.0/33', '::/129', '10.0.0/8', '/8', '10.0.0.0/', '10.0.0.0/-1', 'x']) {
      expect(parsePrefix(bad), bad).toBe(null);
    }
  });

  it('agree with a bit-by-bit comparison', () => {
    const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const any = fc.tuple(word, word, word, word);
    const bits = (x: Address): string =>
      [x.a, x.b, x.c, x.d].map(w => (w >>> 0).toString(2).padStart(32, '0')).join('');
    fc.assert(
      fc.property(any, any, fc.integer({ min: 0, max: 128 }), (p, q, n) => {
        const x = new Address(...p);
        const full = new Address(...q);
        // Make them share a good part often.
        const y = n > 64 ? new Address(x.a, x.b, full.c, full.d) : full;
        expect(samePrefix(x, y, n)).toBe(bits(x).slice(0, n) === bits(y).slice(0, n));
        let k = 0;
        while (k < 128 && bits(x)[k] === bits(y)[k]) k++;
        expect(commonLength(x, y)).toBe(k);
        expect(bits(networkOf(x, n))).toBe(bits(x).slice(0, n).padEnd(128, '0'));
      }),
    );
  });
});
