/**
 * A server for iperf3 on lastack: the protocol of esnet/iperf's `iperf_api.h`, TCP only. A control connection
 * begins with a cookie of 37 bytes; states are one byte, JSON has its length in four bytes before it.
 */
import { type BsdHost, SocketError } from '../../../src/api/bsd.ts';
import { serve } from './servers.ts';

const COOKIE = 37;
const TEST_START = 1;
const TEST_RUNNING = 2;
const TEST_END = 4;
const PARAM_EXCHANGE = 9;
const CREATE_STREAMS = 10;
const EXCHANGE_RESULTS = 13;
const DISPLAY_RESULTS = 14;
/** A client's parameters and results are a few kilobytes. */
const MAX_JSON = 1 << 20;

interface Session {
  readonly streams: number;
  readonly reverse: boolean;
  readonly size: number;
  readonly ready: (fd: number) => void;
  /** A stream takes part until this resolves. */
  readonly over: Promise<void>;
}

export function serveIperf(host: BsdHost, port: number): void {
  const sessions = new Map<string, Session>();
  serve(host, port, async fd => {
    const cookie = Buffer.from(await exactly(host, fd, COOKIE)).toString('latin1');
    const session = sessions.get(cookie);
    if (session === undefined) await control(host, fd, cookie, sessions);
    else {
      session.ready(fd);
      await session.over;
    }
  });
}

async function control(
  host: BsdHost,
  fd: number,
  cookie: string,
  sessions: Map<string, Session>,
): Promise<void> {
  const state = (n: number): Promise<number> => host.send(fd, Uint8Array.of(n));
  await state(PARAM_EXCHANGE);
  const params = (await readJson(host, fd)) as { parallel?: number; reverse?: boolean; len?: number };
  const fds: number[] = [];
  let end: () => void = () => {};
  const over = new Promise<void>(resolve => (end = resolve));
  await new Promise<void>(resolve => {
    const streams = params.parallel ?? 1;
    sessions.set(cookie, {
      streams,
      reverse: params.reverse === true,
      size: params.len ?? 131072,
      ready: child => {
        fds.push(child);
        if (fds.length === streams) resolve();
      },
      over,
    });
    void state(CREATE_STREAMS);
  });
  const { reverse, size } = sessions.get(cookie)!;
  await state(TEST_START);
  await state(TEST_RUNNING);
  const began = performance.now();
  let running = true;
  const counts = fds.map(() => 0);
  const flows = fds.map(async (child, i) => {
    const buffer = new Uint8Array(size);
    try {
      while (running) {
        const n = reverse ? await host.send(child, buffer) : await host.recvInto(child, buffer);
        if (n === 0) return;
        counts[i]! += n;
      }
    } catch (e) {
      if (!(e instanceof SocketError)) throw e;
    }
  });
  while ((await exactly(host, fd, 1))[0] !== TEST_END);
  await state(EXCHANGE_RESULTS);
  await readJson(host, fd);
  // Not before: a client that receives may be waiting for a whole block when it says that it has enough.
  running = false;
  const seconds = (performance.now() - began) / 1000;
  await writeJson(host, fd, {
    cpu_util_total: 0,
    cpu_util_user: 0,
    cpu_util_system: 0,
    sender_has_retransmits: 0,
    streams: counts.map((bytes, i) => ({
      id: i === 0 ? 1 : i + 2,
      bytes,
      retransmits: -1,
      jitter: 0,
      errors: 0,
      packets: 0,
      start_time: 0,
      end_time: seconds,
    })),
  });
  await state(DISPLAY_RESULTS);
  await exactly(host, fd, 1).catch(() => {});
  sessions.delete(cookie);
  end();
  await Promise.all(flows);
}

async function exactly(host: BsdHost, fd: number, n: number): Promise<Uint8Array> {
  const out = new Uint8Array(n);
  for (let at = 0; at < n; ) {
    const got = await host.recvInto(fd, out.subarray(at));
    if (got === 0) throw new SocketError('recv', 104, 'ended too soon');
    at += got;
  }
  return out;
}

async function readJson(host: BsdHost, fd: number): Promise<unknown> {
  const head = await exactly(host, fd, 4);
  const n = new DataView(head.buffer).getUint32(0);
  if (n > MAX_JSON) throw new SocketError('recv', 90, `${n} bytes of JSON`);
  return JSON.parse(Buffer.from(await exactly(host, fd, n)).toString());
}

async function writeJson(host: BsdHost, fd: number, value: unknown): Promise<void> {
  const text = Buffer.from(JSON.stringify(value));
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, text.length);
  await host.send(fd, head);
  await host.send(fd, text);
}
