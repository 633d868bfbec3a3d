import { spawnSync } from 'node:child_process';

/** Packets that wait for us: a whole window of 6 MiB, the kernel's largest unless told otherwise, in packets of 1500 bytes. */
const QUEUE = 5000;

/** What the kernel's end of a link shall be like. */
export interface TunSetup {
  /** The device. */
  readonly name: string;
  /** The kernel's own addresses on it, with prefix length: the stack's lie in the same subnets. */
  readonly addresses: readonly string[];
  /** Bytes, 68..65535; left alone if not given. */
  readonly mtu?: number;
  /** Make the device first, for this user and for good, so that no root is needed to open it later. */
  readonly owner?: { readonly uid: number; readonly kind: 'tun' | 'tap' };
  /** Name (below /run/netns) or path of the network namespace in which it lies. */
  readonly namespace?: string;
}

/** One step that root takes. */
export interface SetupStep {
  readonly command: readonly string[];
  readonly why: string;
}

/**
 * The commands that give the kernel its end of the link, each with the reason why it takes root. Nothing is
 * run: `runTunSetup` does.
 */
export function tunSetup(setup: TunSetup): SetupStep[] {
  const { name, mtu, owner, namespace } = setup;
  const ip = ['ip'];
  if (namespace?.includes('/')) ip.unshift('nsenter', `--net=${namespace}`);
  else if (namespace !== undefined) ip.push('-n', namespace);
  const steps: SetupStep[] = [];
  if (owner !== undefined) {
    steps.push({
      command: [
        ...ip,
        ...['tuntap', 'add', 'dev', name, 'mode', owner.kind, 'user', `${owner.uid}`, 'vnet_hdr'],
      ],
      why: 'making a network device takes CAP_NET_ADMIN; afterwards its owner may open it without',
    });
  }
  if (mtu !== undefined) {
    steps.push({
      command: [...ip, 'link', 'set', 'dev', name, 'mtu', `${mtu}`],
      why: 'only CAP_NET_ADMIN may change what an interface takes',
    });
  }
  steps.push({
    command: [...ip, 'link', 'set', 'dev', name, 'txqueuelen', `${QUEUE}`],
    why: "the kernel's senders run over the 500 packets that a device keeps at first, and only CAP_NET_ADMIN changes that",
  });
  for (const address of setup.addresses) {
    steps.push({
      // Without duplicate address detection, which nobody answers and which would keep IPv6 waiting.
      command: [...ip, 'addr', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : [])],
      why: "an address is the machine's: it also makes the route to the stack's subnet",
    });
  }
  steps.push({
    command: [...ip, 'link', 'set', 'dev', name, 'up'],
    why: 'a device that is down carries nothing, and only CAP_NET_ADMIN brings it up',
  });
  return steps;
}

/**
 * Runs the commands one after another.
 * @throws Error with the command that failed, what it said and why it needs root
 */
export function runTunSetup(steps: readonly SetupStep[]): void {
  for (const { command, why } of steps) {
    const [program = '', ...args] = command;
    const r = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 });
    if (r.status === 0) continue;
    const said = r.error?.message ?? (r.stderr.trim() || `ended with ${r.signal ?? `code ${r.status}`}`);
    throw new Error(`${command.join(' ')}: ${said} (${why})`, { cause: r.error });
  }
}
