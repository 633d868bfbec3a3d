/** A stub resolver over a host's own sockets, in browsers too: `lastack/dns`. */
export { DnsError, type DnsErrorCode } from './error.ts';
export type { DnsDriver } from './exchange.ts';
export type { HostsInput } from './hosts.ts';
export type { LookupAddress, LookupCallback, LookupFunction, LookupOptions } from './lookup.ts';
export { Resolver, type ResolverOptions } from './resolver.ts';
