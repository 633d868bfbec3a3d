import dns, { type LookupOptions } from 'node:dns';
import type { LookupFunction } from './host.ts';

const FOUR = { address: '127.0.0.1', family: 4 };
const SIX = { address: '::1', family: 6 };

/** `localhost` and the names below it are this host (RFC 6761 §6.3); other names are asked of `next`. */
export function lookupLocal(next: LookupFunction = nodeLookup): LookupFunction {
  return (hostname, options, callback) => {
    if (!/^(?:.*\.)?localhost\.?$/i.test(hostname)) {
      next(hostname, options, callback);
      return;
    }
    const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0);
    const six = family === 6 ? [SIX] : [];
    const found = family === 0 ? [FOUR, SIX] : family === 4 ? [FOUR] : six;
    process.nextTick(() => {
      if (options.all) callback(null, found);
      else callback(null, found[0]!.address, found[0]!.family);
    });
  };
}

type DnsLookup = (name: string, options: LookupOptions, done: Parameters<LookupFunction>[2]) => void;

/** `dns.lookup`, as it is when it is called. */
export const nodeLookup: LookupFunction = (hostname, options, callback) =>
  (dns.lookup as DnsLookup)(hostname, options, callback);
