import { Address } from '../base/address.ts';
import { put16, u16 } from './bytes.ts';
import { ETHERTYPE_IPV4, Mac } from './ethernet.ts';
import { ARP_FORMAT, ARP_SHORT, OK, type Reason } from './reason.ts';

export const ARP_LENGTH = 28;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** An ARP packet for IPv4 over Ethernet (RFC 826). */
export class ArpPacket {
  operation = 0;
  readonly senderMac = new Mac(0, 0);
  readonly sender = Address.v4(0);
  readonly targetMac = new Mac(0, 0);
  readonly target = Address.v4(0);
}

export function decodeArp(bytes: Uint8Array, at: number, end: number, p: ArpPacket): Reason {
  if (end - at < ARP_LENGTH) return ARP_SHORT;
  if (u16(bytes, at) !== 1 || u16(bytes, at + 2) !== ETHERTYPE_IPV4) return ARP_FORMAT;
  if (bytes[at + 4] !== 6 || bytes[at + 5] !== 4) return ARP_FORMAT;
  p.operation = u16(bytes, at + 6);
  if (p.operation !== ARP_REQUEST && p.operation !== ARP_REPLY) return ARP_FORMAT;
  p.senderMac.assign(bytes, at + 8);
  p.sender.assign4(bytes, at + 14);
  p.targetMac.assign(bytes, at + 18);
  p.target.assign4(bytes, at + 24);
  return OK;
}

/** Writes 28 bytes. */
export function putArp(
  bytes: Uint8Array,
  at: number,
  operation: number,
  senderMac: Mac,
  sender: Address,
  targetMac: Mac,
  target: Address,
): void {
  put16(bytes, at, 1);
  put16(bytes, at + 2, ETHERTYPE_IPV4);
  bytes[at + 4] = 6;
  bytes[at + 5] = 4;
  put16(bytes, at + 6, operation);
  senderMac.write(bytes, at + 8);
  sender.write4(bytes, at + 14);
  targetMac.write(bytes, at + 18);
  target.write4(bytes, at + 24);
}
