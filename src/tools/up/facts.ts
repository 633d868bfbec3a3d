import { CLOSED, LISTEN, type State } from '../../tcp/state.ts';
import type { ConversationLog } from '../trace/log.ts';
import type { Carry } from './carry.ts';
import type { ConnectionLine, FrameFacts } from './frame.ts';
import type { Instance } from './instance.ts';
import type { UpOptions } from './options.ts';

/** Ended connections that stay in the table for a while. */
const REMEMBERED = 20;

/** Collects what the terminal shows. */
export class Facts {
  private readonly instance: Instance;
  private readonly recent: { carry: Carry; age: number }[] = [];

  constructor(instance: Instance) {
    this.instance = instance;
  }

  closed(carry: Carry): void {
    this.recent.unshift({ carry, age: (performance.now() - carry.began) / 1000 });
    if (this.recent.length > REMEMBERED) this.recent.pop();
  }

  take(): FrameFacts {
    const { gateway: g, findings, started } = this.instance;
    const open = [...g.open];
    const live = open.slice(-REMEMBERED).reverse();
    const lines = [
      ...live.map(c => this.line(c, (performance.now() - c.began) / 1000)),
      ...this.recent.map(({ carry, age }) => this.line(carry, age)),
    ];
    return {
      fronts: frontTexts(g.fronts),
      wire: wireText(g.options),
      uptime: (performance.now() - started) / 1000,
      open: open.length,
      accepted: g.accepted,
      failed: g.failed,
      in: open.reduce((n, c) => n + c.traffic.in, g.total.in),
      out: open.reduce((n, c) => n + c.traffic.out, g.total.out),
      hosts: g.hosts.map(h => ({ name: h.name, states: [...h.stack.tcp.counts()] })),
      directions: g.wire.counts.map((c, i) => ({
        name: i === 0 ? 'A→B' : 'B→A',
        carried: c.carried,
        lost: c.lost,
        reasons: [...c.reasons].sort((x, y) => y[1] - x[1]),
      })),
      connections: lines,
      newest: g.recorder.logs.at(-1) ?? null,
      findings,
    };
  }

  private line(c: Carry, age: number): ConnectionLine {
    const log = this.logOf(c);
    return {
      id: c.id,
      from: c.from,
      inner: c.inner.replace(' ', ':'),
      target: c.target?.kind === 'server' ? `${c.target.host}:${c.target.port}` : 'page',
      a: log === null ? null : lastState(log, 'A'),
      b: log === null ? null : lastState(log, 'B'),
      in: c.traffic.in,
      out: c.traffic.out,
      age,
      outcome: c.outcome,
    };
  }

  private logOf(c: Carry): ConversationLog | null {
    const at = c.inner.lastIndexOf(' ');
    if (at < 0) return null;
    const address = c.inner.slice(0, at);
    const port = Number(c.inner.slice(at + 1));
    return (
      this.instance.gateway.recorder.logs.findLast(l => l.left.port === port && l.left.address === address) ??
      null
    );
  }
}

function lastState(log: ConversationLog, host: string): State | null {
  const e = log.findLast(x => x.kind === 'state' && x.host === host);
  if (e?.kind !== 'state') return host === log.left.host ? CLOSED : LISTEN;
  return e.state;
}

/** `http://127.0.0.1:8080/` for the page, else what stands behind the port. */
export function frontTexts(fronts: Instance['gateway']['fronts']): string[] {
  return fronts.map(f => {
    const at = f.address.includes(':') ? `[${f.address}]:${f.port}` : `${f.address}:${f.port}`;
    if (f.kind === 'page') return `http://${at}/`;
    return f.kind === 'proxy' ? `socks5h://${at}` : at;
  });
}

/** The wire's conditions in the words of the options; 'a perfect wire' without any. */
export function wireText(o: UpOptions): string {
  const w = o.wire;
  const share = (n: number): string => `${Number((n * 100).toPrecision(4))}%`;
  const time = (t: number): string => (t % 1000 === 0 ? `${t / 1000}ms` : `${t}us`);
  const parts = [
    w.loss > 0 ? `loss ${share(w.loss)}` : '',
    w.delay > 0 ? `delay ${time(w.delay)}` : '',
    w.jitter > 0 ? `jitter ${time(w.jitter)}` : '',
    w.reorder > 0 ? `reorder ${share(w.reorder)}` : '',
    w.duplicate > 0 ? `dup ${share(w.duplicate)}` : '',
    w.corrupt > 0 ? `corrupt ${share(w.corrupt)}` : '',
    w.rate > 0 ? `rate ${Number((w.rate / 1e6).toPrecision(4))}mbit` : '',
    w.mtu !== 1500 ? `mtu ${w.mtu}` : '',
    ...w.rules,
  ].filter(Boolean);
  return parts.length === 0 ? 'a perfect wire' : `wire: ${parts.join(', ')}`;
}
