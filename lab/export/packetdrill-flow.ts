import type { LivePacket, LiveTcp } from '../../src/tools/packetdrill/packet-view.ts';
import { ACK, SYN } from '../../src/wire/segment.ts';
import { ADDRESS } from '../engine/names.ts';
import type { CallItem, Item, PacketItem, Testimony } from './witness.ts';

/** The one connection of a host that a script is about. */
export interface Flow {
  readonly conn: number;
  readonly label: string;
  readonly localPort: number;
  readonly remotePort: number;
  readonly peer: string;
  /** The host connected; otherwise it was connected to. */
  readonly active: boolean;
  /** The calls that belong to it. */
  readonly calls: ReadonlySet<CallItem>;
}

/** Segments of an item, null for anything else. */
export function tcpOf(item: Item): { readonly packet: LivePacket; readonly tcp: LiveTcp } | null {
  if (item.kind !== 'in' && item.kind !== 'out') return null;
  const { packet } = item;
  return packet.body.kind === 'tcp' ? { packet, tcp: packet.body } : null;
}

/** Whether it is a segment of this connection. */
export function isOf(flow: Flow, item: Item): boolean {
  const segment = tcpOf(item);
  if (segment === null) return false;
  const { packet, tcp } = segment;
  const [peer, remote, local] =
    item.kind === 'out'
      ? [packet.destination, tcp.destinationPort, tcp.sourcePort]
      : [packet.source, tcp.sourcePort, tcp.destinationPort];
  return peer.toString() === flow.peer && local === flow.localPort && remote === flow.remotePort;
}

interface Ends {
  readonly conn: number;
  readonly peer: string;
  readonly localPort: number;
  readonly remotePort: number;
}

function endsOf(item: PacketItem, tcp: LiveTcp, { recorder }: Testimony): Ends {
  const out = item.kind === 'out';
  const { source, destination } = item.packet;
  return {
    conn: recorder.connections.of(
      source.toString(),
      tcp.sourcePort,
      destination.toString(),
      tcp.destinationPort,
    ),
    peer: (out ? destination : source).toString(),
    localPort: out ? tcp.sourcePort : tcp.destinationPort,
    remotePort: out ? tcp.destinationPort : tcp.sourcePort,
  };
}

/**
 * The connection that was asked for, or the first with the other host.
 * @returns a sentence if there is nothing to tell of it
 */
export function chooseFlow(testimony: Testimony, side: 0 | 1, conn: number | undefined): Flow | string {
  const { items, recorder } = testimony;
  const other = side === 0 ? ADDRESS.B : ADDRESS.A;
  for (const item of items) {
    const segment = tcpOf(item);
    if (segment === null || (item.kind !== 'in' && item.kind !== 'out')) continue;
    const ends = endsOf(item, segment.tcp, testimony);
    if (conn === undefined ? ends.peer !== other : ends.conn !== conn) continue;
    const active = item.kind === 'out' && (segment.tcp.flags & (SYN | ACK)) === SYN;
    const label = recorder.connections.labels[ends.conn] ?? '';
    return { ...ends, label, active, calls: callsOf(items, ends, active) };
  }
  if (conn !== undefined) return `No segment of connection ${conn} left or reached this host.`;
  return items.some(i => i.kind === 'call' && i.name === 'connect')
    ? 'No segment left or reached this host: what it sends to itself goes over no wire.'
    : 'No segment left or reached this host.';
}

/** The socket's own calls, and those of the listener that it came out of. */
function callsOf(items: readonly Item[], ends: Ends, active: boolean): ReadonlySet<CallItem> {
  const calls = items.filter(i => i.kind === 'call');
  const found = new Set<CallItem>();
  if (active) {
    const at = calls.findIndex(
      c => c.name === 'connect' && c.localPort === ends.localPort && c.remotePort === ends.remotePort,
    );
    if (at >= 0) life(calls, calls[at]!.fd, at, found);
    // The same socket may connect several times, to no avail: each is a connection of its own.
    const others = [...found].filter(c => c.name === 'connect' && c.localPort !== ends.localPort);
    const next = others.find(c => calls.indexOf(c) > at);
    for (const c of found)
      if (others.includes(c) || (next !== undefined && calls.indexOf(c) > calls.indexOf(next)))
        found.delete(c);
    return found;
  }
  const at = calls.findIndex(
    c => c.name === 'bind' && Number(c.args[2]) === ends.localPort && c.result === 0,
  );
  if (at < 0) return found;
  const listener = calls[at]!.fd;
  life(calls, listener, at, found);
  for (const c of found) if (c.name === 'accept' && c.remotePort !== ends.remotePort) found.delete(c);
  const accept = calls.findIndex(c => found.has(c) && c.name === 'accept' && c.result >= 0);
  if (accept >= 0) life(calls, calls[accept]!.result, accept, found, calls[accept]!.endAt);
  return found;
}

/** What was called on a descriptor from its socket() to its close(), around one of these calls. */
function life(calls: readonly CallItem[], fd: number, at: number, found: Set<CallItem>, after = -1): void {
  if (after < 0)
    for (let i = at; i >= 0; i--) {
      const c = calls[i]!;
      if (c.name === 'socket' && c.result === fd) {
        found.add(c);
        break;
      }
      if (c.fd === fd && c.name !== 'socket') found.add(c);
    }
  for (let i = at + 1; i < calls.length; i++) {
    const c = calls[i]!;
    if (c.name === 'socket' || c.fd !== fd) continue;
    found.add(c);
    if (c.name === 'close') return;
  }
}
