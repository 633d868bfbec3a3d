import { describe, expect, test } from 'vitest';
import * as E from '../../src/base/errno.ts';
import { errnoName } from '../../src/base/errno.ts';
import * as C from '../../src/socket/constants.ts';
import type { EpollEvent } from '../../src/socket/epoll.ts';
import { type Host, ip, TwoHosts } from './two-hosts.ts';

const say = (r: unknown): unknown => (typeof r === 'number' && r < 0 ? errnoName(-r) : r);
const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const NONBLOCK = C.SOCK_STREAM | C.SOCK_NONBLOCK;

/** Reads without waiting: the text, or the errno. */
function read(h: Host, fd: number, flags = 0, n = 1000): unknown {
  const b = new Uint8Array(n);
  const r = h.os.recv(fd, b, flags);
  return r < 0 ? say(r) : new TextDecoder().decode(b.subarray(0, r));
}

function polls(h: Host, fd: number): string {
  const e = { fd, events: 0x3fff, revents: 0 };
  h.os.poll([e]);
  const names: [number, string][] = [
    [C.POLLIN, 'IN'],
    [C.POLLPRI, 'PRI'],
    [C.POLLOUT, 'OUT'],
    [C.POLLERR, 'ERR'],
    [C.POLLHUP, 'HUP'],
    [C.POLLRDHUP, 'RDHUP'],
  ];
  return names
    .filter(([bit]) => e.revents & bit)
    .map(([, n]) => n)
    .join('|');
}

const error = (h: Host, fd: number): number => h.os.getsockopt(fd, C.SOL_SOCKET, C.SO_ERROR);

/** Host, its listener on 5000 at B, and an established pair. */
function pair(v6 = false, sysctl: Record<string, number> = {}) {
  const w = new TwoHosts(sysctl);
  const domain = v6 ? C.AF_INET6 : C.AF_INET;
  const at = ip(v6 ? 'fd00::2' : '10.9.0.2');
  const l = w.b.os.socket(domain, NONBLOCK);
  expect(w.b.os.bind(l, at, 5000)).toBe(0);
  expect(w.b.os.listen(l, 8)).toBe(0);
  const a = w.a.os.socket(domain, NONBLOCK);
  expect(say(w.a.os.connect(a, at, 5000))).toBe('EINPROGRESS');
  w.run();
  expect(w.a.os.connect(a, at, 5000)).toBe(0);
  const b = w.b.os.accept(l, C.SOCK_NONBLOCK);
  expect(b).toBeGreaterThan(2);
  return { w, A: w.a, B: w.b, a, b, l };
}

describe.each([false, true])('over two stacks, IPv6 %s', v6 => {
  test('bytes both ways, names, half-close', () => {
    const { w, A, B, a, b } = pair(v6);
    expect(A.os.send(a, text('hello'))).toBe(5);
    w.run();
    expect(polls(B, b)).toBe('IN|OUT');
    expect([B.os.ioctl(b, C.SIOCINQ), A.os.ioctl(a, C.SIOCOUTQ)]).toEqual([5, 0]);
    expect(read(B, b, C.MSG_PEEK)).toBe('hello');
    expect(read(B, b)).toBe('hello');
    expect(say(B.os.recv(b, new Uint8Array(1)))).toBe('EAGAIN');
    expect(A.os.getsockname(a)).toEqual(B.os.getpeername(b));
    expect(A.os.getpeername(a)).toEqual(B.os.getsockname(b));
    expect(A.os.shutdown(a, C.SHUT_WR)).toBe(0);
    expect(A.os.shutdown(a, C.SHUT_WR)).toBe(0);
    expect(say(A.os.send(a, text('x')))).toBe('EPIPE');
    w.run();
    expect(polls(B, b)).toBe('IN|OUT|RDHUP');
    expect(read(B, b)).toBe('');
    B.os.send(b, text('still'));
    w.run();
    expect(read(A, a)).toBe('still');
    expect(polls(A, a)).toBe('OUT');
    B.os.close(b);
    w.run();
    expect(polls(A, a)).toBe('IN|OUT|HUP|RDHUP');
    expect(read(A, a)).toBe('');
    expect(say(A.os.getpeername(a))).toBe('ENOTCONN');
    expect(say(A.os.shutdown(a, 0))).toBe('ENOTCONN');
    expect(A.os.tcpInfo(a)).toMatchObject({ state: 7 });
    A.os.close(a);
    expect(A.stack.tcp.timeWaitCount).toBe(1);
    w.run(61_000);
    expect(A.stack.tcp.timeWaitCount).toBe(0);
    expect([...A.stack.tcp.connections(), ...B.stack.tcp.connections()]).toEqual([]);
  });
});

describe('golden logs, as the application sees them', () => {
  test('refused', () => {
    const w = new TwoHosts();
    const fd = w.a.os.socket();
    const p = w.a.os.begin.connect(fd, ip('10.9.0.2'), 5000);
    w.run();
    expect(say(p.result)).toBe('ECONNREFUSED');
    expect(error(w.a, fd)).toBe(0);
    expect(polls(w.a, fd)).toBe('OUT|HUP');
  });

  test('refused_nonblock', () => {
    const w = new TwoHosts();
    const fd = w.a.os.socket(C.AF_INET, NONBLOCK);
    const go = () => say(w.a.os.connect(fd, ip('10.9.0.2'), 5000));
    expect(go()).toBe('EINPROGRESS');
    w.run();
    expect(polls(w.a, fd)).toBe('IN|OUT|ERR|HUP|RDHUP');
    expect(say(w.a.os.send(fd, text('x')))).toBe('ECONNREFUSED');
    expect(error(w.a, fd)).toBe(0);
    expect(read(w.a, fd)).toBe('');
    expect([go(), go()]).toEqual(['ECONNABORTED', 'EINPROGRESS']);
  });

  test('connect_states', () => {
    const w = new TwoHosts();
    w.delay = 200_000;
    const l = w.b.os.socket();
    w.b.os.bind(l, ip('10.9.0.2'), 5000);
    w.b.os.listen(l, 1);
    const fd = w.a.os.socket(C.AF_INET, NONBLOCK);
    const go = () => say(w.a.os.connect(fd, ip('10.9.0.2'), 5000));
    expect([go(), go()]).toEqual(['EINPROGRESS', 'EALREADY']);
    expect([say(w.a.os.send(fd, text('x'))), read(w.a, fd)]).toEqual(['EAGAIN', 'EAGAIN']);
    expect(polls(w.a, fd)).toBe('');
    w.run(600);
    expect([go(), go(), polls(w.a, fd)]).toEqual([0, 'EISCONN', 'OUT']);
  });

  test('shut_rd', () => {
    const { w, A, B, a, b } = pair();
    A.os.shutdown(a, C.SHUT_RD);
    expect(polls(A, a)).toBe('IN|OUT|RDHUP');
    expect(read(A, a)).toBe('');
    B.os.send(b, text('hello'));
    w.run();
    expect([read(A, a), read(A, a)]).toEqual(['hello', '']);
    expect(A.os.send(a, text('still'))).toBe(5);
    w.run();
    expect(read(B, b)).toBe('still');
    B.os.send(b, text('again'));
    w.run();
    A.os.close(a);
    w.run();
    expect(read(B, b)).toBe('ECONNRESET');
  });

  test('shut_rdwr', () => {
    const { w, A, B, a, b } = pair();
    A.os.shutdown(a, C.SHUT_RDWR);
    expect(polls(A, a)).toBe('IN|OUT|HUP|RDHUP');
    expect([read(A, a), say(A.os.send(a, text('x')))]).toEqual(['', 'EPIPE']);
    w.run();
    expect(B.os.send(b, text('hello'))).toBe(5);
    w.run();
    expect([read(A, a), say(B.os.send(b, text('x'))), read(A, a)]).toEqual(['ECONNRESET', 'EPIPE', '']);
    expect([polls(B, b), read(B, b)]).toEqual(['IN|OUT|HUP|RDHUP', '']);
    expect(say(A.os.shutdown(a, C.SHUT_RDWR))).toBe('ENOTCONN');
  });

  test('oob', () => {
    const { w, A, B, a, b } = pair();
    A.os.send(a, text('abc'));
    A.os.send(a, text('XY'), C.MSG_OOB);
    A.os.send(a, text('def'));
    w.run();
    expect(polls(B, b)).toBe('IN|PRI|OUT');
    expect([read(B, b, C.MSG_OOB), read(B, b, C.MSG_OOB)]).toEqual(['Y', 'EINVAL']);
    expect(B.os.ioctl(b, C.SIOCATMARK)).toBe(0);
    expect(read(B, b)).toBe('abcX');
    expect(B.os.ioctl(b, C.SIOCATMARK)).toBe(1);
    expect(read(B, b)).toBe('def');
  });

  test('user_disconnect', () => {
    const { w, A, B, a, b } = pair();
    expect(A.os.connect(a, null)).toBe(0);
    expect(polls(A, a)).toBe('OUT|ERR|HUP');
    expect([error(A, a), error(A, a)]).toEqual([E.ECONNRESET, 0]);
    w.run();
    expect(read(B, b)).toBe('ECONNRESET');
    expect(say(A.os.connect(a, ip('10.9.0.2'), 5000))).toBe('EINPROGRESS');
    w.run();
    expect(A.os.connect(a, ip('10.9.0.2'), 5000)).toBe(0);
  });

  test('syn_sent_shutdown', () => {
    const w = new TwoHosts();
    w.drop = () => true;
    const fd = w.a.os.socket(C.AF_INET, NONBLOCK);
    w.a.os.connect(fd, ip('10.9.0.2'), 5000);
    w.run();
    expect(w.a.os.shutdown(fd, C.SHUT_WR)).toBe(0);
    expect([polls(w.a, fd), error(w.a, fd)]).toEqual(['OUT|ERR|HUP', E.ECONNRESET]);
    expect(say(w.a.os.connect(fd, ip('10.9.0.2'), 5000))).toBe('EINPROGRESS');
    w.a.os.close(fd);
    expect([...w.a.stack.tcp.connections()]).toEqual([]);
  });

  test('linger0: reset, data first', () => {
    const { w, A, B, a, b } = pair();
    A.os.send(a, text('lost'));
    w.run();
    A.os.setsockopt(a, C.SOL_SOCKET, C.SO_LINGER, { onoff: 1, linger: 0 });
    A.os.close(a);
    w.run();
    expect(polls(B, b)).toBe('IN|OUT|ERR|HUP|RDHUP');
    expect([read(B, b), read(B, b), say(B.os.send(b, text('x')))]).toEqual(['lost', 'ECONNRESET', 'EPIPE']);
  });

  test('linger5_ok and linger5_blackhole', () => {
    const ok = pair();
    ok.w.delay = 100_000;
    ok.A.os.setsockopt(ok.a, C.SOL_SOCKET, C.SO_LINGER, { onoff: 1, linger: 5 });
    const p = ok.A.os.begin.close(ok.a);
    const from = ok.w.now;
    while (!p.done) ok.w.run(1);
    expect((ok.w.now - from) / 1000).toBeGreaterThanOrEqual(200);
    expect((ok.w.now - from) / 1000).toBeLessThan(250);
    const hole = pair();
    hole.w.drop = () => true;
    hole.A.os.send(hole.a, text('x'));
    hole.A.os.setsockopt(hole.a, C.SOL_SOCKET, C.SO_LINGER, { onoff: 1, linger: 5 });
    const q = hole.A.os.begin.close(hole.a);
    hole.w.run(4_990);
    expect(q.done).toBe(false);
    hole.w.run(20);
    expect(q).toMatchObject({ done: true, result: 0 });
    expect(hole.A.stack.tcp.counts()[4]).toBe(1);
    hole.w.run(200_000);
    expect(hole.A.stack.tcp.counts()[4]).toBe(0);
  });

  test('close_while_recv_blocked and abort_pending_recv', () => {
    const { w, A, B, a, b } = pair();
    A.os.fcntl(a, C.F_SETFL, 0);
    const p = A.os.begin.recv(a, new Uint8Array(9));
    w.run();
    A.os.shutdown(a, C.SHUT_RD);
    w.run();
    expect(p).toMatchObject({ done: true, result: 0 });
    B.os.fcntl(b, C.F_SETFL, 0);
    const q = B.os.begin.recv(b, new Uint8Array(9));
    A.os.setsockopt(a, C.SOL_SOCKET, C.SO_LINGER, { onoff: 1, linger: 0 });
    A.os.close(a);
    w.run();
    expect(say(q.result)).toBe('ECONNRESET');
  });

  test('errnos: two listeners on one port', () => {
    const w = new TwoHosts();
    const { os } = w.a;
    const socket = (option?: number) => {
      const fd = os.socket();
      if (option !== undefined) os.setsockopt(fd, C.SOL_SOCKET, option, 1);
      return fd;
    };
    const at = (fd: number, port: number, a = '10.9.0.1') => say(os.bind(fd, ip(a), port));
    const s1 = socket();
    expect([at(s1, 7000), say(os.listen(s1, 1))]).toEqual([0, 0]);
    const s2 = socket();
    expect(at(s2, 7000)).toBe('EADDRINUSE');
    os.setsockopt(s2, C.SOL_SOCKET, C.SO_REUSEADDR, 1);
    expect(at(s2, 7000)).toBe('EADDRINUSE');
    const s3 = socket(C.SO_REUSEADDR);
    const s4 = socket(C.SO_REUSEADDR);
    expect([at(s3, 7100), at(s4, 7100)]).toEqual([0, 0]);
    expect([say(os.listen(s3, 1)), say(os.listen(s4, 1))]).toEqual([0, 'EADDRINUSE']);
    const s5 = socket(C.SO_REUSEPORT);
    const s6 = socket(C.SO_REUSEPORT);
    expect([at(s5, 7200), os.listen(s5, 1), at(s6, 7200), os.listen(s6, 1)]).toEqual([0, 0, 0, 0]);
    expect(at(socket(), 7200)).toBe('EADDRINUSE');
    expect(at(socket(), 7000, '0.0.0.0')).toBe('EADDRINUSE');
    for (const a of ['255.255.255.255', '224.0.0.1', '10.9.0.255', '99.9.9.9']) {
      expect(say(os.connect(socket(), ip(a), 80))).toBe('ENETUNREACH');
    }
    const auto = socket();
    os.listen(auto, 1);
    expect(os.getsockname(auto)).toMatchObject({ port: expect.any(Number) });
    const p = os.begin.connect(socket(), ip('0.0.0.0'), 7000);
    const q = os.begin.connect(socket(), ip('10.9.0.1'), 0);
    w.run();
    expect([say(p.result), say(q.result)]).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
  });
});

describe('streams', () => {
  test('a blocking program moves a megabyte, and each end’s INFO adds up', () => {
    const { w, A, B, a, b } = pair();
    for (const [h, fd] of [
      [A, a],
      [B, b],
    ] as const) {
      h.os.fcntl(fd, C.F_SETFL, 0);
    }
    const out = new Uint8Array(1 << 20).map((_, i) => (i * 7) ^ (i >> 8));
    const back = new Uint8Array(1 << 20);
    const p = A.os.begin.send(a, out);
    const q = B.os.begin.recv(b, back, C.MSG_WAITALL);
    expect([p.done, q.done]).toEqual([false, false]);
    w.run(5_000);
    expect([p.result, q.result]).toEqual([1 << 20, 1 << 20]);
    expect(Buffer.compare(out, back)).toBe(0);
    expect(A.os.tcpInfo(a)).toMatchObject({ bytes_acked: (1 << 20) + 1, state: 1 });
    expect(B.os.tcpInfo(b)).toMatchObject({ bytes_received: 1 << 20 });
  });

  test('edge-triggered epoll over the wire', () => {
    const { w, A, B, a, b } = pair();
    const ep = B.os.epollCreate();
    B.os.epollCtl(ep, C.EPOLL_CTL_ADD, b, C.EPOLLIN | C.EPOLLOUT | C.EPOLLRDHUP | C.EPOLLET);
    const wait = () => {
      const out: EpollEvent[] = [];
      B.os.epollWait(ep, out);
      return out.map(e => e.events);
    };
    expect([wait(), wait()]).toEqual([[C.EPOLLOUT], []]);
    A.os.send(a, text('a'));
    w.run();
    expect([wait(), wait()]).toEqual([[C.EPOLLIN | C.EPOLLOUT], []]);
    A.os.send(a, text('b'));
    w.run();
    expect([wait(), wait()]).toEqual([[C.EPOLLIN | C.EPOLLOUT], []]);
    B.os.send(b, text('unasked'));
    w.run();
    expect(wait()).toEqual([]);
    A.os.shutdown(a, C.SHUT_WR);
    w.run();
    expect([wait(), wait()]).toEqual([[C.EPOLLIN | C.EPOLLOUT | C.EPOLLRDHUP], []]);
  });

  test('a full buffer: EAGAIN, no POLLOUT, then POLLOUT when a third is free', () => {
    const { w, A, B, a, b } = pair();
    A.os.setsockopt(a, C.SOL_SOCKET, C.SO_SNDBUF, 50_000);
    const block = new Uint8Array(65536);
    let total = 0;
    for (let r = 0; r >= 0; w.run(20)) {
      r = A.os.send(a, block);
      if (r > 0) total += r;
      if (total > 64 << 20) throw new Error('the buffer never fills');
    }
    expect(say(A.os.send(a, block))).toBe('EAGAIN');
    expect(polls(A, a)).toBe('');
    A.os.fcntl(a, C.F_SETFL, 0);
    const p = A.os.begin.poll([{ fd: a, events: C.POLLOUT, revents: 0 }], -1);
    let got = 0;
    for (let i = 0; i < 10_000 && got < total; i++) {
      const r = B.os.recv(b, block);
      if (r > 0) got += r;
      w.run(5);
    }
    expect([got, p.done, polls(A, a)]).toEqual([total, true, 'OUT']);
  });

  test('self-connect', () => {
    const w = new TwoHosts();
    const s = w.a.os.socket(C.AF_INET, NONBLOCK);
    w.a.os.bind(s, ip('10.9.0.1'), 33333);
    w.a.os.connect(s, ip('10.9.0.1'), 33333);
    w.run();
    expect(w.a.os.connect(s, ip('10.9.0.1'), 33333)).toBe(0);
    w.a.os.send(s, text('echo'));
    w.run();
    expect(read(w.a, s)).toBe('echo');
    w.a.os.shutdown(s, C.SHUT_WR);
    w.run();
    expect(read(w.a, s)).toBe('');
  });

  test('IPv4 clients reach an IPv6 wildcard unless it is IPV6_V6ONLY', () => {
    const w = new TwoHosts();
    const l = w.b.os.socket(C.AF_INET6, NONBLOCK);
    w.b.os.bind(l, ip('::'), 5000);
    w.b.os.listen(l, 1);
    const p = w.a.os.begin.connect(w.a.os.socket(), ip('10.9.0.2'), 5000);
    w.run();
    expect(p.result).toBe(0);
    const only = w.b.os.socket(C.AF_INET6, NONBLOCK);
    w.b.os.setsockopt(only, C.SOL_IPV6, C.IPV6_V6ONLY, 1);
    w.b.os.bind(only, ip('::'), 5001);
    w.b.os.listen(only, 1);
    const q = w.a.os.begin.connect(w.a.os.socket(), ip('10.9.0.2'), 5001);
    w.run();
    expect(say(q.result)).toBe('ECONNREFUSED');
  });

  test('ports: a bound port stays taken through TIME_WAIT; SO_REUSEADDR on both opens it', () => {
    const { w, A, B, b } = pair();
    const fd = A.os.socket(C.AF_INET, NONBLOCK);
    A.os.bind(fd, ip('10.9.0.1'), 4000);
    A.os.connect(fd, ip('10.9.0.2'), 5000);
    w.run();
    A.os.close(fd);
    w.run();
    const again = A.os.socket();
    expect(say(A.os.bind(again, ip('10.9.0.1'), 4000))).toBe('EADDRINUSE');
    A.os.setsockopt(again, C.SOL_SOCKET, C.SO_REUSEADDR, 1);
    expect(say(A.os.bind(again, ip('10.9.0.1'), 4000))).toBe('EADDRINUSE');
    B.os.close(b);
    w.run(200_000);
    expect(A.os.bind(again, ip('10.9.0.1'), 4000)).toBe(0);
  });

  test('ports: a bound port stays taken while the connection lives on as an orphan', () => {
    const { w, A } = pair();
    const fd = A.os.socket(C.AF_INET, NONBLOCK);
    A.os.bind(fd, ip('10.9.0.1'), 4002);
    A.os.connect(fd, ip('10.9.0.2'), 5000);
    w.run();
    w.drop = () => true;
    A.os.close(fd);
    expect(say(A.os.bind(A.os.socket(), ip('10.9.0.1'), 4002))).toBe('EADDRINUSE');
  });
});

describe('datagrams', () => {
  test('sendto, recvfrom, truncation, connected sockets, refusal', () => {
    const w = new TwoHosts();
    const s = w.b.os.socket(C.AF_INET, C.SOCK_DGRAM | C.SOCK_NONBLOCK);
    w.b.os.bind(s, ip('10.9.0.2'), 53);
    const c = w.a.os.socket(C.AF_INET, C.SOCK_DGRAM);
    const waiting = w.b.os.begin.poll([{ fd: s, events: C.POLLIN, revents: 0 }], -1);
    expect(w.a.os.sendto(c, text('query'), 0, ip('10.9.0.2'), 53)).toBe(5);
    w.run();
    expect(waiting.done).toBe(true);
    const from = { name: null, flags: 0, error: null };
    const b = new Uint8Array(3);
    expect(w.b.os.recvfrom(s, b, C.MSG_TRUNC | C.MSG_PEEK, from)).toBe(5);
    const message = { iov: [{ bytes: b, length: 3 }], flags: 0, name: null };
    expect(w.b.os.recvmsg(s, message)).toBe(3);
    expect([message.flags, message.name]).toEqual(
      [C.MSG_TRUNC, w.a.os.getsockname(c)].map((x, i) =>
        i ? { ...(x as object), address: ip('10.9.0.1') } : x,
      ),
    );
    const p = w.a.os.begin.recv(c, new Uint8Array(100));
    w.b.os.sendto(s, text('answer'), 0, ip('10.9.0.1'), (w.a.os.getsockname(c) as { port: number }).port);
    w.run();
    expect(p).toMatchObject({ done: true, result: 6 });
    expect(w.a.os.connect(c, ip('10.9.0.2'), 99)).toBe(0);
    w.a.os.send(c, text('x'));
    w.run();
    expect(polls(w.a, c)).toBe('OUT|ERR');
    expect(say(w.a.os.send(c, text('y')))).toBe('ECONNREFUSED');
    expect(w.a.os.send(c, text('y'))).toBe(1);
  });
});
