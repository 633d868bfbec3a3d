import { afterAll, describe, expect, test } from 'vitest';
import { seconds } from '../../src/base/time.ts';
import { World } from '../../src/sim/index.ts';
import * as K from '../../src/socket/constants.ts';
import { cleanUp, need } from './kit.ts';
import { addressIn, DRESSES, type Dress, freshNet, pair, play, prefixOf, SCENARIOS } from './scenarios.ts';
import { type FrameReport, faults, remarks, tshark } from './tshark.ts';

afterAll(cleanUp);

const [IPV4, IPV6] = DRESSES as readonly [Dress, Dress, ...Dress[]];
const tcp = (frames: readonly FrameReport[]): FrameReport[] => frames.filter(f => f.flags !== '');

interface Seen {
  readonly a: FrameReport[];
  readonly b: FrameReport[];
}

/** Every scenario in IPv4 and, in turn, one of the other dresses, which share the same TCP. */
const CASES = SCENARIOS.flatMap((scenario, i) =>
  [IPV4, DRESSES[1 + (i % 3)] ?? IPV6].map(dress => ({
    scenario,
    dress,
    name: `${scenario.name} (${dress.name})`,
  })),
);

let all: Promise<Map<string, Seen>> | null = null;

/** What tshark says about all of them: it is asked once, when the first test wants to know. */
const seen = async (name: string): Promise<Seen> => {
  all ??= (async () => {
    const played = CASES.map(c => play(c.scenario, c.dress));
    const reports = await tshark(played.flatMap(p => [p.a, p.b]));
    return new Map(CASES.map((c, i) => [c.name, { a: reports[2 * i]!, b: reports[2 * i + 1]! }]));
  })();
  return (await all).get(name)!;
};

const seenIpv4 = (begin: string): Promise<Seen> =>
  seen(CASES.find(c => c.dress === IPV4 && c.name.startsWith(begin))!.name);

describe('tshark reads what the simulator captures', () => {
  for (const { scenario, name } of CASES) {
    test(name, async ctx => {
      need(ctx, 'tshark');
      const { a, b } = await seen(name);
      expect(tcp(a)[0]!.flags).toBe('S');
      expect([...faults(a), ...faults(b)]).toEqual([]);
      if (scenario.clean) expect(remarks(a)).toEqual([]);
    });
  }
});

describe('tshark sees', () => {
  test('a handshake of three segments and a close of four', async ctx => {
    need(ctx, 'tshark');
    const { a } = await seenIpv4('the client closes first');
    expect(tcp(a).map(f => f.flags)).toEqual(['S', 'SA', 'A', 'PA', 'A', 'FA', 'A', 'FA', 'A']);
  });

  test('a close of three segments', async ctx => {
    need(ctx, 'tshark');
    const { a } = await seenIpv4('three segments');
    expect(tcp(a).map(f => f.flags)).toEqual(['S', 'SA', 'A', 'FA', 'FA', 'A']);
  });

  test('FINs that cross', async ctx => {
    need(ctx, 'tshark');
    const { a } = await seenIpv4('both close');
    expect(
      tcp(a)
        .map(f => f.flags)
        .slice(3),
    ).toEqual(['FA', 'FA', 'A', 'A']);
  });

  test('resets, urgent pointers, SACK blocks and keepalives as such', async ctx => {
    need(ctx, 'tshark');
    const of = async (begin: string): Promise<FrameReport[]> => tcp((await seenIpv4(begin)).a);
    expect((await of('an abort')).at(-1)!.flags).toBe('RA');
    expect((await of('a refused')).map(f => f.flags)).toEqual(['S', 'RA']);
    expect((await of('urgent')).some(f => f.flags.includes('U') && f.urgent === 12)).toBe(true);
    expect((await of('lost data')).some(f => f.sack > 0)).toBe(true);
    const alive = (await of('keepalive')).flatMap(f => f.remarks.map(r => r.message));
    expect(alive).toContain('TCP keep-alive segment');
    expect(alive).toContain('ACK to a TCP keep-alive segment');
  });

  test('the comment on a segment that the wire dropped', async ctx => {
    need(ctx, 'tshark');
    const { a, b } = await seenIpv4('a lost SYN');
    const comments = [a, b].map(frames => frames.map(f => f.comment).filter(c => c !== ''));
    expect(comments).toEqual([
      ['dropped: drop A SYN 1', 'dropped: drop A FIN 1'],
      ['dropped: drop B SYN-ACK 1', 'dropped: drop B FIN 1'],
    ]);
  });

  test('bits that the wire flipped: the checks are on', async ctx => {
    need(ctx, 'tshark');
    const { world, a, b, to } = pair(IPV4, { corrupt: 0.2 });
    b.spawn(function* (os) {
      const listener = os.socket();
      os.bind(listener, to, 9000);
      os.listen(listener);
      yield* os.recvAll(yield* os.accept(listener));
    });
    a.spawn(function* (os) {
      const fd = os.socket();
      yield* os.connect(fd, to, 9000);
      yield* os.send(fd, 'x'.repeat(100_000));
      yield* os.close(fd);
    });
    world.run({ until: seconds(300) });
    const [sent = [], received = []] = await tshark([a.capture, b.capture]);
    const from = (frames: readonly FrameReport[], source: string): string[] =>
      faults(frames.filter(f => f.source === source));
    const me = to.replace(/2$/, '1');
    expect(from(sent, me)).toEqual([]);
    expect(from(received, to)).toEqual([]);
    expect(from(received, me).join('\n')).toMatch(/checksum bad/);
  });
});

describe('tshark puts together', () => {
  test('fragments of datagrams, and reads the ICMP error that quotes one', async ctx => {
    need(ctx, 'tshark');
    const captures = [IPV4, IPV6].map(dress => {
      const { world, a, b, to } = pair(dress);
      b.spawn(function* (os) {
        const fd = os.socket(dress.family, K.SOCK_DGRAM);
        os.bind(fd, to, 9000);
        yield* os.recvfrom(fd, 9000);
      });
      a.spawn(function* (os) {
        const fd = os.socket(dress.family, K.SOCK_DGRAM);
        os.setsockopt(fd, K.IPPROTO_IP, K.IP_MTU_DISCOVER, K.IP_PMTUDISC_DONT);
        yield* os.sendto(fd, 'f'.repeat(5000), to, 9000);
        yield* os.sendto(fd, 'nobody', to, 9001);
      });
      world.run({ until: seconds(2) });
      return b.capture;
    });
    for (const frames of await tshark(captures)) {
      expect(faults(frames)).toEqual([]);
      expect(frames).toHaveLength(6);
      const whole = frames.filter(f => f.protocols.includes(':udp') && !f.protocols.includes('icmp'));
      expect(whole).toHaveLength(2);
      expect(frames.filter(f => f.protocols.includes('icmp'))).toHaveLength(1);
    }
  });

  test('a path whose MTU is smaller in the middle', async ctx => {
    need(ctx, 'tshark');
    const captures = [IPV4, IPV6].flatMap(dress => {
      const world = new World({ seed: 3, capture: true, log: false });
      const [near, far] = [freshNet(), freshNet()];
      const at = (net: number, host: number): string => `${addressIn(dress, net, host)}/${prefixOf(dress)}`;
      const a = world.host('A', { addresses: [at(near, 1)], gateway: addressIn(dress, near, 2) });
      const forwarding = dress === IPV6 ? { 'net.ipv6.conf.all.forwarding': 1 } : {};
      const r = world.router('R', { sysctl: forwarding });
      const b = world.host('B', { addresses: [at(far, 1)], gateway: addressIn(dress, far, 2) });
      world.wire(a, r, { delay: 100, addresses: { R: [at(near, 2)] } });
      world.wire(r, b, { delay: 100, mtu: 1300, addresses: { R: [at(far, 2)] } });
      const done = b.spawn(function* (os) {
        const listener = os.socket(dress.family);
        os.bind(listener, addressIn(dress, far, 1), 9000);
        os.listen(listener);
        const fd = yield* os.accept(listener);
        // B, behind the narrow wire, tells A to keep its segments small; A does not tell B, whose own are.
        yield* os.send(fd, 'y'.repeat(30_000));
        const got = yield* os.recvAll(fd);
        yield* os.close(fd);
        return typeof got === 'number' ? got : got.length;
      });
      a.spawn(function* (os) {
        const fd = os.socket(dress.family);
        yield* os.connect(fd, addressIn(dress, far, 1), 9000);
        yield* os.send(fd, 'x'.repeat(30_000));
        os.shutdown(fd, 'wr');
        yield* os.recvAll(fd);
        yield* os.close(fd);
      });
      world.run({ until: seconds(100) });
      expect(done.result).toBe(30_000);
      return [a.capture, r.capture, b.capture];
    });
    for (const frames of await tshark(captures)) expect(faults(frames)).toEqual([]);
  });
});
