import { type Address, parseAddress } from '../../base/address.ts';
import type { Random } from '../../base/random.ts';
import { MICROS_PER_SECOND, type Micros } from '../../base/time.ts';
import { DnsCache, type Known } from './cache.ts';
import { DnsError } from './error.ts';
import { askTcp, askUdp, type DnsDriver, type DnsServer, type Question } from './exchange.ts';
import { Hosts, type HostsInput } from './hosts.ts';
import { type LookupFunction, lookupOf } from './lookup.ts';
import {
  type DnsMessage,
  type DnsRecord,
  encodeQuestion,
  FORMERR,
  NOERROR,
  NXDOMAIN,
  TYPE_A,
  TYPE_AAAA,
  TYPE_CNAME,
  TYPE_SOA,
} from './message.ts';
import { hostName } from './name.ts';

export interface ResolverOptions {
  /** Recursive servers, `9.9.9.9`, `9.9.9.9:53`, `2620:fe::fe` or `[2620:fe::fe]:53`, asked in this order. */
  servers: readonly string[];
  /** For identifiers; the stack's own serves. Must not be guessable from outside. */
  random: Random;
  /** Names known without asking. */
  hosts?: HostsInput;
  /** How long a server is waited for the first time, microseconds; each further round twice as long. @default 2 s */
  timeout?: Micros;
  /** Rounds over all servers. @default 3 */
  rounds?: number;
  /** Questions whose answers are remembered. @default 1000, 0 for none */
  cacheSize?: number;
  /** No answer is remembered for longer, seconds. @default 86400 */
  maxTtl?: number;
  /** UDP payload size offered by EDNS (RFC 6891, DNS Flag Day 2020); 0 to leave EDNS out. @default 1232 */
  edns?: number;
  /** Names resolved at once; further ones fail with EAI_AGAIN. @default 1000 */
  concurrency?: number;
}

/** RFC 1034 sets no limit; resolvers follow about so many. */
const MAX_CNAMES = 8;
/** RFC 2308 §5: a negative answer is not remembered for long. */
const MAX_NEGATIVE = 300;

/**
 * A stub resolver over a host's own sockets: hosts table, cache, then the servers by UDP, and by TCP where an
 * answer does not fit. Follows aliases, believes only answers to its very questions, and ends in bounded time.
 *
 * Node's `net.connect` and everything like it takes `resolver.lookup` as its `lookup` option.
 */
export class Resolver {
  /** In the shape of `dns.lookup`; may be handed on by itself. */
  readonly lookup: LookupFunction;
  private readonly driver: DnsDriver;
  private readonly servers: readonly DnsServer[];
  private readonly options: ResolverOptions;
  private readonly hosts: Hosts;
  private readonly cache: DnsCache;
  /** Questions on their way, so that the same one is not asked twice at a time. */
  private readonly asking = new Map<string, Promise<Known>>();
  private closed = false;

  /** @throws TypeError for a server, a name or an address that is none */
  constructor(driver: DnsDriver, options: ResolverOptions) {
    this.driver = driver;
    this.options = options;
    this.servers = options.servers.map(serverOf);
    this.hosts = new Hosts(options.hosts ?? {});
    this.cache = new DnsCache(options.cacheSize ?? 1000);
    this.lookup = lookupOf(this);
  }

  /**
   * The addresses of a name or an address in text.
   * @param family 4, 6, or 0 for both: those first that this host can reach, and of these IPv6 (RFC 6724)
   * @throws DnsError
   */
  async addresses(name: string, family: 0 | 4 | 6 = 0): Promise<Address[]> {
    const literal = parseAddress(name);
    if (literal !== null) return this.literal(name, literal, family);
    const host = hostName(name);
    if (host === null) throw new DnsError('EBADNAME', name);
    const known = this.hosts.find(host);
    if (known !== null) {
      const list = known.filter(a => family === 0 || a.is4 === (family === 4));
      if (list.length === 0) throw new DnsError('ENOTFOUND', name);
      return this.sorted(list);
    }
    const types = family === 4 ? [TYPE_A] : family === 6 ? [TYPE_AAAA] : [TYPE_AAAA, TYPE_A];
    const settled = await Promise.allSettled(types.map(type => this.resolve(host, type)));
    const list = settled.flatMap(s => (s.status === 'fulfilled' ? s.value.addresses : []));
    if (list.length > 0) return this.sorted(list);
    // That one half has failed matters more than that the other is empty.
    for (const s of settled) if (s.status === 'rejected') throw s.reason;
    throw new DnsError('ENOTFOUND', name);
  }

  clearCache(): void {
    this.cache.clear();
  }

  /** What waits and what comes later fails with ECANCELLED, what waits as soon as its present question ends. */
  close(): void {
    this.closed = true;
    this.cache.clear();
  }

  private literal(name: string, address: Address, family: number): Address[] {
    if (family !== 0 && address.is4 !== (family === 4)) throw new DnsError('ENOTFOUND', name);
    return [address];
  }

  /** One question, asked at most once at a time. */
  private resolve(name: string, type: number): Promise<Known> {
    const known = this.cache.get(name, type, this.now);
    if (known !== null) return Promise.resolve(known);
    const key = `${type} ${name}`;
    const under = this.asking.get(key);
    if (under !== undefined) return under;
    if (this.asking.size >= (this.options.concurrency ?? 1000))
      return Promise.reject(new DnsError('EAI_AGAIN', name, 'too many questions at once'));
    const asked = this.follow(name, type).finally(() => this.asking.delete(key));
    this.asking.set(key, asked);
    return asked;
  }

  /** Asks, and goes on asking where an alias leads. */
  private async follow(name: string, type: number): Promise<Known> {
    let ttl = this.options.maxTtl ?? 86_400;
    let at = name;
    const seen = new Set<string>([name]);
    for (;;) {
      const m = await this.ask(name, at, type);
      const walk = walkAliases(m.answers, at, type, seen);
      ttl = Math.min(ttl, walk.ttl);
      if (walk.looped)
        throw new DnsError('EAI_AGAIN', name, `its aliases lead in a circle or too far: ${walk.name}`);
      const { addresses } = walk;
      if (addresses.length > 0) return this.remember(name, type, { addresses, nameless: false }, ttl);
      if (walk.name === at || m.rcode === NXDOMAIN) {
        const soa = m.authority.find(r => r.type === TYPE_SOA);
        const negative = soa === undefined ? 0 : Math.min(soa.ttl, soa.minimum, MAX_NEGATIVE);
        const nameless = m.rcode === NXDOMAIN;
        return this.remember(name, type, { addresses, nameless }, Math.min(ttl, negative));
      }
      at = walk.name;
    }
  }

  private remember(name: string, type: number, known: Known, ttl: number): Known {
    this.cache.put(name, type, known, ttl, this.now);
    return known;
  }

  /** Asks the servers in turn until one answers. @param whose the name that somebody waits for */
  private async ask(whose: string, name: string, type: number): Promise<DnsMessage> {
    const { timeout = 2 * MICROS_PER_SECOND, rounds = 3 } = this.options;
    let why = this.servers.length === 0 ? 'no servers are known' : '';
    for (let round = 0; round < rounds; round++) {
      for (const server of this.servers) {
        const m = await this.askServer(server, name, type, timeout * 2 ** round);
        if (this.closed) throw new DnsError('ECANCELLED', whose);
        if (typeof m !== 'string' && (m.rcode === NOERROR || m.rcode === NXDOMAIN)) return m;
        why = `${server.address}: ${typeof m === 'string' ? m : `rcode ${m.rcode}`}`;
      }
    }
    throw new DnsError('EAI_AGAIN', whose, why);
  }

  private async askServer(
    server: DnsServer,
    name: string,
    type: number,
    timeout: Micros,
  ): Promise<DnsMessage | string> {
    const { edns = 1232 } = this.options;
    const question = this.question(name, type, edns);
    const m = await askUdp(this.driver, server, question, timeout);
    if (typeof m === 'string') return m;
    // A server from before EDNS (RFC 6891 §6.2.2).
    if (m.rcode === FORMERR && edns > 0)
      return askUdp(this.driver, server, this.question(name, type, 0), timeout);
    return m.truncated ? askTcp(this.driver, server, this.question(name, type, edns), timeout) : m;
  }

  private question(name: string, type: number, edns: number): Question {
    const id = this.options.random.below(65536);
    return { id, name, type, bytes: encodeQuestion(id, name, type, edns) };
  }

  private get now(): Micros {
    return this.driver.enter().host.now;
  }

  private sorted(list: readonly Address[]): Address[] {
    const { net } = this.driver.enter().host.udp;
    const rank = (a: Address): number => (typeof net.path(a, null) === 'number' ? 2 : 0) + (a.is4 ? 1 : 0);
    return list
      .map(address => ({ address, rank: rank(address) }))
      .sort((a, b) => a.rank - b.rank)
      .map(x => x.address);
  }
}

interface Walk {
  /** Where the aliases have led. */
  readonly name: string;
  readonly addresses: Address[];
  /** The shortest on the way, seconds. */
  readonly ttl: number;
  readonly looped: boolean;
}

/** Follows the aliases within one answer. @param seen names that were met, to which it adds */
function walkAliases(answers: readonly DnsRecord[], from: string, type: number, seen: Set<string>): Walk {
  let name = from;
  let ttl = Number.POSITIVE_INFINITY;
  for (;;) {
    const alias = answers.find(r => r.type === TYPE_CNAME && r.name === name);
    if (alias === undefined) break;
    ttl = Math.min(ttl, alias.ttl);
    name = alias.target;
    if (seen.has(name) || seen.size > MAX_CNAMES) return { name, addresses: [], ttl, looped: true };
    seen.add(name);
  }
  const found = answers.filter(r => r.type === type && r.name === name && r.address !== null);
  for (const r of found) ttl = Math.min(ttl, r.ttl);
  return { name, addresses: found.map(r => r.address!), ttl, looped: false };
}

function serverOf(text: string): DnsServer {
  const m = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const whole = parseAddress(text);
  if (whole !== null) return { address: whole, port: 53 };
  const address = parseAddress(m?.[1] ?? m?.[2] ?? '');
  const port = Number(m?.[3] ?? 53);
  if (address === null || port < 1 || port > 65535)
    throw new TypeError(`'${text}' is no DNS server: write an address, or address:port`);
  return { address, port };
}
