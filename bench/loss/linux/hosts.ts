import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { gunzipSync } from 'node:zlib';
import { type Namespace, openNamespace } from '../../../test/peers/tun/net.ts';
import type { FlowReport, Port, RelayCommand } from './relay.ts';
import { FIRST_CLIENT_PORT } from './segment.ts';

// From the top of the clone: a compiled program lies elsewhere.
const HOSTS = 'bench/loss/linux/hosts.py';

export const CLIENT = '10.79.1.1';
export const SERVER = '10.79.2.1';

/** Set in both namespaces; all else is as the kernel has it. */
const SYSCTLS: Readonly<Record<string, string>> = {
  // Each run begins without what the last one has learnt.
  'net.ipv4.tcp_no_metrics_save': '1',
  'net.ipv4.ip_local_port_range': `${FIRST_CLIENT_PORT} 60999`,
  'net.ipv6.conf.all.disable_ipv6': '1',
};
const TOLD = [
  'tcp_no_metrics_save',
  'tcp_rmem',
  'tcp_wmem',
  'tcp_timestamps',
  'tcp_sack',
  'tcp_dsack',
  'tcp_recovery',
  'tcp_early_retrans',
  'tcp_frto',
  'tcp_ecn',
  'tcp_reordering',
  'tcp_moderate_rcvbuf',
  'tcp_window_scaling',
  'tcp_slow_start_after_idle',
  'tcp_adv_win_scale',
];

export const addressNumber = (text: string): number =>
  text.split('.').reduce((n, part) => n * 256 + Number(part), 0);

/** A child process that is spoken to in JSON lines. */
export class Lines<Told, Command extends object = object> {
  readonly child: ChildProcess;
  ontold: ((told: Told) => void) | null = null;
  private ending = false;

  constructor(child: ChildProcess, what: string) {
    this.child = child;
    createInterface({ input: child.stdout! }).on('line', line => this.ontold?.(JSON.parse(line) as Told));
    child.stderr?.pipe(process.stderr);
    child.stdin!.on('error', () => {});
    child.once('exit', code => {
      if (this.ending) return;
      console.error(`${what} ended with ${code}`);
      process.exit(1);
    });
  }

  tell(what: Command): void {
    this.child.stdin!.write(`${JSON.stringify(what)}\n`);
  }

  /** Whatever it does, it ends once its input has. */
  end(): void {
    this.ending = true;
    this.child.stdin!.end();
  }
}

export type HostTold =
  | { readonly listening: number }
  | { readonly connected: number; readonly took: number; readonly at: number }
  | { readonly done: number; readonly at: number; readonly info: Info }
  | { readonly closed: number; readonly info: Info }
  | { readonly counted: number; readonly bytes: number }
  | { readonly failed: number; readonly why: string };

/** Of Linux's struct tcp_info. */
export type Info = Readonly<
  Partial<
    Record<
      'rtt' | 'min_rtt' | 'reordering' | 'total_retrans' | 'dsack_dups' | 'rcv_ooopack' | 'total_rto',
      number
    >
  >
>;

export interface Hosts {
  readonly client: Lines<HostTold>;
  readonly server: Lines<HostTold>;
  readonly relay: Lines<FlowReport, RelayCommand>;
  close(): Promise<void>;
}

/** Gives a namespace the device that the relay has opened in it. */
export async function setUp(space: Namespace, address: string): Promise<void> {
  const must = async (program: string, args: string[]): Promise<void> => {
    const r = await space.exec(program, args);
    if (r.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${r.err}`);
  };
  for (const [name, value] of Object.entries(SYSCTLS)) await must('sysctl', ['-qw', `${name}=${value}`]);
  await must('ip', ['addr', 'add', `${address}/32`, 'dev', 'wire']);
  // The wire's queue is the relay's; this one only holds what it has not read yet.
  await must('ip', ['link', 'set', 'wire', 'txqueuelen', '10000', 'up']);
  await must('ip', ['route', 'add', 'default', 'dev', 'wire', 'src', address]);
}

/**
 * A process of its own that runs this same program with other arguments, in real time whatever else the machine
 * does. Its first line says that it is ready.
 */
export function startSelf<Told, Command extends object>(
  ...args: readonly string[]
): Promise<Lines<Told, Command>> {
  const command = ['-f', '10', process.execPath, process.argv[1]!, ...args];
  const self = new Lines<Told, Command>(
    spawn('chrt', command, { stdio: ['pipe', 'pipe', 'inherit'] }),
    args[0]!,
  );
  return new Promise(resolve => {
    self.ontold = () => resolve(self);
  });
}

/** The relay between these devices, which it makes. */
export const startRelay = (ports: readonly Port[]): Promise<Lines<FlowReport, RelayCommand>> =>
  startSelf('--relay', JSON.stringify(ports));

export const python = (space: Namespace): Lines<HostTold> =>
  new Lines(space.start('chrt', ['-r', '5', 'python3', HOSTS], 'pipe'), HOSTS);

/** Two Linux hosts and the relay between them. */
export async function openHosts(): Promise<Hosts> {
  const spaces = [await openNamespace(), await openNamespace()] as const;
  const relay = await startRelay([
    { namespace: spaces[0].path, address: addressNumber(CLIENT) },
    { namespace: spaces[1].path, address: addressNumber(SERVER) },
  ]);
  await setUp(spaces[0], CLIENT);
  await setUp(spaces[1], SERVER);
  const client = python(spaces[0]);
  const server = python(spaces[1]);
  return {
    client,
    server,
    relay,
    async close() {
      for (const lines of [client, server, relay]) lines.end();
      for (const space of spaces) await space.close();
    },
  };
}

/** The sysctls that matter here, as they are in the namespaces. */
export async function sysctls(): Promise<Record<string, string>> {
  const space = await openNamespace();
  const told: Record<string, string> = {};
  for (const name of TOLD) {
    const { out } = await space.exec('sysctl', ['-n', `net.ipv4.${name}`]);
    told[name] = SYSCTLS[`net.ipv4.${name}`] ?? out.trim().replaceAll('\t', ' ');
  }
  await space.close();
  return told;
}

/** Ticks per second of the kernel's timers (its TCP counts retransmission in them); null if it does not say. */
export function hz(): number | null {
  try {
    const found = /^CONFIG_HZ=(\d+)$/m.exec(gunzipSync(readFileSync('/proc/config.gz')).toString());
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}
