import { describe, expect, test } from 'vitest';
import * as E from '../../src/base/errno.ts';
import { errnoName } from '../../src/base/errno.ts';
import * as C from '../../src/socket/constants.ts';
import { Sockets } from '../../src/socket/sockets.ts';
import { FakeHost, ip } from './fake.ts';

const bytes = new Uint8Array(100);
const say = (r: unknown): unknown => (typeof r === 'number' && r < 0 ? errnoName(-r) : r);

function world() {
  const host = new FakeHost();
  const os = new Sockets(host);
  const poll = (fd: number): number => {
    const e = { fd, events: 0x3fff, revents: 0 };
    os.poll([e]);
    return e.revents & 0x203f;
  };
  return { host, os, poll };
}

function connected() {
  const w = world();
  const fd = w.os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
  expect(w.os.connect(fd, ip('10.9.0.2'), 80)).toBe(-E.EINPROGRESS);
  w.host.last!.establish();
  expect(w.os.connect(fd, ip('10.9.0.2'), 80)).toBe(0);
  return { ...w, fd, c: w.host.last! };
}

describe('a socket that was never connected', () => {
  test('answers as Linux does', () => {
    const { os, poll } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    expect(say(os.send(fd, bytes))).toBe('EPIPE');
    expect(say(os.recv(fd, bytes))).toBe('ENOTCONN');
    expect(say(os.shutdown(fd, C.SHUT_WR))).toBe('ENOTCONN');
    expect(say(os.shutdown(fd, 3))).toBe('EINVAL');
    expect(say(os.getpeername(fd))).toBe('ENOTCONN');
    expect(say(os.accept(fd))).toBe('EINVAL');
    expect(say(os.recv(fd, bytes, C.MSG_OOB))).toBe('EINVAL');
    expect(say(os.recv(fd, bytes, C.MSG_ERRQUEUE))).toBe('EAGAIN');
    expect(os.ioctl(fd, C.SIOCATMARK)).toBe(0);
    expect(say(os.ioctl(fd, 0x1234))).toBe('ENOTTY');
    expect(poll(os.socket())).toBe(C.POLLOUT | C.POLLHUP);
    expect(os.connect(os.socket(), null)).toBe(0);
  });

  test('keeps a half that was shut down for its next connection', () => {
    const { os, host, poll } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    os.shutdown(fd, C.SHUT_WR);
    os.connect(fd, ip('10.9.0.2'), 80);
    host.last!.establish();
    expect(say(os.send(fd, bytes))).toBe('EPIPE');
    expect(poll(fd) & C.POLLOUT).toBe(C.POLLOUT);
    const rd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    os.shutdown(rd, C.SHUT_RD);
    os.connect(rd, ip('10.9.0.2'), 80);
    host.last!.establish();
    expect(poll(rd)).toBe(C.POLLIN | C.POLLOUT | C.POLLRDHUP);
    expect(os.recv(rd, bytes)).toBe(0);
  });
});

describe('bad arguments', () => {
  test('socket()', () => {
    const { os } = world();
    expect(
      [os.socket(99), os.socket(2, 99), os.socket(2, 1, 17), os.socket(2, 2, 6), os.socket(2, 5)].map(say),
    ).toEqual(['EAFNOSUPPORT', 'EINVAL', 'EPROTONOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT']);
    expect(say(os.socket(2, 3, 0))).toBe('EPROTONOSUPPORT');
    expect(os.socket(10, 1, 6)).toBe(3);
  });

  test('no such descriptor, and one that is no socket', () => {
    const { os } = world();
    const ep = os.epollCreate();
    for (const f of [os.read, os.write, os.recv, os.send]) expect(say(f.call(os, 99, bytes))).toBe('EBADF');
    expect(say(os.listen(ep, 1))).toBe('ENOTSOCK');
    expect(say(os.close(99))).toBe('EBADF');
    expect(say(os.begin.recv(99, bytes).result)).toBe('EBADF');
    expect(say(os.epollWait(os.socket(), [], 1))).toBe('EINVAL');
  });

  test('attack 70: bad pointers, lengths and vectors leave the connection unharmed', () => {
    const { os, fd, c } = connected();
    c.arrive('abc');
    expect(say(os.recv(fd, null, 0, 0, 10))).toBe('EFAULT');
    expect(say(os.send(fd, null, 0, 0, 10))).toBe('EFAULT');
    expect(say(os.recv(fd, bytes, 0, 99, 2))).toBe('EFAULT');
    expect(say(os.recv(fd, bytes, 0, 0, -1))).toBe('EFAULT');
    expect(say(os.recv(fd, bytes, 0, 0, Number.NaN))).toBe('EFAULT');
    const many = Array.from({ length: 1025 }, () => ({ bytes, length: 1 }));
    expect(say(os.sendmsg(fd, { iov: many }))).toBe('EMSGSIZE');
    expect(say(os.writev(fd, many))).toBe('EINVAL');
    expect(say(os.sendmsg(fd, { iov: [{ bytes, length: -1 }] }))).toBe('EINVAL');
    expect(say(os.setsockopt(fd, C.SOL_TCP, C.TCP_NODELAY, new Uint8Array(2)))).toBe('EINVAL');
    expect(os.sendmsg(fd, { iov: [] })).toBe(0);
    expect(os.recv(fd, null, C.MSG_TRUNC, 0, 1)).toBe(1);
    expect(os.recv(fd, bytes)).toBe(2);
    expect(c.written).toEqual([]);
  });

  test('a vector with a bad pointer is refused whole', () => {
    const { os, fd, c } = connected();
    const iov = [
      { bytes: new Uint8Array([1, 2]), length: 2 },
      { bytes: null, length: 5 },
    ];
    expect(say(os.sendmsg(fd, { iov }))).toBe('EFAULT');
    expect(c.written).toEqual([]);
    expect(say(os.sendmsg(fd, { iov: iov.slice(1) }))).toBe('EFAULT');
  });

  test('attack 73 and 72: a table of descriptors has a limit, and accept() keeps the connection beyond it', () => {
    const host = new FakeHost();
    const os = new Sockets(host, { maxDescriptors: 2 });
    const l = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    os.listen(l, 5);
    const other = os.socket();
    expect(say(os.socket())).toBe('EMFILE');
    host.lastListener!.incoming();
    expect(say(os.accept(l))).toBe('EMFILE');
    os.close(other);
    expect(os.accept(l)).toBe(other);
  });

  test('descriptors are the lowest that are free', () => {
    const { os } = world();
    const fds = Array.from({ length: 100 }, () => os.socket());
    expect(fds).toEqual(Array.from({ length: 100 }, (_, i) => i + 3));
    for (const fd of [50, 7, 90]) os.close(fd);
    expect([os.socket(), os.socket(), os.socket(), os.socket()]).toEqual([7, 50, 90, 103]);
  });
});

describe('bind and listen', () => {
  test('errors in Linux’s order', () => {
    const { os } = world();
    const fd = os.socket();
    expect(say(os.bind(fd, ip('1.2.3.4'), 0))).toBe('EADDRNOTAVAIL');
    expect(say(os.bind(fd, ip('::1'), 0))).toBe('EAFNOSUPPORT');
    expect(say(os.bind(fd, ip('10.9.0.1'), 65536))).toBe('EINVAL');
    expect(os.bind(fd, ip('10.9.0.1'), 7000)).toBe(0);
    expect(say(os.bind(fd, ip('10.9.0.1'), 7001))).toBe('EINVAL');
    expect(say(os.bind(os.socket(), ip('10.9.0.1'), 7000))).toBe('EADDRINUSE');
    expect([os.listen(fd, 1), os.listen(fd, 10)]).toEqual([0, 0]);
    expect(say(os.connect(fd, ip('10.9.0.2'), 1))).toBe('EISCONN');
    expect(say(os.recv(fd, bytes))).toBe('ENOTCONN');
    expect(say(os.send(fd, bytes))).toBe('EPIPE');
    expect(say(os.ioctl(fd, C.SIOCINQ))).toBe('EINVAL');
    expect(os.bind(os.socket(), ip('224.0.0.1'), 0)).toBe(0);
  });

  test('IPv6 addresses', () => {
    const { os } = world();
    const s6 = () => os.socket(C.AF_INET6);
    expect(say(os.bind(s6(), ip('ff02::1'), 0))).toBe('EINVAL');
    expect(say(os.bind(s6(), ip('2001:db8::1'), 0))).toBe('EADDRNOTAVAIL');
    const only = s6();
    expect(os.setsockopt(only, C.SOL_IPV6, C.IPV6_V6ONLY, 1)).toBe(0);
    expect(say(os.connect(only, ip('127.0.0.1'), 1))).toBe('ENETUNREACH');
    expect(say(os.bind(only, ip('127.0.0.1'), 0))).toBe('EINVAL');
    const bound = s6();
    os.bind(bound, ip('::'), 0);
    expect(say(os.setsockopt(bound, C.SOL_IPV6, C.IPV6_V6ONLY, 1))).toBe('EINVAL');
  });

  test('the backlog is limited by somaxconn; listen() again changes it', () => {
    const { os, host } = world();
    const fd = os.socket();
    os.listen(fd, 100_000);
    expect(host.lastListener!.backlog).toBe(4096);
    os.listen(fd, 3);
    expect(host.lastListener!.backlog).toBe(3);
    os.listen(fd, -1);
    expect(host.lastListener!.backlog).toBe(4096);
    expect(os.getsockopt(fd, C.SOL_SOCKET, C.SO_ACCEPTCONN)).toBe(1);
  });

  test('shutdown(SHUT_RD) ends a listener; listen() revives it', () => {
    const { os, host, poll } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    os.bind(fd, ip('10.9.0.1'), 80);
    os.listen(fd, 1);
    expect(os.shutdown(fd, C.SHUT_WR)).toBe(0);
    expect(say(os.accept(fd))).toBe('EAGAIN');
    expect(os.shutdown(fd, C.SHUT_RD)).toBe(0);
    expect(host.lastListener!.closed).toBe(true);
    expect(say(os.accept(fd))).toBe('EINVAL');
    expect(poll(fd)).toBe(C.POLLOUT | C.POLLHUP);
    expect(os.listen(fd, 1)).toBe(0);
  });

  test('IP_BIND_ADDRESS_NO_PORT leaves the port to connect()', () => {
    const { os, host } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    os.setsockopt(fd, C.SOL_IP, C.IP_BIND_ADDRESS_NO_PORT, 1);
    os.bind(fd, ip('10.9.0.1'), 0);
    expect(os.getsockname(fd)).toMatchObject({ port: 0 });
    expect(host.bounds.size).toBe(0);
    os.connect(fd, ip('10.9.0.2'), 80);
    expect(os.getsockname(fd)).toMatchObject({ port: host.last!.localPort });
    os.close(fd);
  });
});

describe('connect', () => {
  test('EINPROGRESS, EALREADY, 0, then EISCONN; nothing else works on the way', () => {
    const { os, host, poll } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    const go = () => say(os.connect(fd, ip('10.9.0.2'), 80));
    expect(go()).toBe('EINPROGRESS');
    expect(go()).toBe('EALREADY');
    expect(say(os.send(fd, bytes))).toBe('EAGAIN');
    expect(say(os.recv(fd, bytes))).toBe('EAGAIN');
    expect(say(os.getpeername(fd))).toBe('ENOTCONN');
    expect(poll(fd)).toBe(0);
    host.last!.establish();
    expect(go()).toBe(0);
    expect(go()).toBe('EISCONN');
    expect(poll(fd)).toBe(C.POLLOUT);
    expect(say(os.listen(fd, 1))).toBe('EINVAL');
    expect(say(os.bind(fd, ip('10.9.0.1'), 1))).toBe('EINVAL');
    expect(os.getpeername(fd)).toMatchObject({ port: 80 });
  });

  test('a refusal is told once; then ECONNABORTED once; then a fresh attempt', () => {
    const { os, host, poll } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    const go = () => say(os.connect(fd, ip('10.9.0.2'), 80));
    go();
    host.last!.fail(E.ECONNREFUSED);
    expect(poll(fd)).toBe(C.POLLIN | C.POLLOUT | C.POLLERR | C.POLLHUP | C.POLLRDHUP);
    expect(say(os.send(fd, bytes))).toBe('ECONNREFUSED');
    expect(os.getsockopt(fd, C.SOL_SOCKET, C.SO_ERROR)).toBe(0);
    expect(os.recv(fd, bytes)).toBe(0);
    expect(go()).toBe('ECONNABORTED');
    expect(go()).toBe('EINPROGRESS');
  });

  test('connect() itself takes the error, and the socket is fresh again', () => {
    const { os, host, poll } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    os.connect(fd, ip('10.9.0.2'), 80);
    host.last!.fail(E.ECONNREFUSED);
    expect(say(os.connect(fd, ip('10.9.0.2'), 80))).toBe('ECONNREFUSED');
    expect(poll(fd)).toBe(C.POLLOUT | C.POLLHUP);
    expect(os.getsockname(fd)).toMatchObject({ port: 0 });
    expect(os.listen(fd, 1)).toBe(0);
  });

  test('no route, wrong family; 0.0.0.0 is this host', () => {
    const { os, host } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    expect(say(os.connect(fd, ip('::1'), 80))).toBe('EAFNOSUPPORT');
    host.connectResult = -E.ENETUNREACH;
    expect(say(os.connect(fd, ip('99.9.9.9'), 80))).toBe('ENETUNREACH');
    host.connectResult = 0;
    os.connect(fd, ip('0.0.0.0'), 80);
    expect(host.last!.remote.toString()).toBe('127.0.0.1');
  });

  test('connect(AF_UNSPEC) aborts and leaves ECONNRESET to be told', () => {
    const { os, fd, c, poll } = connected();
    expect(os.connect(fd, null)).toBe(0);
    expect(c.state).toBe(7);
    expect(poll(fd)).toBe(C.POLLOUT | C.POLLERR | C.POLLHUP);
    expect(os.getsockopt(fd, C.SOL_SOCKET, C.SO_ERROR)).toBe(E.ECONNRESET);
    expect(os.getsockopt(fd, C.SOL_SOCKET, C.SO_ERROR)).toBe(0);
    expect(say(os.connect(fd, ip('10.9.0.2'), 80))).toBe('EINPROGRESS');
  });

  test('regression 15: shutdown in SYN_SENT ends the attempt and the socket can be used again', () => {
    const { os, host, poll } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    os.connect(fd, ip('10.9.0.2'), 80);
    expect(os.shutdown(fd, C.SHUT_WR)).toBe(0);
    expect(poll(fd)).toBe(C.POLLOUT | C.POLLERR | C.POLLHUP);
    expect(os.getsockopt(fd, C.SOL_SOCKET, C.SO_ERROR)).toBe(E.ECONNRESET);
    expect(say(os.connect(fd, ip('10.9.0.2'), 80))).toBe('EINPROGRESS');
    expect(host.last!.state).toBe(2);
  });

  test('attack 72: AF_UNSPEC on a listener ends it and its children stay their own', () => {
    const { os, host } = world();
    const l = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    os.listen(l, 1);
    host.lastListener!.incoming();
    const child = os.accept(l);
    expect(os.connect(l, null)).toBe(0);
    expect(host.lastListener!.closed).toBe(true);
    expect(os.send(child, bytes, 0, 0, 5)).toBe(5);
    expect(say(os.connect(l, ip('10.9.0.2'), 80))).toBe('EINPROGRESS');
  });

  test('a dead connection is still the socket’s: EISCONN, ENOTCONN', () => {
    const { os, fd, c } = connected();
    c.fail(E.ECONNRESET);
    expect(say(os.connect(fd, ip('10.9.0.2'), 80))).toBe('EISCONN');
    expect(say(os.getpeername(fd))).toBe('ENOTCONN');
    expect(say(os.shutdown(fd, C.SHUT_WR))).toBe('ENOTCONN');
    expect(say(os.recv(fd, bytes))).toBe('ECONNRESET');
    expect(os.recv(fd, bytes)).toBe(0);
  });

  test('MSG_FASTOPEN without an address: EINVAL, and EISCONN where there is a peer or a listener', () => {
    const { os, poll } = world();
    const write = (fd: number): unknown => say(os.send(fd, bytes, C.MSG_FASTOPEN));
    const fresh = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    expect(write(fresh)).toBe('EINVAL');
    expect(poll(fresh), 'it is as it was').toBe(C.POLLOUT | C.POLLHUP);
    expect(say(os.connect(fresh, ip('10.9.0.2'), 80))).toBe('EINPROGRESS');
    expect(write(fresh)).toBe('EALREADY');
    const l = os.socket(C.AF_INET, C.SOCK_STREAM);
    os.bind(l, ip('0.0.0.0'), 81);
    os.listen(l, 1);
    expect(write(l)).toBe('EISCONN');
    const { os: other, fd } = connected();
    expect(say(other.send(fd, bytes, C.MSG_FASTOPEN))).toBe('EISCONN');
  });

  test('MSG_FASTOPEN without a cookie is a handshake first', () => {
    const { os, host } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    expect(say(os.sendto(fd, bytes, C.MSG_FASTOPEN, ip('10.9.0.2'), 80))).toBe('EINPROGRESS');
    expect(say(os.sendto(fd, bytes, C.MSG_FASTOPEN, ip('10.9.0.2'), 80))).toBe('EALREADY');
    host.last!.establish();
    host.sysctl.set('tcp_fastopen', '0');
    expect(say(os.sendto(fd, bytes, C.MSG_FASTOPEN, ip('10.9.0.2'), 80))).toBe('EOPNOTSUPP');
  });
});

describe('UDP', () => {
  test('errors of an unconnected socket', () => {
    const { os, poll } = world();
    const fd = os.socket(C.AF_INET, C.SOCK_DGRAM | C.SOCK_NONBLOCK);
    expect(poll(fd)).toBe(C.POLLOUT);
    expect(say(os.send(fd, bytes))).toBe('EDESTADDRREQ');
    expect(say(os.recv(fd, bytes))).toBe('EAGAIN');
    expect(say(os.shutdown(fd, C.SHUT_WR))).toBe('ENOTCONN');
    expect(say(os.getpeername(fd))).toBe('ENOTCONN');
    expect(say(os.listen(fd, 1))).toBe('EOPNOTSUPP');
    expect(say(os.accept(fd))).toBe('EOPNOTSUPP');
    expect(say(os.sendto(fd, bytes, 0, ip('10.9.0.2'), 0))).toBe('EINVAL');
    expect(say(os.sendto(fd, new Uint8Array(65508), 0, ip('10.9.0.2'), 5))).toBe('EMSGSIZE');
    expect(os.sendto(fd, bytes, 0, ip('10.9.0.2'), 5)).toBe(100);
    expect(say(os.getsockopt(fd, C.SOL_TCP, C.TCP_NODELAY))).toBe('EOPNOTSUPP');
    expect(os.getsockopt(fd, C.SOL_SOCKET, C.SO_RCVBUF)).toBe(212992);
  });
});
