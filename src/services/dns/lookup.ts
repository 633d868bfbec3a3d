import type { Address } from '../../base/address.ts';
import { DnsError } from './error.ts';

/** What `dns.lookup` may be told; everything else there is passed over. */
export interface LookupOptions {
  family?: number | 'IPv4' | 'IPv6' | undefined;
  /** Give all addresses, as a list. */
  all?: boolean | undefined;
  /** 'verbatim' leaves the order of RFC 6724. @default 'verbatim' */
  order?: 'verbatim' | 'ipv4first' | 'ipv6first' | undefined;
}

export interface LookupAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** One address and its family, or with `all` the list. */
export type LookupCallback = (
  error: DnsError | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** The shape of `dns.lookup`, and of the `lookup` option of `net.connect` and `dgram.createSocket`. */
export interface LookupFunction {
  (hostname: string, callback: LookupCallback): void;
  (hostname: string, options: LookupOptions | number | null | undefined, callback: LookupCallback): void;
}

/** What a lookup asks of a resolver. */
interface Source {
  addresses(name: string, family: 0 | 4 | 6): Promise<Address[]>;
}

/** A `lookup` over a resolver. */
export function lookupOf(source: Source): LookupFunction {
  return (
    hostname: string,
    second: LookupOptions | number | null | undefined | LookupCallback,
    third?: LookupCallback,
  ): void => {
    const callback = typeof second === 'function' ? second : third;
    if (callback === undefined) throw new TypeError('lookup needs a callback');
    const options: LookupOptions =
      typeof second === 'object' && second !== null
        ? second
        : { family: second === 4 || second === 6 ? second : 0 };
    void run(source, hostname, options, callback);
  };
}

async function run(
  source: Source,
  hostname: string,
  options: LookupOptions,
  callback: LookupCallback,
): Promise<void> {
  let list: LookupAddress[];
  try {
    const found = await source.addresses(hostname, familyOf(options.family));
    list = found.map(a => ({ address: a.toString(), family: a.is4 ? 4 : 6 }));
  } catch (error) {
    callback(error instanceof DnsError ? error : new DnsError('EAI_AGAIN', hostname, String(error)), '');
    return;
  }
  const first = options.order === 'ipv4first' ? 4 : options.order === 'ipv6first' ? 6 : 0;
  if (first !== 0) list.sort((a, b) => Number(b.family === first) - Number(a.family === first));
  if (options.all === true) callback(null, list);
  else callback(null, list[0]!.address, list[0]!.family);
}

const familyOf = (f: LookupOptions['family']): 0 | 4 | 6 =>
  f === 4 || f === 'IPv4' ? 4 : f === 6 || f === 'IPv6' ? 6 : 0;
