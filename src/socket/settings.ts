import { type Micros, NEVER } from '../base/time.ts';

/**
 * What setsockopt(2) may set that concerns the socket and not the protocol below it. An accepted socket
 * starts with a copy of its listener's (the kernel clones the listening socket).
 */
export class SocketSettings {
  reuseAddr = false;
  reusePort = false;
  broadcast = false;
  dontRoute = false;
  debug = false;
  noCheck = false;
  /** SO_LINGER: on or off, and for how many seconds close() may wait. */
  lingerOn = false;
  lingerSeconds = 0;
  /** SO_RCVTIMEO and SO_SNDTIMEO: NEVER without a limit, 0 for "do not wait at all". */
  rcvTimeout: Micros = NEVER;
  sndTimeout: Micros = NEVER;
  v6only = false;
  freebind = false;
  transparent = false;
  /** IP_BIND_ADDRESS_NO_PORT. */
  noPort = false;
  zerocopy = false;
  /** TCP_INQ: recvmsg says how much is left. */
  inq = false;
  /** TCP_QUICKACK before there is a connection to ask. */
  quickack = true;
  minTtl = 0;
  /** IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS: of datagrams to groups. */
  multicastTtl = 1;
  /** TCP_DELACK_MAX_US, 0 unset. */
  delackMaxUs = 0;
  saveSyn = 0;
  localPortRange = 0;

  clone(): SocketSettings {
    return Object.assign(new SocketSettings(), this);
  }
}
