import { afterEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { Router } from '../../src/driver/router.ts';
import type { Link } from '../../src/link/link.ts';
import { memoryPair } from '../../src/link/memory.ts';
import { Switch } from '../../src/link/switch/switch.ts';
import { FramePool } from '../../src/wire/frame.ts';
import { converse, Hosts, until } from './hosts.ts';

const pool = new FramePool();
const ALL = 0xff;

/** From station `s` to station `d`, 0xff for everybody. */
function frame(s: number, d: number, n = 60) {
  const bytes = new Uint8Array(n);
  bytes.set(d === ALL ? new Array(6).fill(0xff) : [2, 0, 0, 0, 0, d], 0);
  bytes.set([2, 0, 0, 0, 0, s], 6);
  return pool.from(bytes);
}

let hosts = new Hosts();
const routers: Router[] = [];
afterEach(async () => {
  for (const r of routers.splice(0)) await r.close();
  await hosts.close();
  hosts = new Hosts();
});

/** A switch with stations that note who spoke. */
function bench(n: number, options = {}) {
  let time = 0;
  const tasks: { run(): void }[] = [];
  const clock = {
    now: () => time,
    soon: (t: { run(): void }) => void tasks.push(t),
    schedule: () => {},
  };
  const sw = new Switch({ clock, ...options });
  const heard: string[] = [];
  const links: Link[] = Array.from({ length: n }, (_, i) => {
    const link = sw.connect();
    link.onreceive = f => {
      heard.push(`${f.bytes[f.start + 11]}@${i}`);
      f.release();
    };
    return link;
  });
  const settle = (): string[] => {
    while (tasks.length > 0) tasks.shift()!.run();
    return heard.splice(0).sort();
  };
  const say = (from: number, s: number, d: number, size = 60): string[] => {
    links[from]!.transmit(frame(s, d, size));
    return settle();
  };
  return { sw, links, say, settle, wait: (us: number) => (time += us) };
}

describe('a switch', () => {
  test('floods what is for all or for a stranger, and learns who is where', () => {
    const { say, sw } = bench(3);
    expect(say(0, 10, ALL)).toEqual(['10@1', '10@2']);
    expect(say(1, 11, 12)).toEqual(['11@0', '11@2']);
    expect(say(1, 11, 10)).toEqual(['11@0']);
    expect(say(0, 10, 11)).toEqual(['10@1']);
    // Two stations behind one port talk without us.
    expect(say(0, 13, 10)).toEqual([]);
    expect(sw.stations).toBe(3);
  });

  test('a station that moves is followed, one that is silent for long is forgotten', () => {
    const { say, wait } = bench(3, { ageing: 1000 });
    say(0, 10, ALL);
    say(2, 10, ALL);
    expect(say(1, 11, 10)).toEqual(['11@2']);
    wait(1000);
    expect(say(1, 11, 10)).toEqual(['11@0', '11@2']);
  });

  test('remembers so many stations and no more, the last ones heard of', () => {
    const { say, sw } = bench(2, { stations: 3 });
    for (let s = 1; s <= 100; s++) say(0, s, ALL);
    expect(sw.stations).toBe(3);
    say(1, 200, 99);
    expect(say(1, 200, 99)).toEqual(['200@0']);
    expect(sw.stations).toBe(3);
  });

  test('drops what is malformed, and what is longer than a port takes', () => {
    const { sw, say, links, settle } = bench(2);
    const [narrow, far] = memoryPair({ soon: () => {} }, { medium: 'ethernet', mtu: 500 });
    const port = sw.add(narrow);
    far.onreceive = () => {};
    expect(say(0, 10, ALL, 1000)).toEqual(['10@1']);
    expect(port.dropped).toBe(1);
    links[0]!.transmit(pool.from(new Uint8Array(5)));
    links[0]!.transmit(frame(0x1_01, ALL));
    expect(settle().length).toBeLessThan(2);
    expect(sw.malformed).toBe(1);
    expect(() => sw.add(memoryPair({ soon: () => {} })[0])).toThrow('Ethernet');
    expect(() => new Switch({ clock: { now: () => 0, soon() {}, schedule() {} }, stations: 0 })).toThrow();
  });

  test('keeps what a full port can not take, up to a limit, and sends it when there is room', () => {
    const { sw, say } = bench(1, { queue: 2 });
    const sent: number[] = [];
    let full = true;
    const slow: Link = {
      medium: 'ethernet',
      mtu: 1500,
      transmit: f => !full && sent.push(f.bytes[f.start + 11]!) > 0,
      onreceive: null,
      onwritable: null,
      onclose: null,
      close() {},
    };
    const port = sw.add(slow);
    for (const s of [1, 2, 3]) say(0, s, ALL);
    expect([sent, port.dropped]).toEqual([[], 1]);
    full = false;
    slow.onwritable!();
    expect([sent, port.sent]).toEqual([[1, 2], 2]);
    slow.onclose!('gone');
    expect(sw.ports.length).toBe(1);
    sw.close();
    expect(sw.ports.length).toBe(0);
  });

  test('joins three hosts', async () => {
    const sw = new Switch({ clock: hosts.loop });
    const a = hosts.add('A', '10.9.0.1/24', sw.connect());
    const b = hosts.add('B', '10.9.0.2/24', sw.connect());
    const c = hosts.add('C', '10.9.0.3/24', sw.connect());
    expect(await converse(a, b, '10.9.0.2')).toMatchObject({ waits: 1 });
    expect(await converse(c, b, '10.9.0.2')).toMatchObject({ waits: 1 });
    // ARP's question and little else has come to the host that nobody asked.
    expect(sw.ports[2]!.sent).toBeLessThan(sw.ports[1]!.sent);
    sw.close();
  });
});

describe('a router', () => {
  test('carries connections between links of two kinds', async () => {
    const [left, r1] = memoryPair(hosts.loop, { medium: 'ethernet' });
    const [right, r2] = memoryPair(hosts.loop, { medium: 'ip', mtu: 1000 });
    const router = new Router({
      clock: hosts.loop,
      random: seededRandom(1),
      links: [
        { link: r1, addresses: ['10.1.0.254/24'], mac: '02:00:00:00:00:fe' },
        { link: r2, addresses: ['10.2.0.254/24'], name: 'tun0' },
      ],
      routes: [{ destination: '10.3.0.0/16', interface: 'tun0' }],
    });
    routers.push(router);
    const a = hosts.add('A', '10.1.0.1/24', left, '10.1.0.254');
    const b = hosts.add('B', '10.2.0.1/24', right, '10.2.0.254');
    expect(await converse(a, b, '10.2.0.1')).toMatchObject({ question: 200_000, waits: 1 });
    expect(router.stack.mib.IpForwDatagrams).toBeGreaterThan(200);
    await until(() => router.stack.interfaces.length === 3);
    const bad = (links: object[]) => () =>
      new Router({ clock: hosts.loop, random: seededRandom(1), links: links as never });
    expect(bad([{ link: memoryPair(hosts.loop)[0], addresses: ['10.1.0.300/24'] }])).toThrow('EINVAL');
    expect(() => router.route({ destination: 'default', interface: 'eth9' })).toThrow("no interface 'eth9'");
  });
});
