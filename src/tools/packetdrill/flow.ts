import { ACK, SYN } from '../../wire/segment.ts';
import type { TcpOptionSpec, TcpSpec } from './ast.ts';
import type { TcpFields } from './packet-build.ts';
import type { TcpText } from './packet-text.ts';
import type { LiveTcp } from './packet-view.ts';

/** How far a socket under test has come, as the runner sees it. */
export type FlowState = 'new' | 'listening' | 'connecting' | 'syn-sent' | 'syn-received' | 'known';

/**
 * One socket under test: its descriptor, its ports, and the mapping between the script's numbers and the
 * live ones. Packets with SYN carry absolute numbers in the script; all others are relative to the
 * initial sequence numbers, as tcpdump shows them.
 */
export class Flow {
  state: FlowState = 'new';
  /** Live descriptor, −1 until accept() gives one. */
  fd = -1;
  localPort: number;
  remotePort: number;
  private remoteIsn = 0;
  private localScript = 0;
  private localLive = 0;
  /** Script timestamp → live timestamp, of every outbound packet that carried both. */
  private readonly timestamps = new Map<number, number>();
  private baseline: { readonly script: number; readonly live: number } | null = null;
  private readonly labels = new Map<number, number>();

  constructor(localPort: number, remotePort: number) {
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  learnRemote(isn: number): void {
    this.remoteIsn = isn;
  }

  learnLocal(script: number, live: number): void {
    this.localScript = script;
    this.localLive = live;
  }

  /** What is added to the script's local numbers (inbound acknowledgements, outbound sequence numbers). */
  private localOffset(flags: number): number {
    return flags & SYN ? this.localLive - this.localScript : this.localLive;
  }

  private remoteOffset(flags: number): number {
    return flags & SYN ? 0 : this.remoteIsn;
  }

  /** Live sequence number that an ICMP error quotes. */
  quoted(seq: number): number {
    return (seq + this.localLive) >>> 0;
  }

  /**
   * An inbound packet with live numbers.
   * @returns a message if its timestamp echo is one that the stack never sent
   */
  toLive(spec: TcpSpec, scaledEcho: boolean): TcpFields | string {
    const local = this.localOffset(spec.flags);
    const options: TcpOptionSpec[] = [];
    for (const o of spec.options ?? []) {
      if (o.kind === 'sack')
        options.push({
          kind: 'sack',
          blocks: o.blocks.map(([l, r]) => [(l + local) >>> 0, (r + local) >>> 0] as const),
        });
      else if (o.kind === 'TS') {
        const ecr = this.liveEcho(o.ecr, scaledEcho);
        if (ecr === null) return `no packet of the stack carried the timestamp ${o.ecr} that this one echoes`;
        options.push({ kind: 'TS', val: o.val, ecr });
      } else options.push(o);
    }
    return {
      sourcePort: spec.ports?.[0] ?? this.remotePort,
      destinationPort: spec.ports?.[1] ?? this.localPort,
      seq: (spec.seq + this.remoteOffset(spec.flags)) >>> 0,
      ack: spec.flags & ACK ? (spec.ack + local) >>> 0 : spec.ack,
      flags: spec.flags,
      window: spec.window ?? 0,
      urgent: spec.urgent,
      options,
      length: spec.length,
    };
  }

  private liveEcho(script: number, scaled: boolean): number | null {
    const known = this.timestamps.get(script);
    if (known !== undefined) return known;
    if (script === 0) return 0;
    if (scaled && this.baseline !== null) return (this.baseline.live + (script - this.baseline.script)) >>> 0;
    return null;
  }

  /** An outbound packet in the script's numbers; timestamps relative to the first pair seen. */
  toScript(live: LiveTcp): TcpText {
    const { flags } = live;
    const remote = this.remoteOffset(flags);
    const options = live.options.map((o): TcpOptionSpec => {
      if (o.kind === 'sack')
        return {
          kind: 'sack',
          blocks: o.blocks.map(([l, r]) => [(l - remote) >>> 0, (r - remote) >>> 0] as const),
        };
      if (o.kind === 'TS' && this.baseline !== null)
        return { ...o, val: (this.baseline.script + (o.val - this.baseline.live)) >>> 0 };
      return o;
    });
    return {
      flags,
      seq: (live.seq - this.localOffset(flags)) >>> 0,
      length: live.length,
      ack: flags & ACK ? (live.ack - remote) >>> 0 : live.ack,
      window: live.window,
      urgent: live.urgent,
      options,
    };
  }

  /** Remembers which live timestamp stands for which of the script's. */
  noteTimestamp(script: number, live: number): void {
    this.baseline ??= { script, live };
    this.timestamps.set(script, live);
  }

  /** Whether a flow label of the script stands for this live one, noting it the first time. */
  sameLabel(script: number, live: number): boolean {
    const known = this.labels.get(script);
    if (known === undefined) this.labels.set(script, live);
    return known === undefined || known === live;
  }
}
