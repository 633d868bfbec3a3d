import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUp, missing, pause } from '../../test/peers/kit.ts';
import { noTun, openNamespace } from '../../test/peers/tun/net.ts';
import { emptyReader, gateway, tun } from '../book/beside-linux.ts';
import { blocksOf, origin, writeBook } from '../book/book.ts';
import { verdicts } from '../book/compared.ts';
import { verdictLine } from '../book/markdown.ts';
import { type Figure, figure, figureLine, interleave, machine, machineLine, type Side } from '../harness.ts';
import { type Options, options } from '../options.ts';
import { gatewaySides, plainProxy } from './gateway.ts';
import { type HostKind, type HostProcess, runHost, startHost } from './hosts.ts';
import { bulk, DISCARD, iperf, lives, type Place, rtt, SOURCE } from './programs.ts';

/**
 * lastack beside the Linux kernel: what a program of the kernel's gets from lastack over TUN, beside what it gets
 * from another kernel over veth; without offload also beside an empty reader and writer of the device; and the
 * gateway beside a plain proxy.
 */
const USAGE = `npm run bench:tun [-- options]

Measures lastack on TUN devices beside the Linux kernel, half a dozen minutes.

  --write    puts the tables into BENCHMARKS.md
  --json     one JSON object instead of lines
  --quick    one short round each, figures of no worth
  --help     this text

Needs root, /dev/net/tun, iperf3, ab, nginx, ping; socat and wrk for parts of it.`;
if (process.argv[2] === '--plain-proxy') plainProxy(process.argv[3]!);
else if (process.argv[2] === '--host') runHost(process.argv[3] as HostKind, process.argv[4]!);
else {
  const asked = options(USAGE);
  const why = noTun() ?? missing('iperf3', 'ab', 'nginx', 'ping');
  if (why !== null) {
    console.error(`bench:tun: ${why}`);
    process.exit(2);
  }
  const folder = mkdtempSync(join(tmpdir(), 'lastack-bench-'));
  try {
    await main(folder, asked);
  } finally {
    await cleanUp();
    rmSync(folder, { recursive: true, force: true });
  }
  process.exit(0);
}

async function main(folder: string, { quick, json, write }: Options): Promise<void> {
  const rounds = quick ? 1 : 5;
  const seconds = quick ? 1 : 2;
  const [noSocat, noWrk] = [missing('socat'), missing('wrk')];
  const figures: Figure[] = [];
  const skipped: string[] = [];
  /** The others as shares of the first. */
  const add = (more: readonly Figure[], shares = true): Figure[] => {
    figures.push(...more);
    for (const f of json ? [] : more) {
      const share = shares ? `   ${(f.median / more[0]!.median).toFixed(2)}` : '';
      console.log(`${figureLine(f)}${share}`);
    }
    return [...more];
  };
  const m = machine();
  const load = loadavg()[0]!.toFixed(1);
  if (!json) console.log(`${machineLine(m)}, load average ${load}`);

  const near = await openNamespace();
  const far = await openNamespace();
  const PEER = '10.78.1.2';
  const link = ['link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', `${far.pid}`];
  await near.exec('ip', link);
  await near.exec('ip', ['addr', 'add', '10.78.1.1/24', 'dev', 'v0']);
  await near.exec('ip', ['link', 'set', 'v0', 'up']);
  await far.exec('ip', ['addr', 'add', `${PEER}/24`, 'dev', 'v1']);
  await far.exec('ip', ['link', 'set', 'v1', 'up']);
  far.start('iperf3', ['-s']);
  // One worker, as lastack has one thread; 1 KB, a connection for each request.
  const conf = join(folder, 'nginx.conf');
  writeFileSync(
    conf,
    `daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log /dev/null;
events { worker_connections 1024; } http { access_log off; server { listen 80; return 200 "${'x'.repeat(1024)}"; } }`,
  );
  far.start('nginx', ['-e', '/dev/null', '-c', conf]);

  const offload = await startHost('offload');
  const bare = await startHost('no-offload');
  const linux: Place = { name: 'linux', space: near, address: PEER, device: 'v0' };
  const sides = (places: readonly Place[], work: (p: Place) => Promise<number>): Side[] =>
    places.map(p => ({ name: p.name, run: () => work(p) }));
  const all = [linux, offload, bare];
  await pause(500);
  try {
    for (const [name, reverse] of [
      ['to the server', false],
      ['from the server', true],
    ] as const) {
      const work = (p: Place): Promise<number> => iperf(p, seconds, reverse);
      add(await interleave(name, 'Gbit/s', sides(all, work), rounds));
    }
    if (noSocat !== null) skipped.push(`the empty reader and writer: ${noSocat}`);
    else {
      const empty: HostProcess[] = [];
      for (const kind of ['batched', 'touched', 'single'] as const) empty.push(await startHost(kind));
      try {
        for (const [name, port] of [
          ['socat to', DISCARD],
          ['socat from', SOURCE],
        ] as const) {
          const work = (p: Place): Promise<number> => bulk(p, seconds, port);
          add(await interleave(name, 'Gbit/s', sides([...empty, bare], work), rounds));
        }
      } finally {
        for (const host of empty) await host.close();
      }
    }
    const requests = quick ? 500 : 5000;
    add(
      await interleave(
        'lives',
        'connections/s',
        sides(all, p => lives(p, requests)),
        rounds,
      ),
    );
    const pings = quick ? 50 : 200;
    const echo = await startHost('batched');
    const [base, ...others] = add(
      await interleave(
        'ping',
        'us',
        sides([...all, echo], p => rtt(p, pings, folder)),
        rounds,
      ),
    );
    await echo.close();
    const more = others.map(f =>
      figure(
        'ping, added',
        f.side,
        'us',
        f.values.map((v, i) => v - base!.values[i]!),
      ),
    );
    add(more, false);
    const idle: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const used = async (): Promise<number> => (await offload.cpu()) + (await bare.cpu());
      const [before, began] = [await used(), performance.now()];
      await pause(3000);
      idle.push(((await used()) - before) / 10 / (performance.now() - began));
    }
    add([figure('two idle hosts', 'lastack', '% of a core', idle)], false);
  } finally {
    await Promise.all([offload.close(), bare.close(), near.close(), far.close()]);
  }
  if (noWrk !== null) skipped.push(`the gateway: ${noWrk}`);
  else add(await interleave('gateway', 'requests/s', await gatewaySides(folder, quick ? 2 : 4), rounds));
  for (const s of json ? [] : skipped) console.log(`skipped: ${s}`);
  if (json) console.log(JSON.stringify({ machine: m, loadAverage: Number(load), figures, skipped }, null, 2));
  const tables = [
    tun(figures),
    ...(noSocat === null ? [emptyReader(figures)] : []),
    ...(noWrk === null ? [gateway(figures)] : []),
  ];
  if (!json && !quick) for (const v of tables.flatMap(t => verdicts(t.rows))) console.log(verdictLine(v));
  if (write) writeBook(origin(m, `load average ${load}, medians of ${rounds} rounds`), blocksOf(tables));
}
