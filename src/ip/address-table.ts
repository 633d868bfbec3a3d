import type { Address } from '../base/address.ts';
import type { SipKey } from '../base/siphash.ts';
import { AddressMap } from './address-map.ts';
import type { Device } from './device.ts';

/** Which addresses are this host's own, and which of its subnets' are broadcast. */
export class AddressTable {
  private readonly local: AddressMap<Device>;
  private readonly broadcast: AddressMap<Device>;
  /** The interfaces have changed since the tables were made; they are made anew when next asked. */
  private stale = true;
  private readonly devices: readonly Device[];

  constructor(key: SipKey, devices: readonly Device[]) {
    this.local = new AddressMap(key);
    this.broadcast = new AddressMap(key);
    this.devices = devices;
  }

  /** An address or an interface has come, gone or changed. */
  changed(): void {
    this.stale = true;
  }

  isLocal(x: Address): boolean {
    if (this.stale) this.rebuild();
    return this.local.get(x) !== null || x.isLoopback;
  }

  /** The interface that has the address, null for 127/8's others and for strangers. */
  deviceOf(x: Address): Device | null {
    if (this.stale) this.rebuild();
    return this.local.get(x);
  }

  /** 255.255.255.255, a subnet's broadcast address, or any multicast group. */
  isBroadcast(x: Address): boolean {
    if (!x.is4) return x.isMulticast;
    return x.d >>> 28 === 0xe || this.isSubnetBroadcast(x);
  }

  /** As `isBroadcast`, but without multicast. */
  isSubnetBroadcast(x: Address): boolean {
    if (!x.is4) return false;
    if (this.stale) this.rebuild();
    return x.d === -1 || this.broadcast.get(x) !== null;
  }

  private rebuild(): void {
    this.stale = false;
    this.local.clear();
    this.broadcast.clear();
    for (const device of this.devices) {
      // An address belongs to the host even while its interface is down.
      for (const a of device.addresses) {
        if (!a.tentative && this.local.get(a.address) === null) this.local.set(a.address, device);
        if (a.broadcast !== null) this.broadcast.set(a.broadcast, device);
      }
    }
  }
}
