import { AF_INET } from '../../socket/constants.ts';
import type { Sockets } from '../../socket/sockets.ts';
import type { Name } from './handle.ts';
import type { NetHost } from './host.ts';

/** One end of a descriptor's connection, or −errno. */
export function nameOf(sockets: Sockets, fd: number, peer: boolean, host?: NetHost): Name | number {
  const n = peer ? sockets.getpeername(fd) : sockets.getsockname(fd);
  if (typeof n === 'number') return n;
  const s = sockets.lookup(fd);
  const six = typeof s !== 'number' && s.family !== AF_INET;
  // An IPv4 peer of an IPv6 socket shows as an IPv4-mapped address, as in Linux.
  const a = host?.translate?.seen(n.address) ?? n.address;
  const text = six && a.is4 ? `::ffff:${a}` : String(a);
  return { address: text, family: six ? 'IPv6' : 'IPv4', port: n.port };
}
