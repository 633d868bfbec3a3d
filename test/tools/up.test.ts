import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PACKET_TCP, Packet } from '../../src/link/packet.ts';
import { main } from '../../src/tools/cli/main.ts';
import { unpainted } from '../../src/tools/cli/paint.ts';
import { traceCommand } from '../../src/tools/trace/command.ts';
import { upCommand } from '../../src/tools/up/command.ts';
import { DIRECTION_IN, DIRECTION_OUT, readCapture } from '../../src/wire/pcapng.ts';
import { OK } from '../../src/wire/reason.ts';
import { Segment } from '../../src/wire/segment.ts';
import { decodeTcp } from '../../src/wire/tcp.ts';
import { atEnd, until } from './gateway-kit.ts';
import { type TestIo, testIo } from './io.ts';

const COMMANDS = [upCommand, traceCommand].map(c => ({
  name: c.name,
  summary: c.summary,
  load: async () => c,
}));

function directory(): string {
  const d = mkdtempSync(join(tmpdir(), 'lk-'));
  atEnd(async () => rmSync(d, { recursive: true, force: true }));
  return d;
}

/** `lastack up` in this process. */
async function up(
  tty: boolean,
  ...argv: string[]
): Promise<{ io: TestIo; port: number; stop: () => Promise<number> }> {
  const io = testIo({ LASTACK_RUNTIME_DIR: directory() }, tty);
  const done = main(['up', '--port', '0', '--lab', 'off', ...argv], io, COMMANDS);
  const stop = async (): Promise<number> => {
    io.stop();
    return done;
  };
  atEnd(stop);
  const where = /127\.0\.0\.1:(\d+)/;
  await until(() => where.test(io.output) || io.errors !== '', 'it says where it listens');
  return { io, port: Number(where.exec(io.output)?.[1]), stop };
}

const fetchPage = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path: '/hello', agent: false }, r => {
      let body = '';
      r.on('data', d => (body += d)).on('end', () => resolve(body));
    }).on('error', reject);
  });

describe('lastack up', () => {
  test('makes a request of its own and prints the whole life of its connection, phase by phase', async () => {
    const began = performance.now();
    const { io, stop } = await up(false);
    await until(() => io.output.includes('── Waiting'), 'the life is printed', 10_000);
    expect(performance.now() - began).toBeLessThan(10_000);
    for (const part of [
      'try: curl http://127.0.0.1:',
      '── Opening',
      '── Talking',
      '── Closing',
      'SYN_SENT',
      'SYN_RECV',
      'ESTABLISHED',
      'FIN_WAIT_1',
      'CLOSE_WAIT',
      'FIN_WAIT_2',
      'LAST_ACK',
      'TIME_WAIT',
    ]) {
      expect(io.output).toContain(part);
    }
    expect(await stop()).toBe(0);
    expect(io.output).toContain('no connection is open, in TIME_WAIT: A 0, B 1');
    expect(io.output).not.toContain('\x1b');
  });

  test('shows a lost FIN in the life it prints', async () => {
    const { io } = await up(false, '--drop', 'B FIN 1');
    await until(() => io.output.includes('── Waiting'), 'the life is printed', 10_000);
    expect(io.output).toContain("B's FIN was sent 2 times (1 lost)");
    expect(io.output).toContain('drop B FIN 1 ✗');
  });

  test('writes a plain line for each connection when there is no terminal', async () => {
    const { io, port, stop } = await up(false, '--no-demo');
    expect(await fetchPage(port)).toBe('Hello from host B.\n');
    await until(() => io.output.includes('#1 '), 'a line is written');
    expect(io.output).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}#1 127\.0\.0\.1:\d+ → page: \d+ bytes in, \d+ out, [\d.]+ m?s, closed \(A CLOSED, B TIME_WAIT\)$/m,
    );
    await stop();
    expect(io.output).toContain('1 connections carried, 0 failed.');
  });

  test('draws on a terminal, and cleans up after itself', async () => {
    const { io, port, stop } = await up(true, '--no-demo');
    await fetchPage(port);
    await until(() => unpainted(io.output).includes('#1  127.0.0.1'), 'the table shows it');
    await stop();
    expect(io.output).toContain('\x1b[?25l');
    expect(io.output.lastIndexOf('\x1b[?25h')).toBeGreaterThan(io.output.lastIndexOf('\x1b[?25l'));
  });

  test('captures of both hosts are sound, with a comment on what was lost', async () => {
    const dir = join(directory(), 'traces');
    const { port, stop } = await up(false, '--no-demo', '--drop', 'B FIN 1', '--capture', dir);
    await fetchPage(port);
    await new Promise(resolve => setTimeout(resolve, 400));
    await stop();
    expect(readdirSync(dir).sort()).toEqual(['A.pcapng', 'B.pcapng']);
    for (const name of ['A', 'B']) {
      const capture = readCapture(readFileSync(join(dir, `${name}.pcapng`)));
      expect(capture.errors).toEqual([]);
      expect(capture.interfaces[0]!.name).toBe(`host ${name}`);
      const packet = new Packet();
      let last = 0;
      for (const p of capture.packets) {
        expect(packet.readBytes(p.bytes, p.at, p.end, 'ip')).toBe(PACKET_TCP);
        const outgoing = packet.segment.source.toString().startsWith(name === 'A' ? '10.77.' : '10.78.');
        expect(p.direction).toBe(outgoing ? DIRECTION_OUT : DIRECTION_IN);
        const s = new Segment();
        s.source.assign(packet.segment.source);
        s.destination.assign(packet.segment.destination);
        expect(decodeTcp(p.bytes, packet.transportAt, p.end, s)).toBe(OK);
        expect(p.micros).toBeGreaterThanOrEqual(last);
        last = p.micros;
        expect(Math.abs(p.micros / 1e6 - Date.now() / 1000)).toBeLessThan(60);
      }
      const comments = capture.packets.map(p => p.comment).filter(Boolean);
      expect(comments).toEqual(name === 'B' ? ['lost: drop B FIN 1'] : []);
      const io = testIo();
      expect(await main(['trace', join(dir, `${name}.pcapng`)], io, COMMANDS)).toBe(0);
      for (const part of ['SYN_SENT', 'SYN_RECV', 'CLOSE_WAIT', 'LAST_ACK', 'FIN_WAIT_2', 'TIME_WAIT'])
        expect(io.output).toContain(part);
      if (name === 'B') expect(io.output).toContain('drop B FIN 1 ✗');
    }
  });

  test('says what to do when it can not start', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    atEnd(async () => taken.close());
    const port = (taken.address() as AddressInfo).port;
    const run = async (...argv: string[]): Promise<[number, string]> => {
      const io = testIo({ LASTACK_RUNTIME_DIR: directory() });
      return [await main(['up', ...argv], io, COMMANDS), io.errors];
    };
    expect(await run('--port', String(port))).toEqual([
      4,
      expect.stringContaining(`choose another port: --port ${port + 1}`),
    ]);
    expect(await run('--port', '0', '--socks', String(port))).toEqual([
      4,
      expect.stringContaining('--socks'),
    ]);
    expect(await run('--port', '0', '--metrics', String(port))).toEqual([
      4,
      expect.stringContaining('--metrics'),
    ]);
    expect(await run('--listen', '203.0.113.7')).toEqual([
      4,
      expect.stringContaining('no address of this machine'),
    ]);
    expect(await run('--listen', 'no-such-host.invalid')).toEqual([
      4,
      expect.stringContaining('no such host'),
    ]);
    expect(await run('--loss', 'much')).toEqual([2, expect.stringContaining('2%')]);
    expect(await run('--to', 'no-such-host.invalid:80')).toEqual([
      4,
      expect.stringContaining('no such host: no-such-host.invalid'),
    ]);
    const file = join(directory(), 'file');
    writeFileSync(file, '');
    expect(await run('--capture', join(file, 'sub'))).toEqual([4, expect.stringContaining('--capture')]);
  });

  test('serves metrics on a port of their own', async () => {
    const { io, stop } = await up(false, '--no-demo', '--metrics', '0');
    const url = /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(io.output)![0];
    const answer = await fetch(url);
    expect(answer.headers.get('content-type')).toContain('version=0.0.4');
    expect(await answer.text()).toContain('lastack_tcp_sockets{host="B",state="LISTEN"} 1');
    expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404);
    await stop();
    await expect(fetch(url)).rejects.toThrow();
  });

  test('says where the lab is, or why there is none', async () => {
    const { io } = await up(false, '--no-demo', '--lab', '0');
    expect(io.output).toMatch(
      /^ {2}http:\/\/127\.0\.0\.1:\d+\/ {3}the lab: |^ {2}no lab: its page is not built/m,
    );
    const none = await up(false, '--no-demo');
    expect(none.io.output).not.toMatch(/\blab:/);
    const wrong = testIo({ LASTACK_RUNTIME_DIR: directory() });
    expect(await main(['up', '--port', '0', '--lab', 'on'], wrong, COMMANDS)).toBe(2);
    expect(wrong.errors).toContain('--lab');
  });

  test('leaves no control socket behind', async () => {
    const dir = directory();
    const io = testIo({ LASTACK_RUNTIME_DIR: dir });
    const done = main(['up', '--port', '0', '--lab', 'off', '--no-demo'], io, COMMANDS);
    await until(() => existsSync(join(dir, `${process.pid}.sock`)), 'the socket is there');
    io.stop();
    expect(await done).toBe(0);
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('lastack trace FILE', () => {
  test('says what is wrong with a file', async () => {
    const run = async (...argv: string[]): Promise<[number, string]> => {
      const io = testIo();
      return [await main(['trace', ...argv], io, COMMANDS), io.errors];
    };
    const dir = directory();
    expect(await run(join(dir, 'none.pcap'))).toEqual([4, expect.stringContaining('no such file')]);
    expect(await run(dir)).toEqual([4, expect.stringContaining('is a directory')]);
    const odd = join(dir, 'odd\x1b[31m.pcap');
    writeFileSync(odd, 'this is no capture at all');
    const [code, text] = await run(odd);
    expect([code, text]).toEqual([1, expect.stringContaining('neither a pcapng nor a pcap file')]);
    expect(text).not.toContain('\x1b');
    expect(await run()).toEqual([2, expect.stringContaining('one source is expected')]);
    expect(await run('x', '--format', 'xml')).toEqual([2, expect.stringContaining('ladder, table, json')]);
  });
});
