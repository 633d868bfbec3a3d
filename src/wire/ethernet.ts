import type { Address } from '../base/address.ts';
import { i32, put16, put32, u16 } from './bytes.ts';
import { ETHERNET_SHORT, OK, type Reason } from './reason.ts';

export const ETHERNET_HEADER = 14;
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_VLAN = 0x8100;
export const ETHERTYPE_IPV6 = 0x86dd;

/** A 48-bit MAC address as two integers. As with `Address`, only a decoder's scratch one is ever assigned. */
export class Mac {
  /** The first two bytes. */
  high: number;
  /** The last four, signed. */
  low: number;

  constructor(high: number, low: number) {
    this.high = high & 0xffff;
    this.low = low | 0;
  }

  get isBroadcast(): boolean {
    return this.high === 0xffff && this.low === -1;
  }

  /** Group addresses, broadcast among them. */
  get isMulticast(): boolean {
    return (this.high & 0x100) !== 0;
  }

  get isZero(): boolean {
    return this.high === 0 && this.low === 0;
  }

  equals(o: Mac): boolean {
    return this.low === o.low && this.high === o.high;
  }

  clone(): Mac {
    return new Mac(this.high, this.low);
  }

  /** Decoders only: become the address at `bytes[at..at+6)`. */
  assign(bytes: Uint8Array, at: number): void {
    this.high = u16(bytes, at);
    this.low = i32(bytes, at + 2);
  }

  write(bytes: Uint8Array, at: number): void {
    put16(bytes, at, this.high);
    put32(bytes, at + 2, this.low);
  }

  toString(): string {
    const digits = this.high.toString(16).padStart(4, '0') + (this.low >>> 0).toString(16).padStart(8, '0');
    return digits.replace(/..(?=.)/g, '$&:');
  }
}

export const BROADCAST_MAC = new Mac(0xffff, -1);
export const ZERO_MAC = new Mac(0, 0);

/** Parses `02:00:00:00:00:01` (also with dashes); null if it is not one. */
export function parseMac(text: string): Mac | null {
  if (!/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/.test(text)) return null;
  const n = Number.parseInt(text.replace(/[:-]/g, ''), 16);
  return new Mac(Math.floor(n / 0x1_0000_0000), n % 0x1_0000_0000);
}

/** The group MAC of a multicast address (RFC 1112 §6.4, RFC 2464 §7). */
export function multicastMac(group: Address): Mac {
  return group.is4 ? new Mac(0x0100, 0x5e000000 | (group.d & 0x7fffff)) : new Mac(0x3333, group.d);
}

/** An Ethernet II header; one 802.1Q tag is looked through. */
export class EthernetHeader {
  readonly destination = new Mac(0, 0);
  readonly source = new Mac(0, 0);
  type = 0;
  /** VLAN id of the tag, −1 if untagged. */
  vlan = -1;
  /** Where the payload begins. */
  at = 0;
}

export function decodeEthernet(bytes: Uint8Array, at: number, end: number, h: EthernetHeader): Reason {
  if (end - at < ETHERNET_HEADER) return ETHERNET_SHORT;
  h.destination.assign(bytes, at);
  h.source.assign(bytes, at + 6);
  h.type = u16(bytes, at + 12);
  h.vlan = -1;
  h.at = at + ETHERNET_HEADER;
  if (h.type === ETHERTYPE_VLAN) {
    if (end - at < ETHERNET_HEADER + 4) return ETHERNET_SHORT;
    h.vlan = u16(bytes, at + 14) & 0xfff;
    h.type = u16(bytes, at + 16);
    h.at = at + ETHERNET_HEADER + 4;
  }
  return OK;
}

/** Writes 14 bytes. */
export function putEthernet(
  bytes: Uint8Array,
  at: number,
  destination: Mac,
  source: Mac,
  type: number,
): void {
  destination.write(bytes, at);
  source.write(bytes, at + 6);
  put16(bytes, at + 12, type);
}
