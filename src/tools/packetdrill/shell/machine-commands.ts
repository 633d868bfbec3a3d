import { type Files, failure, type Outcome, success } from './interpret.ts';
import { DEFAULTS, foreignSysctl } from './profile.ts';
import { textCommand } from './text-commands.ts';

export interface RouteChange {
  /** `add`, `change`, `replace`, `del` … */
  readonly verb: string;
  readonly v6: boolean;
  readonly destination: string;
  readonly mtu: number | null;
  readonly advmss: number | null;
  readonly initcwnd: number | null;
}

/** What commands may see and change of the machine under test. Setters give an error text, or null. */
export interface Knobs {
  getSysctl(name: string): string | null;
  setSysctl(name: string, value: string): string | null;
  /** `ip tcp_metrics flush`. */
  forgetServers(): void;
  counters(): readonly (readonly [name: string, value: number])[];
  /** The text of /proc/net/tcp or tcp6. */
  socketTable(v6: boolean): string;
  setMtu(mtu: number): void;
  /** Gives the interface this IPv4 address instead of the one that it has, as ifconfig does. */
  setAddress(text: string): void;
  route(change: RouteChange): string | null;
  /** A queueing discipline, and how many packets it holds if that was said. */
  setQueue(discipline: string, limit: number | null): void;
  /** Segmentation offload on or off. */
  setOffload(on: boolean): void;
}

/** The commands of one script run: they remember what nstat showed last, and pretended files. */
export class Commands implements Files {
  private readonly knobs: Knobs;
  private readonly seen = new Map<string, number>();
  private readonly pretended = new Map<string, string>();

  constructor(knobs: Knobs) {
    this.knobs = knobs;
  }

  read(path: string): string | null {
    if (path === '/dev/null') return '';
    if (path.startsWith('/proc/sys/')) {
      const value = this.knobs.getSysctl(path);
      return value === null ? null : `${value}\n`;
    }
    const table = /^\/proc\/(?:self\/)?net\/tcp(6?)$/.exec(path);
    if (table) return this.knobs.socketTable(table[1] === '6');
    return this.pretended.get(path) ?? null;
  }

  write(path: string, text: string, append: boolean): string | null {
    if (path.startsWith('/proc/sys/')) return this.set(path, text.trim());
    if (path !== '/dev/null')
      this.pretended.set(path, ((append ? this.pretended.get(path) : '') ?? '') + text);
    return null;
  }

  /** Runs one command; null if there is none of that name. */
  readonly run = (name: string, args: readonly string[], input: string): Outcome | null => {
    const base = name.slice(name.lastIndexOf('/') + 1);
    if (base === 'defaults.sh') return this.defaults();
    if (base === 'set_sysctls.py') return this.sysctl(args);
    // What undoes the settings at the end: each script has a machine of its own.
    if (/^sysctl_restore.*\.sh$/.test(base)) return success();
    return this.system(base, args) ?? textCommand(base, args, input, this);
  };

  private system(name: string, args: readonly string[]): Outcome | null {
    switch (name) {
      case 'sysctl':
        return this.sysctl(args);
      case 'nstat':
        return this.nstat(args);
      case 'ip':
        return this.ip(args);
      case 'tc':
        return this.tc(args);
      case 'ethtool':
        return this.ethtool(args);
      case 'ifconfig': {
        const at = args.indexOf('mtu');
        if (at >= 0) this.knobs.setMtu(Number(args[at + 1] ?? 1500));
        if (args[1]?.includes('.')) this.knobs.setAddress(args[1]);
        return success();
      }
      case 'dd':
      case 'truncate':
      case 'touch': {
        const target = args.find(a => a.startsWith('of='))?.slice(3) ?? args.at(-1) ?? '';
        this.pretended.set(target, '');
        return success();
      }
      case 'rm':
      case 'mkdir':
      case 'chmod':
      case 'modprobe':
      case 'kldload':
      case 'kldunload':
      case 'kldstat':
      case 'kenv':
      case 'conntrack':
      case 'dmesg':
        return success();
      case 'uname':
        return success('Linux\n');
      default:
        return null;
    }
  }

  private set(name: string, value: string): string | null {
    const foreign = foreignSysctl(name, value);
    if (foreign === null) return this.knobs.setSysctl(name, value);
    for (const [n, v] of foreign) this.knobs.setSysctl(n, v);
    return null;
  }

  private defaults(): Outcome {
    for (const [name, value] of DEFAULTS) {
      const wrong = this.knobs.setSysctl(name, value);
      if (wrong !== null) return failure(wrong);
    }
    return success();
  }

  /** sysctl(8) and the corpora's set_sysctls.py: `name=value` sets, `name` shows. */
  private sysctl(args: readonly string[]): Outcome {
    let out = '';
    const bare = args.some(a => /^-[a-z]*n/.test(a));
    const forgiving = args.some(a => /^-[a-z]*e/.test(a) || a === '--ignore');
    for (let i = 0; i < args.length; i++) {
      const a = args[i]!;
      if (a.startsWith('-')) continue;
      let eq = a.indexOf('=');
      let text = a;
      if (eq < 0 && args[i + 1] === '=') {
        text = `${a}=${args[i + 2] ?? ''}`; // sysctl -w name = value
        eq = a.length;
        i += 2;
      }
      if (eq >= 0) {
        const wrong = this.set(text.slice(0, eq), text.slice(eq + 1));
        if (wrong !== null && !forgiving) return failure(wrong);
        continue;
      }
      const value = this.knobs.getSysctl(a);
      if (value === null && foreignSysctl(a, '') === null && !forgiving)
        return failure(`there is no sysctl '${a}'`);
      out += bare ? `${value ?? ''}\n` : `${a} = ${value ?? ''}\n`;
    }
    return success(out);
  }

  /** nstat(8): what has been counted since it was last called, without the zeros; -a from the start, -z with them. */
  private nstat(args: readonly string[]): Outcome {
    const flags = args.filter(a => /^-[a-z]/.test(a)).join('');
    const wanted = args
      .filter(a => !a.startsWith('-'))
      .map(
        p =>
          new RegExp(
            `^${p
              .replace(/[^\w*?]/g, '\\$&')
              .replaceAll('*', '.*')
              .replaceAll('?', '.')}$`,
          ),
      );
    let out = '#kernel\n';
    for (const [name, value] of this.knobs.counters()) {
      const delta = flags.includes('a') ? value : value - (this.seen.get(name) ?? 0);
      if (!flags.includes('s')) this.seen.set(name, value);
      if (delta === 0 && !flags.includes('z')) continue;
      if (wanted.length > 0 && !wanted.some(w => w.test(name))) continue;
      out += `${name.padEnd(32)}${String(delta).padEnd(19)}0.0\n`;
    }
    return success(flags.includes('n') ? '' : out);
  }

  private ip(args: readonly string[]): Outcome {
    let v6 = false;
    let i = 0;
    for (; args[i]?.startsWith('-'); i++) if (args[i] === '-6') v6 = true;
    const [object = '', verb = 'show', ...rest] = args.slice(i);
    if (/^tcp_?metrics$/.test(object)) {
      if (verb === 'flush') this.knobs.forgetServers();
      return success();
    }
    if (/^(neigh|rule|addr|address|a|netns|netconf|token)$/.test(object)) return success();
    if (/^l(ink)?$/.test(object)) {
      const mtu = rest.indexOf('mtu');
      if (mtu >= 0) this.knobs.setMtu(Number(rest[mtu + 1]));
      return success();
    }
    if (!/^r(oute)?$/.test(object)) return failure(`ip: the runner does not know '${object}'`);
    if (/^(show|list|ls|get|flush)$/.test(verb)) return success();
    const value = (name: string): number | null => {
      const at = rest.indexOf(name);
      const word = at < 0 ? undefined : rest[at + 1] === 'lock' ? rest[at + 2] : rest[at + 1];
      return word === undefined ? null : Number(word);
    };
    const destination = rest[0] ?? 'default';
    const change = { verb, v6: v6 || destination.includes(':'), destination };
    const wrong = this.knobs.route({
      ...change,
      mtu: value('mtu'),
      advmss: value('advmss'),
      initcwnd: value('initcwnd'),
    });
    return wrong === null ? success() : failure(wrong);
  }

  private tc(args: readonly string[]): Outcome {
    if (args[0] !== 'qdisc') return success();
    if (args[1] === 'del' || args[1] === 'delete') this.knobs.setQueue('pfifo', null);
    const root = args.indexOf('root');
    const discipline = args[root + 1];
    if (!/^(add|replace|change)$/.test(args[1] ?? '') || root < 0 || discipline === undefined)
      return success();
    const limit = args.indexOf('limit');
    this.knobs.setQueue(discipline, limit < 0 ? null : Number(args[limit + 1]));
    return success();
  }

  private ethtool(args: readonly string[]): Outcome {
    for (let i = 0; i < args.length - 1; i++)
      if (args[i] === 'tso' || args[i] === 'gso') this.knobs.setOffload(args[i + 1] === 'on');
    return success();
  }
}
