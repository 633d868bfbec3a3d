import { afterEach, describe, expect, test } from 'vitest';
import { pattern } from '../kit.ts';
import { type Family, LASTACK, type Net, type NetOptions, needTun, openNet } from './net.ts';
import { serveHttp, sha256 } from './servers.ts';

let net: Net | null = null;
afterEach(async () => {
  await net?.close();
  net = null;
});

const url = (family: Family): string =>
  family === 4 ? `http://${LASTACK[4]}:8000/` : `http://[${LASTACK[6]}]:8000/`;

/** Down and up by curl, whole by hash. */
async function bothWays(n: Net, family: Family, body: Buffer): Promise<void> {
  const got = await n.exec('curl', ['-sS', '-g', '-m', '40', url(family)]);
  expect([got.code, got.err, sha256(got.bytes)]).toEqual([0, '', sha256(body)]);
  const put = ['-sS', '-g', '-m', '40', '-H', 'Expect:', '-T', '-', '-H', `Content-Length: ${body.length}`];
  const up = await n.exec('curl', [...put, '-H', 'Transfer-Encoding:', url(family)], { input: body });
  expect([up.code, up.err, up.out]).toEqual([0, '', sha256(body)]);
}

const matrix: [string, NetOptions][] = [
  ['TUN, MTU 1500, offload', { mtu: 1500, offload: true }],
  ['TUN, MTU 1500, no offload', { mtu: 1500, offload: false }],
  ['TUN, MTU 1500, every packet by itself', { mtu: 1500, offload: false, gro: false }],
  ['TUN, MTU 9000, offload', { mtu: 9000, offload: true }],
  ['TUN, MTU 9000, no offload', { mtu: 9000, offload: false }],
  ['TAP, MTU 1500, offload', { kind: 'tap', offload: true }],
  ['TAP, MTU 1500, no offload', { kind: 'tap', offload: false }],
];

describe('the kernel and lastack pass 4 MB each way, whole', () => {
  test.for(matrix)('%s, over IPv4 and IPv6', async ([, options], ctx) => {
    needTun(ctx, 'curl');
    net = await openNet(options);
    const body = pattern(4_000_000, 5);
    serveHttp(net.host, 8000, body);
    await bothWays(net, 4, body);
    await bothWays(net, 6, body);
    // The kernel took super-segments, or every packet by itself.
    expect(net.tun.gsoMax > 0).toBe(options.offload);
    expect(net.tun.counters.rxErrors).toBe(0);
    expect(net.stack.mib.TcpInErrs).toBe(0);
  });
});

test('64 MB each way are whole', async ctx => {
  needTun(ctx, 'curl');
  net = await openNet();
  const body = pattern(64_000_000, 6);
  serveHttp(net.host, 8000, body);
  await bothWays(net, 4, body);
});
