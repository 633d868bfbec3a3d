import type { State } from '../../tcp/state.ts';
import { SS_NAMES } from '../ss/names.ts';
import type { Finding } from './finding.ts';

export interface HostMetrics {
  readonly host: string;
  /** Sockets per state number, index 1 … 11. */
  readonly states: readonly number[];
  /** MIB counters by nstat's names. */
  readonly counters: Iterable<readonly [string, number]>;
  /** Malformed packets by reason. */
  readonly drops: Iterable<readonly [string, number]>;
  readonly orphans: number;
}

export interface WireMetrics {
  readonly from: string;
  readonly to: string;
  readonly carried: number;
  /** Lost, by reason (loss, queue, a rule's text …). */
  readonly lost: Iterable<readonly [string, number]>;
}

export interface Metrics {
  readonly version: string;
  /** Seconds. */
  readonly uptime: number;
  readonly hosts: readonly HostMetrics[];
  readonly wires: readonly WireMetrics[];
  readonly findings: readonly Finding[];
  readonly gateway: {
    readonly accepted: number;
    readonly refused: number;
    readonly open: number;
    readonly in: number;
    readonly out: number;
  } | null;
}

/** Counters that get a metric with a name and a help of their own; the rest are under lastack_mib. */
const NAMED: Readonly<Record<string, readonly [metric: string, help: string]>> = {
  TcpActiveOpens: ['lastack_tcp_active_opens_total', 'Connections opened by connect().'],
  TcpPassiveOpens: ['lastack_tcp_passive_opens_total', 'Connections accepted from a listener.'],
  TcpAttemptFails: ['lastack_tcp_attempt_fails_total', 'Connection attempts that failed.'],
  TcpEstabResets: ['lastack_tcp_established_resets_total', 'Connections that ended by a reset or an abort.'],
  TcpInSegs: ['lastack_tcp_segments_received_total', 'Segments received.'],
  TcpOutSegs: ['lastack_tcp_segments_sent_total', 'Segments sent, retransmissions not counted.'],
  TcpRetransSegs: ['lastack_tcp_retransmitted_segments_total', 'Segments sent again.'],
  TcpOutRsts: ['lastack_tcp_resets_sent_total', 'RST segments sent.'],
  TcpInErrs: ['lastack_tcp_receive_errors_total', 'Segments thrown away as damaged.'],
  TcpExtListenOverflows: [
    'lastack_tcp_accept_queue_overflows_total',
    'Connections dropped because an accept queue was full.',
  ],
  TcpExtListenDrops: [
    'lastack_tcp_listen_drops_total',
    'SYNs and handshakes dropped by listeners for any reason.',
  ],
  TcpExtTCPReqQFullDrop: ['lastack_tcp_syn_queue_drops_total', 'SYNs dropped because a SYN queue was full.'],
  TcpExtTCPTimeouts: ['lastack_tcp_timeouts_total', 'Retransmission timer expiries.'],
  TcpExtTCPTimeWaitOverflow: [
    'lastack_tcp_time_wait_overflows_total',
    'Connections destroyed because tcp_max_tw_buckets was reached.',
  ],
};

/** The Prometheus text format, version 0.0.4. */
export function metricsText(m: Metrics): string {
  const out = new Exposition();
  out
    .metric('lastack_info', 'gauge', 'Always 1; the label tells the version.')
    .sample({ version: m.version }, 1);
  out.metric('lastack_uptime_seconds', 'gauge', 'Seconds since the instance started.').sample({}, m.uptime);
  const sockets = out.metric('lastack_tcp_sockets', 'gauge', 'TCP sockets by state, TIME_WAIT included.');
  for (const h of m.hosts) {
    for (let s = 1; s <= 11; s++) {
      if (s !== 7) sockets.sample({ host: h.host, state: SS_NAMES[s as State] }, h.states[s] ?? 0);
    }
  }
  const orphans = out.metric(
    'lastack_tcp_orphans',
    'gauge',
    'Sockets closed by their application and not yet finished.',
  );
  for (const h of m.hosts) orphans.sample({ host: h.host }, h.orphans);
  const counters = m.hosts.map(h => ({ host: h.host, values: new Map(h.counters) }));
  for (const [name, [metric, help]] of Object.entries(NAMED)) {
    const lines = out.metric(metric, 'counter', help);
    for (const c of counters) lines.sample({ host: c.host }, c.values.get(name) ?? 0);
  }
  const mib = out.metric(
    'lastack_mib_total',
    'counter',
    "Every other counter that is not 0, by nstat's name.",
  );
  for (const c of counters) {
    for (const [name, value] of c.values) {
      if (value !== 0 && !Object.hasOwn(NAMED, name)) mib.sample({ host: c.host, name }, value);
    }
  }
  const drops = out.metric(
    'lastack_malformed_total',
    'counter',
    'Packets thrown away as malformed, by reason.',
  );
  for (const h of m.hosts)
    for (const [reason, n] of h.drops) if (n > 0) drops.sample({ host: h.host, reason }, n);
  const carried = out.metric('lastack_wire_frames_total', 'counter', 'Frames that the wire has carried.');
  for (const w of m.wires) carried.sample({ from: w.from, to: w.to }, w.carried);
  const lost = out.metric('lastack_wire_lost_total', 'counter', 'Frames that the wire has lost, by reason.');
  for (const w of m.wires)
    for (const [reason, n] of w.lost) lost.sample({ from: w.from, to: w.to, reason }, n);
  const warnings = out.metric(
    'lastack_warnings',
    'gauge',
    'Sockets or events that the watch warns of, by kind.',
  );
  for (const f of m.findings) warnings.sample({ host: f.host, kind: f.kind }, f.count);
  const g = m.gateway;
  if (g !== null) {
    out
      .metric('lastack_gateway_accepted_total', 'counter', 'Connections accepted from outside.')
      .sample({}, g.accepted);
    out
      .metric(
        'lastack_gateway_refused_total',
        'counter',
        'Connections whose inner connection or target failed.',
      )
      .sample({}, g.refused);
    out.metric('lastack_gateway_open', 'gauge', 'Connections being carried.').sample({}, g.open);
    const bytes = out.metric(
      'lastack_gateway_bytes_total',
      'counter',
      'Bytes carried, in from and out to clients.',
    );
    bytes.sample({ direction: 'in' }, g.in);
    bytes.sample({ direction: 'out' }, g.out);
  }
  return out.text();
}

class Exposition {
  private readonly blocks: { head: string[]; lines: string[] }[] = [];

  metric(
    name: string,
    type: 'counter' | 'gauge',
    help: string,
  ): { sample(labels: Record<string, string>, n: number): void } {
    const block = { head: [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`], lines: [] as string[] };
    this.blocks.push(block);
    return {
      sample(labels, n): void {
        const text = Object.entries(labels)
          .map(([k, v]) => `${k}="${v.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`)
          .join(',');
        block.lines.push(`${name}${text === '' ? '' : `{${text}}`} ${n}`);
      },
    };
  }

  text(): string {
    const full = this.blocks.filter(b => b.lines.length > 0);
    return `${full.flatMap(b => [...b.head, ...b.lines]).join('\n')}\n`;
  }
}
