import { listSysctls, type SysctlEntry } from '../../base/sysctl-list.ts';
import type { Stack } from '../../stack/stack.ts';
import { version } from '../cli/version.ts';
import { type Hello, PROTOCOL, type SysctlItem, type TraceItem } from '../control/protocol.ts';
import type { Answer, Handler } from '../control/server.ts';
import { pingAnswer } from '../ping/answer.ts';
import { socketRows } from '../ss/collect.ts';
import type { SocketRow } from '../ss/row.ts';
import type { HostSummary } from '../ss/summary.ts';
import type { TraceEvent } from '../trace/event.ts';
import type { ConversationLog } from '../trace/log.ts';
import type { Recorder } from '../trace/recorder.ts';
import type { Finding } from '../watch/finding.ts';
import { type Metrics, metricsText } from '../watch/metrics.ts';
import { Watch } from '../watch/watch.ts';
import type { Traffic } from './bridge.ts';
import type { Carry } from './carry.ts';
import type { Front, Gateway } from './gateway.ts';
import type { InnerHost } from './host.ts';
import { TraceStream } from './trace-stream.ts';
import type { WireCount } from './wire.ts';

/** What runs: the gateway, or one host on the machine's own network. */
export interface Running {
  readonly hosts: readonly InnerHost[];
  /** The host that has the page. */
  readonly b: InnerHost;
  readonly recorder: Recorder;
  readonly fronts: readonly Front[];
  /** From the first host to the second and back; empty if there is but one. */
  readonly wire: { readonly counts: readonly WireCount[] };
  readonly open: ReadonlySet<Carry>;
  readonly total: Traffic;
  readonly accepted: number;
  readonly failed: number;
}

/** What can be asked of a running gateway: its tables, knobs, counters, findings and trace. */
export class Instance<R extends Running = Gateway> {
  readonly gateway: R;
  readonly started = performance.now();
  /** What the watch found last. */
  findings: readonly Finding[] = [];
  private readonly watches: ReadonlyMap<InnerHost, Watch>;

  constructor(gateway: R) {
    this.gateway = gateway;
    this.watches = new Map(gateway.hosts.map(h => [h, new Watch(h.stack, undefined, fd => h.ownerOf(fd))]));
  }

  /** Looks at the sockets of both hosts; call it every second. */
  look(): readonly Finding[] {
    this.findings = [...this.watches].flatMap(([host, watch]) => {
      // Tells the stack the time, which would stand still on a host where nothing happens.
      host.enter();
      return watch.look();
    });
    return this.findings;
  }

  *rows(hosts: readonly InnerHost[], info: boolean): Generator<SocketRow> {
    for (const h of hosts) {
      h.enter();
      const watch = this.watches.get(h);
      yield* socketRows(h.stack, {
        info,
        ownerOf: fd => h.ownerOf(fd),
        ...(watch ? { ageOf: watch.ageOf } : {}),
      });
    }
  }

  summaries(hosts: readonly InnerHost[] = this.gateway.hosts): HostSummary[] {
    return hosts.map(h => ({
      host: h.name,
      states: [...h.stack.tcp.counts()],
      ipv6: 0,
      orphans: h.stack.tcp.orphans,
    }));
  }

  metrics(): string {
    const g = this.gateway;
    const live = [...g.open].reduce((t, c) => [t[0]! + c.traffic.in, t[1]! + c.traffic.out], [0, 0]);
    const m: Metrics = {
      version: version(),
      uptime: (performance.now() - this.started) / 1000,
      hosts: g.hosts.map(h => ({
        host: h.name,
        states: [...h.stack.tcp.counts()],
        counters: h.stack.mib.entries(),
        drops: h.stack.mib.drops.entries(),
        orphans: h.stack.tcp.orphans,
      })),
      wires: g.wire.counts.map((c, i) => ({
        from: g.hosts[i]!.name,
        to: g.hosts[1 - i]!.name,
        carried: c.carried,
        lost: c.reasons.entries(),
      })),
      findings: this.look(),
      gateway: {
        accepted: g.accepted,
        refused: g.failed,
        open: g.open.size,
        in: g.total.in + live[0]!,
        out: g.total.out + live[1]!,
      },
    };
    return metricsText(m);
  }

  /** Answers requests of the control socket. */
  readonly handler: Handler = (request, signal): Answer | string => {
    const named = 'host' in request ? request.host : undefined;
    const hosts = this.gateway.hosts.filter(h => named === undefined || h.name === named);
    if (hosts.length === 0)
      return `no host is called '${named}'; there are ${this.gateway.hosts.map(h => h.name).join(' and ')}`;
    switch (request.ask) {
      case 'hello':
        return { head: { ...this.hello() } };
      case 'sockets':
        return { head: { pid: process.pid }, items: this.rows(hosts, request.info === true) };
      case 'summary': {
        const names = new Set<string>(hosts.map(h => h.name));
        const findings = this.look().filter(f => names.has(f.host));
        return { head: { hosts: this.summaries(hosts), findings } };
      }
      case 'counters':
        return { items: hosts.map(h => ({ host: h.name, counters: h.stack.mib.entries() })) };
      case 'metrics':
        return { head: { text: this.metrics() } };
      case 'sysctl':
        return sysctls(hosts, request.names);
      case 'sysctl-set':
        return setSysctl(hosts, request.name, request.value);
      case 'ping':
      case 'traceroute':
        return pingAnswer(this.gateway.hosts, request, signal);
      case 'trace':
        return { items: this.trace(request.last, request.follow, signal) };
    }
  };

  private hello(): Hello {
    return {
      protocol: PROTOCOL,
      version: version(),
      pid: process.pid,
      uptime: (performance.now() - this.started) / 1000,
      hosts: this.gateway.hosts.map(h => h.name),
      fronts: this.gateway.fronts.map(f => `${f.kind} ${f.address}:${f.port}`),
    };
  }

  /** The last connections so far, and what happens from now on if it shall be followed. */
  async *trace(last: number, follow: boolean, signal: AbortSignal): AsyncGenerator<TraceItem> {
    const { recorder } = this.gateway;
    const logs = last === 0 ? [] : recorder.logs.slice(-last);
    // Both at one moment, so that nothing falls between and nothing is told twice.
    const stream = follow ? new TraceStream(recorder, signal) : null;
    const past = logs.map(log => ({ log, events: log.events.filter(isTold) }));
    for (const { log, events } of past) {
      yield begin(log);
      for (const event of events) yield { of: log.id, event };
    }
    if (stream !== null) yield* stream.items(new Set(logs.map(l => l.id)));
  }
}

/** A segment on its way is told of when it arrives. */
const isTold = (e: TraceEvent): boolean => e.kind !== 'segment' || e.fate !== 'travelling';

const begin = (log: ConversationLog): TraceItem => ({
  conversation: log.id,
  left: log.left,
  right: log.right,
});

function sysctls(hosts: readonly InnerHost[], names: readonly string[] | undefined): Answer | string {
  const items: SysctlItem[] = [];
  for (const h of hosts) {
    const list = listSysctls(h.stack.sysctl);
    if (names === undefined) items.push(...list.map(e => ({ host: h.name, ...e })));
    for (const name of names ?? []) {
      const entry = entryOf(h.stack, name);
      if (typeof entry === 'string') return entry;
      items.push({ host: h.name, ...entry });
    }
  }
  return { items };
}

function setSysctl(hosts: readonly InnerHost[], name: string, value: string): Answer | string {
  for (const h of hosts) {
    h.enter();
    const result = h.stack.sysctl.set(name, value);
    if (!result.ok) return result.error;
  }
  return sysctls(hosts, [name]);
}

/** The knob of any spelling, or the sentence that says that there is none. */
function entryOf(stack: Stack, name: string): SysctlEntry | string {
  const { sysctl } = stack;
  if (sysctl.get(name) === null) {
    const r = sysctl.set(name, '');
    return r.ok ? `no sysctl is called '${name}'` : r.error;
  }
  const short = name.trim().toLowerCase().replaceAll('/', '.').split('.').at(-1)!;
  const list = listSysctls(sysctl);
  const full =
    list.find(e => e.name === name) ?? list.find(e => e.name.endsWith(`.${short}`) || e.name === short);
  return full ?? `no sysctl is called '${name}'`;
}
