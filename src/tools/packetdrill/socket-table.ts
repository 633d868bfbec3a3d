import type { Address } from '../../base/address.ts';
import type { TcpHost } from '../../stack/tcp-host.ts';

const LISTEN = 10;

const hex = (n: number, digits: number): string => n.toString(16).toUpperCase().padStart(digits, '0');

/** An address as /proc/net/tcp prints it: each word in the machine's (little-endian) order. */
function addressHex(a: Address, v6: boolean): string {
  const swap = (w: number): string =>
    hex((((w & 0xff) << 24) | ((w & 0xff00) << 8) | ((w >>> 8) & 0xff00) | (w >>> 24)) >>> 0, 8);
  return v6 ? [a.a, a.b, a.c, a.d].map(swap).join('') : swap(a.d);
}

/** The text of /proc/net/tcp (or tcp6): listeners and connections with their states in hexadecimal. */
export function socketTable(tcp: TcpHost, v6: boolean): string {
  let out =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  let n = 0;
  const row = (
    local: Address,
    localPort: number,
    remote: Address | null,
    remotePort: number,
    state: number,
  ): void => {
    if (local.is4 === v6) return;
    const zero = v6 ? '0'.repeat(32) : '00000000';
    const there = remote === null ? `${zero}:0000` : `${addressHex(remote, v6)}:${hex(remotePort, 4)}`;
    const here = `${addressHex(local, v6)}:${hex(localPort, 4)}`;
    out += `${String(n++).padStart(4)}: ${here} ${there} ${hex(state, 2)} 00000000:00000000 00:00000000 00000000     0        0 0\n`;
  };
  for (const l of tcp.listeners()) row(l.local, l.localPort, null, 0, LISTEN);
  for (const c of tcp.connections()) row(c.local, c.localPort, c.remote, c.remotePort, c.state);
  return out;
}
