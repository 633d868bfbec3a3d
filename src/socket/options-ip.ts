import { EINVAL, ENOTCONN } from '../base/errno.ts';
import {
  IP_BIND_ADDRESS_NO_PORT,
  IP_FREEBIND,
  IP_LOCAL_PORT_RANGE,
  IP_MINTTL,
  IP_MTU,
  IP_MTU_DISCOVER,
  IP_MULTICAST_TTL,
  IP_PMTUDISC_OMIT,
  IP_RECVERR,
  IP_TOS,
  IP_TRANSPARENT,
  IP_TTL,
  IPV6_FREEBIND,
  IPV6_MINHOPCOUNT,
  IPV6_MTU,
  IPV6_MTU_DISCOVER,
  IPV6_MULTICAST_HOPS,
  IPV6_RECVERR,
  IPV6_TCLASS,
  IPV6_TRANSPARENT,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  SOCK_STREAM,
} from './constants.ts';
import { flag, type OptionTable, ranged, type SocketOption } from './option.ts';
import type { Socket } from './socket.ts';

const ECN_MASK = 3;

/** TOS and traffic class: on a stream the ECN bits are the protocol's own. */
function setTos(s: Socket, v: number): number {
  s.tuneOptions.tos = s.type === SOCK_STREAM ? (v & 0xfc) | (s.options.tos & ECN_MASK) : v & 0xff;
  return 0;
}

const mtuDiscover = ranged<Socket>(
  0,
  IP_PMTUDISC_OMIT,
  s => s.options.pmtudisc,
  (s, v) => {
    s.tuneOptions.pmtudisc = v;
  },
);
const recvErr = flag<Socket>(
  s => s.options.recverr,
  (s, on) => {
    s.tuneOptions.recverr = on;
  },
);
const freebind = flag<Socket>(
  s => s.settings.freebind,
  (s, on) => {
    s.tune.freebind = on;
  },
);
const transparent = flag<Socket>(
  s => s.settings.transparent,
  (s, on) => {
    s.tune.transparent = on;
    s.transparencyChanged();
  },
);
const minTtl = ranged<Socket>(
  0,
  255,
  s => s.settings.minTtl,
  (s, v) => {
    s.tune.minTtl = v;
  },
);
/** −1 for the default, 1. */
const multicastTtl = ranged<Socket>(
  -1,
  255,
  s => s.settings.multicastTtl,
  (s, v) => {
    s.tune.multicastTtl = v < 0 ? 1 : v;
  },
);
const pathMtu: SocketOption = {
  get: s => {
    const peer = s.peerName();
    if (typeof peer === 'number') return -ENOTCONN;
    const path = s.host.udp.net.path(peer.address, s.name().address);
    return typeof path === 'number' ? path : path.mtu;
  },
};

/** ip(7): level SOL_IP. Ints may be given as one byte. */
export const IP_OPTIONS: OptionTable = new Map<number, SocketOption>([
  [IP_TOS, { get: s => s.options.tos, set: setTos }],
  [
    IP_TTL,
    {
      get: s => s.options.ttl || s.host.sysctl.values.ip_default_ttl,
      set: (s, v) => {
        if (v !== -1 && (v < 1 || v > 255)) return -EINVAL;
        s.tuneOptions.ttl = v === -1 ? 0 : v;
        return 0;
      },
    },
  ],
  [IP_MTU_DISCOVER, mtuDiscover],
  [IP_RECVERR, recvErr],
  [IP_MTU, pathMtu],
  [IP_FREEBIND, freebind],
  [IP_TRANSPARENT, transparent],
  [IP_MINTTL, minTtl],
  [IP_MULTICAST_TTL, multicastTtl],
  [
    IP_BIND_ADDRESS_NO_PORT,
    flag(
      s => s.settings.noPort,
      (s, on) => void (s.tune.noPort = on),
    ),
  ],
  [
    IP_LOCAL_PORT_RANGE,
    {
      get: s => s.settings.localPortRange,
      set: (s, v) => {
        const low = v & 0xffff;
        const high = v >>> 16;
        if (low !== 0 && high !== 0 && low > high) return -EINVAL;
        s.tune.localPortRange = v;
        return 0;
      },
    },
  ],
]);

/** ipv6(7): level SOL_IPV6, only on AF_INET6 sockets. */
export const IPV6_OPTIONS: OptionTable = new Map<number, SocketOption>([
  [
    IPV6_V6ONLY,
    {
      get: s => (s.settings.v6only ? 1 : 0),
      set: (s, v) => {
        if (s.name().port !== 0) return -EINVAL;
        s.tune.v6only = v !== 0;
        return 0;
      },
    },
  ],
  [
    IPV6_TCLASS,
    { get: s => s.options.tos, set: (s, v) => (v < -1 || v > 255 ? -EINVAL : setTos(s, v === -1 ? 0 : v)) },
  ],
  [IPV6_MULTICAST_HOPS, multicastTtl],
  [
    IPV6_UNICAST_HOPS,
    {
      get: s => s.options.ttl || s.host.sysctl.values.ipv6_hop_limit,
      set: (s, v) => {
        if (v < -1 || v > 255) return -EINVAL;
        s.tuneOptions.ttl = v === -1 ? 0 : v;
        return 0;
      },
    },
  ],
  [IPV6_MTU_DISCOVER, mtuDiscover],
  [IPV6_RECVERR, recvErr],
  [IPV6_MTU, pathMtu],
  [IPV6_FREEBIND, freebind],
  [IPV6_TRANSPARENT, transparent],
  [IPV6_MINHOPCOUNT, minTtl],
]);
