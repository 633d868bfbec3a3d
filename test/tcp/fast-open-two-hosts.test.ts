import { describe, expect, test } from 'vitest';
import { EAGAIN, EINPROGRESS } from '../../src/base/errno.ts';
import {
  AF_INET,
  AF_INET6,
  MSG_FASTOPEN,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  TCP_FASTOPEN,
} from '../../src/socket/constants.ts';
import { TCPI_OPT_SYN_DATA, TCPI_OPT_TFO_CHILD } from '../../src/tcp/info.ts';
import { ip, TwoHosts } from '../socket/two-hosts.ts';

const text = new TextEncoder().encode('GET / HTTP/1.1');

/** A Fast Open client and server of ours. */
function pair(family: number, sysctl: Record<string, number> = {}) {
  const t = new TwoHosts({ tcp_fastopen: 3, ...sysctl });
  const server = ip(family === AF_INET ? '10.9.0.2' : 'fd00::2');
  const listener = t.b.os.socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  t.b.os.setsockopt(listener, 6, TCP_FASTOPEN, 10);
  t.b.os.bind(listener, server, 80);
  t.b.os.listen(listener, 10);
  const wait = (micros: number): void => t.run(micros / 1000);
  const dial = (): { fd: number; result: number } => {
    const fd = t.a.os.socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    return { fd, result: t.a.os.sendto(fd, text, MSG_FASTOPEN, server, 80) };
  };
  wait(10_000);
  return { t, listener, wait, dial };
}

describe.each([
  ['IPv4', AF_INET],
  ['IPv6', AF_INET6],
])('Fast Open between two hosts (RFC 7413), %s', (_name, family) => {
  test('the second connection delivers its request after half a round trip, the answer comes after a whole one', () => {
    const { t, listener, wait, dial } = pair(family);
    const first = dial();
    expect(first.result).toBe(-EINPROGRESS);
    wait(5_000);
    expect(t.a.os.send(first.fd, text)).toBe(text.length);
    wait(5_000);
    const before = t.b.os.accept(listener);
    expect(t.b.os.recv(before, new Uint8Array(100))).toBe(text.length);

    t.delay = 20_000;
    const second = dial();
    expect(second.result).toBe(text.length);
    wait(20_500);
    const fd = t.b.os.accept(listener);
    expect(fd).toBeGreaterThanOrEqual(0);
    const got = new Uint8Array(100);
    expect(t.b.os.recv(fd, got)).toBe(text.length);
    expect(got.subarray(0, text.length)).toEqual(text);
    expect(t.b.os.send(fd, text)).toBe(text.length);
    wait(20_500);
    expect(t.a.os.recv(second.fd, got)).toBe(text.length);
    wait(60_000);
    const options = [t.a, t.b].map(h => [...h.stack.tcp.connections()].map(c => c.info().options));
    expect(options[0]!.some(o => (o & TCPI_OPT_SYN_DATA) !== 0 && (o & TCPI_OPT_TFO_CHILD) === 0)).toBe(true);
    expect(options[1]!.some(o => (o & TCPI_OPT_SYN_DATA) !== 0 && (o & TCPI_OPT_TFO_CHILD) !== 0)).toBe(true);
    expect([t.a.stack.mib.TcpExtTCPFastOpenActive, t.b.stack.mib.TcpExtTCPFastOpenPassive]).toEqual([1, 1]);
    t.a.os.close(second.fd);
    t.b.os.close(fd);
    wait(100_000);
    expect(t.b.os.recv(before, got)).toBe(-EAGAIN);
  });

  test('three timeouts in a row are a black hole: no Fast Open for a while, then again', () => {
    const { t, wait, dial } = pair(family, { tcp_fastopen_blackhole_timeout_sec: 10 });
    dial();
    wait(10_000);
    t.drop = from => from === t.a;
    expect(dial().result).toBe(text.length);
    wait(3_500_000);
    expect(t.a.stack.mib.TcpExtTCPFastOpenBlackhole).toBe(1);
    expect(t.a.stack.mib.TcpExtTCPFastOpenActiveFail).toBe(1);
    t.drop = () => false;
    expect(dial().result, 'in the pause').toBe(-EINPROGRESS);
    wait(10_000_000);
    expect(dial().result).toBe(text.length);
    wait(10_000);
    expect(t.a.stack.mib.TcpExtTCPFastOpenActive).toBe(1);
    expect(t.a.stack.tcp.fastOpen.onTrial, 'until data have come back').toBe(true);
  });
});
