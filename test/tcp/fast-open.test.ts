import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { ECONNRESET } from '../../src/base/errno.ts';
import { Mib } from '../../src/base/mib.ts';
import { SipKey, seededRandom } from '../../src/base/random.ts';
import { SysctlValues } from '../../src/base/sysctl-values.ts';
import { TCP_FASTOPEN } from '../../src/socket/constants.ts';
import {
  CookieOption,
  makeFastOpenCookie,
  parseKeys,
  readKeys,
  sipHash24,
} from '../../src/tcp/fastopen-cookie.ts';
import { FastOpenHost } from '../../src/tcp/fastopen-host.ts';
import { type Conn, fill, Lab, line } from '../rfc/kit.ts';

const ip = (text: string): NonNullable<ReturnType<typeof parseAddress>> => parseAddress(text)!;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const KEY = 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4';

describe('cookies', () => {
  test('SipHash-2-4 has the values of its authors’ test vectors', () => {
    const key = new SipKey(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c);
    const words = [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c];
    const say = (n: number): string =>
      hex(new Uint8Array(Int32Array.from(sipHash24(key, words.slice(0, n))).buffer));
    expect(say(0)).toBe('310e0edd47db6f72');
    expect(say(2)).toBe('6224939a79f5f593');
  });

  test('RFC 7413 §4.1.2: they are those that Linux 6.18 makes of the same key', () => {
    const cookie = (client: string, server: string): string => {
      const out = new CookieOption();
      makeFastOpenCookie(parseKeys(KEY)[0]!, ip(client), ip(server), out);
      return hex(out.bytes.subarray(0, out.length));
    };
    expect(cookie('10.7.0.1', '10.7.0.2')).toBe('cfe3998cce10d1b5');
    expect(cookie('fd07::1', 'fd07::2')).toBe('ba5da13ee215ea9a');
  });

  test('a sysctl of two keys is the bytes of TCP_FASTOPEN_KEY as little-endian words', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(readKeys(bytes)).toEqual(
      parseKeys('03020100-07060504-0b0a0908-0f0e0d0c,13121110-17161514-1b1a1918-1f1e1d1c'),
    );
  });
});

describe('what a host keeps', () => {
  const make = (timeout = 0): { host: FastOpenHost; sysctl: SysctlValues; mib: Mib } => {
    const sysctl = new SysctlValues();
    sysctl.tcp_fastopen_blackhole_timeout_sec = timeout;
    const mib = new Mib();
    return { host: new FastOpenHost(sysctl, mib, seededRandom('fast open')), sysctl, mib };
  };

  test('as on Linux a key is made when one is needed and none is set', () => {
    const { host, sysctl } = make();
    const [key] = host.serverKeys();
    expect(sysctl.tcp_fastopen_key).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{8}){3}$/);
    expect(sysctl.tcp_fastopen_key).not.toBe('00000000-00000000-00000000-00000000');
    expect(parseKeys(sysctl.tcp_fastopen_key)).toEqual([key]);
    sysctl.tcp_fastopen_key = `${KEY},1-2-3-4`;
    expect(host.serverKeys()).toEqual(parseKeys(`${KEY},1-2-3-4`));
  });

  test('cookies of servers are kept for 1024 of them: the one that was not used for longest goes', () => {
    const { host } = make();
    const me = ip('10.0.0.1');
    const server = (i: number) => ip(`10.1.${i >> 8}.${i & 255}`);
    for (let i = 0; i < 1024; i++) host.learn(me, server(i)).mss = i + 1;
    expect(host.server(me, server(0))?.mss).toBe(1);
    for (let i = 1024; i < 2000; i++) host.learn(me, server(i));
    expect(host.serverCount).toBe(1024);
    expect(host.server(me, server(0))).not.toBeNull();
    expect(host.server(me, server(1))).toBeNull();
    expect(host.server(ip('10.0.0.2'), server(0)), 'another address of ours, another cookie').toBeNull();
    host.forget();
    expect(host.serverCount).toBe(0);
  });

  test('a black hole stops active Fast Open for a while, doubled up to 64 times, until data come again', () => {
    const { host, mib } = make(10);
    const s = 1_000_000;
    expect(host.paused(0)).toBe(false);
    host.blackHole(0);
    expect([host.paused(9 * s), host.paused(10 * s)]).toEqual([true, false]);
    expect(host.onTrial).toBe(true);
    host.blackHole(100 * s);
    expect([host.paused(119 * s), host.paused(120 * s)]).toEqual([true, false]);
    for (let i = 0; i < 20; i++) host.blackHole(200 * s);
    expect([host.paused(839 * s), host.paused(840 * s)]).toEqual([true, false]);
    host.worksAgain();
    expect(host.onTrial).toBe(false);
    expect(mib.TcpExtTCPFastOpenBlackhole).toBe(22);
    const off = make(0);
    off.host.blackHole(0);
    expect([off.host.paused(1), off.mib.TcpExtTCPFastOpenBlackhole]).toEqual([false, 0]);
  });
});

describe('a listener', () => {
  /** No cookies wanted (0x200): any SYN with data is taken, up to `queue`. */
  const open = (queue: number): { lab: Lab; listener: number; knock: () => Conn } => {
    const lab = new Lab({ sysctl: { tcp_fastopen: 0x203 } });
    const listener = lab.listen(80, fd => void lab.setsockopt(fd, 6, TCP_FASTOPEN, queue), 100);
    const knock = (): Conn => {
      const c = lab.peer();
      c.say('S', { seq: 0, data: fill(10), options: { mss: 1460 } });
      return c;
    };
    return { lab, listener, knock };
  };

  test('RFC 7413 §5.1: children without a last ACK are bounded; beyond it the data are not taken', () => {
    const { lab, listener, knock } = open(2);
    const [a, b] = [knock(), knock()];
    expect(a.lines()).toEqual(['S. 0:0(0) ack 11']);
    expect(b.lines()).toEqual(['S. 0:0(0) ack 11']);
    const c = knock();
    expect(c.lines()).toEqual(['S. 0:0(0) ack 1']);
    expect(lab.mib.TcpExtTCPFastOpenListenOverflow).toBe(1);
    a.say('.', { seq: 11 });
    expect(knock().lines(), 'one place is free again').toEqual(['S. 0:0(0) ack 11']);
    a.fd = lab.accept(listener);
    expect(a.recv(100)).toEqual(fill(10));
  });

  test('RFC 7413 §5.1: a reset child that was accepted holds its place for a minute, one that was not does not', () => {
    const { lab, listener, knock } = open(1);
    const a = knock();
    expect(a.lines()).toEqual(['S. 0:0(0) ack 11']);
    a.say('R', { seq: 11 });
    const b = knock();
    expect(b.lines()).toEqual(['S. 0:0(0) ack 11']);
    a.fd = lab.accept(listener);
    expect(a.recv(100)).toEqual(fill(10));
    expect(a.recv(100)).toBe(-ECONNRESET);
    b.fd = lab.accept(listener);
    b.say('R', { seq: 11 });
    lab.run(59);
    expect(knock().lines()).toEqual(['S. 0:0(0) ack 1']);
    lab.run(1.1);
    expect(knock().lines().slice(-1)).toEqual(['S. 0:0(0) ack 11']);
  });

  test('without TCP_FASTOPEN there is none; closing it resets the children that nobody accepted', () => {
    const none = open(0);
    expect(none.knock().lines()).toEqual(['S. 0:0(0) ack 1']);
    const { lab, listener, knock } = open(3);
    const a = knock();
    a.take();
    lab.close(listener);
    expect(lab.segments.map(line).join()).toMatch(/R/);
    lab.run(200);
    expect(lab.host.stack.tcp.timersArmed).toBe(0);
  });

  test('with bit 0x400 every listener takes it, as many as its backlog', () => {
    const lab = new Lab({ sysctl: { tcp_fastopen: 0x603 } });
    const listener = lab.listen(80, () => {}, 7);
    expect(lab.getsockopt(listener, 6, TCP_FASTOPEN)).toBe(7);
  });
});
