import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readlinkSync, readSync, rmSync, writeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { parseAddress } from '../../../src/base/address.ts';
import { openTun, type TunLink } from '../../../src/link/tun/index.ts';
import type { OptionInput } from '../../../src/socket/option.ts';
import type { SocketName } from '../../../src/socket/socket.ts';
import { ADDRESS } from '../../lifecycle/golden/stage.ts';
import type { HostName } from '../../lifecycle/golden/timeline.ts';
import type { Calls, StateChange } from './calls.ts';

// From the top of the clone: a compiled program lies elsewhere.
const HELPER = 'test/peers/linux/helper.py';

type Helper = ChildProcessByStdio<Writable, null, null>;
type Told = ['ready', number] | ['state', number, number, number, string] | ['done', number, Plain];
type Plain = number | readonly [string, ...unknown[]];

let helper: Helper | null = null;

/** The process that all hosts are children of: so each need not wait until Python has started. */
function theHelper(): Helper {
  if (helper !== null) return helper;
  // In real time, whatever else the machine does, as when the timelines were measured; children inherit it.
  const thread = readlinkSync('/proc/thread-self').split('/').at(-1)!;
  spawnSync('chrt', ['-r', '-p', '5', thread], { stdio: 'ignore' });
  helper = spawn('python3', [HELPER], { stdio: ['pipe', 'ignore', 'inherit'] });
  helper.stdin.on('error', () => {});
  helper.unref();
  (helper.stdin as Writable & Partial<Socket>).unref?.();
  return helper;
}

/** A Linux kernel in a network namespace of its own, with a TUN device as its end of the wire. */
export class KernelHost implements Calls {
  readonly link: TunLink;
  onstate: StateChange | null = null;
  private readonly channel: Socket;
  private readonly requests: number;
  private readonly replies: number;
  private readonly directory: string;
  private readonly waiting = new Map<number, (value: Plain) => void>();
  private next = 0;
  private readonly ended: Promise<void>;
  private readonly buffer = Buffer.alloc(1 << 20);

  private constructor(channel: Socket, directory: string, link: TunLink) {
    this.channel = channel;
    this.directory = directory;
    this.link = link;
    // A FIFO that is open both ways never ends and never makes the opening wait.
    this.requests = openSync(join(directory, 'requests'), 'r+');
    this.replies = openSync(join(directory, 'replies'), 'r+');
    this.ended = new Promise(resolve => channel.once('close', () => resolve()));
  }

  static async start(name: HostName): Promise<KernelHost> {
    const directory = mkdtempSync(join(tmpdir(), 'lastack-linux-'));
    const server = createServer();
    server.listen(join(directory, 'socket'));
    await once(server, 'listening');
    theHelper().stdin.write(`${directory}\n`);
    const [channel] = (await once(server, 'connection')) as [Socket];
    server.close();
    channel.on('error', () => {});
    const lines = createInterface({ input: channel });
    const [first] = (await once(lines, 'line')) as [string];
    const [, pid] = JSON.parse(first) as [string, number];
    const namespace = `/proc/${pid}/ns/net`;
    const link = openTun({ kind: 'tun', name: 'tun0', offload: false, gro: false, namespace });
    const host = new KernelHost(channel, directory, link);
    lines.on('line', line => host.told(JSON.parse(line) as Told));
    // Not by `runTunSetup`, which would keep the other experiments of this process waiting.
    if ((await host.later('device', `${ADDRESS[name]}/24`)) !== 0) throw new Error(`no address for ${name}`);
    return host;
  }

  /** Something passes on the wire: the tables are worth a look. */
  look(): void {
    this.channel.write('0\n');
  }

  private told(line: Told): void {
    if (line[0] === 'state') this.onstate?.(line[1], line[2], line[3], line[4]);
    else if (line[0] === 'done') {
      const then = this.waiting.get(line[1]);
      this.waiting.delete(line[1]);
      then?.(line[2]);
    }
  }

  /** Answered before this returns, within a millisecond or so. */
  private now(...request: readonly unknown[]): unknown {
    writeSync(this.requests, `${JSON.stringify(request)}\n`);
    let text = '';
    while (!text.endsWith('\n')) {
      const n = readSync(this.replies, this.buffer);
      text += this.buffer.toString('utf8', 0, n);
    }
    return JSON.parse(text);
  }

  private number(...request: readonly unknown[]): number {
    return this.now(...request) as number;
  }

  private later(...request: readonly unknown[]): Promise<Plain> {
    const id = ++this.next;
    return new Promise(resolve => {
      this.waiting.set(id, resolve);
      this.channel.write(`${JSON.stringify([id, ...request])}\n`);
    });
  }

  socket = (): number => this.number('socket');
  bind = (fd: number, address: string, port: number): number => this.number('bind', fd, address, port);
  listen = (fd: number, backlog: number): number => this.number('listen', fd, backlog);
  shutdown = (fd: number, how: number): number => this.number('shutdown', fd, how);
  getsockopt = (fd: number, level: number, option: number): number =>
    this.number('getsockopt', fd, level, option);
  getsockname = (fd: number): SocketName | number => name(this.now('getsockname', fd));
  getpeername = (fd: number): SocketName | number => name(this.now('getpeername', fd));
  ioctl = (fd: number, request: number): number => this.number('ioctl', fd, request);
  readiness = (fd: number, events: number): number => this.number('poll', fd, events, 0);
  sysctl = (knob: string, value: string): void => void this.now('sysctl', knob, value);
  counters = (): [string, number][] => this.now('counters') as [string, number][];

  setsockopt(fd: number, level: number, option: number, value: OptionInput): number {
    const plain =
      typeof value === 'object' && 'onoff' in value ? [value.onoff, value.linger] : (value as number);
    return this.number('setsockopt', fd, level, option, plain);
  }

  setNonblock(fd: number, on: boolean): void {
    this.now('nonblock', fd, on);
  }

  ss(info: boolean): string[] {
    const lines = this.now('ss', info) as string[];
    return lines.map(l => l.trim()).filter(l => l !== '');
  }

  connect = async (fd: number, address: string | null, port: number): Promise<number> =>
    (await this.later('connect', fd, address, port)) as number;
  accept = async (fd: number): Promise<number> => (await this.later('accept', fd)) as number;
  close = async (fd: number): Promise<number> => (await this.later('close', fd)) as number;
  poll = async (fd: number, events: number, seconds: number): Promise<number> =>
    (await this.later('poll', fd, events, seconds)) as number;
  send = async (fd: number, data: Uint8Array, flags: number): Promise<number> =>
    (await this.later('send', fd, Buffer.from(data).toString('hex'), flags)) as number;

  async recv(fd: number, n: number, flags: number): Promise<number | Uint8Array> {
    const r = await this.later('recv', fd, n, flags);
    return typeof r === 'number' ? r : new Uint8Array(Buffer.from(r[1] as string, 'hex'));
  }

  async end(): Promise<void> {
    this.link.close();
    this.channel.destroy();
    await this.ended;
    closeSync(this.requests);
    closeSync(this.replies);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function name(r: unknown): SocketName | number {
  if (typeof r === 'number') return r;
  const [, address, port] = r as [string, string, number];
  return { address: parseAddress(address)!, port } as SocketName;
}
