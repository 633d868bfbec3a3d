import { closeSync, constants, openSync } from 'node:fs';
import type { Medium } from '../link.ts';
import { EBADF, EBUSY, EINVAL, ENOENT, EPERM, type System, SystemError } from './system.ts';

/** An open TUN or TAP device. */
export interface TunDevice {
  readonly fd: number;
  /** As the kernel knows it. */
  readonly name: string;
  readonly medium: Medium;
  readonly mtu: number;
  /** A `struct virtio_net_hdr` stands before each frame: the kernel takes unfinished checksums and super-segments. */
  readonly vnetHeader: boolean;
  /** The kernel also gives such frames to us. */
  readonly offload: boolean;
}

export interface DeviceOptions {
  /** At most 15 bytes; `%d` in it becomes a number. */
  readonly name: string;
  readonly kind: 'tun' | 'tap';
  /** Bytes of the largest datagram, 68..65535; null leaves the device's own. */
  readonly mtu: number | null;
  readonly offload: boolean;
  /** Name or path of the network namespace to open it in; null for this thread's. */
  readonly namespace: string | null;
}

// linux/if_tun.h, linux/sockios.h; the numbers are those of every machine that Node runs on.
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNGETFEATURES = 0x800454cf;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;
const IFF_TUN = 0x0001;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** Checksums, TSO for both families, and segments with ECN's CWR among them. */
const OFFLOADS = 1n | 2n | 4n | 8n;
const NAME_BYTES = 16;
const DEVICE = '/dev/net/tun';

/** @throws Error that says what is missing: the module, the device, the right, the name */
export function openDevice(system: System, options: DeviceOptions): TunDevice {
  const { namespace } = options;
  return namespace === null ? open(system, options) : inside(system, namespace, () => open(system, options));
}

function open(system: System, options: DeviceOptions): TunDevice {
  const { kind, mtu } = options;
  let fd: number;
  try {
    fd = openSync(DEVICE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (e) {
    throw explain(e, options);
  }
  try {
    const flags = (kind === 'tun' ? IFF_TUN : IFF_TAP) | IFF_NO_PI;
    const wanted = options.offload && (features(system, fd) & IFF_VNET_HDR) !== 0;
    let request = wanted ? attach(system, fd, options, flags | IFF_VNET_HDR) : -EINVAL;
    const vnetHeader = typeof request !== 'number';
    // A device that exists already has been made without the header, or the kernel is too old for it.
    if (request === -EINVAL) request = attach(system, fd, options, flags);
    if (typeof request === 'number') throw explain(new SystemError('TUNSETIFF', -request), options);
    const name = nameIn(request);
    const offload = vnetHeader && system.ioctl(fd, TUNSETOFFLOAD, OFFLOADS) === 0;
    return {
      fd,
      name,
      medium: kind === 'tun' ? 'ip' : 'ethernet',
      mtu: deviceMtu(system, name, mtu),
      vnetHeader,
      offload,
    };
  } catch (e) {
    closeSync(fd);
    throw e;
  }
}

function features(system: System, fd: number): number {
  const b = new Uint8Array(4);
  return system.ioctl(fd, TUNGETFEATURES, b) < 0 ? 0 : b[0]! | (b[1]! << 8);
}

/** The interface request as the kernel filled it in, or −errno. */
function attach(system: System, fd: number, { name }: DeviceOptions, flags: number): Uint8Array | number {
  const request = ifreq(name);
  request[NAME_BYTES] = flags;
  request[NAME_BYTES + 1] = flags >>> 8;
  const r = system.ioctl(fd, TUNSETIFF, request);
  return r < 0 ? r : request;
}

/** Sets the MTU if it is given and another; returns what it is. */
function deviceMtu(system: System, name: string, wanted: number | null): number {
  const socket = system.socket();
  try {
    const request = ifreq(name);
    const view = new DataView(request.buffer);
    const got = system.ioctl(socket, SIOCGIFMTU, request);
    if (got < 0) throw new SystemError(`asking ${name} for its MTU`, -got);
    const mtu = view.getInt32(NAME_BYTES, true);
    if (wanted === null || wanted === mtu) return mtu;
    view.setInt32(NAME_BYTES, wanted, true);
    const set = system.ioctl(socket, SIOCSIFMTU, request);
    if (set === -EPERM)
      throw new Error(
        `${name} has an MTU of ${mtu}; only root may change it: ip link set dev ${name} mtu ${wanted}`,
      );
    if (set < 0) throw new SystemError(`setting the MTU of ${name} to ${wanted}`, -set);
    return wanted;
  } finally {
    system.close(socket);
  }
}

function ifreq(name: string): Uint8Array {
  const request = new Uint8Array(40);
  request.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1));
  return request;
}

function nameIn(request: Uint8Array): string {
  const end = request.indexOf(0);
  return new TextDecoder().decode(request.subarray(0, end < 0 ? NAME_BYTES : Math.min(end, NAME_BYTES)));
}

/** Runs `work` with this thread in another network namespace. */
function inside<T>(system: System, namespace: string, work: () => T): T {
  const path = namespace.includes('/') ? namespace : `/run/netns/${namespace}`;
  const here = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const there = openSync(path, 'r');
    try {
      system.setns(there);
    } finally {
      closeSync(there);
    }
    try {
      return work();
    } finally {
      system.setns(here);
    }
  } finally {
    closeSync(here);
  }
}

/** What a person can do about it. */
function explain(e: unknown, { name, kind }: DeviceOptions): unknown {
  const errno = e instanceof SystemError ? e.errno : -Number((e as NodeJS.ErrnoException).errno ?? 0);
  const said = (text: string): Error => new Error(text, { cause: e });
  switch (errno) {
    case ENOENT:
      return said(
        `${DEVICE} does not exist: load the module (modprobe tun), or give the container the device (docker run --device ${DEVICE} --cap-add NET_ADMIN)`,
      );
    case EPERM:
    case 13:
      return said(
        `not allowed to open the device ${name}: that takes CAP_NET_ADMIN. Run as root, or let root make it yours once: ip tuntap add dev ${name} mode ${kind} user ${process.getuid?.() ?? 0} vnet_hdr`,
      );
    case EBUSY:
      return said(`another program has ${name} open, or it is no ${kind} device`);
    case EINVAL:
      return said(`the kernel refuses ${name}: it exists as another kind of device, or the name is no name`);
    case EBADF:
      return said(`${DEVICE} is not the TUN driver's device`);
    default:
      return e;
  }
}
