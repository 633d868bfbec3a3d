import type { Address } from '../base/address.ts';
import { EINVAL, EMSGSIZE } from '../base/errno.ts';
import type { Micros } from '../base/time.ts';
import { ICMP_ECHO } from '../wire/icmp4.ts';
import { ICMP6_ECHO } from '../wire/icmp6.ts';
import type { Icmp } from './icmp.ts';

/** Answers that wait to be read; the oldest goes first. */
const MAX_REPLIES = 64;

/** One answer to an echo. */
export interface EchoReply {
  readonly source: Address;
  readonly sequence: number;
  /** Bytes of data that came back. */
  readonly length: number;
  readonly ttl: number;
  /** When it arrived. */
  readonly at: Micros;
}

/** An ICMP error about an echo of ours. */
export interface EchoError {
  /** Who says it: a router, or the destination. */
  readonly source: Address;
  readonly sequence: number;
  readonly family: number;
  readonly type: number;
  readonly code: number;
  /** Positive. */
  readonly errno: number;
  readonly at: Micros;
}

/** Sends echoes under an identifier of its own and collects the answers, as Linux's ping sockets do. */
export class PingEndpoint {
  /** ICMP identifier, 1..65535. */
  readonly id: number;
  readonly replies: EchoReply[] = [];
  readonly errors: EchoError[] = [];
  /** Of what is sent from now on, 1..255; 0 for the host's default. */
  ttl = 0;
  /** The last error reported by ICMP about one of our echoes, as a positive errno; 0 if none. */
  error = 0;
  private readonly icmp: Icmp;

  constructor(icmp: Icmp, id: number) {
    this.icmp = icmp;
    this.id = id;
  }

  /** @returns 0 or a negative errno */
  send(destination: Address, sequence: number, data: Uint8Array): number {
    if (data.length > 65507) return -EMSGSIZE;
    if (!(sequence >= 0 && sequence <= 65535)) return -EINVAL;
    const type = destination.is4 ? ICMP_ECHO : ICMP6_ECHO;
    return this.icmp.output.echo(
      type,
      (this.id << 16) | sequence,
      data,
      0,
      data.length,
      null,
      destination,
      0,
      this.ttl,
    );
  }

  /** Called by ICMP. */
  push(reply: EchoReply): void {
    if (this.replies.length >= MAX_REPLIES) this.replies.shift();
    this.replies.push(reply);
  }

  /** Called by ICMP. */
  fail(error: EchoError): void {
    if (this.errors.length >= MAX_REPLIES) this.errors.shift();
    this.errors.push(error);
    this.error = error.errno;
  }

  close(): void {
    this.icmp.closePing(this);
  }
}
