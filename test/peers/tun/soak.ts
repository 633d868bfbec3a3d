/** `npm run soak:tun`: a gigabyte each way and 10,000 connections between the kernel and lastack, for minutes. */
import { createHash } from 'node:crypto';
import { TIME_WAIT } from '../../../src/tcp/state.ts';
import { pattern, until } from '../kit.ts';
import { LASTACK, noTun, openNet } from './net.ts';
import { serve, serveHttp } from './servers.ts';

const GIGABYTE = 1e9;
const why = noTun();
if (why !== null) {
  console.error(`soak:tun: ${why}`);
  process.exit(2);
}

for (const offload of [true, false]) {
  const net = await openNet({ offload });
  const { host } = net;
  const block = pattern(1_000_000, 21);
  const expected = createHash('sha256');
  for (let i = 0; i < GIGABYTE / block.length; i++) expected.update(block);
  const hash = expected.digest('hex');
  let put = '';
  serve(host, 8000, async fd => {
    for (let i = 0; i < GIGABYTE / block.length; i++) await host.send(fd, block);
  });
  serve(host, 8001, async fd => {
    const h = createHash('sha256');
    const buffer = new Uint8Array(1 << 18);
    for (let n = 1; n > 0; ) {
      n = await host.recvInto(fd, buffer);
      h.update(buffer.subarray(0, n));
    }
    put = h.digest('hex');
  });
  const timed = async (what: string, command: string, ok: (out: string) => boolean): Promise<void> => {
    const began = performance.now();
    const r = await net.exec('sh', ['-c', command], { timeout: 600_000 });
    const seconds = (performance.now() - began) / 1000;
    const rate = ((GIGABYTE * 8) / seconds / 1e9).toFixed(2);
    if (r.code !== 0 || !ok(r.out)) throw new Error(`${what}: code ${r.code} ${r.out} ${r.err}`);
    console.log(`offload ${offload ? 'on ' : 'off'} ${what}: whole by SHA-256, ${rate} Gbit/s`);
  };
  const to = (port: number): string => `TCP:${LASTACK[4]}:${port}`;
  await timed('1 GB from lastack', `socat -b 262144 -u ${to(8000)} - | sha256sum`, o => o.startsWith(hash));
  await timed(
    '1 GB to lastack',
    `socat -b 262144 -u ${to(8000)} - | socat -b 262144 -u - ${to(8001)}`,
    () => true,
  );
  await until(() => put === hash, 'the hash of what was put is right');
  serveHttp(host, 8002, pattern(1000));
  const ab = await net.exec('ab', ['-q', '-n', '10000', '-c', '100', `http://${LASTACK[4]}:8002/`], {
    timeout: 300_000,
  });
  if (!/^Complete requests: +10000$/m.test(ab.out) || !/^Failed requests: +0$/m.test(ab.out))
    throw new Error(ab.out);
  await until(async () => {
    const own = [...net.stack.tcp.connections()].filter(c => c.state !== TIME_WAIT);
    return own.length === 0 && (await net.kernelStates()).every(s => s === 'TIME-WAIT');
  }, 'nothing is left but TIME_WAITs');
  const waits = [...net.stack.tcp.timeWaits()].length;
  console.log(
    `offload ${offload ? 'on ' : 'off'} 10,000 connections: none failed, ${waits} in TIME_WAIT, no other left`,
  );
  await net.close();
}
process.exit(0);
