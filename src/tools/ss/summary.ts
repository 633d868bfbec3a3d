import { findingText } from '../watch/examine.ts';
import type { Finding } from '../watch/finding.ts';

/** Counts for `ss -s`, per host. */
export interface HostSummary {
  readonly host: string;
  /** Sockets per state number, index 1 … 11; index 0 counts those with IPv6. */
  readonly states: readonly number[];
  readonly ipv6: number;
  readonly orphans: number;
}

/** `ss -s`, one block per host, and what the watch has to say. */
export function summaryText(hosts: readonly HostSummary[], findings: readonly Finding[]): string[] {
  const out: string[] = [];
  for (const h of hosts) {
    const total = h.states.reduce((sum, n, i) => (i === 0 ? sum : sum + n), 0);
    const timeWait = h.states[6] ?? 0;
    const closed = (h.states[7] ?? 0) + timeWait;
    if (hosts.length > 1) out.push(`Host ${h.host}`);
    out.push(
      `Total: ${total - timeWait}`,
      `TCP:   ${total} (estab ${h.states[1] ?? 0}, closed ${closed}, orphaned ${h.orphans}, timewait ${timeWait})`,
      '',
      'Transport Total     IP        IPv6',
      `TCP\t  ${String(total - closed).padEnd(9)} ${String(total - closed - h.ipv6).padEnd(9)} ${h.ipv6}`,
      '',
    );
  }
  for (const f of findings) out.push(...findingText(f));
  return out;
}
