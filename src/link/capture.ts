import type { Micros } from '../base/time.ts';
import { put16 } from '../wire/bytes.ts';
import { DIRECTION_IN, DIRECTION_OUT, LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../wire/capture.ts';
import { finish, pseudoSum, sum } from '../wire/checksum.ts';
import { CSUM_PARTIAL, type Frame } from '../wire/frame.ts';
import type { PcapngWriter } from '../wire/pcapng.ts';
import type { Link, Medium } from './link.ts';
import { PACKET_TCP, PACKET_UDP, Packet } from './packet.ts';

/** One interface of a capture file: writes frames as they would stand on a real wire. */
export class CapturePoint {
  private readonly writer: PcapngWriter;
  private readonly medium: Medium;
  private readonly id: number;
  private readonly packet = new Packet();

  constructor(writer: PcapngWriter, name: string, medium: Medium) {
    this.writer = writer;
    this.medium = medium;
    this.id = writer.addInterface(name, medium === 'ethernet' ? LINKTYPE_ETHERNET : LINKTYPE_RAW);
  }

  /** @param at microseconds since 1970, or since the epoch of a simulation */
  record(frame: Frame, at: Micros, outgoing: boolean, comment = ''): void {
    const direction = outgoing ? DIRECTION_OUT : DIRECTION_IN;
    if (frame.csum !== CSUM_PARTIAL) {
      this.writer.packet(this.id, at, frame.bytes, frame.start, frame.end, direction, comment);
      return;
    }
    const bytes = frame.bytes.slice(frame.start, frame.end);
    this.complete(bytes);
    this.writer.packet(this.id, at, bytes, 0, bytes.length, direction, comment);
  }

  /** Fills in the transport checksum that the link would have completed. */
  private complete(bytes: Uint8Array): void {
    const p = this.packet;
    const kind = p.readBytes(bytes, 0, bytes.length, this.medium);
    const offset = kind === PACKET_TCP ? 16 : kind === PACKET_UDP ? 6 : -1;
    if (offset < 0) return;
    const end = p.ipAt + p.size;
    put16(bytes, p.transportAt + offset, 0);
    const pseudo = pseudoSum(p.segment.source, p.segment.destination, p.protocol, end - p.transportAt);
    const checksum = finish(sum(bytes, p.transportAt, end) + pseudo);
    put16(bytes, p.transportAt + offset, checksum === 0 && offset === 6 ? 0xffff : checksum);
  }
}

/** A link that records what passes through it, both ways, in a pcapng file. */
export class CaptureLink implements Link {
  readonly medium: Medium;
  readonly mtu: number;
  onreceive: ((frame: Frame) => void) | null = null;
  onwritable: (() => void) | null = null;
  onclose: ((reason: string) => void) | null = null;
  /** Written beside the frame that is being transmitted, by whoever decides its fate inside `transmit`. */
  comment = '';
  private readonly inner: Link;
  private readonly point: CapturePoint;
  private readonly now: () => Micros;

  /** @param now microseconds since 1970 */
  constructor(inner: Link, point: CapturePoint, now: () => Micros) {
    this.inner = inner;
    this.point = point;
    this.now = now;
    this.medium = inner.medium;
    this.mtu = inner.mtu;
    inner.onreceive = frame => {
      this.point.record(frame, this.now(), false);
      if (this.onreceive !== null) this.onreceive(frame);
      else frame.release();
    };
    inner.onwritable = () => this.onwritable?.();
    inner.onclose = reason => this.onclose?.(reason);
  }

  transmit(frame: Frame): boolean {
    const at = this.now();
    this.comment = '';
    frame.retain();
    const taken = this.inner.transmit(frame);
    if (taken) this.point.record(frame, at, true, this.comment);
    frame.release();
    return taken;
  }

  close(): void {
    this.inner.close();
  }
}
