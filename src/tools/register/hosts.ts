import { randomBytes } from 'node:crypto';
import { createHost, type Host } from '../../api/net/create-host.ts';
import type { NetHost, Translation } from '../../api/net/host.ts';
import { type Address, parseAddress } from '../../base/address.ts';
import { seededRandom } from '../../base/random.ts';
import { NodeLoop } from '../../driver/node.ts';
import { ImpairedLink } from '../../link/impair.ts';
import { memoryPair } from '../../link/memory.ts';
import { parseRule } from '../../link/rule-parser.ts';
import type { Config } from './config.ts';

/** The hosts of a process, and the one that its `net` acts on. */
export interface Hosts {
  readonly net: NetHost;
  /** Those made here, for `lastack ss`. */
  readonly list: readonly Host[];
}

/** Both ends of the wire, as the hosts know them. */
const CLIENT = [parseAddress('10.127.0.1')!, parseAddress('fd7f::1')!] as const;
const SERVER = [parseAddress('10.127.0.2')!, parseAddress('fd7f::2')!] as const;
const LOOPBACK = [parseAddress('127.0.0.1')!, parseAddress('::1')!] as const;

/** Makes the hosts that a configuration asks for. @throws Error that says what is wrong with it */
export function makeHosts(config: Config): Hosts {
  if (config.host !== undefined) return { net: { paths: true, ...config.host }, list: [] };
  return config.wire === undefined ? one(config) : two(config, config.wire);
}

function one(config: Config): Hosts {
  const host = createHost({ name: 'loopback', ...common(config) });
  return { net: withOutside(host, config, [host]), list: [host] };
}

/** Clients on A, servers on B, a wire between: programs see loopback addresses, the hosts have others. */
function two(config: Config, wire: NonNullable<Config['wire']>): Hosts {
  const loop = new NodeLoop();
  const { rules = [], mtu = 1500, ...conditions } = wire;
  for (const rule of rules) {
    const parsed = parseRule(rule, ['A', 'B']);
    if (!parsed.ok) throw new Error(`lastack: configuration: wire: ${parsed.error}`);
  }
  const [near, far] = memoryPair(loop, { medium: 'ip', mtu, queue: 4096 });
  const seed = config.seed ?? randomBytes(32).toString('hex');
  const link = new ImpairedLink(near, {
    clock: loop,
    random: seededRandom(`${seed} wire`),
    rules: [...rules],
    ...conditions,
  });
  const { addresses: more = [], ...shared } = common(config);
  const a = createHost({
    name: 'A',
    ...shared,
    loop,
    seed: `${seed} A`,
    links: [{ link, name: 'wire0', addresses: ['10.127.0.1/24', 'fd7f::1/64'], gateway: '' }],
  });
  const b = createHost({
    name: 'B',
    ...shared,
    loop,
    seed: `${seed} B`,
    links: [{ link: far, name: 'wire0', addresses: ['10.127.0.2/24', 'fd7f::2/64', ...more], gateway: '' }],
  });
  const client = { ...a, translate: translation(CLIENT) };
  const server = { ...b, translate: translation(SERVER) };
  return { net: { ...withOutside(client, config, [a, b]), servers: server }, list: [a, b] };
}

function common(config: Config): {
  addresses?: readonly string[];
  sysctl?: Config['sysctl'] & {};
  seed?: number | string;
} {
  return {
    ...(config.addresses ? { addresses: config.addresses } : {}),
    ...(config.sysctl ? { sysctl: config.sysctl } : {}),
    ...(config.seed === undefined ? {} : { seed: config.seed }),
  };
}

/** Loopback addresses stand for the wire's ends. */
function translation(own: readonly [Address, Address]): Translation {
  const pick = (pair: readonly [Address, Address], a: Address): Address => (a.is4 ? pair[0] : pair[1]);
  return {
    own: a => (a.isLoopback ? pick(own, a) : a),
    peer: a => (a.isLoopback || a.isAny ? pick(SERVER, a) : a),
    seen: a => ([...CLIENT, ...SERVER].some(x => x.equals(a)) ? pick(LOOPBACK, a) : a),
  };
}

/** Says which addresses are the kernel's, and that paths are. */
function withOutside(host: NetHost, config: Config, hosts: readonly Host[]): NetHost {
  if (config.outside !== 'node') return { ...host, paths: true };
  const ours = (a: Address): boolean => a.isLoopback || a.isAny || hosts.some(h => isLocal(h, a));
  return { ...host, paths: true, outside: a => !ours(a) };
}

const isLocal = (host: Host, a: Address): boolean =>
  host.stack.interfaces.some(i => i.addresses.some(e => e.address.equals(a)));
