/** What `ss -tano` prints for a host of the lab. */
import type { Host } from '../../../src/sim/host.ts';

export function ssLines(_host: Host, _info: boolean): string[] {
  return [];
}
