/** The tree that a script parses into. Times are microseconds; `line` is where the thing begins (from 1). */
import type { Micros } from '../../base/time.ts';

export interface Script {
  readonly options: readonly ScriptOption[];
  readonly init: readonly Command[];
  readonly events: readonly ScriptEvent[];
  readonly cleanup: Command | null;
}

/** `--name=value`; value is '' where none was written. */
export interface ScriptOption {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

export interface Command {
  readonly text: string;
  readonly line: number;
}

export interface EventTime {
  readonly kind: 'absolute' | 'relative' | 'any';
  readonly at: Micros;
  /** End of a `~` window, else null. */
  readonly until: Micros | null;
  /** End of a blocking call (`...`), else null. */
  readonly end: Micros | null;
}

export type ScriptEvent = { readonly time: EventTime; readonly line: number } & Action;

export type Action =
  | { readonly kind: 'packet'; readonly packet: PacketSpec }
  | { readonly kind: 'call'; readonly call: CallSpec }
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string };

/** `name(args) = result ERRNO (note)` */
export interface CallSpec {
  readonly name: string;
  readonly args: readonly Expr[];
  /** null where the script wrote `= ?` or nothing. */
  readonly result: Expr | null;
  readonly errno: string | null;
  readonly note: string | null;
  /** As written, for messages. */
  readonly text: string;
}

export type Expr =
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'word'; readonly name: string }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'list'; readonly items: readonly Expr[] }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] }
  | { readonly kind: 'apply'; readonly name: string; readonly args: readonly Expr[] }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expr }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expr; readonly right: Expr };

/** `name=value`, `name(args)=value`, or a bare value (name null). */
export interface Field {
  readonly name: string | null;
  readonly args: readonly Expr[];
  readonly value: Expr;
}

export interface PacketSpec {
  readonly direction: 'in' | 'out';
  readonly ip: IpSpec;
  readonly body: TcpSpec | UdpSpec | IcmpSpec | OtherSpec;
  /** As written, for messages. */
  readonly text: string;
}

/** What the bracket before a packet says of its IP header; null where it says nothing. */
export interface IpSpec {
  /** ECN bits: 0 not-ECT, 1 ECT(1), 2 ECT(0), 3 CE; 'ect01' = either ECT. */
  readonly ecn: 0 | 1 | 2 | 3 | 'ect01' | null;
  /** The whole TOS byte or traffic class. */
  readonly tos: number | null;
  readonly ttl: number | null;
  readonly flowLabel: number | null;
}

export interface TcpSpec {
  readonly kind: 'tcp';
  readonly ports: readonly [source: number, destination: number] | null;
  /** Flag bits as in wire/segment.ts (AE is bit 8). */
  readonly flags: number;
  /** Sequence number; `length` is the payload's. */
  readonly seq: number;
  readonly length: number;
  readonly ack: number;
  readonly window: number | null;
  readonly urgent: number;
  /** null: `<...>`, unchecked. */
  readonly options: readonly TcpOptionSpec[] | null;
}

export type TcpOptionSpec =
  | { readonly kind: 'eol' | 'nop' | 'sackOK' }
  | { readonly kind: 'mss' | 'wscale'; readonly value: number }
  | { readonly kind: 'TS'; readonly val: number; readonly ecr: number }
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [left: number, right: number])[] }
  | { readonly kind: 'FO' | 'FOEXP' | 'md5'; readonly bytes: Uint8Array | null }
  | {
      readonly kind: 'ECN';
      readonly fields: readonly { readonly name: 'e0b' | 'ceb' | 'e1b'; readonly value: number }[];
    }
  | { readonly kind: 'other'; readonly name: string; readonly text: string };

export interface UdpSpec {
  readonly kind: 'udp';
  readonly ports: readonly [source: number, destination: number] | null;
  readonly length: number;
}

export interface IcmpSpec {
  readonly kind: 'icmp';
  readonly type: string;
  readonly code: string | null;
  readonly mtu: number | null;
  readonly id: number | null;
  /** The quoted packet: TCP with a sequence number, or UDP with a payload length. */
  readonly echoed: { readonly protocol: 'tcp' | 'udp'; readonly seq: number; readonly length: number };
}

/** A protocol that the engine does not speak (SCTP, GRE, MPLS …): parsed, never run. */
export interface OtherSpec {
  readonly kind: 'other';
  readonly protocol: string;
}
