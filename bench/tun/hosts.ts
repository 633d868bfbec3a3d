import { type ChildProcess, fork } from 'node:child_process';
import { end } from '../../test/peers/kit.ts';
import { serveIperf } from '../../test/peers/tun/iperf.ts';
import { joinNamespace, LASTACK, openNamespace } from '../../test/peers/tun/net.ts';
import { serve, serveHttp } from '../../test/peers/tun/servers.ts';
import { must } from '../harness.ts';
import { EMPTY, EMPTY_DEVICE, type EmptyKind, openEmpty } from './empty.ts';
import { DISCARD, type Place, SOURCE } from './programs.ts';

/**
 * Hosts of user space, each in a process of its own as in life: what V8 learns of one slows the others else (by up to a
 * third in two runs, of which that in one process fell into a slower spell of the machine, too).
 */
export type HostKind = 'offload' | 'no-offload' | EmptyKind;

export interface HostProcess extends Place {
  /** Processor time that it has used, in microseconds. */
  cpu(): Promise<number>;
  close(): Promise<void>;
}

export async function startHost(kind: HostKind): Promise<HostProcess> {
  const space = await openNamespace();
  // This very program, which is also that of the hosts.
  const child = fork(process.argv[1]!, ['--host', kind, space.path]);
  must((await answer(child)) === 'ready', `the host ${kind}`);
  const empty = kind !== 'offload' && kind !== 'no-offload';
  return {
    name: empty ? `empty, ${kind}` : kind,
    space,
    address: empty ? EMPTY : LASTACK[4],
    device: empty ? EMPTY_DEVICE : 't0',
    async cpu() {
      child.send('cpu');
      return Number(await answer(child));
    },
    async close() {
      await end(child, 'SIGKILL');
      await space.close();
    },
  };
}

const answer = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('a host has ended'));
    child.once('exit', gone);
    child.once('message', message => {
      child.off('exit', gone);
      resolve(message);
    });
  });

/** In the host's own process. */
export function runHost(kind: HostKind, namespace: string): void {
  if (kind === 'offload' || kind === 'no-offload') runLastack(kind === 'offload', namespace);
  else openEmpty(kind, namespace);
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send!(user + system);
  });
  process.on('disconnect', () => process.exit());
  process.send!('ready');
}

function runLastack(offload: boolean, namespace: string): void {
  const { host } = joinNamespace(namespace, { offload });
  serveIperf(host, 5201);
  serveHttp(host, 80, new Uint8Array(1024));
  serve(host, DISCARD, async fd => {
    const buffer = new Uint8Array(1 << 17);
    while ((await host.recvInto(fd, buffer)) > 0);
  });
  serve(host, SOURCE, async fd => {
    const buffer = new Uint8Array(1 << 17);
    for (;;) await host.send(fd, buffer);
  });
}
