import { mock } from 'node:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type TestNetwork, testNetwork } from '../../src/testing/index.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** A client that gives up with a timer of its own, as programs do. */
const impatient = (net: TestNetwork, ms: number): Promise<string> =>
  new Promise(resolve => {
    const socket = net.client.net.connect(7, 'server');
    const timer = setTimeout(() => {
      resolve(`gave up after ${Math.round(net.now)} ms`);
      socket.destroy();
    }, ms);
    socket.on('error', e => resolve(e.message));
    socket.on('data', d => {
      clearTimeout(timer);
      resolve(`${d} after ${Math.round(net.now)} ms`);
      socket.destroy();
    });
    socket.write('?');
  });

const slowServer = (net: TestNetwork, ms: number): (() => void) => {
  const server = net.server.net.createServer(s => {
    s.on('error', () => {});
    s.on('data', () => setTimeout(() => s.write('!'), ms));
  });
  server.listen(7);
  return () => server.close();
};

describe('the runner’s fake timers and the network', () => {
  test('vi.useFakeTimers(): one time for program, stack and wire', async () => {
    vi.useFakeTimers();
    const net = testNetwork({ wire: { delay: '10ms' } });
    const stop = slowServer(net, 5000);
    const answer = impatient(net, 60_000);
    await vi.advanceTimersByTimeAsync(5100);
    expect(await answer).toMatch(/^! after 50[3-6]\d ms$/);
    const late = impatient(net, 1000);
    await net.advance(1000);
    expect(await late).toMatch(/^gave up after/);
    stop();
    await net.close();
  });

  test('vi.useFakeTimers with only timers and Date faked: immediates go by themselves', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const net = testNetwork({ wire: { delay: '10ms' } });
    const stop = slowServer(net, 5000);
    const answer = impatient(net, 60_000);
    await net.advance(6000);
    expect(await answer).toMatch(/^! after 50/);
    stop();
    await net.close();
  });

  test('within drives the fake timers until a promise is settled', async () => {
    vi.useFakeTimers();
    const net = testNetwork({ wire: { delay: '10ms', rules: ['drop client SYN 1..3'] } });
    const stop = slowServer(net, 5000);
    expect(await net.within(60_000, impatient(net, 30_000))).toMatch(/^! after 80/);
    stop();
    await net.close();
  });

  test('setSystemTime moves the program’s date and not the network’s clock', async () => {
    vi.useFakeTimers();
    const net = testNetwork();
    await net.advance(10);
    vi.setSystemTime(new Date('2001-01-01'));
    await net.advance(10);
    vi.setSystemTime(new Date('2031-01-01'));
    expect(net.now).toBeGreaterThanOrEqual(20);
    expect(net.now).toBeLessThan(40);
    await net.close();
  });

  test('node:test’s mock.timers, told how to tick', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
    try {
      const net = testNetwork({ wire: { delay: '10ms' }, tick: ms => mock.timers.tick(ms) });
      const stop = slowServer(net, 2000);
      const answer = impatient(net, 60_000);
      await net.advance(2100);
      expect(await answer).toMatch(/^! after 20/);
      stop();
      await net.close();
    } finally {
      mock.timers.reset();
    }
  });

  test('without a way to tick them it says what is missing', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    try {
      const net = testNetwork({ leaks: 'ignore' });
      await expect(net.advance(10)).rejects.toThrow('tick: ms => mock.timers.tick(ms)');
      await net.close();
    } finally {
      mock.timers.reset();
    }
  });

  test('without fake timers the network’s time is its own: an hour passes at once', async () => {
    const net = testNetwork();
    const began = performance.now();
    await net.advance(3_600_000);
    expect(net.now).toBe(3_600_000);
    expect(performance.now() - began).toBeLessThan(2000);
    await net.close();
  });

  test('in real time everything waits', async () => {
    const net = testNetwork({ time: 'globals', wire: { delay: '20ms' } });
    const stop = slowServer(net, 30);
    const began = performance.now();
    expect(await net.within(5000, impatient(net, 4000))).toMatch(/^!/);
    expect(performance.now() - began).toBeGreaterThan(90);
    stop();
    await net.close();
  });
});
