/**
 * Reasons for dropping a packet. Decoders return a reason's index (0 is fine); hosts count them here. The
 * list is fixed, so that counting cannot grow memory whatever arrives.
 */
export const DROP_REASONS = [
  'ok',
  // Link.
  'ethernet-short',
  'ethernet-type',
  'arp-short',
  'arp-format',
  // IPv4.
  'ip-short',
  'ip-version',
  'ip-header-length',
  'ip-total-length',
  'ip-checksum',
  'ip-option',
  'ip-source-route',
  'ip-martian',
  'ip-protocol',
  // IPv6.
  'ip6-short',
  'ip6-version',
  'ip6-payload-length',
  'ip6-extension',
  'ip6-extension-order',
  'ip6-option',
  'ip6-routing-type-0',
  'ip6-too-many-headers',
  // Fragments.
  'fragment-length',
  'fragment-overlap',
  'fragment-too-big',
  'fragment-limit',
  'fragment-timeout',
  // ICMP and neighbour discovery.
  'icmp-short',
  'icmp-checksum',
  'icmp-quote',
  'icmp-rate-limit',
  'nd-hop-limit',
  'nd-option',
  'nd-format',
  // UDP.
  'udp-short',
  'udp-length',
  'udp-checksum',
  'udp-no-socket',
  'udp-buffer-full',
  // TCP.
  'tcp-short',
  'tcp-data-offset',
  'tcp-checksum',
  // Host.
  'not-for-us',
  'interface-down',
  'queue-full',
  'no-route',
  'neighbor-unreachable',
  'ttl-exceeded',
  'mtu-exceeded',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

const indexOf = new Map<string, number>(DROP_REASONS.map((name, i) => [name, i]));

/** Drops counted by reason. */
export class Drops {
  private readonly counts = new Float64Array(DROP_REASONS.length);

  countDrop(reason: DropReason): void {
    this.count(indexOf.get(reason) ?? 0);
  }

  /** Counts by index; an index outside the list is ignored. */
  count(reason: number): void {
    this.counts[reason]!++;
  }

  get(reason: DropReason): number {
    return this.counts[indexOf.get(reason) ?? 0] ?? 0;
  }

  /** The reasons that occurred. */
  entries(): [DropReason, number][] {
    const out: [DropReason, number][] = [];
    for (let i = 1; i < DROP_REASONS.length; i++) {
      const n = this.counts[i]!;
      if (n > 0) out.push([DROP_REASONS[i]!, n]);
    }
    return out;
  }
}
