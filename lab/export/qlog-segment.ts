import type { TcpOptionSpec } from '../../src/tools/packetdrill/ast.ts';
import type { LivePacket, LiveTcp } from '../../src/tools/packetdrill/packet-view.ts';
import { ACK, AE, CWR, ECE, FIN, PSH, RST, SYN, URG } from '../../src/wire/segment.ts';
import type { Connections } from '../engine/names.ts';

const FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [SYN, 'SYN'],
  [FIN, 'FIN'],
  [RST, 'RST'],
  [PSH, 'PSH'],
  [ACK, 'ACK'],
  [URG, 'URG'],
  [ECE, 'ECE'],
  [CWR, 'CWR'],
  [AE, 'AE'],
];

export const flagNames = (flags: number): string[] =>
  FLAGS.filter(([bit]) => flags & bit).map(([, name]) => name);

/** An option with its values by name; the numbers of SACK blocks are those of the wire. */
export function optionData(option: TcpOptionSpec): object {
  const { kind, ...values } = option;
  if (option.kind === 'other') return { name: option.name };
  return 'bytes' in option ? { name: kind, length: option.bytes?.length ?? 0 } : { name: kind, ...values };
}

/** Sequence numbers as both ends count them, from the initial ones that the SYNs told. */
export class Relative {
  private readonly connections: Connections;
  /** Initial numbers by connection and direction. */
  private readonly initial = new Map<string, number>();

  constructor(connections: Connections) {
    this.connections = connections;
  }

  of(packet: LivePacket, tcp: LiveTcp, out: boolean): { conn: number; seq: number; ack: number | null } {
    const conn = this.connections.of(
      packet.source.toString(),
      tcp.sourcePort,
      packet.destination.toString(),
      tcp.destinationPort,
    );
    const mine = `${conn} ${out}`;
    const other = `${conn} ${!out}`;
    if (tcp.flags & SYN) this.initial.set(mine, tcp.seq);
    const seq = (tcp.seq - (this.initial.get(mine) ?? tcp.seq)) >>> 0;
    const ack = tcp.flags & ACK ? (tcp.ack - (this.initial.get(other) ?? 0)) >>> 0 : null;
    return { conn, seq, ack };
  }
}
