import { Aio } from '../../src/link/tun/aio.ts';
import { BATCH, type Batch, OneByOne } from '../../src/link/tun/batch.ts';
import { openDevice } from '../../src/link/tun/device.ts';
import { runTunSetup, tunSetup } from '../../src/link/tun/setup.ts';
import { System } from '../../src/link/tun/system.ts';
import { watch } from '../../src/link/tun/watch.ts';
import { finish, fold, sumView } from '../../src/wire/checksum.ts';
import { must } from '../harness.ts';

/**
 * An empty reader and writer of a TUN device: what Node can move with the system calls of `lastack/tun` and no
 * stack at all. To the kernel's TCP it looks like a peer: what comes to port 9 is dropped and one ACK is written
 * for each batch; to who connects to port 19 it writes prepared packets of 1500 bytes as far as the window goes, with
 * nothing patched but sequence numbers. It keeps no state but these, expects no loss, and serves one connection.
 *
 * Pings are answered.
 *
 * `touched` does besides what no TCP can leave out: it sums every byte that comes and copies it to a buffer, and copies
 * and sums every byte that goes.
 */
export const EMPTY = '10.79.1.2';
export const EMPTY_DEVICE = 'e0';
const MTU = 1500;
const HEADERS = 40;
const PAYLOAD = MTU - HEADERS;
const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;
const WINDOW_SHIFT = 7;
const SOURCE_PORT = 19;

/** Many packets in one system call, where the kernel can; the same with every byte touched; a call for each. */
export type EmptyKind = 'batched' | 'touched' | 'single';

/** At the other end of a new device in a namespace that is there, for as long as the process lives. */
export function openEmpty(kind: EmptyKind, namespace: string): void {
  const system = new System();
  const device = openDevice(system, { name: EMPTY_DEVICE, kind: 'tun', mtu: MTU, offload: false, namespace });
  runTunSetup(tunSetup({ name: EMPTY_DEVICE, namespace, addresses: ['10.79.1.1/24'], mtu: MTU }));
  const plain = new OneByOne(system, device.fd);
  const batch = (kind === 'single' ? null : Aio.open(device.fd)) ?? plain;
  new Empty(system, device.fd, batch, kind === 'touched');
}

class Empty {
  private readonly batch: Batch;
  private readonly into = Array.from({ length: BATCH }, () => new Uint8Array(2048));
  private readonly views = this.into.map(b => new DataView(b.buffer));
  private readonly out = Array.from({ length: BATCH }, () => new Packet());
  private readonly touch: boolean;
  /** Where payload goes to and comes from. */
  private readonly buffer = new Uint8Array(1 << 20);
  private at = 0;
  /** Packets of `out` that are to be written. */
  private waiting = 0;
  private ports = 0;
  private rcvNxt = 0;
  private sndNxt = 0;
  private sndEnd = 0;
  private shift = 0;
  private sending = false;
  private turning = false;

  constructor(system: System, fd: number, batch: Batch, touch: boolean) {
    this.batch = batch;
    this.touch = touch;
    for (const [i, bytes] of this.into.entries()) this.batch.set(i, bytes, 0, bytes.length);
    watch(system, fd, () => this.later());
  }

  private later(): void {
    if (this.turning) return;
    this.turning = true;
    setImmediate(() => {
      this.turning = false;
      this.turn();
    });
  }

  private turn(): void {
    const { batch, into } = this;
    batch.submit(0, BATCH);
    const before = this.rcvNxt;
    for (let i = 0; i < BATCH; i++) if (batch.results[i]! >= HEADERS) this.packet(into[i]!, this.views[i]!);
    if (this.rcvNxt !== before && this.waiting === 0) this.put(0, ACK);
    const room = this.sending ? Math.floor(((this.sndEnd - this.sndNxt) | 0) / PAYLOAD) : 0;
    for (let n = Math.min(room, BATCH - this.waiting); n > 0; n--) this.put(PAYLOAD, ACK);
    if (this.waiting === 0) return;
    batch.submit(BATCH, this.waiting);
    this.waiting = 0;
    this.later();
  }

  private packet(b: Uint8Array, v: DataView): void {
    if (b[9] === 1) this.echo(b, v);
    if (b[9] !== 6) return;
    const flags = b[33]!;
    const ports = v.getUint32(20);
    if (flags & SYN) {
      this.ports = ports;
      this.shift = shiftOf(b);
      this.sending = false;
      this.rcvNxt = (v.getUint32(24) + 1) | 0;
      this.sndNxt = 0;
      this.put(0, SYN | ACK);
      return;
    }
    if (ports !== this.ports) return;
    if (flags & RST) this.sending = false;
    this.sndEnd = (v.getUint32(28) + (v.getUint16(34) << this.shift)) | 0;
    if ((ports & 0xffff) === SOURCE_PORT && !(flags & (RST | FIN))) this.sending = true;
    const length = v.getUint16(2) - 20 - (b[32]! >>> 4) * 4;
    if ((v.getInt32(24) | 0) !== this.rcvNxt) return;
    if (this.touch && length > 0) this.take(b, v, length);
    this.rcvNxt = (this.rcvNxt + length + (flags & FIN)) | 0;
    if (flags & FIN) {
      this.sending = false;
      this.put(0, FIN | ACK);
    }
  }

  /** Answers an echo request where it lies: no checksum changes but that of the type. */
  private echo(b: Uint8Array, v: DataView): void {
    if (b[20] !== 8 || this.waiting === BATCH) return;
    const source = v.getUint32(12);
    v.setUint32(12, v.getUint32(16));
    v.setUint32(16, source);
    v.setUint16(20, 0);
    v.setUint16(22, finish((~v.getUint16(22) & 0xffff) + (~0x0800 & 0xffff)));
    this.batch.set(BATCH + this.waiting++, b, 0, v.getUint16(2));
  }

  /** Sums the segment, and copies its payload. */
  private take(b: Uint8Array, v: DataView, length: number): void {
    const end = v.getUint16(2);
    const pseudo = v.getUint16(12) + v.getUint16(14) + v.getUint16(16) + v.getUint16(18) + 6 + end - 20;
    must(fold(sumView(v, 20, end) + pseudo) === 0xffff, 'a checksum that holds');
    this.buffer.set(b.subarray(end - length, end), this.place(length));
  }

  private place(length: number): number {
    if (this.at + length > this.buffer.length) this.at = 0;
    const at = this.at;
    this.at += length;
    return at;
  }

  private put(payload: number, flags: number): void {
    if (this.waiting === BATCH) return;
    const p = this.out[this.waiting]!;
    if (this.touch && payload > 0) {
      const at = this.place(payload);
      p.bytes.set(this.buffer.subarray(at, at + payload), HEADERS);
    }
    const size = p.fill(this.ports, this.sndNxt, this.rcvNxt, flags, payload, this.touch);
    this.batch.set(BATCH + this.waiting, p.bytes, 0, size);
    this.waiting++;
    this.sndNxt = (this.sndNxt + payload + (flags & (SYN | FIN) ? 1 : 0)) | 0;
  }
}

/** A prepared packet: payload of zeros, which leave the checksum alone. */
class Packet {
  readonly bytes = new Uint8Array(MTU);
  private readonly view = new DataView(this.bytes.buffer);

  constructor() {
    this.bytes.set([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 79, 1, 2, 10, 79, 1, 1]);
  }

  /** @returns its size */
  fill(ports: number, seq: number, ack: number, flags: number, payload: number, sums: boolean): number {
    const v = this.view;
    const options = flags & SYN ? 8 : 0;
    const size = HEADERS + options + payload;
    v.setUint16(2, size);
    v.setUint16(10, 0);
    v.setUint16(10, this.sum(0, 20, 0));
    v.setUint32(20, ((ports << 16) | (ports >>> 16)) >>> 0);
    v.setUint32(24, seq);
    v.setUint32(28, ack);
    v.setUint16(32, ((5 + options / 4) << 12) | flags);
    v.setUint16(34, 32768);
    v.setUint32(36, 0);
    // MSS 1460, window scale; else payload, zeros again.
    v.setUint32(40, options ? 0x020405b4 : 0);
    v.setUint32(44, options ? 0x01030300 | WINDOW_SHIFT : 0);
    const pseudo = 6 + size - 20;
    if (sums) v.setUint16(36, finish(sumView(v, 12, size) + pseudo));
    else v.setUint16(36, this.sum(12, HEADERS + options, pseudo));
    return size;
  }

  private sum(from: number, to: number, start: number): number {
    let s = start;
    for (let i = from; i < to; i += 2) s += this.view.getUint16(i);
    while (s >>> 16) s = (s & 0xffff) + (s >>> 16);
    return ~s & 0xffff;
  }
}

/** The window scale of a SYN, RFC 7323 §2.2. */
function shiftOf(b: Uint8Array): number {
  const end = 20 + (b[32]! >>> 4) * 4;
  for (let i = HEADERS; i < end; ) {
    if (b[i] === 3) return b[i + 2]!;
    i += b[i]! <= 1 ? 1 : Math.max(2, b[i + 1]!);
  }
  return 0;
}
