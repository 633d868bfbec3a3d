import { DROP_REASONS, type DropReason } from '../base/drops.ts';

/** What a decoder found: 0 if all is well, else the index of a name in `DROP_REASONS`. */
export type Reason = number;

export const OK: Reason = 0;

/** The index of a named reason. */
export const reasonOf = (name: DropReason): Reason => DROP_REASONS.indexOf(name);
/** The name of a reason, for messages and counters. */
export const reasonName = (reason: Reason): DropReason => DROP_REASONS[reason] ?? 'ok';

export const ETHERNET_SHORT = reasonOf('ethernet-short');
export const ARP_SHORT = reasonOf('arp-short');
export const ARP_FORMAT = reasonOf('arp-format');
export const IP_SHORT = reasonOf('ip-short');
export const IP_VERSION = reasonOf('ip-version');
export const IP_HEADER_LENGTH = reasonOf('ip-header-length');
export const IP_TOTAL_LENGTH = reasonOf('ip-total-length');
export const IP_CHECKSUM = reasonOf('ip-checksum');
export const IP_OPTION = reasonOf('ip-option');
export const IP_SOURCE_ROUTE = reasonOf('ip-source-route');
export const IP6_SHORT = reasonOf('ip6-short');
export const IP6_VERSION = reasonOf('ip6-version');
export const IP6_PAYLOAD_LENGTH = reasonOf('ip6-payload-length');
export const IP6_EXTENSION = reasonOf('ip6-extension');
export const IP6_EXTENSION_ORDER = reasonOf('ip6-extension-order');
export const IP6_OPTION = reasonOf('ip6-option');
export const IP6_ROUTING_TYPE_0 = reasonOf('ip6-routing-type-0');
export const IP6_TOO_MANY_HEADERS = reasonOf('ip6-too-many-headers');
export const FRAGMENT_LENGTH = reasonOf('fragment-length');
export const FRAGMENT_TOO_BIG = reasonOf('fragment-too-big');
export const ICMP_SHORT = reasonOf('icmp-short');
export const ICMP_CHECKSUM = reasonOf('icmp-checksum');
export const ICMP_QUOTE = reasonOf('icmp-quote');
export const ND_HOP_LIMIT = reasonOf('nd-hop-limit');
export const ND_OPTION = reasonOf('nd-option');
export const ND_FORMAT = reasonOf('nd-format');
export const UDP_SHORT = reasonOf('udp-short');
export const UDP_LENGTH = reasonOf('udp-length');
export const UDP_CHECKSUM = reasonOf('udp-checksum');
export const TCP_SHORT = reasonOf('tcp-short');
export const TCP_DATA_OFFSET = reasonOf('tcp-data-offset');
export const TCP_CHECKSUM = reasonOf('tcp-checksum');
