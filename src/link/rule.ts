import type { Random } from '../base/random.ts';
import { type Micros, NEVER } from '../base/time.ts';
import { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from '../wire/segment.ts';
import type { Flow } from './flow.ts';
import { PACKET_ARP, PACKET_ICMP, PACKET_TCP, PACKET_UDP, type Packet } from './packet.ts';

/** What may be done to a frame; several may be. */
export const PASS = 0;
export const DROP = 1;
export const DELAY = 2;
export const DUPLICATE = 4;
export const CORRUPT = 8;
/** It arrives right after the next frame of its direction, or after a time if none follows. */
export const REORDER = 16;
/** Congestion experienced is marked in the IP header (RFC 3168). */
export const MARK = 32;

export const ACTIONS = ['drop', 'delay', 'duplicate', 'corrupt', 'reorder', 'mark'] as const;
export type ActionName = (typeof ACTIONS)[number];
export const actionBit = (name: ActionName): number => 1 << ACTIONS.indexOf(name);

/** How long a reordered frame waits for another to pass it, unless the rule says: Linux's smallest RTO. */
export const REORDER_WAIT: Micros = 200_000;

/** Tests by name. A `Packet` passes all terms of a rule or the rule does not match it. */
export const TERMS = [
  'any',
  'SYN',
  'SYN-ACK',
  'ACK',
  'pure-ACK',
  'FIN',
  'RST',
  'PSH',
  'URG',
  'ECE',
  'CWR',
  'DATA',
  'SACK',
  'retransmit',
  'TCP',
  'UDP',
  'ICMP',
  'ARP',
  'fragment',
] as const;
export type TermName = (typeof TERMS)[number];

/** Numbers a term may compare; `seq` and `ack` are relative, so that a SYN has 0 and the first byte 1. */
export const FIELDS = [
  'seq',
  'ack',
  'len',
  'win',
  'urg',
  'port',
  'sport',
  'dport',
  'size',
  'ttl',
  'icmp',
] as const;
export type FieldName = (typeof FIELDS)[number];
export const OPERATORS = ['=', '!=', '<', '<=', '>', '>='] as const;
export type Operator = (typeof OPERATORS)[number];

export type Term =
  | { readonly name: TermName; readonly not: boolean }
  | { readonly field: FieldName; readonly operator: Operator; readonly value: number };

/** What a rule is, whether it came from text or from code. */
export interface RuleSpec {
  action: ActionName;
  /** `delay`: by how much. `duplicate`: how long after the first. `reorder`: how long to wait for another frame. */
  time?: Micros;
  /** Name of the sender; both if absent or '*'. */
  from?: string;
  terms?: readonly Term[];
  /** A further test in code. The packet's contents change after the call. */
  match?: (packet: Packet) => boolean;
  /** Which matches are meant, counted from 1 per connection: inclusive ranges. All of them if absent. */
  counts?: readonly (readonly [number, number])[];
  /** Count over the whole wire instead of per connection. */
  total?: boolean;
  /** Of those, the share that is acted on. @default 1 */
  probability?: number;
  /** Active in this time only. */
  after?: Micros;
  until?: Micros;
  /** As it is shown in logs. */
  text?: string;
}

/** The names that are about TCP: a rule with one of them, negated or not, matches nothing else. */
const NOT_ABOUT_TCP = new Set<string>(['any', 'UDP', 'ICMP', 'ARP', 'fragment', 'size', 'ttl', 'icmp']);

export class Rule {
  readonly text: string;
  readonly action: number;
  readonly time: Micros;
  /** 0 or 1 for a side of the wire, −1 for both. */
  readonly side: number;
  /** Number of this rule on its wire. */
  readonly index: number;
  /** How often it matched, counted or not, and how often it acted. */
  seen = 0;
  acted = 0;
  private readonly spec: RuleSpec;
  private readonly tcpOnly: boolean;
  private readonly terms: readonly Term[];

  constructor(spec: RuleSpec, index: number, side: number) {
    this.spec = spec;
    this.index = index;
    this.side = side;
    this.action = actionBit(spec.action);
    this.time = spec.time ?? (spec.action === 'reorder' ? REORDER_WAIT : 0);
    this.text = spec.text ?? `${spec.action} ${spec.from ?? '*'} (code)`;
    this.terms = spec.terms ?? [];
    this.tcpOnly = this.terms.some(t => !NOT_ABOUT_TCP.has('name' in t ? t.name : t.field));
  }

  /** Whether the rule acts on this packet; counts it if it matches. */
  applies(packet: Packet, side: number, now: Micros, random: Random): boolean {
    const spec = this.spec;
    if (this.side >= 0 && this.side !== side) return false;
    if (this.tcpOnly && packet.kind !== PACKET_TCP) return false;
    if (now < (spec.after ?? 0) || now >= (spec.until ?? NEVER)) return false;
    for (let i = 0; i < this.terms.length; i++) if (!passes(this.terms[i]!, packet)) return false;
    if (spec.match !== undefined && !spec.match(packet)) return false;
    this.seen++;
    const n = spec.total || packet.flow === null ? this.seen : this.countOn(packet.flow);
    if (spec.counts !== undefined && !within(spec.counts, n)) return false;
    if (spec.probability !== undefined && random.float() >= spec.probability) return false;
    this.acted++;
    return true;
  }

  private countOn(flow: Flow): number {
    while (flow.counts.length <= this.index) flow.counts.push(0);
    return ++flow.counts[this.index]!;
  }
}

function within(ranges: readonly (readonly [number, number])[], n: number): boolean {
  for (let i = 0; i < ranges.length; i++) if (n >= ranges[i]![0] && n <= ranges[i]![1]) return true;
  return false;
}

function passes(term: Term, p: Packet): boolean {
  if ('name' in term) return hasName(term.name, p) !== term.not;
  if (term.field === 'port') {
    const source = compare(p.segment.sourcePort, term.operator, term.value);
    const destination = compare(p.segment.destinationPort, term.operator, term.value);
    return term.operator === '!=' ? source && destination : source || destination;
  }
  return compare(fieldOf(term.field, p), term.operator, term.value);
}

function hasName(name: TermName, p: Packet): boolean {
  const s = p.segment;
  const flags = p.kind === PACKET_TCP ? s.flags : 0;
  switch (name) {
    case 'any':
      return true;
    case 'SYN':
      return (flags & (SYN | ACK)) === SYN;
    case 'SYN-ACK':
      return (flags & (SYN | ACK)) === (SYN | ACK);
    case 'ACK':
      return (flags & ACK) !== 0;
    case 'pure-ACK':
      return (flags & (SYN | FIN | RST | ACK)) === ACK && s.length === 0;
    case 'FIN':
      return (flags & FIN) !== 0;
    case 'RST':
      return (flags & RST) !== 0;
    case 'PSH':
      return (flags & PSH) !== 0;
    case 'URG':
      return (flags & URG) !== 0;
    case 'ECE':
      return (flags & ECE) !== 0;
    case 'CWR':
      return (flags & CWR) !== 0;
    case 'DATA':
      return p.kind === PACKET_TCP && s.length > 0;
    case 'SACK':
      return p.kind === PACKET_TCP && s.sackBlocks > 0;
    case 'retransmit':
      return p.retransmit;
    case 'TCP':
      return p.kind === PACKET_TCP;
    case 'UDP':
      return p.kind === PACKET_UDP;
    case 'ICMP':
      return p.kind === PACKET_ICMP;
    case 'ARP':
      return p.kind === PACKET_ARP;
    case 'fragment':
      return p.fragment;
  }
}

function fieldOf(field: FieldName, p: Packet): number {
  const s = p.segment;
  switch (field) {
    case 'seq':
      return p.relSeq;
    case 'ack':
      return s.flags & ACK ? p.relAck : -1;
    case 'len':
      return s.length;
    case 'win':
      return s.window;
    case 'urg':
      return s.flags & URG ? s.urgent : -1;
    case 'sport':
      return s.sourcePort;
    case 'dport':
      return s.destinationPort;
    case 'size':
      return p.size;
    case 'ttl':
      return p.ttl;
    case 'icmp':
      return p.kind === PACKET_ICMP ? p.icmpType : -1;
    default:
      return -1;
  }
}

function compare(n: number, operator: Operator, value: number): boolean {
  switch (operator) {
    case '=':
      return n === value;
    case '!=':
      return n !== value;
    case '<':
      return n < value;
    case '<=':
      return n <= value;
    case '>':
      return n > value;
    case '>=':
      return n >= value;
  }
}
