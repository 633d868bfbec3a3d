import type { Address } from '../base/address.ts';
import type { Device } from './device.ts';

/**
 * What Linux's TPROXY target does, in one rule: TCP segments for any address and port, as far as no socket of
 * this host is meant, go to the listener on one port, which accepts in the name of whoever they were for.
 */
export class Intercept {
  /** Port of the listener; it needs IP_TRANSPARENT and a wildcard address. */
  readonly port: number;
  /** Only what comes in by this interface; null for all but lo. */
  readonly device: Device | null;

  constructor(port: number, device: Device | null) {
    this.port = port;
    this.device = device;
  }

  /** Whether a segment that came in by `device` is to be looked at. */
  covers(device: Pick<Device, 'index' | 'loopback'>): boolean {
    return this.device === null ? !device.loopback : this.device.index === device.index;
  }

  /** Whether a datagram for a stranger's address is taken: groups, link-local and reserved ones are not. */
  takes(device: Device, destination: Address): boolean {
    if (!this.covers(device) || destination.isAny || destination.isMulticast || destination.isLinkLocal)
      return false;
    const net = destination.d >>> 24;
    return !destination.is4 || (net !== 0 && net !== 127 && net < 224);
  }
}
