import { Address, parseAddress } from '../../base/address.ts';
import { EAGAIN } from '../../base/errno.ts';
import { seededRandom } from '../../base/random.ts';
import { parsePrefix } from '../../ip/prefix.ts';
import { ImpairedLink } from '../../link/impair.ts';
import { openTun, runTunSetup, type TunLink, tunSetup } from '../../link/tun/index.ts';
import { Recorder } from '../trace/recorder.ts';
import { PAGE_PORT } from './addresses.ts';
import { Traffic } from './bridge.ts';
import type { Front } from './gateway.ts';
import { InnerHost } from './host.ts';
import type { Running } from './instance.ts';
import { GatewayLoop } from './loop.ts';
import type { TunSettings, UpOptions } from './options.ts';
import { PageConnection, type PageHandler } from './page-server.ts';
import { sinceStart } from './wire.ts';

/** As rules and the recorder call this end of the link, and the other. */
const NAMES = ['B', 'A'] as const;
const IPV6 = { host: 'fd77:1::2/64', kernel: 'fd77:1::1/64' };

/** Host B with the built-in page, at the other end of a TUN device; the kernel is A. */
export class TunHost implements Running {
  readonly loop = new GatewayLoop();
  readonly recorder: Recorder;
  readonly b: InnerHost;
  readonly hosts: readonly InnerHost[];
  readonly fronts: Front[] = [];
  readonly wire = { counts: [] };
  readonly open = new Set<never>();
  readonly total = new Traffic();
  accepted = 0;
  readonly failed = 0;
  readonly device: TunLink;
  /** Answers requests to the built-in page. */
  page: PageHandler = () => new Uint8Array(0);
  /** Told when the device is gone. */
  ongone: ((reason: string) => void) | null = null;

  /** @throws Error that says what is missing: koffi, the device, the right */
  constructor(options: UpOptions, settings: TunSettings) {
    const { loop } = this;
    const random = seededRandom(options.seed ?? String(Date.now() ^ (process.pid << 8)));
    const { mtu, rules, ...conditions } = options.wire;
    // A rule is about single packets, and a condition about their sizes.
    const perfect = rules.length === 0 && Object.values(conditions).every(v => v === 0);
    this.device = openTun({
      kind: 'tun',
      name: settings.device,
      mtu,
      offload: perfect,
      gro: perfect,
      clock: loop,
    });
    try {
      const kernel = kernelAddress(settings.address);
      runTunSetup(tunSetup({ name: this.device.name, addresses: [kernel, IPV6.kernel] }));
      this.recorder = new Recorder(NAMES, () => loop.now());
      this.b = new InnerHost({
        name: 'B',
        loop,
        random: random.fork('B'),
        sysctl: Object.fromEntries(options.sysctls.filter(s => s.host !== 'A').map(s => [s.name, s.value])),
        addresses: [settings.address, IPV6.host],
        mtu: this.device.mtu,
        offloads: this.device.offloads,
      });
      this.hosts = [this.b];
      const link = new ImpairedLink(this.device, {
        clock: loop,
        random: random.fork('wire'),
        names: NAMES,
        rules: rules.map(text => sinceStart(text, loop.now(), NAMES)),
        ...conditions,
      });
      link.watch((channel, packet, frame, fate, now) => {
        this.recorder.observe(channel, packet, frame, fate, now);
        // Nobody tells when it reaches the kernel: at once, as far as anybody can see.
        this.recorder.arrived(frame);
        this.recorder.caughtUp();
      });
      this.b.attach(link);
      link.onclose = reason => this.ongone?.(reason);
    } catch (e) {
      this.device.close();
      throw e;
    }
    this.b.stack.tcp.trace = this.recorder.sink('B');
    const address = settings.address.split('/')[0]!;
    const fd = this.b.listen(parseAddress('::')!, PAGE_PORT, false, { ready: () => this.acceptAll(fd) });
    this.fronts.push({ kind: 'page', address, port: PAGE_PORT });
  }

  private acceptAll(listener: number): void {
    for (;;) {
      const fd = this.b.accept(listener, child => new PageConnection(this.b, child, this.page), 'page');
      if (fd === -EAGAIN || fd < 0) return;
      this.accepted++;
    }
  }

  async close(): Promise<void> {
    this.b.stop();
    await this.b.driver.close(2_000_000);
    this.loop.stop();
  }
}

/** The first address of the subnet that is not the host's own, with the same length. */
export function kernelAddress(host: string): string {
  const { address, length } = parsePrefix(host)!;
  const mask = -1 << (128 - length);
  const first = (address.d & mask) + 1;
  return `${Address.v4(first === address.d ? first + 1 : first)}/${length - 96}`;
}
