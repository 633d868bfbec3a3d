import type { Address } from '../base/address.ts';
import type { Mac } from '../wire/ethernet.ts';
import type { Frame } from '../wire/frame.ts';

/** What a frame of an interface begins with: an Ethernet header, or at once the IP header. */
export type Medium = 'ethernet' | 'ip';

/** One address of an interface. */
export interface InterfaceAddress {
  readonly address: Address;
  /** Length of the on-link prefix in bits of 128 (IPv4: 96 + n). */
  readonly length: number;
  /** The subnet's broadcast address, null for IPv6 and for /31 and /32. */
  readonly broadcast: Address | null;
  /** Duplicate address detection is not over: the address is not used yet (RFC 4862 §5.4). */
  tentative: boolean;
}

/** What the IP layer must know of an interface. stack/interface.ts implements it. */
export interface Device {
  /** 1 is lo; never reused within a host. */
  readonly index: number;
  readonly name: string;
  readonly medium: Medium;
  readonly loopback: boolean;
  readonly isUp: boolean;
  /** Largest IP datagram in bytes. */
  readonly mtu: number;
  /** Hardware address; null on the medium `ip`. */
  readonly mac: Mac | null;
  readonly gsoMax: number;
  /** Its packets are spread in time, as under Linux's fq qdisc. */
  readonly paced: boolean;
  readonly checksumOffload: boolean;
  /** It carries frames with payload attached by reference. */
  readonly scatter: boolean;
  readonly addresses: readonly InterfaceAddress[];
  /** The transmit queue is nearly full: whoever can wait should. */
  readonly isCongested: boolean;
  /** Queues a complete frame; takes it over. False: the queue is full or the interface down, the frame is gone. */
  enqueue(frame: Frame): boolean;
}
