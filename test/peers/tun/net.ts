import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { BsdHost } from '../../../src/api/bsd.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { NodeDriver, NodeLoop } from '../../../src/driver/node.ts';
import { openTun, runTunSetup, type TunLink, tunSetup } from '../../../src/link/tun/index.ts';
import { Stack } from '../../../src/stack/stack.ts';
import { missing, type Result, type RunOptions, run, which } from '../kit.ts';

/** The kernel's addresses on the device, and lastack's. */
export const KERNEL = { 4: '10.77.1.1', 6: 'fd77:1::1' } as const;
export const LASTACK = { 4: '10.77.1.2', 6: 'fd77:1::2' } as const;
export type Family = 4 | 6;

/** Why nothing here can run on this machine, or null. */
export function noTun(): string | null {
  if (process.platform !== 'linux') return 'TUN is of Linux';
  if (process.getuid?.() !== 0) return 'making network namespaces needs root';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return '/dev/net/tun is missing';
  }
  try {
    createRequire(import.meta.url).resolve('koffi');
  } catch {
    return 'the package koffi is not installed';
  }
  return missing('ip', 'nsenter', 'unshare');
}

/** Skips a test by name, with its reason, without TUN or one of the programs. */
export function needTun(ctx: { skip(note?: string): void }, ...programs: string[]): void {
  const reason = noTun() ?? missing(...programs);
  if (reason !== null) ctx.skip(reason);
}

/** A network namespace of its own. */
export interface Namespace {
  readonly pid: number;
  readonly path: string;
  /** Runs a program in the namespace to its end. */
  exec(program: string, args: readonly string[], options?: RunOptions): Promise<Result>;
  /** Starts one that is ended with the namespace. */
  start(program: string, args: readonly string[], stdio?: 'ignore' | 'pipe'): ChildProcess;
  close(): Promise<void>;
}

export async function openNamespace(): Promise<Namespace> {
  // It lives as long as this end of the pipe: also a test that dies leaves nothing behind.
  const keeper = spawn('unshare', ['-n', 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    keeper.once('error', reject);
    keeper.stdout.once('data', () => resolve());
    keeper.stdin.write('\n');
  });
  const pid = keeper.pid ?? 0;
  const path = `/proc/${pid}/ns/net`;
  const started: ChildProcess[] = [];
  const inside = (program: string, args: readonly string[]): string[] => [
    `--net=${path}`,
    which(program) ?? program,
    ...args,
  ];
  const space: Namespace = {
    pid,
    path,
    exec: (program, args, options) => run('nsenter', inside(program, args), options),
    start(program, args, stdio = 'ignore') {
      const child = spawn('nsenter', inside(program, args), { stdio });
      started.push(child);
      return child;
    },
    async close() {
      for (const child of started) child.kill('SIGKILL');
      keeper.stdin.end();
      await new Promise(resolve => keeper.once('exit', resolve));
    },
  };
  await space.exec('ip', ['link', 'set', 'lo', 'up']);
  return space;
}

export interface Host {
  readonly stack: Stack;
  readonly driver: NodeDriver;
  readonly host: BsdHost;
  readonly tun: TunLink;
}

/** lastack beside the kernel of a network namespace that is made for it. */
export interface Net extends Host, Pick<Namespace, 'pid' | 'exec' | 'start' | 'close'> {
  /** States of the kernel's TCP sockets, but for listeners. */
  kernelStates(): Promise<string[]>;
}

export interface NetOptions {
  readonly kind?: 'tun' | 'tap';
  readonly mtu?: number;
  readonly offload?: boolean;
  readonly gro?: boolean;
}

/** lastack at the other end of a new device in a namespace that is there. */
export function joinNamespace(namespace: string, o: NetOptions = {}): Host {
  const { kind = 'tun', mtu = 1500, offload = true, gro = true } = o;
  const loop = new NodeLoop();
  const tun = openTun({ kind, name: 't0', mtu, offload, gro, namespace, clock: loop });
  runTunSetup(tunSetup({ name: 't0', namespace, addresses: [`${KERNEL[4]}/24`, `${KERNEL[6]}/64`], mtu }));
  const stack = new Stack({ random: seededRandom(`${process.pid} ${Date.now()}`), start: loop.now() });
  const ifc = stack.addInterface({ name: 'tun0', medium: tun.medium, mtu: tun.mtu, ...tun.offloads });
  ifc.addAddress(`${LASTACK[4]}/24`);
  ifc.addAddress(`${LASTACK[6]}/64`);
  const driver = new NodeDriver(stack, loop);
  driver.attach(ifc, tun);
  return { stack, driver, host: new BsdHost(driver), tun };
}

export async function openNet(o: NetOptions = {}): Promise<Net> {
  const space = await openNamespace();
  const host = joinNamespace(space.path, o);
  return {
    ...host,
    pid: space.pid,
    exec: space.exec,
    start: space.start,
    async kernelStates() {
      const { out } = await space.exec('ss', ['-tanHO']);
      return out
        .split('\n')
        .map(l => l.split(/\s+/)[0]!)
        .filter(s => s !== '' && s !== 'LISTEN');
    },
    async close() {
      await host.driver.close(200_000);
      await space.close();
    },
  };
}
