import { describe, expect, test } from 'vitest';
import * as E from '../../src/base/errno.ts';
import { NEVER } from '../../src/base/time.ts';
import * as C from '../../src/socket/constants.ts';
import type { EpollEvent } from '../../src/socket/epoll.ts';
import { Sockets } from '../../src/socket/sockets.ts';
import { FakeHost, ip } from './fake.ts';

const ascii = (b: Uint8Array, n: number): string => String.fromCharCode(...b.subarray(0, n));

function world() {
  const host = new FakeHost();
  const os = new Sockets(host);
  const bytes = new Uint8Array(100);
  /** A blocking socket with an established connection. */
  const pair = () => {
    const fd = os.socket();
    const p = os.begin.connect(fd, ip('10.9.0.2'), 80);
    const c = host.last!;
    c.establish();
    expect(os.settle()).toEqual([p]);
    expect(p.result).toBe(0);
    return { fd, c };
  };
  return { host, os, bytes, pair };
}

describe('calls that wait', () => {
  test('recv waits for data, and takes what is there', () => {
    const { os, bytes, pair } = world();
    const { fd, c } = pair();
    const p = os.begin.recv(fd, bytes);
    expect(p.done).toBe(false);
    expect(os.deadline()).toBe(NEVER);
    expect(os.settle()).toEqual([]);
    c.arrive('hello');
    expect(os.settle()).toEqual([p]);
    expect([p.result, ascii(bytes, 5)]).toEqual([5, 'hello']);
    c.arrive('x');
    expect(os.begin.recv(fd, bytes)).toMatchObject({ done: true, result: 1 });
  });

  test('O_NONBLOCK and MSG_DONTWAIT do not', () => {
    const { os, bytes, pair } = world();
    const { fd } = pair();
    expect(os.begin.recv(fd, bytes, C.MSG_DONTWAIT)).toMatchObject({ done: true, result: -E.EAGAIN });
    os.fcntl(fd, C.F_SETFL, C.O_NONBLOCK);
    expect(os.begin.recv(fd, bytes)).toMatchObject({ done: true, result: -E.EAGAIN });
    expect(os.begin.recv(fd, bytes, C.MSG_ERRQUEUE)).toMatchObject({ done: true, result: -E.EAGAIN });
  });

  test('MSG_WAITALL waits for all, the end of the stream, or an error, which stays for the next call', () => {
    const { os, bytes, pair } = world();
    const { fd, c } = pair();
    const p = os.begin.recv(fd, bytes, C.MSG_WAITALL, 0, 10);
    c.arrive('hello');
    expect(os.settle()).toEqual([]);
    c.arrive('world!');
    expect(os.settle()).toEqual([p]);
    expect([p.result, ascii(bytes, 10)]).toEqual([10, 'helloworld']);
    const q = os.begin.recv(fd, bytes, C.MSG_WAITALL, 0, 10);
    c.fail(E.ECONNRESET);
    os.settle();
    expect(q).toMatchObject({ done: true, result: 1 });
    expect(os.recv(fd, bytes)).toBe(-E.ECONNRESET);
    expect(os.recv(fd, bytes)).toBe(0);
  });

  test('SO_RCVLOWAT holds a reader and poll back', () => {
    const { os, bytes, pair } = world();
    const { fd, c } = pair();
    os.setsockopt(fd, C.SOL_SOCKET, C.SO_RCVLOWAT, 3);
    const p = os.begin.recv(fd, bytes);
    const q = os.begin.poll([{ fd, events: C.POLLIN, revents: 0 }], -1);
    c.arrive('ab');
    expect(os.settle()).toEqual([]);
    expect(q.done).toBe(false);
    c.arrive('c');
    expect(os.settle()).toContain(p);
    expect(p.result).toBe(3);
  });

  test('MSG_PEEK with MSG_WAITALL leaves everything where it is', () => {
    const { os, bytes, pair } = world();
    const { fd, c } = pair();
    const p = os.begin.recv(fd, bytes, C.MSG_PEEK | C.MSG_WAITALL, 0, 4);
    c.arrive('ab');
    expect(os.settle()).toEqual([]);
    c.arrive('cd');
    expect(os.settle()).toEqual([p]);
    expect([p.result, os.ioctl(fd, C.SIOCINQ)]).toEqual([4, 4]);
  });

  test('a waiting read ends at the urgent mark', () => {
    const { os, bytes, pair } = world();
    const { fd, c } = pair();
    const p = os.begin.recv(fd, bytes, C.MSG_WAITALL, 0, 10);
    c.atMark = true;
    c.arrive('abc');
    expect(os.settle()).toEqual([p]);
    expect(p.result).toBe(3);
    expect(os.ioctl(fd, C.SIOCATMARK)).toBe(1);
  });

  test('SO_RCVTIMEO ends it with EAGAIN, or with what came', () => {
    const { os, host, bytes, pair } = world();
    const { fd, c } = pair();
    os.setsockopt(fd, C.SOL_SOCKET, C.SO_RCVTIMEO, { sec: 2, usec: 500_000 });
    const p = os.begin.recv(fd, bytes);
    expect(os.deadline()).toBe(2_500_000);
    host.now = 2_499_999;
    expect(os.settle()).toEqual([]);
    host.now = 2_500_000;
    expect(os.settle()).toEqual([p]);
    expect(p.result).toBe(-E.EAGAIN);
    const q = os.begin.recv(fd, bytes, C.MSG_WAITALL, 0, 9);
    c.arrive('abc');
    os.settle();
    host.now = 5_000_000;
    expect(os.settle()).toEqual([q]);
    expect(q.result).toBe(3);
    expect(os.deadline()).toBe(NEVER);
    os.setsockopt(fd, C.SOL_SOCKET, C.SO_RCVTIMEO, { sec: -1, usec: 0 });
    expect(os.begin.recv(fd, bytes)).toMatchObject({ done: true, result: -E.EAGAIN });
  });

  test('send waits until every byte has found room; a record ends in its last piece', () => {
    const { os, bytes, pair } = world();
    const { fd, c } = pair();
    c.space = 30;
    const p = os.begin.send(fd, bytes, C.MSG_EOR);
    expect(p.done).toBe(false);
    c.free(50);
    expect(os.settle()).toEqual([]);
    expect(c.written.length, 'it sleeps until the socket is writable').toBe(30);
    c.free(400);
    expect(os.settle()).toEqual([p]);
    expect([p.result, c.written.length, c.flags]).toEqual([100, 100, [0, C.MSG_EOR]]);
  });

  test('a send that was cut off says how far it came; the error is for the next call', () => {
    const { os, bytes, pair } = world();
    const { fd, c } = pair();
    c.space = 30;
    const p = os.begin.send(fd, bytes);
    c.fail(E.ECONNRESET);
    expect(os.settle()).toEqual([p]);
    expect(p.result).toBe(30);
    expect(os.send(fd, bytes)).toBe(-E.ECONNRESET);
    expect(os.send(fd, bytes)).toBe(-E.EPIPE);
  });

  test('send before the handshake is done waits for it', () => {
    const { os, host, bytes } = world();
    const fd = os.socket();
    os.begin.connect(fd, ip('10.9.0.2'), 80);
    const p = os.begin.send(fd, bytes, 0, 0, 5);
    expect(p.done).toBe(false);
    host.last!.establish();
    expect(os.settle().length).toBe(2);
    expect(p.result).toBe(5);
  });

  test('connect: refused, and SO_SNDTIMEO leaves it in progress', () => {
    const { os, host } = world();
    const fd = os.socket();
    const p = os.begin.connect(fd, ip('10.9.0.2'), 80);
    host.last!.fail(E.ECONNREFUSED);
    os.settle();
    expect(p.result).toBe(-E.ECONNREFUSED);
    os.setsockopt(fd, C.SOL_SOCKET, C.SO_SNDTIMEO, { sec: 1, usec: 0 });
    const q = os.begin.connect(fd, ip('10.9.0.2'), 80);
    host.now = 1_000_000;
    os.settle();
    expect(q.result).toBe(-E.EINPROGRESS);
    expect(os.begin.connect(fd, ip('10.9.0.2'), 80).done).toBe(false);
    host.last!.establish();
    os.settle();
    expect(os.connect(fd, ip('10.9.0.2'), 80)).toBe(-E.EISCONN);
  });

  test('accept: two wait, two connections come, each gets one', () => {
    const { os, host } = world();
    const l = os.socket();
    os.listen(l, 5);
    const a = os.begin.accept(l);
    const b = os.begin.accept(l, C.SOCK_NONBLOCK);
    host.lastListener!.incoming();
    host.lastListener!.incoming();
    expect(os.settle()).toEqual([a, b]);
    expect([a.result, b.result]).toEqual([4, 5]);
    expect(os.fcntl(5, C.F_GETFL)).toBe(C.O_RDWR | C.O_NONBLOCK);
    expect(os.begin.accept(l, 1).result).toBe(-E.EINVAL);
    const c = os.begin.accept(l);
    os.shutdown(l, C.SHUT_RD);
    expect(os.settle()).toEqual([c]);
    expect(c.result).toBe(-E.EINVAL);
  });

  test('shutdown(SHUT_RD) wakes a reader with 0', () => {
    const { os, bytes, pair } = world();
    const { fd } = pair();
    const p = os.begin.recv(fd, bytes);
    os.shutdown(fd, C.SHUT_RD);
    expect(os.settle()).toEqual([p]);
    expect(p.result).toBe(0);
  });

  test('close() while a read waits: the connection lives until the read returns, as on Linux', () => {
    const { os, bytes, pair } = world();
    const { fd, c } = pair();
    const p = os.begin.recv(fd, bytes);
    expect(os.close(fd)).toBe(0);
    expect(os.close(fd)).toBe(-E.EBADF);
    expect(c.closed).toBe('no');
    c.arrive('late');
    os.settle();
    expect([p.result, c.closed]).toEqual([4, 'close']);
  });

  test('interrupt ends a call with EINTR; closeAll ends everything', () => {
    const { os, bytes, pair } = world();
    const { fd, c } = pair();
    const p = os.begin.recv(fd, bytes);
    os.interrupt(p);
    expect(os.deadline()).toBeLessThan(0);
    expect(os.settle()).toEqual([p]);
    expect(p.result).toBe(-E.EINTR);
    const q = os.begin.recv(fd, bytes);
    os.closeAll();
    expect([q.result, c.closed, os.count]).toEqual([-E.EINTR, 'close', 0]);
  });

  test('recvmsg scatters; TCP_INQ tells what is left, and 1 at the end', () => {
    const { os, pair } = world();
    const { fd, c } = pair();
    os.setsockopt(fd, C.SOL_TCP, C.TCP_INQ, 1);
    const one = new Uint8Array(2);
    const two = new Uint8Array(3);
    const message = {
      iov: [
        { bytes: one, length: 2 },
        { bytes: two, length: 3 },
      ],
      control: [],
      flags: 99,
    };
    const p = os.begin.recvmsg(fd, message);
    c.arrive('abcdefg');
    os.settle();
    expect([p.result, ascii(one, 2), ascii(two, 3), message.flags]).toEqual([5, 'ab', 'cde', 0]);
    expect(message.control).toEqual([{ level: 6, type: C.TCP_CM_INQ, data: new Uint8Array([2, 0, 0, 0]) }]);
    c.fin();
    const last = { iov: [{ bytes: new Uint8Array(9), length: 9 }], control: [], controlRoom: 4, flags: 0 };
    expect(os.recvmsg(fd, last)).toBe(2);
    expect([last.control, last.flags]).toEqual([[], C.MSG_CTRUNC]);
    const end = { iov: [{ bytes: new Uint8Array(9), length: 9 }], control: [] as unknown[] };
    expect(os.recvmsg(fd, end as never)).toBe(0);
    expect(end.control).toMatchObject([{ data: new Uint8Array([1, 0, 0, 0]) }]);
  });
});

describe('SO_LINGER', () => {
  test('regression 9: a lingering close returns when the FIN is acknowledged, also on a non-blocking socket', () => {
    const { os, pair } = world();
    const { fd, c } = pair();
    os.fcntl(fd, C.F_SETFL, C.O_NONBLOCK);
    os.setsockopt(fd, C.SOL_SOCKET, C.SO_LINGER, { onoff: 1, linger: 5 });
    const p = os.begin.close(fd);
    expect([p.done, c.state, c.closed]).toEqual([false, 4, 'no']);
    expect(os.fcntl(fd, C.F_GETFL)).toBe(-E.EBADF);
    c.state = 5;
    c.host.changed.push(c);
    expect(os.settle()).toEqual([p]);
    expect([p.result, c.closed]).toEqual([0, 'close']);
  });

  test('it gives up after its time, and returns 0', () => {
    const { os, host, pair } = world();
    const { fd, c } = pair();
    os.setsockopt(fd, C.SOL_SOCKET, C.SO_LINGER, { onoff: 1, linger: 5 });
    c.fin();
    const p = os.begin.close(fd);
    expect([c.state, os.deadline()]).toEqual([9, 5_000_000]);
    host.now = 5_000_000;
    expect(os.settle()).toEqual([p]);
    expect([p.result, c.closed, c.state]).toEqual([0, 'close', 7]);
  });

  test('without SO_LINGER, with unread data, or before the connection there is nothing to wait for', () => {
    const { os, host, pair } = world();
    const a = pair();
    expect(os.begin.close(a.fd)).toMatchObject({ done: true, result: 0 });
    const b = pair();
    os.setsockopt(b.fd, C.SOL_SOCKET, C.SO_LINGER, { onoff: 1, linger: 5 });
    b.c.arrive('unread');
    expect(os.begin.close(b.fd).done).toBe(true);
    const fd = os.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK);
    os.setsockopt(fd, C.SOL_SOCKET, C.SO_LINGER, { onoff: 1, linger: 5 });
    os.connect(fd, ip('10.9.0.2'), 80);
    expect(os.begin.close(fd).done).toBe(true);
    expect(host.last!.closed).toBe('close');
  });
});

describe('poll', () => {
  test('waits for the first of several, knows bad descriptors, skips negative ones', () => {
    const { os, pair } = world();
    const a = pair();
    const b = pair();
    const entries = [
      { fd: a.fd, events: C.POLLIN, revents: 0 },
      { fd: -1, events: C.POLLIN, revents: 77 },
      { fd: b.fd, events: C.POLLIN, revents: 0 },
    ];
    const p = os.begin.poll(entries, -1);
    expect(p.done).toBe(false);
    b.c.arrive('x');
    expect(os.settle()).toEqual([p]);
    expect([p.result, ...entries.map(e => e.revents)]).toEqual([1, 0, 0, C.POLLIN]);
    expect(os.poll([{ fd: 999, events: 0, revents: 0 }])).toBe(1);
    expect(os.begin.poll([{ fd: 999, events: 0, revents: 0 }], -1)).toMatchObject({ done: true, result: 1 });
  });

  test('time-out in milliseconds; 0 does not wait', () => {
    const { os, host, pair } = world();
    const { fd } = pair();
    const e = [{ fd, events: C.POLLIN, revents: 0 }];
    expect(os.begin.poll(e, 0)).toMatchObject({ done: true, result: 0 });
    const p = os.begin.poll(e, 20);
    host.now = 20_000;
    expect(os.settle()).toEqual([p]);
    expect(p.result).toBe(0);
  });
});

describe('epoll', () => {
  const setup = (events: number) => {
    const w = world();
    const { fd, c } = w.pair();
    const ep = w.os.epollCreate();
    expect(w.os.epollCtl(ep, C.EPOLL_CTL_ADD, fd, events, 7)).toBe(0);
    const wait = (): number[] => {
      const out: EpollEvent[] = [];
      w.os.settle();
      w.os.epollWait(ep, out);
      return out.map(e => e.events);
    };
    return { ...w, fd, c, ep, wait };
  };

  test('level-triggered: reports as long as it holds', () => {
    const { os, bytes, fd, c, wait } = setup(C.EPOLLIN);
    expect(wait()).toEqual([]);
    c.arrive('x');
    expect([wait(), wait()]).toEqual([[C.EPOLLIN], [C.EPOLLIN]]);
    os.recv(fd, bytes);
    expect(wait()).toEqual([]);
    c.arrive('y');
    expect(wait()).toEqual([C.EPOLLIN]);
  });

  test('edge-triggered: once per arrival, with all that holds, even if nobody read in between', () => {
    const { os, bytes, fd, c, wait } = setup(C.EPOLLIN | C.EPOLLOUT | C.EPOLLET);
    expect([wait(), wait()]).toEqual([[C.EPOLLOUT], []]);
    c.arrive('a');
    expect([wait(), wait()]).toEqual([[C.EPOLLIN | C.EPOLLOUT], []]);
    c.arrive('b');
    expect([wait(), wait()]).toEqual([[C.EPOLLIN | C.EPOLLOUT], []]);
    os.recv(fd, bytes);
    expect(wait()).toEqual([]);
    c.arrive('c');
    expect(wait()).toEqual([C.EPOLLIN | C.EPOLLOUT]);
    c.fin();
    expect(wait()).toEqual([C.EPOLLIN | C.EPOLLOUT]);
  });

  test('edge-triggered: room after a write that found none', () => {
    const { os, bytes, fd, c, wait } = setup(C.EPOLLOUT | C.EPOLLET);
    wait();
    c.space = 50;
    expect(os.send(fd, bytes)).toBe(50);
    expect(wait()).toEqual([]);
    c.free(1000);
    expect([wait(), wait()]).toEqual([[C.EPOLLOUT], []]);
    c.arrive('not asked for');
    expect(wait()).toEqual([]);
  });

  test('one-shot: once, until EPOLL_CTL_MOD arms it again', () => {
    const { os, fd, c, ep, wait } = setup(C.EPOLLIN | C.EPOLLONESHOT);
    c.arrive('a');
    expect([wait(), wait()]).toEqual([[C.EPOLLIN], []]);
    c.arrive('b');
    expect(wait()).toEqual([]);
    os.epollCtl(ep, C.EPOLL_CTL_MOD, fd, C.EPOLLIN | C.EPOLLONESHOT);
    expect([wait(), wait()]).toEqual([[C.EPOLLIN], []]);
  });

  test('errors and hang-ups are always told', () => {
    const { c, wait } = setup(0);
    c.fail(E.ECONNRESET);
    expect(wait()).toEqual([C.EPOLLERR | C.EPOLLHUP]);
  });

  test('a waiting epoll_wait wakes, several ready take turns, a closed descriptor leaves', () => {
    const { os, pair, fd, c, ep } = setup(C.EPOLLIN);
    const other = pair();
    os.epollCtl(ep, C.EPOLL_CTL_ADD, other.fd, C.EPOLLIN);
    const out: EpollEvent[] = [];
    const p = os.begin.epollWait(ep, out, 8, -1);
    expect(p.done).toBe(false);
    c.arrive('x');
    expect(os.settle()).toEqual([p]);
    expect([p.result, out]).toEqual([1, [{ events: C.EPOLLIN, data: 7 }]]);
    other.c.arrive('y');
    os.settle();
    const seen = [1, 2, 3, 4].map(() => {
      const one: EpollEvent[] = [];
      os.epollWait(ep, one, 1);
      return one[0]!.data;
    });
    expect(seen).toEqual([7, other.fd, 7, other.fd]);
    os.close(fd);
    const rest: EpollEvent[] = [];
    expect(os.epollWait(ep, rest)).toBe(1);
    expect(rest[0]!.data).toBe(other.fd);
    const q = os.begin.epollWait(os.epollCreate(), [], 8, 5);
    os.host as FakeHost;
    (os.host as FakeHost).now = 5_000;
    expect(os.settle()).toEqual([q]);
    expect(q.result).toBe(0);
  });

  test('errors of epoll_ctl', () => {
    const { os, fd, ep } = setup(C.EPOLLIN);
    const ctl = (op: number, f: number, events = C.EPOLLIN) => os.epollCtl(ep, op, f, events);
    expect(ctl(C.EPOLL_CTL_ADD, ep)).toBe(-E.EINVAL);
    expect(ctl(C.EPOLL_CTL_ADD, 999)).toBe(-E.EBADF);
    expect(ctl(C.EPOLL_CTL_ADD, fd)).toBe(-E.EEXIST);
    const s = os.socket();
    expect(ctl(C.EPOLL_CTL_MOD, s)).toBe(-E.ENOENT);
    expect(ctl(C.EPOLL_CTL_DEL, s)).toBe(-E.ENOENT);
    expect(ctl(9, s)).toBe(-E.EINVAL);
    expect(ctl(C.EPOLL_CTL_ADD, s, C.EPOLLIN | C.EPOLLEXCLUSIVE | C.EPOLLONESHOT)).toBe(-E.EINVAL);
    expect(ctl(C.EPOLL_CTL_ADD, s, C.EPOLLIN | C.EPOLLEXCLUSIVE)).toBe(0);
    expect(ctl(C.EPOLL_CTL_MOD, s, C.EPOLLIN)).toBe(-E.EINVAL);
    expect(os.epollWait(ep, [], 0)).toBe(-E.EINVAL);
    expect(os.epollCreate(1)).toBe(-E.EINVAL);
  });

  test('an epoll that has been closed is told nothing, leaves nothing behind, and its number may be another one', () => {
    const { os, c, fd, ep, wait } = setup(C.EPOLLIN);
    const other = os.epollCreate();
    expect(os.epollCtl(other, C.EPOLL_CTL_ADD, fd, C.EPOLLIN, 3)).toBe(0);
    expect(os.close(ep)).toBe(0);
    c.arrive('x');
    os.settle();
    expect(os.epollWait(ep, [])).toBe(-E.EBADF);
    const out: EpollEvent[] = [];
    expect(os.epollWait(other, out)).toBe(1);
    expect(out).toEqual([{ events: C.EPOLLIN, data: 3 }]);
    // The descriptor may be watched anew, by an instance that has the number of the old one.
    expect(os.epollCreate()).toBe(ep);
    expect(os.epollCtl(ep, C.EPOLL_CTL_MOD, fd, C.EPOLLIN)).toBe(-E.ENOENT);
    expect(os.epollCtl(ep, C.EPOLL_CTL_ADD, fd, C.EPOLLIN)).toBe(0);
    expect(wait()).toEqual([C.EPOLLIN]);
    let watchers = 0;
    for (let item = os.find(fd)!.watchers; item !== null; item = item.nextWatcher) watchers++;
    expect(watchers).toBe(2);
  });

  test('an epoll may watch one that another watched until it was closed', () => {
    const { os, ep } = setup(C.EPOLLIN);
    const outer = os.epollCreate();
    expect(os.epollCtl(outer, C.EPOLL_CTL_ADD, ep, C.EPOLLIN)).toBe(0);
    os.close(outer);
    const again = os.epollCreate();
    expect(os.epollCtl(ep, C.EPOLL_CTL_ADD, again, C.EPOLLIN)).toBe(0);
    expect(os.epollCtl(again, C.EPOLL_CTL_ADD, ep, C.EPOLLIN)).toBe(-E.ELOOP);
    os.close(ep);
    expect(os.find(again)!.watchers).toBe(null);
  });

  test('an epoll can be watched by another, but not by itself in a circle', () => {
    const { os, c, ep } = setup(C.EPOLLIN);
    const outer = os.epollCreate();
    expect(os.epollCtl(outer, C.EPOLL_CTL_ADD, ep, C.EPOLLIN)).toBe(0);
    expect(os.epollCtl(ep, C.EPOLL_CTL_ADD, outer, C.EPOLLIN)).toBe(-E.ELOOP);
    const out: EpollEvent[] = [];
    const p = os.begin.epollWait(outer, out, 8, -1);
    c.arrive('x');
    expect(os.settle()).toEqual([p]);
    expect(out).toEqual([{ events: C.EPOLLIN, data: ep }]);
  });

  test('EPOLLEXCLUSIVE wakes one of several waiters', () => {
    const { os, pair } = world();
    const { fd, c } = pair();
    const waits = [1, 2, 3].map(() => {
      const ep = os.epollCreate();
      os.epollCtl(ep, C.EPOLL_CTL_ADD, fd, C.EPOLLIN | C.EPOLLEXCLUSIVE);
      return os.begin.epollWait(ep, [], 8, -1);
    });
    c.arrive('x');
    expect(os.settle()).toEqual([waits[0]]);
  });
});
