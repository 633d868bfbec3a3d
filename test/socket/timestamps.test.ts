import { describe, expect, test } from 'vitest';
import { EAGAIN, EINVAL } from '../../src/base/errno.ts';
import * as C from '../../src/socket/constants.ts';
import type { Message } from '../../src/socket/message.ts';
import { ip, TwoHosts } from './two-hosts.ts';

const NONBLOCK = C.SOCK_STREAM | C.SOCK_NONBLOCK;
const TX = C.SOF_TIMESTAMPING_TX_SOFTWARE | C.SOF_TIMESTAMPING_SOFTWARE | C.SOF_TIMESTAMPING_OPT_ID;

function pair(listenerFlags = 0) {
  const w = new TwoHosts({});
  const l = w.b.os.socket(C.AF_INET, NONBLOCK);
  w.b.os.bind(l, ip('10.9.0.2'), 5000);
  w.b.os.listen(l, 8);
  if (listenerFlags !== 0) w.b.os.setsockopt(l, C.SOL_SOCKET, C.SO_TIMESTAMPING, listenerFlags);
  const a = w.a.os.socket(C.AF_INET, NONBLOCK);
  w.a.os.connect(a, ip('10.9.0.2'), 5000);
  w.run();
  const b = w.b.os.accept(l, C.SOCK_NONBLOCK);
  return { w, a, b };
}

const message = (n: number): Message & { bytes: Uint8Array } => {
  const bytes = new Uint8Array(n);
  return { bytes, iov: [{ bytes, length: n }] };
};

describe('SO_TIMESTAMPING', () => {
  test('the packet reported about comes back, as far as it fits', () => {
    const { w, a } = pair();
    expect(w.a.os.setsockopt(a, C.SOL_SOCKET, C.SO_TIMESTAMPING, TX)).toBe(0);
    w.a.os.send(a, Uint8Array.of(1, 2, 3));
    w.run();
    const m = message(2);
    expect(w.a.os.recvmsg(a, m, C.MSG_ERRQUEUE)).toBe(2);
    expect([...m.bytes]).toEqual([1, 2]);
    expect(m.flags).toBe(C.MSG_ERRQUEUE | C.MSG_TRUNC);
    expect(m.control?.map(c => c.type)).toEqual([C.SCM_TIMESTAMPING, C.IP_RECVERR]);
    expect(w.a.os.recvmsg(a, message(2), C.MSG_ERRQUEUE)).toBe(-EAGAIN);
  });

  test('reports that nobody reads are bounded by the receive buffer', () => {
    const { w, a } = pair();
    w.a.os.setsockopt(a, C.SOL_SOCKET, C.SO_RCVBUF, 20_000);
    w.a.os.setsockopt(a, C.SOL_SOCKET, C.SO_TIMESTAMPING, TX);
    w.a.os.setsockopt(a, C.SOL_TCP, C.TCP_NODELAY, 1);
    for (let i = 0; i < 500; i++) {
      w.a.os.send(a, Uint8Array.of(i & 255));
      w.run();
    }
    let reports = 0;
    while (w.a.os.recvmsg(a, message(1), C.MSG_ERRQUEUE) >= 0) reports++;
    expect(reports).toBeGreaterThan(5);
    expect(reports).toBeLessThan(60);
  });

  test('bytes can be counted only on a connection; statistics come only instead of the packet', () => {
    const { w, a } = pair();
    const fresh = w.a.os.socket(C.AF_INET, NONBLOCK);
    expect(w.a.os.setsockopt(fresh, C.SOL_SOCKET, C.SO_TIMESTAMPING, TX)).toBe(-EINVAL);
    const stats = TX | C.SOF_TIMESTAMPING_OPT_STATS;
    expect(w.a.os.setsockopt(a, C.SOL_SOCKET, C.SO_TIMESTAMPING, stats)).toBe(-EINVAL);
    expect(w.a.os.setsockopt(a, C.SOL_SOCKET, C.SO_TIMESTAMPING, stats | C.SOF_TIMESTAMPING_OPT_TSONLY)).toBe(
      0,
    );
  });

  test('an accepted socket has its listener’s', () => {
    const rx = C.SOF_TIMESTAMPING_RX_SOFTWARE | C.SOF_TIMESTAMPING_SOFTWARE;
    const { w, a, b } = pair(rx);
    expect(w.b.os.getsockopt(b, C.SOL_SOCKET, C.SO_TIMESTAMPING)).toBe(rx);
    w.a.os.send(a, Uint8Array.of(7));
    w.run();
    const m = message(1);
    expect(w.b.os.recvmsg(b, m)).toBe(1);
    expect(m.control?.map(c => c.type)).toEqual([C.SCM_TIMESTAMPING]);
  });

  test('SO_MEMINFO counts received data and queued reports with their overhead', () => {
    const { w, a, b } = pair();
    const words = (os: typeof w.a.os, fd: number): Int32Array => {
      const r = os.getsockoptBytes(fd, C.SOL_SOCKET, C.SO_MEMINFO);
      return typeof r === 'number' ? new Int32Array(9) : new Int32Array(r.slice().buffer);
    };
    expect(words(w.b.os, b)[C.SK_MEMINFO_RMEM_ALLOC]).toBe(0);
    w.a.os.send(a, new Uint8Array(1000));
    expect(words(w.a.os, a)[C.SK_MEMINFO_WMEM_QUEUED]).toBeGreaterThan(1000);
    w.run();
    expect(words(w.a.os, a)[C.SK_MEMINFO_WMEM_QUEUED]).toBe(0);
    expect(words(w.b.os, b)[C.SK_MEMINFO_RMEM_ALLOC]).toBeGreaterThan(1000);
  });
});
