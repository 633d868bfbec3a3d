import { describe, expect, test } from 'vitest';
import { ECONNREFUSED, ETIMEDOUT } from '../../src/base/errno.ts';
import { World } from '../../src/sim/world.ts';
import { AF_INET6, IP_TRANSPARENT, IPPROTO_IP, SOCK_STREAM } from '../../src/socket/constants.ts';

/** A client whose every way leads over a gateway that accepts what it is not meant to have. */
function bench(port: number | null = 1000, transparent = true) {
  const world = new World({ seed: 7 });
  const client = world.host('client', {
    addresses: ['10.0.0.2/24', 'fd00::2/64'],
    routes: [
      { destination: 'default', via: '10.0.0.1' },
      { destination: '::/0', via: 'fd00::1' },
    ],
  });
  const gateway = world.host('gateway', { addresses: ['10.0.0.1/24', 'fd00::1/64'] });
  world.wire(client, gateway, { delay: 1000 });
  if (port !== null) gateway.stack.intercept(port);
  const named: string[] = [];
  const { os } = gateway;
  const fd = os.socket(AF_INET6, SOCK_STREAM);
  if (transparent) expect(os.setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, 1)).toBe(0);
  os.bind(fd, '::', 1000);
  os.listen(fd, 100);
  gateway.spawn(function* (own) {
    for (;;) {
      const c = yield* own.accept(fd);
      const name = own.getsockname(c);
      if (typeof name !== 'number') named.push(`${name.address} ${name.port}`);
      const got = yield* own.recv(c, 100);
      if (typeof got !== 'number') yield* own.send(c, got);
      yield* own.recvAll(c);
      yield* own.close(c);
    }
  });
  /** @returns what came back, or −errno */
  const ask = (address: string, to: number): string | number => {
    let result: string | number = '';
    client.spawn(function* (own) {
      const c = yield* own.open(address, to);
      if (c < 0) {
        result = c;
        return;
      }
      yield* own.send(c, 'hello');
      const got = yield* own.recv(c, 100);
      result = typeof got === 'number' ? got : new TextDecoder().decode(got);
      yield* own.close(c);
    });
    world.run({ until: world.now + 200_000_000 });
    return result;
  };
  return { world, client, gateway, ask, named };
}

describe('a host that intercepts', () => {
  test('accepts on every address and port, of both families, and knows what was meant', () => {
    const b = bench();
    expect(b.ask('203.0.113.7', 80)).toBe('hello');
    expect(b.ask('198.51.100.1', 65535)).toBe('hello');
    expect(b.ask('2001:db8::7', 443)).toBe('hello');
    expect(b.ask('10.0.0.1', 22)).toBe('hello');
    expect(b.named).toEqual(['203.0.113.7 80', '198.51.100.1 65535', '2001:db8::7 443', '10.0.0.1 22']);
  });

  test('its own listeners keep their ports on its own addresses', () => {
    const b = bench();
    const os = b.gateway.os;
    os.serve('0.0.0.0', 80);
    expect(b.ask('203.0.113.7', 80)).toBe('hello');
    b.client.spawn(function* (own) {
      yield* own.open('10.0.0.1', 80);
    });
    b.world.run({ until: b.world.now + 1_000_000 });
    expect(b.named).toEqual(['203.0.113.7 80']);
  });

  test('a listener without IP_TRANSPARENT, or none, refuses in the name of the other', () => {
    expect(bench(1000, false).ask('203.0.113.7', 80)).toBe(-ECONNREFUSED);
    expect(bench(2000).ask('203.0.113.7', 80)).toBe(-ECONNREFUSED);
  });

  test('without it nothing is taken, and after its end nothing more', () => {
    const off = bench(null);
    expect(off.ask('203.0.113.7', 80)).toBe(-ETIMEDOUT);
    const b = bench();
    expect(b.ask('203.0.113.7', 80)).toBe('hello');
    b.gateway.stack.endIntercept();
    expect(b.ask('203.0.113.8', 80)).toBe(-ETIMEDOUT);
  });

  test('may look at one interface only, and says what is wrong', () => {
    const b = bench();
    const [, ifc] = b.gateway.stack.interfaces;
    b.gateway.stack.intercept(1000, ifc!.name);
    expect(b.ask('203.0.113.7', 80)).toBe('hello');
    expect(() => b.gateway.stack.intercept(0)).toThrow('1..65535');
    expect(() => b.gateway.stack.intercept(1, 'eth9')).toThrow("no interface 'eth9'");
    b.gateway.stack.addInterface({ name: 'other', medium: 'ip', mtu: 1500 });
    b.gateway.stack.intercept(1000, 'other');
    expect(b.ask('203.0.113.9', 80)).toBe(-ETIMEDOUT);
  });

  test('groups, broadcasts and link-local addresses are never taken', () => {
    const b = bench();
    for (const address of ['224.0.0.5', '10.0.0.255', '255.255.255.255']) b.ask(address, 80);
    expect(b.named).toEqual([]);
  });
});
