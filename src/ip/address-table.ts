import { Address } from '../base/address.ts';
import type { SipKey } from '../base/siphash.ts';
import { AddressMap } from './address-map.ts';
import type { Device } from './device.ts';

/** Which addresses are this host's own, and which of its subnets' are broadcast. */
export class AddressTable {
  private readonly local: AddressMap<Device>;
  private readonly broadcast: AddressMap<Device>;
  /** Most packets are for the address that the last one was for. */
  private readonly lastLocal = new Address(0, 0, 0, 0);
  private lastIsLocal = false;

  constructor(key: SipKey) {
    this.local = new AddressMap(key);
    this.broadcast = new AddressMap(key);
  }

  /** Made anew from the interfaces after each change of an address or of an interface's state. */
  rebuild(devices: readonly Device[]): void {
    this.local.clear();
    this.broadcast.clear();
    this.lastIsLocal = false;
    for (const device of devices) {
      // An address belongs to the host even while its interface is down.
      for (const a of device.addresses) {
        if (!a.tentative && this.local.get(a.address) === null) this.local.set(a.address, device);
        if (a.broadcast !== null) this.broadcast.set(a.broadcast, device);
      }
    }
  }

  isLocal(x: Address): boolean {
    if (this.lastIsLocal && this.lastLocal.equals(x)) return true;
    if (this.local.get(x) !== null) {
      this.lastLocal.assign(x);
      this.lastIsLocal = true;
      return true;
    }
    return x.isLoopback;
  }

  /** The interface that has the address, null for 127/8's others and for strangers. */
  deviceOf(x: Address): Device | null {
    return this.local.get(x);
  }

  /** 255.255.255.255, a subnet's broadcast address, or any multicast group. */
  isBroadcast(x: Address): boolean {
    if (!x.is4) return x.isMulticast;
    return x.d >>> 28 === 0xe || x.d === -1 || this.broadcast.get(x) !== null;
  }

  /** As `isBroadcast`, but without multicast. */
  isSubnetBroadcast(x: Address): boolean {
    return x.is4 && (x.d === -1 || this.broadcast.get(x) !== null);
  }
}
