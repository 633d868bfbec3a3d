import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Hosts } from '../../src/services/dns/hosts.ts';
import { decodeMessage, encodeQuestion, TYPE_A, TYPE_AAAA } from '../../src/services/dns/message.ts';
import { hostName } from '../../src/services/dns/name.ts';
import { Resolver, type ResolverOptions } from '../../src/services/dns/resolver.ts';
import { World } from '../../src/sim/world.ts';
import { type Answer, asked, driverOf, type Row, reply, tcpServer, udpServer } from './world.ts';

const A = 1;
const CNAME = 5;
const SOA = 6;
const AAAA = 28;
const a = (name: string, ip: string, ttl = 60): Row => [name, A, ttl, ip.split('.').map(Number)];
const alias = (name: string, to: string, ttl = 60): Row => [name, CNAME, ttl, to];
const six = (name: string, last: number): Row => [
  name,
  AAAA,
  60,
  [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last],
];
/** m. r. serial refresh retry expire minimum */
const soa = (name: string, minimum: number): Row => [
  name,
  SOA,
  600,
  [1, 109, 0, 1, 114, 0, ...new Array(16).fill(0), 0, 0, minimum >>> 8, minimum & 255],
];

type Zone = (name: string, type: number, question: Uint8Array) => readonly Answer[];

/** A client with a resolver and two servers, whose wires lose what they are told to lose. */
function bench(zone: Zone, options: Partial<ResolverOptions> = {}, loss: number | string = 0, seed = 1) {
  const world = new World({ seed });
  const client = world.host('client', { addresses: ['10.0.0.1/24'], gateway: '10.0.0.53' });
  const first = world.host('ns1', { addresses: ['10.0.0.53/24'] });
  const second = world.host('ns2', { addresses: ['10.0.1.53/24'] });
  world.wire(client, first, { delay: 5000, loss });
  world.wire(client, second, { delay: 5000, addresses: { client: ['10.0.1.1/24'], ns2: ['10.0.1.53/24'] } });
  let questions = 0;
  const counted: Zone = (name, type, bytes) => {
    questions++;
    return zone(name, type, bytes);
  };
  const resolver = new Resolver(driverOf(client), {
    servers: ['10.0.0.53'],
    random: seededRandom(seed),
    ...options,
  });
  first.spawn(udpServer(counted));
  /** Resolves names at one moment. @returns addresses or the errors' codes, and how long it took in ms */
  const ask = async (names: string | string[], family: 0 | 4 | 6 = 4): Promise<[string[], number]> => {
    const list = typeof names === 'string' ? [names] : names;
    const began = world.now;
    let ended = began;
    let results: string[] = [];
    client.spawn(async () => {
      results = await Promise.all(
        list.map(n =>
          resolver.addresses(n, family).then(
            found => found.join(' '),
            e => e.code,
          ),
        ),
      );
      ended = world.now;
    });
    while (results.length === 0) await world.runAsync({ until: world.now + 20_000 });
    return [results, Math.round((ended - began) / 1000)];
  };
  const pass = (seconds: number) => world.runAsync({ until: world.now + seconds * 1_000_000 });
  return { pass, world, client, first, second, resolver, ask, questions: () => questions };
}

const plain: Zone = (name, type) => {
  if (name === 'nowhere.test') return [{ rcode: 3, authority: [soa('test', 30)] }];
  if (type === A) return [{ answers: [a(name, '192.0.2.1')] }];
  return [{ answers: name.startsWith('both') ? [six(name, 7)] : [], authority: [soa('test', 30)] }];
};

describe('a resolver', () => {
  test('asks, remembers for as long as the answer holds, and asks again', async () => {
    const b = bench(plain);
    expect(await b.ask('Host.Test.')).toEqual([['192.0.2.1'], 10]);
    expect(await b.ask('host.test')).toEqual([['192.0.2.1'], 0]);
    expect(b.questions()).toBe(1);
    await b.pass(61);
    await b.ask('host.test');
    expect(b.questions()).toBe(2);
  });

  test('the same question at one moment is asked once', async () => {
    const b = bench(plain);
    const [found] = await b.ask(['host.test', 'HOST.test', 'host.test.']);
    expect([found, b.questions()]).toEqual([['192.0.2.1', '192.0.2.1', '192.0.2.1'], 1]);
  });

  test('gives both families; unreachable ones come last', async () => {
    const b = bench(plain);
    expect((await b.ask('both.test', 0))[0]).toEqual(['192.0.2.1 2001:db8::7']);
    b.client.stack.routes.add({ destination: '::/0', via: 'fe80::1', interface: b.client.interfaces[0]! });
    b.client.interfaces[0]!.addAddress('2001:db8:1::1/64');
    expect((await b.ask('both.test', 0))[0]).toEqual(['2001:db8::7 192.0.2.1']);
    expect((await b.ask('both.test', 6))[0]).toEqual(['2001:db8::7']);
    expect((await b.ask('one.test', 6))[0]).toEqual(['ENOTFOUND']);
    expect((await b.ask('one.test', 0))[0]).toEqual(['192.0.2.1']);
  });

  test('what is not there is remembered too, for as long as the zone says', async () => {
    const b = bench(plain);
    expect((await b.ask('nowhere.test'))[0]).toEqual(['ENOTFOUND']);
    expect((await b.ask('nowhere.test'))[0]).toEqual(['ENOTFOUND']);
    expect(b.questions()).toBe(1);
    await b.pass(31);
    await b.ask('nowhere.test');
    expect(b.questions()).toBe(2);
  });

  test('follows aliases, in one answer and over several', async () => {
    const b = bench((name, type) => {
      if (name === 'www.test') return [{ answers: [alias(name, 'web.test'), alias('web.test', 'far.test')] }];
      if (name === 'far.test') return [{ answers: [alias(name, 'end.test', 5)] }];
      return plain(name, type, new Uint8Array());
    });
    expect((await b.ask('www.test'))[0]).toEqual(['192.0.2.1']);
    await b.pass(6);
    const before = b.questions();
    await b.ask('www.test');
    expect(b.questions()).toBeGreaterThan(before);
  });

  test('aliases in a circle or without end are given up', async () => {
    const b = bench(name => {
      if (name === 'a.test') return [{ answers: [alias('a.test', 'b.test'), alias('b.test', 'a.test')] }];
      if (name === 'c.test') return [{ answers: [alias('c.test', 'd.test')] }];
      if (name === 'd.test') return [{ answers: [alias('d.test', 'c.test')] }];
      return [{ answers: [alias(name, `x${name}`)] }];
    });
    expect((await b.ask(['a.test', 'c.test', 'chain.test']))[0]).toEqual(new Array(3).fill('EAI_AGAIN'));
    expect(b.questions()).toBeLessThan(15);
  });

  test('an answer that is cut off is asked for by TCP', async () => {
    const b = bench(() => [{ truncated: true }]);
    b.first.spawn(tcpServer(name => ({ answers: [a(name, '192.0.2.9')] })));
    expect((await b.ask('big.test'))[0]).toEqual(['192.0.2.9']);
    const without = bench(() => [{ truncated: true }]);
    expect((await without.ask('big.test'))[0]).toEqual(['EAI_AGAIN']);
  });

  test('a silent server is asked again, the next one too', async () => {
    const silent = bench(() => [], { timeout: 1_000_000 });
    expect(await silent.ask('x.test')).toEqual([['EAI_AGAIN'], 7000]);
    expect(silent.questions()).toBe(3);
    const two = bench(() => [], { timeout: 1_000_000, servers: ['10.0.0.53', '10.0.1.53:53'] });
    two.second.spawn(udpServer(plain));
    expect(await two.ask('x.test')).toEqual([['192.0.2.1'], 1010]);
  });

  test('a server that is not there, refuses or fails is passed over at once', async () => {
    const b = bench(() => [{ rcode: 2 }], { servers: ['10.0.0.53', '10.0.0.53:99', '10.0.1.53'] });
    b.second.spawn(udpServer(plain));
    const [found, ms] = await b.ask('x.test');
    expect([found, ms < 100]).toEqual([['192.0.2.1'], true]);
  });

  test('a server that knows no EDNS is asked without', async () => {
    const b = bench((name, type, question) =>
      question[11] === 1 ? [{ rcode: 1 }] : plain(name, type, question),
    );
    expect((await b.ask('x.test'))[0]).toEqual(['192.0.2.1']);
  });

  test('forgeries are not believed: another id, question, name or no answer at all', async () => {
    const forged = (spoil: (b: Uint8Array) => Uint8Array): Answer => ({
      answers: [a('x.test', '6.6.6.6')],
      spoil,
    });
    const b = bench((name, type, q) => [
      forged(m => m.with(0, m[0]! ^ 1)),
      forged(m => m.with(13, 121)),
      forged(m => m.with(2, 1)),
      forged(m => m.subarray(0, 5)),
      forged(m => m.with(4, 9)),
      { answers: [a('other.test', '6.6.6.6'), a(name, '192.0.2.1')] },
      ...plain(name, type, q),
    ]);
    expect((await b.ask('x.test'))[0]).toEqual(['192.0.2.1']);
    const flood = bench(() => new Array(100).fill(forged(m => m.with(0, m[0]! ^ 1))));
    const [found, ms] = await flood.ask('x.test');
    expect([found, ms < 1000]).toEqual([['EAI_AGAIN'], true]);
  });

  test('finds its way through loss', async () => {
    let resolved = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const b = bench(plain, { timeout: 500_000, rounds: 6, servers: ['10.0.0.53'] }, '30%', seed);
      const [found] = await b.ask(['a.test', 'b.test', 'c.test']);
      resolved += found.filter(x => x === '192.0.2.1').length;
    }
    expect(resolved).toBeGreaterThanOrEqual(29);
  });

  test('identifiers and ports differ from question to question', async () => {
    const seen = new Set<string>();
    const b = bench((name, type, q) => {
      seen.add(`${q[0]},${q[1]}`);
      return plain(name, type, q);
    });
    await b.ask(Array.from({ length: 50 }, (_, i) => `h${i}.test`));
    expect(seen.size).toBeGreaterThan(45);
  });

  test('all that grows is bounded', async () => {
    const b = bench(plain, { cacheSize: 10, concurrency: 20 });
    const [found] = await b.ask(Array.from({ length: 40 }, (_, i) => `h${i}.test`));
    expect(found.filter(x => x === 'EAI_AGAIN').length).toBe(20);
    await b.ask('h19.test');
    expect(b.questions()).toBe(20);
    await b.ask('h1.test');
    expect(b.questions()).toBe(21);
    expect([...b.client.stack.udp.endpoints()].length).toBe(0);
  });

  test('the hosts table and literals need no server', async () => {
    const b = bench(() => [], { servers: [], hosts: { 'Printer.lan': ['192.0.2.5', '2001:db8::5'] } });
    expect((await b.ask('printer.LAN'))[0]).toEqual(['192.0.2.5']);
    expect((await b.ask('printer.lan', 6))[0]).toEqual(['2001:db8::5']);
    expect((await b.ask(['localhost', 'a.localhost', '192.0.2.77'], 0))[0]).toEqual([
      '::1 127.0.0.1',
      '::1 127.0.0.1',
      '192.0.2.77',
    ]);
    expect((await b.ask(['192.0.2.77', 'no where', 'x.test'], 6))[0]).toEqual([
      'ENOTFOUND',
      'EBADNAME',
      'EAI_AGAIN',
    ]);
    const file = new Hosts('# comment\n127.0.0.1 me my.name # mine\nnonsense x\n::1\tme\n');
    expect(file.find('me')!.join()).toBe('127.0.0.1,::1');
    expect(() => new Hosts({ x: 'y' })).toThrow('no address');
  });

  test('lookup has the shape of dns.lookup', async () => {
    const b = bench(plain);
    const calls: unknown[] = [];
    b.client.spawn(async () => {
      const { lookup } = b.resolver;
      const done = (options: object | number | null) =>
        new Promise<void>(resolve =>
          lookup('both.test', options, (e, address, family) => {
            calls.push([e?.code ?? null, address, family]);
            resolve();
          }),
        );
      await done({});
      await done(6);
      await done({ all: true, order: 'ipv6first' });
      await done({ family: 'IPv4', all: true });
      await new Promise<void>(resolve => lookup('nowhere.test', e => resolve(void calls.push(e?.message))));
    });
    await b.world.runAsync();
    const [v4, v6] = [
      { address: '192.0.2.1', family: 4 },
      { address: '2001:db8::7', family: 6 },
    ];
    expect(calls).toEqual([
      [null, '192.0.2.1', 4],
      [null, '2001:db8::7', 6],
      [null, [v6, v4], undefined],
      [null, [v4], undefined],
      'getaddrinfo ENOTFOUND nowhere.test',
    ]);
  });

  test('closing ends what waits', async () => {
    const b = bench(() => [], { timeout: 1_000_000 });
    b.client.spawn(async os => {
      await os.sleep(0.5);
      b.resolver.close();
    });
    expect(await b.ask('x.test')).toEqual([['ECANCELLED'], 1000]);
  });

  test('says which server it can not read', () => {
    for (const bad of ['dns.example', '10.0.0.1:0', '10.0.0.1:99999', '']) {
      expect(() => bench(plain, { servers: [bad] })).toThrow('no DNS server');
    }
    bench(plain, { servers: ['2620:fe::fe', '[2620:fe::fe]:53', '9.9.9.9:53'] });
  });
});

describe('messages', () => {
  test('names', () => {
    expect(hostName('Bücher.example')).toBe('xn--bcher-kva.example');
    expect(hostName('A_b-c.d.')).toBe('a_b-c.d');
    for (const bad of ['', '.', 'a..b', 'x'.repeat(64), `${'x.'.repeat(127)}x`, 'a b', 'ä/b', 'a\\b'])
      expect(hostName(bad)).toBeNull();
  });

  test('questions are read as they were written', () => {
    fc.assert(
      fc.property(fc.domain(), fc.nat(65535), fc.constantFrom(TYPE_A, TYPE_AAAA), (name, id, type) => {
        const m = decodeMessage(encodeQuestion(id, name.toLowerCase(), type, 1232));
        expect(m).toMatchObject({ id, name: name.toLowerCase(), type, response: false });
      }),
      { numRuns: 200 },
    );
  });

  test('garbage and spoilt answers are read without an error, in bounded time', () => {
    const good = reply(encodeQuestion(7, 'x.test', A, 0), {
      answers: [alias('x.test', 'y.test'), a('y.test', '1.2.3.4')],
      authority: [soa('test', 9)],
    });
    expect(decodeMessage(good)?.answers.map(r => r.address?.toString() ?? r.target)).toEqual([
      'y.test',
      '1.2.3.4',
    ]);
    for (let n = 0; n < good.length; n++) decodeMessage(good.subarray(0, n));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), bytes => void decodeMessage(bytes)),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), changes => {
        const bytes = good.slice();
        for (const [at, value] of changes) bytes[at] = value;
        const m = decodeMessage(bytes);
        expect(m === null || m.answers.length <= 256).toBe(true);
      }),
      { numRuns: 5000 },
    );
    // Pointers that lead forward, to themselves or in a circle.
    const loop = new Uint8Array(40);
    loop.set([0, 1, 0x80, 0, 0, 1], 0);
    for (const pointer of [12, 14, 20]) {
      loop.set([0xc0, pointer], 12);
      expect(decodeMessage(loop)).toBeNull();
    }
    expect(asked(encodeQuestion(1, 'a.b', A, 0))).toEqual(['a.b', A]);
    expect(parseAddress('1.2.3.4')).not.toBeNull();
  });
});
