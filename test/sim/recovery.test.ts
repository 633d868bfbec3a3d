import { describe, expect, test } from 'vitest';
import { ETIMEDOUT } from '../../src/base/errno.ts';
import type { Packet } from '../../src/link/packet.ts';
import {
  IPPROTO_TCP,
  SO_MAX_PACING_RATE,
  SOL_SOCKET,
  TCP_NOTSENT_LOWAT,
} from '../../src/socket/constants.ts';
import { CA_CWR } from '../../src/tcp/constants.ts';
import { SYN_SENT } from '../../src/tcp/state.ts';
import { aqm, bottleneck, queued, transfer, watch } from './recovery.ts';

const SEEDS = [1, 2, 3, 4, 5];

describe('ECN under an active queue', () => {
  test.each(SEEDS)(
    'world %d: marks instead of drops: nothing is lost, one reduction a round trip, the link is used',
    seed => {
      const net = bottleneck(seed, { rtt: 1, rate: 1, both: { tcp_ecn: 1 } });
      const rtt = 5_000 * (1 + net.r.below(20));
      const rate = 2_000_000 * (1 + net.r.below(5));
      net.wire.set({ delay: Math.round(rtt / 2) });
      net.wire.set({ rate }, 'A');
      const packets = (rate * rtt) / 8e6 / 1500;
      const queue = aqm(net, Math.max(3, Math.round(packets / 2)), net.r.below(2) === 0 ? 1 : 0.1);
      const out = transfer(net, 600_000);
      const began: number[] = [];
      let before = 0;
      let shortest = Number.POSITIVE_INFINITY;
      watch(net, 500, (c, now) => {
        if (c.caState === CA_CWR && before !== CA_CWR) {
          if (began.length > 0) shortest = Math.min(shortest, now - began.at(-1)!);
          began.push(now);
        }
        before = c.caState;
      });
      net.world.run();
      expect(out).toMatchObject({ received: 600_000, right: true });
      expect(queue.marked()).toBeGreaterThan(0);
      expect(queue.dropped()).toBe(0);
      expect(net.a.stack.mib.TcpRetransSegs).toBe(0);
      expect(net.a.stack.mib.TcpExtTCPDeliveredCE).toBeGreaterThan(0);
      expect(began.length).toBeGreaterThan(0);
      expect(shortest).toBeGreaterThanOrEqual(rtt);
      // Slow start and the reductions cost something, but most of the rate is there.
      expect((600_000 * 8) / out.seconds).toBeGreaterThan(0.5 * rate);
    },
  );

  test.each([1, 2])(
    'world %d: the same queue drops for whoever does not speak ECN, and all arrives too',
    seed => {
      const net = bottleneck(seed, { rtt: 20_000, rate: 5_000_000, a: { tcp_ecn: 0 } });
      const queue = aqm(net, 8, 0.2);
      const out = transfer(net, 400_000);
      net.world.run();
      expect(out).toMatchObject({ received: 400_000, right: true });
      expect(queue.marked()).toBe(0);
      expect(queue.dropped()).toBeGreaterThan(0);
      expect(net.a.stack.mib.TcpRetransSegs).toBeGreaterThanOrEqual(queue.dropped());
    },
  );

  test('a path that swallows SYNs that ask for ECN costs a second, and no more', () => {
    const net = bottleneck(9, { rtt: 20_000, rate: 5_000_000, both: { tcp_ecn: 1 } });
    net.wire.rule({ action: 'drop', from: 'A', match: (p: Packet) => (p.segment.flags & 0xc2) === 0xc2 });
    const out = transfer(net, 100_000);
    let ecn = true;
    watch(net, 1000, c => {
      ecn = c.info().options & 8 ? c.state === SYN_SENT : false;
    });
    net.world.run();
    expect(out).toMatchObject({ received: 100_000, right: true });
    expect([net.a.stack.mib.TcpExtTCPTimeouts, ecn]).toEqual([1, false]);
  });
});

describe('black holes for large datagrams', () => {
  /** Nothing above `limit` bytes gets through, and nobody says so. */
  const hole = (seed: number, tcp_mtu_probing: number, limit: number) => {
    const net = bottleneck(seed, {
      rtt: 20_000,
      rate: 10_000_000,
      both: { tcp_mtu_probing, tcp_base_mss: 512, tcp_retries1: 2, tcp_retries2: 6 },
    });
    net.wire.rule({ action: 'drop', match: (p: Packet) => p.size > limit });
    return net;
  };

  test.each(SEEDS)('world %d: tcp_mtu_probing 1 finds what gets through, 0 does not', seed => {
    const limit = 600 + ((seed * 331) % 850);
    const net = hole(seed, 1, limit);
    const out = transfer(net, 300_000);
    let mss = 0;
    watch(net, 10_000, c => {
      mss = c.mssCache;
    });
    net.world.run();
    expect(out).toMatchObject({ received: 300_000, right: true });
    expect(mss + 52).toBeLessThanOrEqual(limit);
    expect(mss + 52, 'probed up again from 512').toBeGreaterThan(552);

    const blind = hole(seed, 0, limit);
    const lost = transfer(blind, 300_000);
    let error = 0;
    watch(blind, 100_000, c => {
      error = Math.max(error, c.totalRto);
    });
    blind.world.run();
    expect(lost.received).toBe(0);
    expect(error).toBeGreaterThan(3);
    expect([0, -ETIMEDOUT]).toContain(lost.error);
  });

  test.each([1, 2])(
    'world %d: tcp_mtu_probing 2 never sends what does not get through but as a probe',
    seed => {
      const limit = 700 + 300 * seed;
      const net = hole(seed, 2, limit);
      const out = transfer(net, 300_000);
      net.world.run();
      expect(out).toMatchObject({ received: 300_000, right: true });
      expect(net.a.stack.mib.TcpExtTCPTimeouts).toBe(0);
      expect(net.a.stack.mib.TcpExtTCPMTUPFail).toBeGreaterThan(0);
      expect(net.a.stack.mib.TcpExtTCPMTUPSuccess).toBeGreaterThan(0);
    },
  );
});

describe('delay that is taken for loss', () => {
  test.each(SEEDS)('world %d: F-RTO or timestamps take a spurious timeout back', seed => {
    const timestamps = seed & 1;
    const net = bottleneck(seed, { rtt: 40_000, rate: 4_000_000, both: { tcp_timestamps: timestamps } });
    const from = 600_000 + net.r.below(300_000);
    const out = transfer(net, 800_000);
    // All stands still for a while, in both directions, and goes on: nothing is lost.
    const pause = 700_000 + net.r.below(800_000);
    net.world.at(from, () => net.wire.set({ delay: 20_000 + pause }));
    net.world.at(from + pause, () => net.wire.set({ delay: 20_000 }));
    net.world.run();
    const { mib } = net.a.stack;
    expect(out).toMatchObject({ received: 800_000, right: true });
    expect(mib.TcpExtTCPTimeouts).toBeGreaterThan(0);
    expect(mib.TcpExtTCPSpuriousRTOs + mib.TcpExtTCPLossUndo + mib.TcpExtTCPFullUndo).toBeGreaterThan(0);
  });

  test.each(SEEDS)(
    'world %d: reordering without loss costs few repetitions, and D-SACKs take reductions back',
    seed => {
      const net = bottleneck(seed, { rtt: 40_000, rate: 8_000_000 });
      net.wire.set({ reorder: 0.02 + net.r.below(60) / 1000, reorderWait: 3_000 + net.r.below(7_000) }, 'A');
      const out = transfer(net, 600_000);
      net.world.run();
      const { mib } = net.a.stack;
      expect(out).toMatchObject({ received: 600_000, right: true });
      expect(mib.TcpExtTCPSACKReorder + mib.TcpExtTCPTSReorder + mib.TcpExtTCPDSACKRecv).toBeGreaterThan(0);
      expect(mib.TcpRetransSegs).toBeLessThan(0.05 * mib.TcpExtTCPOrigDataSent);
      expect(mib.TcpExtTCPTimeouts).toBe(0);
    },
  );
});

describe('buffers, pace and the writer', () => {
  test.each([1, 2, 3])('world %d: both buffers grow until they hold the path', seed => {
    const rtt = 40_000 * seed;
    const net = bottleneck(seed, { rtt, rate: 40_000_000, queue: 100 });
    const product = (40_000_000 * rtt) / 8e6;
    const out = transfer(net, 4_000_000);
    let sndbuf = 0;
    let flying = 0;
    watch(net, 5_000, c => {
      sndbuf = Math.max(sndbuf, c.sndbuf);
      flying = Math.max(flying, c.packetsOut * c.mssCache);
    });
    net.world.run();
    expect(out).toMatchObject({ received: 4_000_000, right: true });
    expect(sndbuf, 'tcp_wmem[1] is 16384').toBeGreaterThan(Math.min(product, 300_000));
    expect(flying).toBeGreaterThan(0.6 * product);
  });

  test('SO_MAX_PACING_RATE below the bottleneck keeps its queue short, where the window alone fills it', () => {
    const longest = [0, 0];
    for (const [i, rate] of [600_000, -1].entries()) {
      const net = bottleneck(3, { rtt: 40_000, rate: 8_000_000 });
      const out = transfer(
        net,
        500_000,
        (os, fd) => void os.setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, rate),
      );
      watch(net, 100, () => {
        longest[i] = Math.max(longest[i]!, queued(net));
      });
      net.world.run();
      expect(out).toMatchObject({ received: 500_000, right: true });
    }
    // The first ten segments go unpaced.
    expect(longest[0]).toBeLessThanOrEqual(12);
    expect(longest[1]).toBeGreaterThan(2 * longest[0]!);
  });

  test('HyStart leaves slow start before a deep queue is full', () => {
    const net = bottleneck(4, { rtt: 100_000, rate: 20_000_000, queue: 2000 });
    const out = transfer(net, 3_000_000);
    net.world.run();
    const { mib } = net.a.stack;
    expect(out).toMatchObject({ received: 3_000_000, right: true });
    expect(mib.TcpExtTCPHystartDelayDetect + mib.TcpExtTCPHystartTrainDetect).toBe(1);
    expect(mib.TcpRetransSegs).toBe(0);
  });

  test('TCP_NOTSENT_LOWAT: a writer that waits for POLLOUT keeps no more unsent than the mark and one write', () => {
    const net = bottleneck(5, { rtt: 40_000, rate: 8_000_000 });
    const lowat = 16_000;
    const chunk = 4_000;
    const out = transfer(
      net,
      400_000,
      (os, fd) => void os.setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, lowat),
      function* (os, fd, data) {
        let at = 0;
        while (at < data.length) {
          yield* os.pollFor(fd, 4);
          const n = yield* os.send(fd, data.subarray(at, at + chunk));
          if (n < 0) return n;
          at += n;
        }
        return at;
      },
    );
    let most = 0;
    watch(net, 200, c => {
      most = Math.max(most, c.info().notsent_bytes);
    });
    net.world.run();
    expect(out).toMatchObject({ received: 400_000, right: true });
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(lowat / 2 + chunk);
  });

  test.each([1, 2, 3])('world %d: a sender that does not use its window keeps it small', seed => {
    const net = bottleneck(seed, { rtt: 40_000, rate: 50_000_000 });
    const each = 1448 * (1 + net.r.below(6));
    let cwnd = 0;
    const out = transfer(
      net,
      each * 60,
      () => {},
      function* (os, fd, data) {
        for (let at = 0; at < data.length; at += each) {
          yield* os.send(fd, data.subarray(at, at + each));
          yield* os.sleep(0.05);
        }
        return data.length;
      },
    );
    watch(net, 1000, c => {
      cwnd = Math.max(cwnd, c.cwnd);
    });
    net.world.run();
    expect(out).toMatchObject({ received: each * 60, right: true });
    expect(cwnd).toBeLessThanOrEqual(Math.max(10, 2 * (each / 1448) + each / 1448));
  });
});
