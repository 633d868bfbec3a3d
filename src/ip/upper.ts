import type { IcmpError } from '../wire/icmp-error.ts';
import type { Segment } from '../wire/segment.ts';

/** What IP wants of TCP. stack/tcp-host.ts is it. */
export interface TcpInput {
  /** A segment whose checksum is good, from a sane source to an address of ours; valid during the call only. */
  receive(segment: Segment): void;
  /** An ICMP error that quotes a TCP segment of ours; to be checked against a connection before it is believed. */
  icmpError(error: IcmpError): void;
}
