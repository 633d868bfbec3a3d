import type { Interface } from '../../src/stack/interface.ts';
import type { Stack } from '../../src/stack/stack.ts';
import { IP_MF, putIpv4 } from '../../src/wire/ipv4.ts';
import { putFragmentHeader, putIpv6 } from '../../src/wire/ipv6.ts';
import { address } from '../stack/net.ts';

export interface Raw4 {
  source?: string;
  destination?: string;
  protocol?: number;
  id?: number;
  offset?: number;
  more?: boolean;
  df?: boolean;
  ttl?: number;
  tos?: number;
  options?: Uint8Array;
}

/** An IPv4 datagram of a stranger. */
export function raw4(payload: Uint8Array, o: Raw4 = {}): Uint8Array {
  const options = o.options ?? new Uint8Array(0);
  const header = 20 + options.length;
  const out = new Uint8Array(header + payload.length);
  out.set(options, 20);
  out.set(payload, header);
  const field = (o.df ? 0x4000 : 0) | (o.more ? IP_MF : 0) | ((o.offset ?? 0) >>> 3);
  putIpv4(
    out,
    0,
    out.length,
    o.tos ?? 0,
    o.id ?? 7,
    field,
    o.ttl ?? 64,
    o.protocol ?? 17,
    address(o.source ?? '10.9.0.2'),
    address(o.destination ?? '10.9.0.1'),
    header,
  );
  return out;
}

/** An IPv6 datagram: `next` names what the payload begins with. */
export function raw6(
  payload: Uint8Array,
  next: number,
  source = 'fd00::2',
  destination = 'fd00::1',
  hops = 64,
): Uint8Array {
  const out = new Uint8Array(40 + payload.length);
  putIpv6(out, 0, payload.length, 0, 0, next, hops, address(source), address(destination));
  out.set(payload, 40);
  return out;
}

/** An IPv6 fragment of a datagram with the protocol `next`. */
export function fragment6(
  piece: Uint8Array,
  next: number,
  offset: number,
  more: boolean,
  id: number,
): Uint8Array {
  const p = new Uint8Array(8 + piece.length);
  putFragmentHeader(p, 0, next, offset, more, id);
  p.set(piece, 8);
  return raw6(p, 44);
}

/** Puts bytes into a stack as if they had come by the interface. */
export function inject(stack: Stack, ifc: Interface, datagram: Uint8Array): void {
  stack.receive(ifc, stack.frames.from(datagram), stack.now);
}

/** What the stack has to send by the interface. */
export function output(stack: Stack, ifc: Interface): Uint8Array[] {
  const out: Uint8Array[] = [];
  stack.transmit(ifc, stack.now, f => {
    out.push(f.bytes.slice(f.start, f.end));
    f.release();
    return true;
  });
  return out;
}
