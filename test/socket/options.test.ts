import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as E from '../../src/base/errno.ts';
import { errnoName } from '../../src/base/errno.ts';
import * as C from '../../src/socket/constants.ts';
import { Sockets } from '../../src/socket/sockets.ts';
import { FakeHost, ip } from './fake.ts';

const say = (r: unknown): unknown => (typeof r === 'number' && r < 0 ? errnoName(-r) : r);

function world(hz = 1000, domain = C.AF_INET) {
  const host = new FakeHost();
  host.hz = hz;
  const os = new Sockets(host);
  const fd = os.socket(domain);
  /** Sets, then reads back: `value`, or the errno and what is read. */
  const put = (level: number, name: number, value: number): unknown => {
    const r = os.setsockopt(fd, level, name, value);
    const got = os.getsockoptBytes(fd, level, name);
    const v = typeof got === 'number' ? say(got) : new DataView(got.buffer, got.byteOffset).getInt32(0, true);
    return r < 0 ? [say(r), v] : v;
  };
  return { host, os, fd, put };
}

const TCP = C.SOL_TCP;
const SOCK = C.SOL_SOCKET;

describe('option values as Linux 6.18 gives them', () => {
  test('defaults of a fresh TCP socket', () => {
    const { os, fd } = world();
    const tcp = (o: number) => os.getsockopt(fd, TCP, o);
    expect([C.TCP_MAXSEG, C.TCP_SYNCNT, C.TCP_LINGER2, C.TCP_KEEPIDLE, C.TCP_KEEPINTVL].map(tcp)).toEqual([
      536, 6, 60, 7200, 75,
    ]);
    expect([C.TCP_KEEPCNT, C.TCP_USER_TIMEOUT, C.TCP_NODELAY, C.TCP_QUICKACK].map(tcp)).toEqual([9, 0, 0, 1]);
    expect([C.TCP_DEFER_ACCEPT, C.TCP_WINDOW_CLAMP, C.TCP_RTO_MAX_MS, C.TCP_IS_MPTCP].map(tcp)).toEqual([
      0, 0, 120000, 0,
    ]);
    const sock = (o: number) => os.getsockopt(fd, SOCK, o);
    expect([C.SO_SNDBUF, C.SO_RCVBUF, C.SO_RCVLOWAT, C.SO_SNDLOWAT].map(sock)).toEqual([16384, 131072, 1, 1]);
    expect([C.SO_TYPE, C.SO_PROTOCOL, C.SO_DOMAIN, C.SO_ERROR, C.SO_ACCEPTCONN].map(sock)).toEqual([
      1, 6, 2, 0, 0,
    ]);
    expect(os.getsockopt(fd, C.SOL_IP, C.IP_TTL)).toBe(64);
    expect(os.getsockopt(fd, C.SOL_IP, C.IP_MTU_DISCOVER)).toBe(1);
    expect(say(os.getsockopt(fd, C.SOL_IP, C.IP_MTU))).toBe('ENOTCONN');
  });

  const cases: [string, number, number, [number, unknown][]][] = [
    [
      'TCP_LINGER2',
      TCP,
      C.TCP_LINGER2,
      [
        [-5, -1],
        [-1, -1],
        [0, 60],
        [1, 1],
        [60, 60],
        [121, 120],
        [1_000_000, 120],
      ],
    ],
    [
      'TCP_DEFER_ACCEPT',
      TCP,
      C.TCP_DEFER_ACCEPT,
      [
        [-1, 0],
        [0, 0],
        [1, 1],
        [2, 3],
        [10, 15],
        [15, 15],
        [16, 31],
        [100, 127],
        [1_000_000, 29887],
      ],
    ],
    [
      'TCP_WINDOW_CLAMP',
      TCP,
      C.TCP_WINDOW_CLAMP,
      [
        [0, 0],
        [1, 1152],
        [1152, 1152],
        [5000, 5000],
      ],
    ],
    [
      'attack 71: TCP_MAXSEG',
      TCP,
      C.TCP_MAXSEG,
      [
        [1, ['EINVAL', 536]],
        [87, ['EINVAL', 536]],
        [88, 88],
        [40000, ['EINVAL', 88]],
        [32767, 32767],
        [0, 536],
        [65536, ['EINVAL', 536]],
        [-1, ['EINVAL', 536]],
      ],
    ],
    [
      'TCP_KEEPIDLE',
      TCP,
      C.TCP_KEEPIDLE,
      [
        [0, ['EINVAL', 7200]],
        [32768, ['EINVAL', 7200]],
        [32767, 32767],
      ],
    ],
    [
      'TCP_KEEPINTVL',
      TCP,
      C.TCP_KEEPINTVL,
      [
        [0, ['EINVAL', 75]],
        [1, 1],
      ],
    ],
    [
      'TCP_KEEPCNT',
      TCP,
      C.TCP_KEEPCNT,
      [
        [128, ['EINVAL', 9]],
        [127, 127],
      ],
    ],
    [
      'TCP_SYNCNT',
      TCP,
      C.TCP_SYNCNT,
      [
        [0, ['EINVAL', 6]],
        [128, ['EINVAL', 6]],
        [3, 3],
      ],
    ],
    [
      'TCP_USER_TIMEOUT',
      TCP,
      C.TCP_USER_TIMEOUT,
      [
        [-1, ['EINVAL', 0]],
        [2147483647, 2147483647],
      ],
    ],
    [
      'TCP_NODELAY',
      TCP,
      C.TCP_NODELAY,
      [
        [-1, 1],
        [0, 0],
        [999, 1],
      ],
    ],
    [
      'TCP_QUICKACK',
      TCP,
      C.TCP_QUICKACK,
      [
        [0, 0],
        [2, 1],
      ],
    ],
    [
      'TCP_THIN_LINEAR_TIMEOUTS',
      TCP,
      C.TCP_THIN_LINEAR_TIMEOUTS,
      [
        [2, ['EINVAL', 0]],
        [1, 1],
      ],
    ],
    [
      'TCP_INQ',
      TCP,
      C.TCP_INQ,
      [
        [2, ['EINVAL', 0]],
        [1, 1],
      ],
    ],
    [
      'TCP_FASTOPEN',
      TCP,
      C.TCP_FASTOPEN,
      [
        [-1, ['EINVAL', 0]],
        [999, 999],
        [120000, 4096],
      ],
    ],
    [
      'TCP_SAVE_SYN',
      TCP,
      C.TCP_SAVE_SYN,
      [
        [3, ['EINVAL', 0]],
        [2, 2],
      ],
    ],
    [
      'TCP_RTO_MAX_MS',
      TCP,
      C.TCP_RTO_MAX_MS,
      [
        [999, ['EINVAL', 120000]],
        [1000, 1000],
        [120001, ['EINVAL', 1000]],
      ],
    ],
    ['TCP_NOTSENT_LOWAT', TCP, C.TCP_NOTSENT_LOWAT, [[-1, -1]]],
    ['TCP_TIMESTAMP', TCP, C.TCP_TIMESTAMP, [[1, ['EPERM', 0]]]],
    ['an unknown one', TCP, 99, [[1, ['ENOPROTOOPT', 'ENOPROTOOPT']]]],
    [
      'SO_SNDBUF',
      SOCK,
      C.SO_SNDBUF,
      [
        [-1, 8388608],
        [0, 4608],
        [3000, 6000],
        [100_000_000, 8388608],
      ],
    ],
    [
      'SO_RCVBUF',
      SOCK,
      C.SO_RCVBUF,
      [
        [-1, 8388608],
        [1000, 2304],
        [100_000, 200_000],
      ],
    ],
    [
      'SO_RCVLOWAT',
      SOCK,
      C.SO_RCVLOWAT,
      [
        [-1, 16777216],
        [0, 1],
        [5, 5],
      ],
    ],
    ['SO_SNDLOWAT', SOCK, C.SO_SNDLOWAT, [[5, ['ENOPROTOOPT', 1]]]],
    ['SO_TYPE', SOCK, C.SO_TYPE, [[5, ['ENOPROTOOPT', 1]]]],
    [
      'SO_ZEROCOPY',
      SOCK,
      C.SO_ZEROCOPY,
      [
        [2, ['EINVAL', 0]],
        [1, 1],
      ],
    ],
    [
      'SO_TIMESTAMPING, whose unknown bits are refused',
      SOCK,
      C.SO_TIMESTAMPING,
      [
        [0, 0],
        [2, 2],
        [1 << 19, ['EINVAL', 2]],
        [1 << 7, ['EINVAL', 2]],
      ],
    ],
    ['SO_MARK', SOCK, C.SO_MARK, [[-1, -1]]],
    [
      'IP_TOS: the ECN bits are not the user’s',
      C.SOL_IP,
      C.IP_TOS,
      [
        [-1, 252],
        [3, 0],
        [5, 4],
        [255, 252],
        [256, 0],
      ],
    ],
    [
      'IP_TTL',
      C.SOL_IP,
      C.IP_TTL,
      [
        [0, ['EINVAL', 64]],
        [256, ['EINVAL', 64]],
        [1, 1],
        [-1, 64],
      ],
    ],
    [
      'IP_MTU_DISCOVER',
      C.SOL_IP,
      C.IP_MTU_DISCOVER,
      [
        [6, ['EINVAL', 1]],
        [-1, ['EINVAL', 1]],
        [5, 5],
      ],
    ],
    [
      'IP_MINTTL',
      C.SOL_IP,
      C.IP_MINTTL,
      [
        [256, ['EINVAL', 0]],
        [255, 255],
      ],
    ],
    ['IP_FREEBIND', C.SOL_IP, C.IP_FREEBIND, [[-2, 1]]],
    ['SOL_IPV6 on an AF_INET socket', C.SOL_IPV6, C.IPV6_V6ONLY, [[1, ['ENOPROTOOPT', 'EOPNOTSUPP']]]],
  ];
  test.each(cases)('%s', (_name, level, name, pairs) => {
    const { put } = world();
    for (const [value, read] of pairs) expect([value, put(level, name, value)]).toEqual([value, read]);
  });

  test('IPv6 options', () => {
    const { put } = world(1000, C.AF_INET6);
    const six = (name: number, value: number) => put(C.SOL_IPV6, name, value);
    expect(six(C.IPV6_TCLASS, 256)).toEqual(['EINVAL', 0]);
    expect(six(C.IPV6_TCLASS, 255)).toBe(252);
    expect(six(C.IPV6_UNICAST_HOPS, 7)).toBe(7);
    expect(six(C.IPV6_UNICAST_HOPS, -1)).toBe(64);
    expect(six(C.IPV6_V6ONLY, 5)).toBe(1);
    expect(put(C.SOL_IP, C.IP_TOS, 8)).toBe(8);
  });

  test('TCP_RTO_MIN_US and TCP_DELACK_MAX_US are rounded up to jiffies and at least two of them', () => {
    const { put } = world(250);
    expect(put(TCP, C.TCP_RTO_MIN_US, 1000)).toEqual(['EINVAL', 200000]);
    expect(put(TCP, C.TCP_RTO_MIN_US, 120001)).toBe(124000);
    expect(put(TCP, C.TCP_DELACK_MAX_US, 200001)).toEqual(['EINVAL', 200000]);
    expect(put(TCP, C.TCP_DELACK_MAX_US, 120000)).toBe(120000);
  });
});

describe('options that are no ints', () => {
  test('struct linger', () => {
    const { os, fd } = world();
    const read = () => {
      const b = os.getsockoptBytes(fd, SOCK, C.SO_LINGER) as Uint8Array;
      return [...new Int32Array(b.buffer.slice(0, 8))];
    };
    expect(os.setsockopt(fd, SOCK, C.SO_LINGER, { onoff: 0, linger: 5 })).toBe(0);
    expect(read()).toEqual([0, 0]);
    os.setsockopt(fd, SOCK, C.SO_LINGER, { onoff: 5, linger: 5 });
    expect(read()).toEqual([1, 5]);
    expect(say(os.setsockopt(fd, SOCK, C.SO_LINGER, 1))).toBe('EINVAL');
    expect((os.getsockoptBytes(fd, SOCK, C.SO_LINGER, 4) as Uint8Array).length).toBe(4);
  });

  test('struct timeval: EDOM, rounding to jiffies, for ever, not at all', () => {
    const { os, fd } = world(250);
    const set = (sec: number, usec: number) => say(os.setsockopt(fd, SOCK, C.SO_RCVTIMEO, { sec, usec }));
    const read = () => {
      const d = new DataView((os.getsockoptBytes(fd, SOCK, C.SO_RCVTIMEO) as Uint8Array).buffer);
      return [d.getInt32(0, true), d.getInt32(8, true)];
    };
    expect([set(1, 1_000_000), set(1, -1)]).toEqual(['EDOM', 'EDOM']);
    expect([set(0, 1), read()]).toEqual([0, [0, 4000]]);
    expect([set(1, 999_999), read()]).toEqual([0, [2, 0]]);
    expect([set(0, 0), read()]).toEqual([0, [0, 0]]);
    expect(say(os.setsockopt(fd, SOCK, C.SO_RCVTIMEO, new Uint8Array(8)))).toBe('EINVAL');
    expect(set(-1, 0)).toBe(0);
  });

  test('TCP_CONGESTION by name', () => {
    const { os, fd } = world();
    expect(say(os.setsockopt(fd, TCP, C.TCP_CONGESTION, 'bogus'))).toBe('ENOENT');
    expect(say(os.setsockopt(fd, TCP, C.TCP_CONGESTION, ''))).toBe('EINVAL');
    expect(os.setsockopt(fd, TCP, C.TCP_CONGESTION, 'reno\0')).toBe(0);
    const b = os.getsockoptBytes(fd, TCP, C.TCP_CONGESTION) as Uint8Array;
    expect(b.length).toBe(16);
    expect(String.fromCharCode(...b.subarray(0, 5))).toBe('reno\0');
    expect((os.getsockoptBytes(fd, TCP, C.TCP_CONGESTION, 3) as Uint8Array).length).toBe(3);
  });

  test('TCP_INFO of a fresh socket, byte for byte as Linux 6.18 writes it', () => {
    const { os, fd } = world();
    const b = os.getsockoptBytes(fd, TCP, C.TCP_INFO, 400) as Uint8Array;
    const linux =
      '070000000000000140420f000000000018020000000000000000000000000000000000000000000000000000' +
      '00000000' +
      '00000000' +
      '00000000' +
      '00000000' +
      '000000000000000000000000' +
      '90d00300ffffff7f0a000000000000000300000000000000000000000000000' +
      '0ffffffffffffffffffffffffffffffff00000000000000000000000000000000000000000000000000000000ffffffff';
    expect(Buffer.from(b).toString('hex').slice(0, linux.length)).toBe(linux);
    expect(b.length).toBe(280);
    expect((os.getsockoptBytes(fd, TCP, C.TCP_INFO, 10) as Uint8Array).length).toBe(10);
    os.listen(fd, 1);
    const l = os.tcpInfo(fd);
    expect(l).toMatchObject({ state: 10, unacked: 0, sacked: 1 });
  });

  test('SO_MEMINFO, TCP_CC_INFO', () => {
    const { os, fd } = world();
    const m = os.getsockoptBytes(fd, SOCK, C.SO_MEMINFO) as Uint8Array;
    expect([...new Int32Array(m.buffer)]).toEqual([0, 131072, 0, 16384, 0, 0, 0, 0, 0]);
    expect((os.getsockoptBytes(fd, TCP, C.TCP_CC_INFO) as Uint8Array).length).toBe(0);
  });

  test('SOL_IP takes one byte', () => {
    const { os, fd } = world();
    expect(os.setsockopt(fd, C.SOL_IP, C.IP_TOS, new Uint8Array([16]))).toBe(0);
    expect([...(os.getsockoptBytes(fd, C.SOL_IP, C.IP_TOS, 1) as Uint8Array)]).toEqual([16]);
  });

  test('any bytes for any option: a result, never an exception', () => {
    const { os, fd } = world();
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: -1, max: 80 }),
        fc.uint8Array({ maxLength: 40 }),
        (l, name, b) => {
          const level = [0, 1, 6, 17, 41, l][Math.abs(l) % 6]!;
          expect(os.setsockopt(fd, level, name, b)).toBeLessThanOrEqual(0);
          os.getsockoptBytes(fd, level, name, b.length);
          os.getsockopt(fd, level, name);
        },
      ),
    );
  });
});

describe('options on a connection', () => {
  test('changes are told to the connection; a child starts with its listener’s', () => {
    const { os, host, fd } = world();
    os.setsockopt(fd, TCP, C.TCP_NODELAY, 1);
    os.setsockopt(fd, SOCK, C.SO_LINGER, { onoff: 1, linger: 0 });
    os.fcntl(fd, C.F_SETFL, C.O_NONBLOCK);
    os.listen(fd, 1);
    const c = host.lastListener!.incoming();
    const child = os.accept(fd);
    expect(os.getsockopt(child, TCP, C.TCP_NODELAY)).toBe(1);
    expect(os.fcntl(child, C.F_GETFL)).toBe(C.O_RDWR);
    os.setsockopt(child, TCP, C.TCP_NODELAY, 0);
    expect(os.getsockopt(fd, TCP, C.TCP_NODELAY)).toBe(1);
    expect(c.changes).toEqual(['6:1']);
    expect(os.getsockopt(child, TCP, C.TCP_MAXSEG)).toBe(1460);
    expect(say(os.setsockopt(child, TCP, C.TCP_WINDOW_CLAMP, 0))).toBe('EINVAL');
    expect(say(os.setsockopt(child, TCP, C.TCP_FASTOPEN, 5))).toBe('EINVAL');
    os.close(child);
    expect(c.closed).toBe('linger0');
  });

  test('a listener’s later settings do not reach the sockets it has accepted, nor theirs it', () => {
    const { os, host, fd } = world();
    os.fcntl(fd, C.F_SETFL, C.O_NONBLOCK);
    os.listen(fd, 1);
    host.lastListener!.incoming();
    const child = os.accept(fd);
    const zc = (f: number) => os.getsockopt(f, SOCK, C.SO_ZEROCOPY);
    os.setsockopt(fd, SOCK, C.SO_ZEROCOPY, 1);
    expect([zc(fd), zc(child)]).toEqual([1, 0]);
    os.setsockopt(child, TCP, C.TCP_INQ, 1);
    expect([os.getsockopt(fd, TCP, C.TCP_INQ), os.getsockopt(child, TCP, C.TCP_INQ)]).toEqual([0, 1]);
  });

  test('fcntl and ioctl', () => {
    const { os } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK | C.SOCK_CLOEXEC);
    expect(os.fcntl(fd, C.F_GETFL)).toBe(2050);
    expect(os.fcntl(fd, C.F_GETFD)).toBe(1);
    os.ioctl(fd, C.FIONBIO, 0);
    expect(os.fcntl(fd, C.F_GETFL)).toBe(2);
    expect(say(os.fcntl(fd, 99))).toBe('EINVAL');
    expect(say(os.fcntl(99, C.F_GETFL))).toBe('EBADF');
  });

  test('MSG_ZEROCOPY is refused where SO_ZEROCOPY asked for it, and ignored elsewhere, as on Linux', () => {
    const { os, host } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    os.connect(fd, ip('10.9.0.2'), 80);
    host.last!.establish();
    const b = new Uint8Array(3);
    expect(os.send(fd, b, C.MSG_ZEROCOPY)).toBe(3);
    os.setsockopt(fd, SOCK, C.SO_ZEROCOPY, 1);
    expect(os.send(fd, b, C.MSG_ZEROCOPY)).toBe(-E.EOPNOTSUPP);
  });
});
