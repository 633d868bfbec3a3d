import { AF_INET } from '../../socket/constants.ts';
import type { Sockets } from '../../socket/sockets.ts';
import type { Name } from './handle.ts';

/** One end of a descriptor's connection, or −errno. */
export function nameOf(sockets: Sockets, fd: number, peer: boolean): Name | number {
  const n = peer ? sockets.getpeername(fd) : sockets.getsockname(fd);
  if (typeof n === 'number') return n;
  const s = sockets.lookup(fd);
  const six = typeof s !== 'number' && s.family !== AF_INET;
  // An IPv4 peer of an IPv6 socket shows as an IPv4-mapped address, as in Linux.
  const text = six && n.address.is4 ? `::ffff:${n.address}` : String(n.address);
  return { address: text, family: six ? 'IPv6' : 'IPv4', port: n.port };
}
