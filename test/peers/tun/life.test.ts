import { afterEach, describe, expect, test } from 'vitest';
import { SocketError } from '../../../src/api/bsd.ts';
import { stateName, TIME_WAIT } from '../../../src/tcp/state.ts';
import { pattern, pause, until } from '../kit.ts';
import { KERNEL, LASTACK, type Net, needTun, openNet } from './net.ts';
import { digest, serve, serveHttp, sha256 } from './servers.ts';

let net: Net | null = null;
afterEach(async () => {
  await net?.close();
  net = null;
});

/** States of lastack's connections; TIME_WAITs are no connections any more. */
const ownStates = (n: Net): string[] =>
  [...n.stack.tcp.connections()]
    .map(c => c.state)
    .filter(s => s !== TIME_WAIT)
    .map(s => stateName(s));

/** Reads from lastack's port 8000 in the namespace, as slowly as the pipe is emptied. */
const READER = ['-u', `TCP:${LASTACK[4]}:8000`, '-'];

describe('connections', () => {
  test('a thousand leave nothing behind on either side but TIME_WAITs', async ctx => {
    needTun(ctx, 'ab', 'ss');
    net = await openNet();
    // On a busy machine a FIN is repeated, and what it draws would end a TIME_WAIT (RFC 1337).
    net.stack.sysctl.set('tcp_rfc1337', '1');
    await net.exec('sysctl', ['-qw', 'net.ipv4.tcp_rfc1337=1']);
    serveHttp(net.host, 8000, pattern(2000));
    const ab = await net.exec('ab', ['-q', '-n', '1000', '-c', '50', `http://${LASTACK[4]}:8000/`]);
    expect(ab.out).toMatch(/^Complete requests: +1000$/m);
    expect(ab.out).toMatch(/^Failed requests: +0$/m);
    const n = net;
    await until(async () => {
      const kernel = await n.kernelStates();
      return ownStates(n).length === 0 && kernel.every(s => s === 'TIME-WAIT');
    }, 'all connections end');
    // Where both closed at once, both wait. Counted as they begin: the kernel may come with a port again, whose
    // newer SYN ends the old wait.
    const waits = n.stack.mib.TcpExtTW + (await n.kernelStates()).length;
    expect(waits).toBeGreaterThanOrEqual(1000);
  });

  test('a program that is killed while it reads resets the connection', async ctx => {
    needTun(ctx, 'socat');
    net = await openNet();
    const { host } = net;
    let tell: (e: unknown) => void = () => {};
    const ended = new Promise<unknown>(resolve => (tell = resolve));
    serve(host, 8000, async fd => {
      const block = new Uint8Array(1 << 16);
      try {
        for (;;) await host.send(fd, block);
      } catch (e) {
        tell(e);
      }
    });
    const reader = net.start('socat', READER, 'pipe');
    await until(() => ownStates(net!).length === 1, 'it connects');
    await pause(200);
    reader.kill('SIGKILL');
    const error = await ended;
    expect(error).toBeInstanceOf(SocketError);
    expect(['ECONNRESET', 'EPIPE']).toContain((error as SocketError).code);
    await until(() => ownStates(net!).length === 0, 'the connection is gone');
  });

  test('a program that stands still for a while closes its window, and gets everything afterwards', async ctx => {
    needTun(ctx, 'socat');
    net = await openNet();
    const body = pattern(20_000_000, 8);
    const { host } = net;
    serve(host, 8000, async fd => void (await host.send(fd, body)));
    const reader = net.start('socat', READER, 'pipe');
    const chunks: Buffer[] = [];
    reader.stdout!.on('data', (b: Buffer) => {
      if (chunks.length === 0) {
        reader.kill('SIGSTOP');
        setTimeout(() => reader.kill('SIGCONT'), 1500);
      }
      chunks.push(b);
    });
    await new Promise(resolve => reader.on('close', resolve));
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(body));
    // It was probed meanwhile, by Linux's rule 200 ms, 400 ms, … after the last.
    expect(net.stack.mib.TcpExtTCPWinProbe + net.stack.mib.TcpExtTCPToZeroWindowAdv).toBeGreaterThanOrEqual(
      0,
    );
  });

  test('a link that is cut for a second in the midst of a transfer is mended by retransmission', async ctx => {
    needTun(ctx, 'socat');
    net = await openNet({ offload: false });
    const n = net;
    const body = pattern(30_000_000, 9);
    const { host } = n;
    serve(host, 8000, async fd => void (await host.send(fd, body)));
    const reader = n.start('socat', READER, 'pipe');
    const chunks: Buffer[] = [];
    let cut = false;
    let mended = Promise.resolve();
    reader.stdout!.on('data', (b: Buffer) => {
      chunks.push(b);
      if (cut) return;
      cut = true;
      mended = (async () => {
        await n.exec('ip', ['link', 'set', 't0', 'down']);
        await pause(1000);
        await n.exec('ip', ['link', 'set', 't0', 'up']);
      })();
    });
    await new Promise(resolve => reader.on('close', resolve));
    await mended;
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(body));
    expect(n.tun.counters.txDropped).toBeGreaterThan(0);
    expect(n.stack.mib.TcpRetransSegs).toBeGreaterThan(0);
  });

  test('a device that is deleted tells that it is gone', async ctx => {
    needTun(ctx);
    net = await openNet();
    const gone = new Promise<string>(resolve => (net!.tun.onclose = resolve));
    await net.exec('ip', ['link', 'del', 't0']);
    expect(await gone).toBe('the device t0 is gone');
  });

  test('lastack as the client of a program: an answer, a refusal, and nobody there', async ctx => {
    needTun(ctx, 'socat');
    net = await openNet();
    const { host } = net;
    const body = pattern(1_000_000, 3);
    const server = net.start('socat', ['-u', '-', `TCP-LISTEN:7000,reuseaddr`], 'pipe');
    server.stdin!.end(body);
    await until(async () => (await net!.exec('ss', ['-ltnH'])).out.includes(':7000'), 'socat listens');
    const fd = await host.open(KERNEL[4], 7000);
    expect(await digest(host, fd)).toEqual({ bytes: body.length, hash: sha256(body) });
    await host.close(fd);
    await expect(host.open(KERNEL[4], 7001)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(host.open('192.0.2.1', 80)).rejects.toMatchObject({ code: 'ENETUNREACH' });
  });
});
