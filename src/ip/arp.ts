import { type Address, ANY4 } from '../base/address.ts';
import { ARP_LENGTH, ARP_REPLY, ARP_REQUEST, ArpPacket, decodeArp, putArp } from '../wire/arp.ts';
import {
  BROADCAST_MAC,
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  type Mac,
  putEthernet,
  ZERO_MAC,
} from '../wire/ethernet.ts';
import { OK } from '../wire/reason.ts';
import type { Device } from './device.ts';
import type { IpEnv } from './env.ts';
import type { Neighbor, NeighborTable } from './neighbor.ts';
import type { IpNetwork } from './network.ts';
import { samePrefix } from './prefix.ts';

/** ARP for IPv4 over Ethernet (RFC 826): asks, answers, and tells the neighbour table what it hears. */
export class Arp {
  private readonly env: IpEnv;
  private readonly net: IpNetwork;
  private readonly table: NeighborTable;
  private readonly packet = new ArpPacket();

  constructor(env: IpEnv, net: IpNetwork, table: NeighborTable) {
    this.env = env;
    this.net = net;
    this.table = table;
  }

  /** An ARP packet in `bytes[at..end)` that came by `device`. */
  receive(device: Device, bytes: Uint8Array, at: number, end: number): void {
    const p = this.packet;
    const { mib } = this.env;
    const reason = decodeArp(bytes, at, end, p);
    if (reason !== OK) {
      mib.drops.count(reason);
      return;
    }
    // Nobody is at a group address, and nobody else at one of ours.
    const { sender, target } = p;
    const senderIsBad = sender.isMulticast || sender.isLoopback || this.net.isBroadcast(sender);
    if (senderIsBad || target.isMulticast || target.isLoopback || p.senderMac.isMulticast) {
      mib.countDrop('arp-format');
      return;
    }
    const forUs = this.isOurs(device, target);
    if (sender.isAny) {
      // A probe (RFC 5227 §2.1.1): defend the address, learn nothing.
      if (p.operation === ARP_REQUEST && forUs)
        this.send(device, ARP_REPLY, target, p.senderMac, ANY4, p.senderMac);
      return;
    }
    if (this.isOurs(device, sender)) return;
    const known = this.table.find(device, sender);
    if (p.operation === ARP_REQUEST) {
      if (forUs) {
        // Who asks us will soon be asked for: RFC 826 keeps its address. Only hosts of the link may ask.
        const n = known ?? (this.isOnLink(device, sender) ? this.table.obtain(device, sender) : null);
        if (n !== null) this.table.learn(n, p.senderMac, false, true);
        this.send(device, ARP_REPLY, target, p.senderMac, sender, p.senderMac);
      } else if (known !== null) this.table.learn(known, p.senderMac, false, true);
      return;
    }
    // Answers that nobody asked for make no entries; one addressed to us confirms what we asked.
    if (known !== null)
      this.table.learn(known, p.senderMac, forUs && device.mac?.equals(p.targetMac) === true, true);
  }

  /** Asks for a neighbour's hardware address, at the old one if `unicast`. */
  ask(n: Neighbor, unicast: boolean): void {
    const { device } = n;
    const path = this.net.path(n.address, null);
    const source = typeof path === 'number' || path.device !== device ? this.anyAddress(device) : path.source;
    if (source === null) return;
    this.send(device, ARP_REQUEST, source, unicast ? n.mac : BROADCAST_MAC, n.address, ZERO_MAC);
  }

  /** Tells the link that an address is here (RFC 5227 §2.3), so that others replace what they know. */
  announce(device: Device, address: Address): void {
    this.send(device, ARP_REQUEST, address, BROADCAST_MAC, address, ZERO_MAC);
  }

  private send(
    device: Device,
    operation: number,
    sender: Address,
    to: Mac,
    target: Address,
    targetMac: Mac,
  ): void {
    const mac = device.mac;
    if (mac === null) return;
    const frame = this.net.frame(ARP_LENGTH);
    const { bytes } = frame;
    putArp(bytes, frame.start, operation, mac, sender, targetMac, target);
    frame.end = frame.start + ARP_LENGTH;
    frame.start -= ETHERNET_HEADER;
    putEthernet(bytes, frame.start, to, mac, ETHERTYPE_ARP);
    device.enqueue(frame);
  }

  private isOurs(device: Device, address: Address): boolean {
    // arp_ignore = 0 answers for all of the host's addresses, 1 only for those of the interface.
    if (this.env.sysctl.arp_ignore === 0) return this.net.isLocal(address);
    return device.addresses.some(a => a.address.equals(address));
  }

  private isOnLink(device: Device, address: Address): boolean {
    return device.addresses.some(a => a.address.is4 && samePrefix(a.address, address, a.length));
  }

  private anyAddress(device: Device): Address | null {
    return device.addresses.find(a => a.address.is4)?.address ?? null;
  }
}
