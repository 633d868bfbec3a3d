import { describe, expect, test } from 'vitest';
import { tunSetup } from '../../src/link/tun/setup.ts';
import { readVnetHeader, VNET_HEADER, writeVnetHeader } from '../../src/link/tun/vnet-header.ts';
import { CSUM_GOOD, CSUM_PARTIAL, CSUM_UNKNOWN, FramePool } from '../../src/wire/frame.ts';

const pool = new FramePool();

/** An IP header and a TCP header of 20 bytes, and some payload; what the checks do not look at is zero. */
function frame(version: 4 | 6, payload: number, protocol = 6) {
  const f = pool.take(2000);
  const ip = version === 4 ? 20 : 40;
  f.bytes.fill(0, f.start, f.start + ip + 20);
  f.bytes[f.start] = version === 4 ? 0x45 : 0x60;
  f.bytes[f.start + (version === 4 ? 9 : 6)] = protocol;
  f.bytes[f.start + ip + 12] = 0x50;
  f.end = f.start + ip + 20 + payload;
  return f;
}

const header = (f: ReturnType<typeof frame>): number[] | null => {
  const out = new Uint8Array(VNET_HEADER);
  return writeVnetHeader(f, 'ip', out, 0) ? [...out] : null;
};

describe('the header before each frame of a device with offload', () => {
  test('is zero for a frame that leaves nothing to the kernel', () => {
    const f = frame(4, 100);
    f.csum = CSUM_GOOD;
    expect(header(f)).toEqual(new Array(VNET_HEADER).fill(0));
  });

  test('says where an unfinished checksum begins and goes, for TCP and UDP', () => {
    const tcp = frame(6, 100);
    tcp.csum = CSUM_PARTIAL;
    expect(header(tcp)).toEqual([1, 0, 0, 0, 0, 0, 40, 0, 16, 0]);
    const udp = frame(4, 100, 17);
    udp.csum = CSUM_PARTIAL;
    expect(header(udp)).toEqual([1, 0, 0, 0, 0, 0, 20, 0, 6, 0]);
  });

  test('says how a super-segment is to be cut, and that it carries CWR', () => {
    const f = frame(4, 1500);
    f.csum = CSUM_PARTIAL;
    f.gsoSize = 700;
    expect(header(f)).toEqual([1, 1, 40, 0, 700 & 255, 700 >> 8, 20, 0, 16, 0]);
    f.bytes[f.start + 33] = 0x80;
    expect(header(f)?.[1]).toBe(0x81);
  });

  test('can not be written for what the kernel would not finish', () => {
    const other = frame(4, 100, 47);
    other.csum = CSUM_PARTIAL;
    expect(header(other)).toBeNull();
    const whole = frame(4, 1500);
    whole.csum = CSUM_GOOD;
    whole.gsoSize = 700;
    expect(header(whole)).toBeNull();
    const short = frame(4, 0);
    short.csum = CSUM_PARTIAL;
    short.end = short.start + 24;
    expect(header(short)).toBeNull();
  });

  test.for([
    [[0, 0], CSUM_UNKNOWN, 0],
    [[1, 0], CSUM_PARTIAL, 0],
    [[2, 0], CSUM_GOOD, 0],
    [[1, 1, 0, 0, 0xb4, 5], CSUM_PARTIAL, 1460],
    [[1, 0x84, 0, 0, 0xa0, 5], CSUM_PARTIAL, 1440],
  ] as [number[], number, number][])('%j is read', ([bytes, csum, gsoSize]) => {
    const f = frame(4, 0);
    expect(readVnetHeader(Uint8Array.from([...bytes, 0, 0, 0, 0, 0, 0, 0, 0]), 0, f)).toBe(true);
    expect([f.csum, f.gsoSize]).toEqual([csum, gsoSize]);
  });

  test('of a kind that was not asked for, or without a size, is an error', () => {
    const f = frame(4, 0);
    expect(readVnetHeader(Uint8Array.of(1, 3, 0, 0, 10, 0, 0, 0, 0, 0), 0, f)).toBe(false);
    expect(readVnetHeader(Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0, 0, 0), 0, f)).toBe(false);
  });
});

test('the set-up is told step by step, with what each needs root for', () => {
  const steps = tunSetup({
    name: 'lab0',
    namespace: 'blue',
    addresses: ['10.5.0.1/24', 'fd05::1/64'],
    mtu: 9000,
    owner: { uid: 1000, kind: 'tun' },
  });
  expect(steps.map(s => s.command.join(' '))).toEqual([
    'ip -n blue tuntap add dev lab0 mode tun user 1000 vnet_hdr',
    'ip -n blue link set dev lab0 mtu 9000',
    'ip -n blue link set dev lab0 txqueuelen 5000',
    'ip -n blue addr add 10.5.0.1/24 dev lab0',
    'ip -n blue addr add fd05::1/64 dev lab0 nodad',
    'ip -n blue link set dev lab0 up',
  ]);
  for (const s of steps) expect(s.why.length).toBeGreaterThan(20);
});
