/**
 * TUN and TAP devices of Linux as links, for Node: a stack beside the machine's own. Needs the package
 * `koffi`, and the right to open the device (see `tunSetup`).
 */
import type { Clock } from '../link.ts';
import { openDevice } from './device.ts';
import { TunLink } from './link.ts';
import { System } from './system.ts';

export { TunCounters, TunLink } from './link.ts';
export { runTunSetup, type SetupStep, type TunSetup, tunSetup } from './setup.ts';

export interface TunOptions {
  /** At most 15 bytes; `%d` in it becomes a number. @default 'lastack%d' */
  readonly name?: string;
  /** IP packets, or Ethernet frames. */
  readonly kind: 'tun' | 'tap';
  /** Bytes of the largest datagram, 68..65535; set on the device if it has another. @default the device's */
  readonly mtu?: number;
  /** Let the kernel complete checksums and cut up large segments, and give us such, where it can. @default true */
  readonly offload?: boolean;
  /**
   * Without offload, join the TCP segments of one stream that are read at one moment, as Linux does for a network card
   * (generic receive offload). Turn it off to be given each packet as it came. @default true
   */
  readonly gro?: boolean;
  /** Name (below /run/netns) or path of the network namespace in which the device lies. @default this thread's */
  readonly namespace?: string;
  /** The loop that the driver runs on, so that a frame and its answer are one turn. @default `setImmediate` */
  readonly clock?: Pick<Clock, 'soon'>;
}

let system: System | null = null;

const IMMEDIATE: Pick<Clock, 'soon'> = {
  soon: task => {
    setImmediate(() => task.run());
  },
};

/**
 * Opens a TUN or TAP device, making it if there is none of that name; one that was made so goes with `close`.
 * @throws Error with what to do about it: koffi is not installed, the device is missing, taken or forbidden
 */
export function openTun(options: TunOptions): TunLink {
  const { name = 'lastack%d', kind, mtu = null, offload = true, gro = true, namespace = null } = options;
  if (process.platform !== 'linux') throw new Error(`TUN devices are Linux's; this is ${process.platform}`);
  if (kind !== 'tun' && kind !== 'tap') throw new TypeError(`kind '${kind}': expected tun or tap`);
  if (!/^[^\s/]{1,15}$/.test(name)) throw new RangeError(`name '${name}': expected 1 to 15 bytes, no spaces`);
  if (mtu !== null && !(Number.isInteger(mtu) && mtu >= 68 && mtu <= 65535))
    throw new RangeError(`mtu ${mtu}: expected a whole number of bytes, 68..65535`);
  system ??= new System();
  const device = openDevice(system, { name, kind, mtu, offload, namespace });
  return new TunLink(system, device, options.clock ?? IMMEDIATE, gro);
}
