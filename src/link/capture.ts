import type { Micros } from '../base/time.ts';
import { DIRECTION_IN, DIRECTION_OUT, LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../wire/capture.ts';
import { CSUM_PARTIAL, type Frame } from '../wire/frame.ts';
import type { PcapngWriter } from '../wire/pcapng.ts';
import type { Link, Medium } from './link.ts';
import { WireBytes } from './wire-bytes.ts';

/** One interface of a capture file: writes frames as they would stand on a real wire. */
export class CapturePoint {
  private readonly writer: PcapngWriter;
  private readonly id: number;
  private readonly wire: WireBytes;

  constructor(writer: PcapngWriter, name: string, medium: Medium) {
    this.writer = writer;
    this.wire = new WireBytes(medium);
    this.id = writer.addInterface(name, medium === 'ethernet' ? LINKTYPE_ETHERNET : LINKTYPE_RAW);
  }

  /** @param at microseconds since 1970, or since the epoch of a simulation */
  record(frame: Frame, at: Micros, outgoing: boolean, comment = ''): void {
    const direction = outgoing ? DIRECTION_OUT : DIRECTION_IN;
    if (frame.csum !== CSUM_PARTIAL) {
      this.writer.packet(this.id, at, frame.bytes, frame.start, frame.end, direction, comment);
      return;
    }
    const bytes = this.wire.copy(frame);
    this.writer.packet(this.id, at, bytes, 0, bytes.length, direction, comment);
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
    inner.onreceive = given => {
      const frame = given.gather();
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

  kick(): void {
    this.inner.kick?.();
  }

  close(): void {
    this.inner.close();
  }
}
