import type { LookupFunction } from '../api/net/host.ts';
import { lookupLocal } from '../api/net/lookup.ts';

/** The address of the first and of the second host. */
export const addressOf = (index: 0 | 1): string => `10.0.0.${index + 1}`;

/** The hosts' names are their addresses, `localhost` is oneself, and there are no other names. */
export const lookupAmong = (names: readonly [string, string]): LookupFunction =>
  lookupLocal((hostname, options, callback) => {
    const at = names.indexOf(hostname);
    process.nextTick(() => {
      if (at < 0) {
        const text = `getaddrinfo ENOTFOUND ${hostname}: there are only ${names.join(', ')} and localhost`;
        callback(Object.assign(new Error(text), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname }), []);
        return;
      }
      const address = addressOf(at === 0 ? 0 : 1);
      if (options.all) callback(null, [{ address, family: 4 }]);
      else callback(null, address, 4);
    });
  });
