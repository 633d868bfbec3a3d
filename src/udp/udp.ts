import type { Address } from '../base/address.ts';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EMSGSIZE } from '../base/errno.ts';
import type { Mib } from '../base/mib.ts';
import { halfSipHash, type Random, randomKey, type SipKey } from '../base/random.ts';
import type { SysctlValues } from '../base/sysctl.ts';
import type { Micros } from '../base/time.ts';
import type { Network, Path } from '../tcp/path.ts';
import { copyBytes } from '../wire/bytes.ts';
import { CSUM_GOOD, type Frame } from '../wire/frame.ts';
import type { IcmpError } from '../wire/icmp-error.ts';
import { icmpErrno, isHardError } from '../wire/icmp-error.ts';
import { OK, reasonName, UDP_CHECKSUM } from '../wire/reason.ts';
import { decodeUdp, PROTOCOL_UDP, putUdp, UDP_HEADER, UdpHeader } from '../wire/udp.ts';
import { UdpEndpoint } from './endpoint.ts';

export interface UdpEnv {
  readonly now: Micros;
  readonly sysctl: SysctlValues;
  readonly mib: Mib;
  readonly random: Random;
}

/** The network as UDP needs it: with a say in fragmentation (IP_MTU_DISCOVER). */
export interface UdpNetwork extends Network {
  send(
    path: Path,
    frame: Frame,
    source: Address,
    destination: Address,
    protocol: number,
    tos: number,
    ttl: number,
    discovery?: number,
  ): boolean;
}

/** The UDP sockets of a host. */
export class UdpHost {
  readonly net: UdpNetwork;
  private readonly env: UdpEnv;
  private readonly key: SipKey;
  private readonly ports = new Map<number, UdpEndpoint[]>();
  private readonly header = new UdpHeader();
  private changes: UdpEndpoint[] = [];
  private readonly open = new Set<UdpEndpoint>();

  constructor(env: UdpEnv, net: UdpNetwork) {
    this.env = env;
    this.net = net;
    this.key = randomKey(env.random);
  }

  /** A new socket. @param family 4 or 6 */
  socket(family: number): UdpEndpoint {
    const { rmem_default, wmem_default } = this.env.sysctl;
    const e = new UdpEndpoint(this, family, rmem_default, wmem_default);
    this.open.add(e);
    return e;
  }

  /** All open sockets. */
  endpoints(): Iterable<UdpEndpoint> {
    return this.open;
  }

  /** The sockets whose readiness may have changed since the last call, each once. */
  takeChanged(): UdpEndpoint[] {
    const list = this.changes;
    this.changes = [];
    for (const e of list) e.listed = false;
    return list;
  }

  /**
   * A datagram for this host, in `bytes[at..end)`.
   * @param group it was sent to a broadcast or multicast address: every socket that fits gets it
   * @returns false if nobody listens on the port: "port unreachable" is due
   */
  receive(
    bytes: Uint8Array,
    at: number,
    end: number,
    source: Address,
    destination: Address,
    group: boolean,
    csumGood: boolean,
    interfaceIndex: number,
    tos: number,
    ttl: number,
  ): boolean {
    const { mib } = this.env;
    const is4 = destination.is4;
    const h = this.header;
    const reason = decodeUdp(bytes, at, end, source, destination, h, csumGood);
    if (reason !== OK) {
      if (is4) mib.UdpInErrors++;
      else mib.Udp6InErrors++;
      if (reason === UDP_CHECKSUM) {
        if (is4) mib.UdpInCsumErrors++;
        else mib.Udp6InCsumErrors++;
      }
      mib.countDrop(reasonName(reason));
      return true;
    }
    const list = this.ports.get(h.destinationPort);
    const one = group || list === undefined ? null : this.choose(list, h, source, destination);
    if (list !== undefined && group) {
      for (const e of list) {
        const fits = e.mayTalkTo(destination) && (e.local.isAny || e.local.equals(destination));
        const from = e.remote === null || (e.remotePort === h.sourcePort && e.remote.equals(source));
        if (fits && from) this.deliver(e, bytes, h, source, destination, interfaceIndex, tos, ttl);
      }
      return true;
    }
    if (one === null) {
      if (group) return true;
      if (is4) mib.UdpNoPorts++;
      else mib.Udp6NoPorts++;
      mib.countDrop('udp-no-socket');
      return false;
    }
    this.deliver(one, bytes, h, source, destination, interfaceIndex, tos, ttl);
    return true;
  }

  /** An ICMP error that quotes a UDP datagram of ours. */
  icmpError(e: IcmpError): void {
    const list = this.ports.get(e.sourcePort);
    if (list === undefined) return;
    let endpoint: UdpEndpoint | null = null;
    for (const x of list) {
      if (!x.mayTalkTo(e.source) || (!x.local.isAny && !x.local.equals(e.source))) continue;
      if (x.remote !== null && (x.remotePort !== e.destinationPort || !x.remote.equals(e.destination)))
        continue;
      if (endpoint === null || x.remote !== null) endpoint = x;
    }
    if (endpoint === null) return;
    const errno = icmpErrno(e.family, e.type, e.code);
    let tell =
      endpoint.options.recverr || (endpoint.remote !== null && isHardError(e.family, e.type, e.code));
    if (e.mtu !== 0) {
      if (endpoint.options.pmtudisc === 0) return;
      const path = this.net.path(e.destination, e.source);
      if (typeof path !== 'number') this.net.lowerMtu(path, e.mtu);
      // Told only if the program fragments by itself.
      tell = endpoint.options.recverr || (endpoint.remote !== null && endpoint.options.pmtudisc >= 2);
    }
    if (!tell || errno === 0) return;
    endpoint.error = errno;
    this.changed(endpoint);
  }

  close(): void {
    for (const e of [...this.open]) e.close();
    this.changes = [];
  }

  /** For endpoints: puts them on the list that `takeChanged` hands out. */
  changed(e: UdpEndpoint): void {
    if (e.listed || e.closed) return;
    e.listed = true;
    this.changes.push(e);
  }

  /** For endpoints. */
  release(e: UdpEndpoint): void {
    this.open.delete(e);
    const list = this.ports.get(e.localPort);
    const at = list?.indexOf(e) ?? -1;
    if (list === undefined || at < 0) return;
    list.splice(at, 1);
    if (list.length === 0) this.ports.delete(e.localPort);
  }

  /** For endpoints: see `UdpEndpoint.bind`. */
  bind(e: UdpEndpoint, address: Address, port: number): number {
    const { sysctl } = this.env;
    if (!address.isAny) {
      if (address.is4 ? !e.mayTalkTo(address) : e.family !== 6) return -EAFNOSUPPORT;
      const known = this.net.isLocal(address) || this.net.isBroadcast(address);
      if (!known && sysctl.ip_nonlocal_bind === 0) return -EADDRNOTAVAIL;
    }
    if (port === 0) port = this.freePort(e, address);
    else if (!this.isFree(e, address, port)) port = 0;
    if (port === 0) return -EADDRINUSE;
    e.local = address.clone();
    e.localPort = port;
    const list = this.ports.get(port);
    if (list === undefined) this.ports.set(port, [e]);
    else list.push(e);
    return 0;
  }

  /** For endpoints: see `UdpEndpoint.send`. */
  send(e: UdpEndpoint, bytes: Uint8Array, at: number, n: number, to: Address, port: number): number {
    const { net } = this;
    const { options } = e;
    const path = net.path(to, e.local.isAny || net.isBroadcast(e.local) ? null : e.local);
    if (typeof path === 'number') return path;
    const group = net.isBroadcast(to);
    if (group && !to.isMulticast && !options.broadcast) return -EACCES;
    const size = UDP_HEADER + n + (to.is4 ? 20 : 40);
    if (options.pmtudisc >= 2 && size > (options.pmtudisc === 3 ? path.linkMtu : path.mtu)) return -EMSGSIZE;
    const frame = net.frame(UDP_HEADER + n);
    const start = frame.start;
    copyBytes(frame.bytes, start + UDP_HEADER, bytes, at, n);
    frame.end = start + UDP_HEADER + n;
    putUdp(frame.bytes, start, frame.end, e.localPort, port, path.source, to);
    frame.csum = CSUM_GOOD;
    if (to.is4) this.env.mib.UdpOutDatagrams++;
    else this.env.mib.Udp6OutDatagrams++;
    const ttl = to.isMulticast ? options.multicastTtl : options.ttl;
    net.send(path, frame, path.source, to, PROTOCOL_UDP, options.tos, ttl, options.pmtudisc);
    return n;
  }

  private deliver(
    e: UdpEndpoint,
    bytes: Uint8Array,
    h: UdpHeader,
    source: Address,
    destination: Address,
    interfaceIndex: number,
    tos: number,
    ttl: number,
  ): void {
    const { mib, now } = this.env;
    const taken = e.push({
      bytes: bytes.slice(h.at, h.end),
      source: source.clone(),
      sourcePort: h.sourcePort,
      destination: destination.clone(),
      interfaceIndex,
      tos,
      ttl,
      at: now,
    });
    if (taken) {
      if (destination.is4) mib.UdpInDatagrams++;
      else mib.Udp6InDatagrams++;
      return;
    }
    if (destination.is4) {
      mib.UdpRcvbufErrors++;
      mib.UdpInErrors++;
    } else {
      mib.Udp6RcvbufErrors++;
      mib.Udp6InErrors++;
    }
    mib.countDrop('udp-buffer-full');
  }

  /** The best of the sockets on a port; among equals with SO_REUSEPORT a hash of the peer decides. */
  private choose(
    list: UdpEndpoint[],
    h: UdpHeader,
    source: Address,
    destination: Address,
  ): UdpEndpoint | null {
    let best: UdpEndpoint | null = null;
    let most = -1;
    let equals = 0;
    for (const e of list) {
      const score = e.score(source, h.sourcePort, destination);
      if (score < 0) continue;
      if (score > most) {
        best = e;
        most = score;
        equals = 1;
      } else if (score === most) {
        equals++;
        // Without SO_REUSEPORT the one bound last gets all (Linux).
        if (!e.options.reusePort) best = e;
      }
    }
    if (best === null || equals < 2 || !best.options.reusePort) return best;
    const { a, b, c, d } = source;
    const pick = (halfSipHash(this.key, a, b, c, d, h.sourcePort, h.destinationPort) >>> 0) % equals;
    let n = 0;
    for (const e of list) {
      if (e.score(source, h.sourcePort, destination) === most && n++ === pick) return e;
    }
    return best;
  }

  private isFree(e: UdpEndpoint, address: Address, port: number): boolean {
    for (const other of this.ports.get(port) ?? []) {
      const mine = e.family === 6 && e.options.v6only ? 6 : address.is4 ? 4 : address.isAny ? 0 : 6;
      const its =
        other.family === 6 && other.options.v6only ? 6 : other.local.is4 ? 4 : other.local.isAny ? 0 : 6;
      if (mine !== 0 && its !== 0 && mine !== its) continue;
      if (!address.isAny && !other.local.isAny && !address.equals(other.local)) continue;
      const share =
        (e.options.reuseAddr && other.options.reuseAddr) || (e.options.reusePort && other.options.reusePort);
      if (!share) return false;
    }
    return true;
  }

  private freePort(e: UdpEndpoint, address: Address): number {
    const [low, high] = this.env.sysctl.ip_local_port_range;
    const n = high - low + 1;
    const from = this.env.random.below(n);
    for (let i = 0; i < n; i++) {
      const port = low + ((from + i) % n);
      if (!this.ports.has(port)) return port;
    }
    // All are taken by somebody: one that may be shared will do.
    for (let i = 0; i < n; i++) {
      const port = low + ((from + i) % n);
      if (this.isFree(e, address, port)) return port;
    }
    return 0;
  }
}
