import { expect } from 'vitest';
import { Address } from '../../src/base/address.ts';
import { EAGAIN } from '../../src/base/errno.ts';
import { buildSegment } from '../../src/sim/build.ts';
import { put16 } from '../../src/wire/bytes.ts';
import { checksum, transportChecksum } from '../../src/wire/checksum.ts';
import { type Conn, Lab, type LabOptions, type Say } from '../rfc/kit.ts';
import type { Heard } from '../rfc/packet.ts';

export { type Conn, fill, Lab, line, type PeerOptions } from '../rfc/kit.ts';
export type { Heard };

/** A segment from somebody who pretends to be the peer: the genuine one's numbers stay as they were. */
export function spoof(c: Conn, flags: string, more: Say = {}): void {
  const { seq } = c;
  c.say(flags, more);
  c.seq = seq;
}

export const text = (bytes: Uint8Array | number): string | number =>
  typeof bytes === 'number' ? bytes : new TextDecoder().decode(bytes);

/** The connection is none the worse: both ways still carry what they should, and nothing else was delivered. */
export function alive(c: Conn): void {
  c.lab.run(0.5);
  c.drain();
  expect(c.state()).toBe('ESTABLISHED');
  expect(c.recv(1000), 'nothing injected was delivered').toBe(-EAGAIN);
  c.say('P.', { data: 'pong' });
  expect(text(c.recv(100))).toBe('pong');
  c.drain();
  expect(c.send('ping')).toBe(4);
  const heard = c.drain();
  expect(heard.map(h => text(h.data)).join('')).toBe('ping');
}

/** What attacks try to make grow. */
export function footprint(lab: Lab): Record<string, number> {
  const { tcp } = lab.host.stack;
  return {
    connections: [...tcp.connections()].length,
    requests: [...tcp.requests()].length,
    rows: tcp.timeWaitCount,
    timers: tcp.timersArmed,
    blocks: tcp.slabs.inUse,
  };
}

/** A lab that keeps no log, for floods. */
export function quietLab(options: LabOptions = {}): Lab {
  const lab = new Lab(options);
  forget(lab);
  return lab;
}

/** Forgets what was heard and logged: floods would fill the memory with it. @returns how many segments */
export function forget(lab: Lab): number {
  const n = lab.segments.length;
  lab.segments = [];
  lab.all.length = 0;
  lab.datagrams.length = 0;
  lab.world.log.length = 0;
  return n;
}

/** A datagram of the peer's with relative numbers, to be spoiled by hand. */
export function craft(c: Conn, flags: string, more: Say = {}): Uint8Array {
  return buildSegment({
    source: more.source ?? c.lab.peerAddress,
    destination: more.destination ?? c.lab.hostAddress,
    sourcePort: c.port,
    destinationPort: c.hostPort,
    seq: (c.isn + (more.seq ?? c.seq)) | 0,
    ack: flags.includes('.') ? (c.hostIsn + (more.ack ?? c.ack)) | 0 : 0,
    flags,
    window: more.window ?? 65535,
    urgent: more.urgent ?? 0,
    data: typeof more.data === 'number' ? new Uint8Array(more.data) : (more.data ?? ''),
    options: more.options ?? {},
  });
}

/** Changes the TCP part of an IPv4 datagram without options, then makes the checksums right again. */
export function respoil(
  datagram: Uint8Array,
  change: (tcp: Uint8Array) => void,
  ip?: (ip: Uint8Array) => void,
): Uint8Array {
  const bytes = datagram.slice();
  change(bytes.subarray(20));
  const heard = readAddresses(bytes);
  put16(bytes, 36, 0);
  put16(bytes, 36, transportChecksum(bytes, 20, bytes.length, heard[0], heard[1], 6));
  if (ip !== undefined) {
    ip(bytes);
    put16(bytes, 10, 0);
    put16(bytes, 10, checksum(bytes, 0, (bytes[0]! & 15) * 4));
  }
  return bytes;
}

function readAddresses(ip: Uint8Array): [Address, Address] {
  const view = new DataView(ip.buffer, ip.byteOffset);
  return [Address.v4(view.getInt32(12)), Address.v4(view.getInt32(16))];
}

/** A segment whose TCP options are these bytes, padded with zeros to a multiple of four. */
export function withOptions(c: Conn, flags: string, options: readonly number[], more: Say = {}): Uint8Array {
  return craft(c, flags, { ...more, options: { raw: Uint8Array.from(options) } });
}

/** All that the host has sent since it was last asked, to whomever. */
export function everything(lab: Lab): Heard[] {
  const all = lab.segments;
  lab.segments = [];
  return all;
}

/** Writes until nothing more is taken; how much was. */
export function stuff(c: Conn): number {
  let total = 0;
  for (let n = 0; (n = c.send(10_000)) > 0; ) total += n;
  return total;
}
