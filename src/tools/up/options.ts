import { Sysctl } from '../../base/sysctl.ts';
import type { Micros } from '../../base/time.ts';
import { parsePrefix } from '../../ip/prefix.ts';
import { parseRule } from '../../link/rule-parser.ts';
import type { Args, OptionSpec } from '../cli/command.ts';
import { usage } from '../cli/error.ts';
import { duration, type HostPort, hostPort, integer, percent, port, rate } from '../cli/units.ts';

/** The names of the two hosts. */
export const HOSTS = ['A', 'B'] as const;
export type HostName = (typeof HOSTS)[number];

const LAB_PORT = 8793;
const TUN_ADDRESS = '10.77.1.2/24';

export interface WireSettings {
  readonly loss: number;
  readonly delay: Micros;
  readonly jitter: Micros;
  readonly reorder: number;
  readonly duplicate: number;
  readonly corrupt: number;
  /** Bits per second, 0 for no limit. */
  readonly rate: number;
  readonly mtu: number;
  /** Rules in the grammar of the links, such as `drop B FIN 1`. */
  readonly rules: readonly string[];
}

export interface SysctlSetting {
  /** null: both. */
  readonly host: HostName | null;
  readonly name: string;
  readonly value: string;
}

export interface TunSettings {
  /** The device's name; `%d` in it becomes a number. */
  readonly device: string;
  /** The host's own address with the length of the subnet's prefix. */
  readonly address: string;
}

export interface UpOptions {
  /** Where the front listens. */
  readonly address: string;
  readonly port: number;
  /** What B connects to; null for the built-in page. */
  readonly to: HostPort | null;
  /** Port of the SOCKS5 and HTTP CONNECT front. */
  readonly socks: number | null;
  /** Port of an ordinary HTTP server with /metrics. */
  readonly metrics: number | null;
  /** Port of the lab on loopback, null for none; whether somebody has asked for just this one. */
  readonly lab: { readonly port: number; readonly asked: boolean } | null;
  /** Stand on the machine's own network instead, as one host behind a TUN device. */
  readonly tun: TunSettings | null;
  readonly wire: WireSettings;
  readonly seed: string | null;
  readonly sysctls: readonly SysctlSetting[];
  readonly capture: string | null;
  /** Make a request oneself at the start and show its life. */
  readonly demo: boolean;
  /** Draw on the terminal; false for plain lines. */
  readonly screen: boolean;
  readonly color: string | null;
}

export const UP_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  port: {
    type: 'string',
    short: 'p',
    value: 'PORT',
    help: 'where to listen. Default: 8080; 0 lets the system choose',
  },
  listen: {
    type: 'string',
    value: 'ADDRESS',
    help: 'on which address. Default: 127.0.0.1, this machine only',
  },
  to: {
    type: 'string',
    short: 't',
    value: 'HOST:PORT',
    help: 'carry each connection to this server instead of the built-in page',
  },
  socks: {
    type: 'string',
    value: 'PORT',
    help: 'also be a SOCKS5 and HTTP CONNECT proxy on this port; it answers when the inner handshake is done',
  },
  tun: {
    type: 'boolean',
    help: "one host on this machine's own network, behind a TUN device; a name for the device may follow",
  },
  'tun-address': {
    type: 'string',
    value: 'ADDRESS/LENGTH',
    help: `that host's address; the kernel gets another of the subnet. Default: ${TUN_ADDRESS}`,
  },
  loss: { type: 'string', value: 'SHARE', help: 'the wire loses this share of the packets: 2%' },
  delay: { type: 'string', value: 'TIME', help: 'one-way delay: 40ms' },
  jitter: { type: 'string', value: 'TIME', help: 'up to this much more: 5ms' },
  reorder: { type: 'string', value: 'SHARE', help: 'this share arrives after the packet behind it: 1%' },
  dup: { type: 'string', value: 'SHARE', help: 'this share arrives twice: 1%' },
  corrupt: { type: 'string', value: 'SHARE', help: 'this share has a bit flipped: 0.1%' },
  rate: { type: 'string', value: 'RATE', help: 'bits per second in each direction: 10mbit' },
  mtu: { type: 'string', value: 'BYTES', help: 'largest packet: 576 to 65535. Default: 1500' },
  drop: {
    type: 'string',
    multiple: true,
    value: 'RULE',
    help: 'lose exactly these, counted per connection: "B FIN 1", "A SYN 1..2", "B DATA 3"',
  },
  rule: {
    type: 'string',
    multiple: true,
    value: 'RULE',
    help: 'any rule of the wire: "delay 300ms A FIN 1", "duplicate B SYN-ACK 1", "reorder * DATA 5%"',
  },
  seed: { type: 'string', value: 'N', help: 'for the random losses, to have the same again' },
  sysctl: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    help: 'set a knob of both hosts, or of one: B:tcp_fin_timeout=5',
  },
  capture: {
    type: 'string',
    value: 'DIR',
    help: 'write A.pcapng and B.pcapng there, for Wireshark or lastack trace',
  },
  metrics: {
    type: 'string',
    value: 'PORT',
    help: 'serve /metrics for Prometheus on this port too (the built-in page has it anyway)',
  },
  lab: {
    type: 'string',
    value: 'PORT|off',
    help: 'where the lab is, a page in which to watch and break connections; on 127.0.0.1 only. Default: 8793',
  },
  'no-demo': { type: 'boolean', help: 'make no request of our own at the start' },
  plain: { type: 'boolean', help: 'plain lines, though this is a terminal' },
  color: { type: 'string', value: 'auto|always|never', help: 'default: auto' },
};

/** Checks and reads the options of `lastack up`; throws a CliError for what is wrong. */
export function readUpOptions(args: Args): UpOptions {
  const tun = tunOption(args);
  if (args.positionals.length > (tun === null ? 0 : 1)) {
    const word = args.positionals.at(-1)!;
    throw usage(
      `up: '${word}' is no option`,
      /:\d+$/.test(word) ? `did you mean --to ${word}?` : "'lastack up --help' lists the options",
    );
  }
  const text = (name: string): string | null => args.text(name);
  const share = (name: string): number => (text(name) === null ? 0 : percent(`--${name}`, text(name)!));
  const time = (name: string): Micros => (text(name) === null ? 0 : duration(`--${name}`, text(name)!));
  const optionalPort = (name: string): number | null =>
    text(name) === null ? null : port(`--${name}`, text(name)!, 0);
  const listen = text('listen') ?? '127.0.0.1';
  if (listen === '')
    throw usage('--listen needs an address', 'such as 127.0.0.1, or 0.0.0.0 for the whole network');
  return {
    address: listen,
    port: text('port') === null ? 8080 : port('--port', text('port')!, 0),
    to: text('to') === null ? null : hostPort('--to', text('to')!),
    socks: optionalPort('socks'),
    tun,
    metrics: optionalPort('metrics'),
    lab: labOption(text('lab')),
    wire: {
      loss: share('loss'),
      delay: time('delay'),
      jitter: time('jitter'),
      reorder: share('reorder'),
      duplicate: share('dup'),
      corrupt: share('corrupt'),
      rate: text('rate') === null ? 0 : rate('--rate', text('rate')!),
      mtu: text('mtu') === null ? 1500 : integer('--mtu', text('mtu')!, 576, 65535),
      rules: [
        ...args.texts('drop').map(r => checkedRule('--drop', /^drop\b/i.test(r) ? r : `drop ${r}`)),
        ...args.texts('rule').map(r => checkedRule('--rule', r)),
      ],
    },
    seed: text('seed'),
    sysctls: args.texts('sysctl').map(sysctlSetting),
    capture: text('capture'),
    demo: !args.flag('no-demo'),
    screen: !args.flag('plain'),
    color: text('color'),
  };
}

/** What makes no sense for a host that has no gateway in front of it. */
const GATEWAY_ONLY = ['port', 'listen', 'to', 'socks', 'metrics', 'lab', 'capture'];

function tunOption(args: Args): TunSettings | null {
  const address = args.text('tun-address');
  if (!args.flag('tun')) {
    if (address !== null) throw usage('--tun-address without --tun', 'lastack up --tun --tun-address …');
    return null;
  }
  const other = GATEWAY_ONLY.find(name => args.text(name) !== null);
  if (other !== undefined)
    throw usage(
      `--${other} is for the gateway, which --tun does without`,
      other === 'capture' ? 'tcpdump -i DEVICE -w FILE captures what passes the device' : 'leave it out',
    );
  const device = args.positionals[0] ?? 'lastack%d';
  if (!/^[^\s/]{1,15}$/.test(device)) throw usage(`--tun ${device}: a device's name has 1 to 15 bytes`, '');
  const text = address ?? TUN_ADDRESS;
  const prefix = parsePrefix(text);
  if (prefix === null || !text.includes('/') || !prefix.address.is4 || prefix.length > 126)
    throw usage(`--tun-address ${text}`, `write an IPv4 address and a length, such as ${TUN_ADDRESS}`);
  return { device, address: text };
}

function labOption(text: string | null): UpOptions['lab'] {
  if (text === 'off') return null;
  return text === null ? { port: LAB_PORT, asked: false } : { port: port('--lab', text, 0), asked: true };
}

function checkedRule(option: string, text: string): string {
  const parsed = parseRule(text, HOSTS);
  if (!parsed.ok)
    throw usage(
      `${option}: ${parsed.error}`,
      'such as: --drop "B FIN 1"   --drop "A SYN 1..2"   --rule "delay 300ms B DATA 3"',
    );
  return text;
}

function sysctlSetting(text: string): SysctlSetting {
  const m = /^(?:([AB]):)?\s*([\w./]+)\s*=\s*(.*)$/.exec(text);
  if (m === null)
    throw usage(
      `--sysctl ${text}`,
      'write NAME=VALUE, such as --sysctl tcp_fin_timeout=5, or B:tcp_fin_timeout=5 for one host',
    );
  const setting: SysctlSetting = {
    host: (m[1] as HostName | undefined) ?? null,
    name: m[2]!,
    value: m[3]!.replaceAll(',', ' '),
  };
  const result = new Sysctl().set(setting.name, setting.value);
  if (!result.ok)
    throw usage(`--sysctl: ${result.error}`, "'lastack sysctl -ad' lists them with a running instance");
  return setting;
}
