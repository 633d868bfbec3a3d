import { afterEach, describe, expect, test } from 'vitest';
import { Address } from '../../src/base/address.ts';
import { EBADF, ECONNREFUSED } from '../../src/base/errno.ts';
import { seededRandom } from '../../src/base/random.ts';
import { NodeDriver, NodeLoop } from '../../src/driver/node.ts';
import { CaptureLink, CapturePoint } from '../../src/link/capture.ts';
import { ImpairedLink, type ImpairOptions } from '../../src/link/impair.ts';
import type { Link } from '../../src/link/link.ts';
import { memoryPair } from '../../src/link/memory.ts';
import { Stack } from '../../src/stack/stack.ts';
import { CaptureBuffer, PcapngWriter, readCapture } from '../../src/wire/pcapng.ts';

const A = Address.v4(0x0a090001);
const B = Address.v4(0x0a090002);

class Pair {
  readonly loop = new NodeLoop();
  readonly a: NodeDriver;
  readonly b: NodeDriver;
  readonly captured = new CaptureBuffer();

  constructor(impair: Partial<ImpairOptions> = {}, offload = false) {
    const [left, right] = memoryPair(this.loop, { offload });
    const worse = new ImpairedLink(left, { clock: this.loop, random: seededRandom(1), ...impair });
    const point = new CapturePoint(new PcapngWriter(this.captured.sink), 'tun0', 'ip');
    this.a = this.host('A', '10.9.0.1/24', new CaptureLink(worse, point, () => this.loop.now()));
    this.b = this.host('B', '10.9.0.2/24', right);
  }

  private host(name: string, address: string, link: Link): NodeDriver {
    const stack = new Stack({ name, random: seededRandom(name), start: this.loop.now() });
    const driver = new NodeDriver(stack, this.loop);
    const ifc = stack.addInterface({ name: 'tun0', medium: 'ip', mtu: 1500, ...link.offloads });
    ifc.addAddress(address);
    driver.attach(ifc, link);
    return driver;
  }

  listen(): number {
    const os = this.b.enter();
    const fd = os.socket();
    os.bind(fd, B, 80);
    os.listen(fd, 10);
    return fd;
  }

  async connect(): Promise<number> {
    const fd = this.a.enter().socket();
    const result = await this.a.wait(this.a.enter().begin.connect(fd, B, 80));
    return result < 0 ? result : fd;
  }

  accept(fd: number): Promise<number> {
    return this.b.wait(this.b.enter().begin.accept(fd));
  }
}

const pairs: Pair[] = [];
const pair = (impair: Partial<ImpairOptions> = {}, offload = false): Pair => {
  const p = new Pair(impair, offload);
  pairs.push(p);
  return p;
};
afterEach(async () => {
  for (const p of pairs.splice(0)) {
    await Promise.all([p.a.close(0), p.b.close(0)]);
    p.loop.stop();
  }
});

async function readAll(driver: NodeDriver, fd: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const buffer = new Uint8Array(65536);
    const n = await driver.wait(driver.enter().begin.recv(fd, buffer));
    if (n < 0) throw new Error(`recv: ${n}`);
    if (n === 0) return Buffer.concat(parts);
    parts.push(buffer.subarray(0, n));
  }
}

describe('two drivers on one loop, joined by memory', () => {
  test('carry a conversation and its close in real time', async () => {
    const p = pair();
    const listener = p.listen();
    const accepted = p.accept(listener);
    const c = await p.connect();
    const s = await accepted;
    expect(c).toBeGreaterThan(0);
    expect(await p.a.wait(p.a.enter().begin.send(c, Buffer.from('hello')))).toBe(5);
    p.a.enter().shutdown(c, 1);
    expect(Buffer.from(await readAll(p.b, s)).toString()).toBe('hello');
    await p.b.wait(p.b.enter().begin.send(s, Buffer.from('good bye')));
    p.b.enter().close(s);
    expect(Buffer.from(await readAll(p.a, c)).toString()).toBe('good bye');
    p.a.enter().close(c);
    await p.a.close();
    const { packets, errors } = readCapture(p.captured.bytes());
    expect(errors).toEqual([]);
    expect(packets.length).toBeGreaterThanOrEqual(6);
  });

  test('a refused connection is refused', async () => {
    expect(await pair().connect()).toBe(-ECONNREFUSED);
  });

  test.each([
    ['frame by frame', false],
    ['by reference one way, through a capture', true],
  ])('megabytes pass whole, both ways at once, with back-pressure: %s', async (_, offload) => {
    const p = pair({}, offload);
    const accepted = p.accept(p.listen());
    const c = await p.connect();
    const s = await accepted;
    const data = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31) ^ (i >> 9));
    const send = async (d: NodeDriver, fd: number): Promise<void> => {
      expect(await d.wait(d.enter().begin.send(fd, data))).toBe(data.length);
      d.enter().shutdown(fd, 1);
    };
    const [one, two] = await Promise.all([readAll(p.a, c), readAll(p.b, s), send(p.a, c), send(p.b, s)]);
    expect(Buffer.compare(one, data)).toBe(0);
    expect(Buffer.compare(two, data)).toBe(0);
    // Whoever sends by reference does so in segments larger than the wire's MTU.
    const largest = Math.max(...readCapture(p.captured.bytes()).packets.map(k => k.end - k.at));
    expect(largest > 1500).toBe(offload);
  });

  test('loss and delay on the link slow it down and lose nothing', async () => {
    const p = pair({ loss: '5%', delay: '2ms', reorder: '2%' });
    const accepted = p.accept(p.listen());
    const c = await p.connect();
    const s = await accepted;
    const data = new Uint8Array(200_000).fill(42);
    const received = readAll(p.b, s);
    await p.a.wait(p.a.enter().begin.send(c, data));
    p.a.enter().close(c);
    expect(Buffer.compare(await received, data)).toBe(0);
  }, 30_000);

  test('close() sends what is queued and its FIN before it ends', async () => {
    const p = pair({ delay: '5ms' });
    const accepted = p.accept(p.listen());
    const c = await p.connect();
    const s = await accepted;
    const taken = p.a.enter().send(c, new Uint8Array(50_000));
    expect(taken).toBeGreaterThan(10_000);
    const received = readAll(p.b, s);
    // The peer does not close: FIN_WAIT_2 is not waited for.
    expect(await p.a.close()).toEqual({ cut: [] });
    expect((await received).length).toBe(taken);
  });

  test('close() gives up after its time and says what was cut; waiting calls end', async () => {
    const p = pair();
    const accepted = p.accept(p.listen());
    const c = await p.connect();
    await accepted;
    p.b.stack.close();
    p.a.enter().send(c, new Uint8Array(1000));
    const waiting = p.a.wait(p.a.enter().begin.recv(c, new Uint8Array(10)));
    const began = p.loop.now();
    const { cut } = await p.a.close(100_000);
    expect(p.loop.now() - began).toBeLessThan(1_000_000);
    expect(cut).toEqual([
      { connection: expect.stringContaining('10.9.0.2:80'), state: 'FIN_WAIT_1', unacknowledged: 1001 },
    ]);
    expect([-4, -EBADF]).toContain(await waiting);
    expect((await p.a.close()).cut).toEqual([]);
  });

  test('a receive time-out is kept by the clock', async () => {
    const p = pair();
    const accepted = p.accept(p.listen());
    const c = await p.connect();
    await accepted;
    const began = p.loop.now();
    const n = await p.a.wait(p.a.enter().begin.poll([{ fd: c, events: 1, revents: 0 }], 60));
    expect(n).toBe(0);
    expect(p.loop.now() - began).toBeGreaterThanOrEqual(60_000);
  });

  test('the address A is the client’s', async () => {
    const p = pair();
    const accepted = p.accept(p.listen());
    await p.connect();
    const name = p.b.enter().getpeername(await accepted);
    expect(typeof name === 'object' && name.address.equals(A)).toBe(true);
  });
});
