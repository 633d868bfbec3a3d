import type { Random } from '../../src/base/random.ts';
import { ACK, FIN, PSH, RST, SYN, URG } from '../../src/wire/segment.ts';
import type { Lone, Shot } from './lone.ts';
import { IRS } from './states.ts';

/** One thing done to the host. */
export type Deed =
  | { readonly kind: 'segment'; readonly shot: Shot }
  | {
      readonly kind: 'icmp';
      readonly type: number;
      readonly code: number;
      readonly seq: number;
      readonly mtu: number;
    }
  | { readonly kind: 'wait'; readonly micros: number }
  | { readonly kind: 'call'; readonly call: 'recv' | 'send' | 'shutdown' | 'close' | 'accept' | 'peek' };

const FLAGS = [
  ACK,
  ACK,
  ACK | PSH,
  ACK | PSH,
  ACK | FIN,
  ACK | FIN,
  FIN,
  SYN,
  SYN,
  SYN | ACK,
  RST,
  RST | ACK,
  ACK | URG,
  ACK | PSH | URG,
  SYN | FIN,
  SYN | RST,
  0,
  0x1ff,
];
const LENGTHS = [0, 0, 0, 1, 1, 2, 10, 500, 536, 1000, 1460, 3000];
const WINDOWS = [0, 0, 1, 100, 5000, 20_000, 65_535];

const pick = <T>(r: Random, list: readonly T[]): T => list[r.below(list.length)]!;

/** Mostly small steps around an edge, now and then anything. */
function near(r: Random, edges: readonly number[]): number {
  const kind = r.below(20);
  if (kind === 0) return r.u32() | 0;
  const step = kind < 14 ? 0 : kind < 18 ? r.below(5) - 2 : r.below(4000) - 2000;
  return (pick(r, edges) + step) | 0;
}

/** A segment with its numbers at the edges of where the host stands now. */
function segment(r: Random, lone: Lone): Shot {
  const c = lone.connection;
  const rcv = c !== null && c.rcvNxt !== 0 ? c.rcvNxt : IRS + 1;
  const una = c?.sndUna ?? lone.next;
  const nxt = c?.sndNxt ?? lone.next;
  const window = c?.receiveWindow ?? 60_000;
  const seqs = [
    rcv,
    rcv,
    rcv,
    rcv - 1,
    IRS,
    IRS + 1,
    rcv + window,
    rcv + window - 1,
    rcv + 500,
    rcv + 1000,
    rcv - 70_000,
    lone.acked,
  ];
  const acks = [
    una,
    nxt,
    nxt,
    nxt,
    nxt - 1,
    una - 1,
    una + 1,
    lone.next,
    una - 65_536,
    nxt + 1,
    c?.writeSeq ?? nxt,
  ];
  return {
    seq: near(r, seqs),
    ack: near(r, acks),
    flags: r.below(10) === 0 ? r.below(512) : pick(r, FLAGS),
    window: r.below(8) === 0 ? r.below(65_536) : pick(r, WINDOWS),
    urgent: r.below(4) === 0 ? r.below(65_536) : r.below(3),
    options: options(r, lone, una, nxt),
    length: r.below(10) === 0 ? r.below(3000) : pick(r, LENGTHS),
  };
}

const four = (n: number): number[] => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

function options(r: Random, lone: Lone, una: number, nxt: number): number[] {
  const bytes: number[] = [];
  const now = Math.floor(lone.now / 1000);
  if (r.below(3) > 0) {
    const value = r.below(6) === 0 ? r.u32() : now + pick(r, [0, 0, 0, 1, -1, -1000, 1000]);
    bytes.push(1, 1, 8, 10, ...four(value), ...four(r.below(4) === 0 ? r.u32() : lone.echo));
  }
  if (r.below(3) === 0) {
    const n = 1 + r.below(3);
    bytes.push(1, 1, 5, 2 + 8 * n);
    for (let i = 0; i < n; i++) {
      const left = near(r, [una, nxt, una + 1460, una + 2920, nxt - 1460]);
      bytes.push(
        ...four(left),
        ...four(r.below(5) === 0 ? near(r, [una, nxt]) : left + pick(r, [1, 536, 1460, 2920])),
      );
    }
  }
  if (r.below(8) === 0) bytes.push(2, 4, r.below(256), r.below(256));
  if (r.below(8) === 0) bytes.push(3, 3, r.below(256), 1);
  if (r.below(8) === 0) bytes.push(4, 2, 1, 1);
  if (r.below(10) === 0) for (let n = r.below(20); n > 0; n--) bytes.push(r.below(256));
  bytes.length = Math.min(40, bytes.length);
  while (bytes.length % 4 !== 0) bytes.push(pick(r, [0, 1, 8]));
  return bytes;
}

/** The next deed; it depends on where the host stands, and is plain data afterwards. */
export function nextDeed(r: Random, lone: Lone): Deed {
  const kind = r.below(100);
  if (kind < 78) return { kind: 'segment', shot: segment(r, lone) };
  if (kind < 83) {
    const c = lone.connection;
    return {
      kind: 'icmp',
      type: pick(r, [3, 3, 3, 4, 5, 11, 12, r.below(256)]),
      code: r.below(8) === 0 ? r.below(256) : r.below(16),
      seq: near(r, [c?.sndUna ?? lone.next, c?.sndNxt ?? lone.next, lone.next - 1]),
      mtu: pick(r, [0, 0, 68, 296, 552, 1280, 1499, 1500, 9000, 65_535]),
    };
  }
  if (kind < 92)
    return { kind: 'wait', micros: pick(r, [1, 1000, 40_000, 250_000, 1_000_000, 5_000_000, 70_000_000]) };
  return {
    kind: 'call',
    call: pick(r, ['recv', 'recv', 'peek', 'send', 'send', 'accept', 'shutdown', 'close'] as const),
  };
}
