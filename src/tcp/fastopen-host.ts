import type { Address } from '../base/address.ts';
import type { Mib } from '../base/mib.ts';
import { type Random, randomKey } from '../base/random.ts';
import type { SipKey } from '../base/siphash.ts';
import type { SysctlValues } from '../base/sysctl.ts';
import { MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import { CookieOption, parseKeys } from './fastopen-cookie.ts';

/** Servers whose cookies a host remembers; the one unused for longest goes first. */
const MOST_SERVERS = 1024;
const UNSET = '00000000-00000000-00000000-00000000';
/** The pause after a black hole doubles no further than this often. */
const MOST_DOUBLINGS = 6;

/** What a client knows of a server's Fast Open (RFC 7413 §4.1.3). */
export class KnownServer {
  readonly cookie = new CookieOption();
  /** MSS that it announced, 0 unknown. */
  mss = 0;
  /** The option was ignored: 1 ask in the experimental form next, 2 that was ignored too. */
  tryExperimental = 0;
}

/** Fast Open of one host: the keys it makes cookies with, those it was given, and whether it may use them now. */
export class FastOpenHost {
  private readonly servers = new Map<string, KnownServer>();
  private readonly sysctl: SysctlValues;
  private readonly mib: Mib;
  private readonly random: Random;
  private keyText = '';
  private keys: SipKey[] = [];
  private disabledAt: Micros = -NEVER;
  private disabledTimes = 0;

  constructor(sysctl: SysctlValues, mib: Mib, random: Random) {
    this.sysctl = sysctl;
    this.mib = mib;
    this.random = random;
  }

  /** The keys of `tcp_fastopen_key`: as on Linux, the first use makes one if nobody has set it. */
  serverKeys(): readonly SipKey[] {
    const { sysctl } = this;
    if (sysctl.tcp_fastopen_key === UNSET) sysctl.tcp_fastopen_key = keyText(randomKey(this.random));
    if (sysctl.tcp_fastopen_key !== this.keyText) {
      this.keyText = sysctl.tcp_fastopen_key;
      this.keys = parseKeys(this.keyText);
    }
    return this.keys;
  }

  /** What is known of a server, for use now. */
  server(local: Address, remote: Address): KnownServer | null {
    const key = pair(local, remote);
    const known = this.servers.get(key);
    if (known === undefined) return null;
    this.servers.delete(key);
    this.servers.set(key, known);
    return known;
  }

  /** The same, to write something down. */
  learn(local: Address, remote: Address): KnownServer {
    const known = this.server(local, remote);
    if (known !== null) return known;
    if (this.servers.size >= MOST_SERVERS) {
      for (const oldest of this.servers.keys()) {
        this.servers.delete(oldest);
        break;
      }
    }
    const fresh = new KnownServer();
    this.servers.set(pair(local, remote), fresh);
    return fresh;
  }

  /** `ip tcp_metrics flush`. */
  forget(): void {
    this.servers.clear();
  }

  get serverCount(): number {
    return this.servers.size;
  }

  /** A middlebox swallows Fast Open: no more of it for `tcp_fastopen_blackhole_timeout_sec`, doubled each time. */
  blackHole(now: Micros): void {
    if (this.sysctl.tcp_fastopen_blackhole_timeout_sec === 0) return;
    this.disabledAt = now;
    this.disabledTimes++;
    this.mib.TcpExtTCPFastOpenBlackhole++;
  }

  /** Whether the pause lasts; and, once it is over, whether the next success shall be noted (`onTrial`). */
  paused(now: Micros): boolean {
    const seconds = this.sysctl.tcp_fastopen_blackhole_timeout_sec;
    if (seconds === 0 || this.disabledTimes === 0) return false;
    const doublings = Math.min(this.disabledTimes - 1, MOST_DOUBLINGS);
    return now < this.disabledAt + seconds * MICROS_PER_SECOND * 2 ** doublings;
  }

  get onTrial(): boolean {
    return this.sysctl.tcp_fastopen_blackhole_timeout_sec !== 0 && this.disabledTimes > 0;
  }

  /** A connection on trial received data: the path carries Fast Open after all. */
  worksAgain(): void {
    this.disabledTimes = 0;
  }
}

const pair = (local: Address, remote: Address): string =>
  `${local.a},${local.b},${local.c},${local.d} ${remote.a},${remote.b},${remote.c},${remote.d}`;

const keyText = (key: SipKey): string =>
  [key.k0, key.k1, key.k2, key.k3].map(w => (w >>> 0).toString(16).padStart(8, '0')).join('-');
