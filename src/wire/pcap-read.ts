import { type Capture, type CapturedPacket, type CaptureInterface, DIRECTION_UNKNOWN } from './capture.ts';

const PCAPNG_SECTION = 0x0a0d0d0a;
const BYTE_ORDER = 0x1a2b3c4d;
const BLOCK_INTERFACE = 1;
const BLOCK_PACKET_OBSOLETE = 2;
const BLOCK_SIMPLE_PACKET = 3;
const BLOCK_ENHANCED_PACKET = 6;
const OPT_END = 0;
const OPT_COMMENT = 1;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const IF_TSOFFSET = 14;
const EPB_FLAGS = 2;

/**
 * Reads a capture file: pcapng of either byte order, or classic pcap of either order in micro- or
 * nanoseconds. Never throws; what is wrong stands in `errors`, and what came before it has been read. The
 * packets refer to `file`, nothing is copied.
 */
export function readCapture(file: Uint8Array): Capture {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length >= 4) {
    const magic = view.getUint32(0, true);
    if (magic === PCAPNG_SECTION) return new PcapngReader(file, view).read();
    for (const little of [true, false]) {
      const m = view.getUint32(0, little);
      if (m === 0xa1b2c3d4) return readPcap(file, view, little, 1000);
      if (m === 0xa1b23c4d) return readPcap(file, view, little, 1);
    }
  }
  return {
    format: 'pcap',
    interfaces: [],
    packets: [],
    errors: [file.length < 4 ? 'the file is too short to be a capture' : 'neither a pcapng nor a pcap file'],
  };
}

/** @param unit nanoseconds in the fraction's unit */
function readPcap(file: Uint8Array, view: DataView, little: boolean, unit: number): Capture {
  const capture: Capture = { format: 'pcap', interfaces: [], packets: [], errors: [] };
  if (file.length < 24) {
    capture.errors.push('the file header is cut off');
    return capture;
  }
  const linktype = view.getUint32(20, little) & 0xffff;
  capture.interfaces.push({ linktype, name: '', snaplen: view.getUint32(16, little) });
  let at = 24;
  while (at < file.length) {
    if (file.length - at < 16) {
      capture.errors.push(`packet ${capture.packets.length} at byte ${at}: its header is cut off`);
      break;
    }
    const captured = view.getUint32(at + 8, little);
    if (captured > file.length - at - 16) {
      capture.errors.push(
        `packet ${capture.packets.length} at byte ${at}: ${captured} bytes run past the end`,
      );
      break;
    }
    const seconds = view.getUint32(at, little);
    const nanoseconds = view.getUint32(at + 4, little) * unit;
    capture.packets.push({
      index: capture.packets.length,
      interface: 0,
      linktype,
      micros: seconds * 1e6 + nanoseconds / 1e3,
      seconds: seconds + Math.floor(nanoseconds / 1e9),
      nanoseconds: nanoseconds % 1e9,
      bytes: file,
      at: at + 16,
      end: at + 16 + captured,
      originalLength: Math.max(captured, view.getUint32(at + 12, little)),
      direction: DIRECTION_UNKNOWN,
      comment: '',
    });
    at += 16 + captured;
  }
  return capture;
}

/** How an interface's timestamps are to be read. */
interface Clock {
  /** Units in a second: a power of 10 or of 2. */
  readonly unitsPerSecond: number;
  readonly offsetSeconds: number;
}

class PcapngReader {
  private readonly file: Uint8Array;
  private readonly view: DataView;
  private readonly interfaces: CaptureInterface[] = [];
  private readonly clocks: Clock[] = [];
  private readonly packets: CapturedPacket[] = [];
  private readonly errors: string[] = [];
  private little = true;
  /** Number of the section's first interface in the list of all. */
  private sectionStart = 0;

  constructor(file: Uint8Array, view: DataView) {
    this.file = file;
    this.view = view;
  }

  read(): Capture {
    let at = 0;
    while (at < this.file.length) {
      const next = this.block(at);
      if (next < 0) break;
      at = next;
    }
    return { format: 'pcapng', interfaces: this.interfaces, packets: this.packets, errors: this.errors };
  }

  /** Reads the block at `at`. @returns where the next begins, −1 to stop */
  private block(at: number): number {
    const { view } = this;
    const room = this.file.length - at;
    if (room < 12) return this.stop(at, 'a block is cut off');
    const type = view.getUint32(at, this.little);
    if (type === PCAPNG_SECTION) {
      if (room < 28) return this.stop(at, 'a section header is cut off');
      if (view.getUint32(at + 8, true) === BYTE_ORDER) this.little = true;
      else if (view.getUint32(at + 8, false) === BYTE_ORDER) this.little = false;
      else return this.stop(at, 'a section has no byte-order magic');
      this.sectionStart = this.interfaces.length;
    }
    const length = view.getUint32(at + 4, this.little);
    if (length < 12 || length % 4 !== 0) return this.stop(at, `a block says it is ${length} bytes long`);
    if (length > room) return this.stop(at, `a block of ${length} bytes runs past the end of the file`);
    const body = at + 8;
    const end = at + length - 4;
    if (type === BLOCK_INTERFACE) this.describe(body, end);
    else if (type === BLOCK_ENHANCED_PACKET) this.enhanced(body, end, false);
    else if (type === BLOCK_PACKET_OBSOLETE) this.enhanced(body, end, true);
    else if (type === BLOCK_SIMPLE_PACKET) this.simple(body, end);
    return at + length;
  }

  private stop(at: number, why: string): number {
    this.complain(at, why);
    return -1;
  }

  private complain(at: number, why: string): void {
    if (this.errors.length < 100) this.errors.push(`byte ${at}: ${why}`);
  }

  private describe(at: number, end: number): void {
    if (end - at < 8) {
      // Kept as a place-holder, so that the numbers of those behind it stay right.
      this.complain(at, 'an interface description is too short');
      this.interfaces.push({ linktype: 0xffff, name: '', snaplen: 0 });
      this.clocks.push({ unitsPerSecond: 1e6, offsetSeconds: 0 });
      return;
    }
    const { view, little } = this;
    let name = '';
    let unitsPerSecond = 1e6;
    let offsetSeconds = 0;
    this.options(at + 8, end, (code, from, length) => {
      if (code === IF_NAME) name = this.text(from, length);
      else if (code === IF_TSRESOL && length >= 1) {
        const r = this.file[from]!;
        unitsPerSecond = (r & 0x80 ? 2 : 10) ** (r & 0x7f);
      } else if (code === IF_TSOFFSET && length >= 8) {
        offsetSeconds = this.signed64(from);
      }
    });
    this.interfaces.push({
      linktype: view.getUint16(at, little),
      name,
      snaplen: view.getUint32(at + 4, little),
    });
    this.clocks.push({ unitsPerSecond, offsetSeconds });
  }

  private enhanced(at: number, end: number, obsolete: boolean): void {
    const { view, little } = this;
    if (end - at < 20) {
      this.complain(at, 'a packet block is too short');
      return;
    }
    const number = this.sectionStart + (obsolete ? view.getUint16(at, little) : view.getUint32(at, little));
    const clock = this.clocks[number];
    if (clock === undefined) {
      this.complain(at, `a packet names interface ${number}, which was not described`);
      return;
    }
    const captured = view.getUint32(at + 12, little);
    if (captured > end - at - 20) {
      this.complain(at, `a packet of ${captured} bytes is longer than its block`);
      return;
    }
    const data = at + 20;
    let comment = '';
    let direction = DIRECTION_UNKNOWN;
    this.options(data + ((captured + 3) & ~3), end, (code, from, length) => {
      if (code === OPT_COMMENT && comment === '') comment = this.text(from, length);
      else if (code === EPB_FLAGS && length >= 4) direction = view.getUint32(from, little) & 3;
    });
    const high = view.getUint32(at + 4, little);
    const low = view.getUint32(at + 8, little);
    const original = view.getUint32(at + 16, little);
    this.add(number, stamp(high, low, clock), data, captured, original, direction, comment);
  }

  /** A simple packet has no time, and belongs to the section's first interface. */
  private simple(at: number, end: number): void {
    if (end - at < 4) {
      this.complain(at, 'a packet block is too short');
      return;
    }
    const first = this.interfaces[this.sectionStart];
    if (first === undefined) {
      this.complain(at, 'a packet comes before any interface was described');
      return;
    }
    const original = this.view.getUint32(at, this.little);
    const limit = first.snaplen === 0 ? original : Math.min(original, first.snaplen);
    const captured = Math.min(limit, end - at - 4);
    this.add(
      this.sectionStart,
      { seconds: 0, nanoseconds: 0 },
      at + 4,
      captured,
      original,
      DIRECTION_UNKNOWN,
      '',
    );
  }

  private add(
    number: number,
    time: { seconds: number; nanoseconds: number },
    at: number,
    captured: number,
    original: number,
    direction: number,
    comment: string,
  ): void {
    this.packets.push({
      index: this.packets.length,
      interface: number,
      linktype: this.interfaces[number]?.linktype ?? 0xffff,
      micros: time.seconds * 1e6 + time.nanoseconds / 1e3,
      seconds: time.seconds,
      nanoseconds: time.nanoseconds,
      bytes: this.file,
      at,
      end: at + captured,
      originalLength: Math.max(captured, original),
      direction,
      comment,
    });
  }

  /** Calls `each` for the options in [at, end) until the end mark, or the first that does not fit. */
  private options(at: number, end: number, each: (code: number, from: number, length: number) => void): void {
    while (end - at >= 4) {
      const code = this.view.getUint16(at, this.little);
      const length = this.view.getUint16(at + 2, this.little);
      if (code === OPT_END || length > end - at - 4) return;
      each(code, at + 4, length);
      at += 4 + ((length + 3) & ~3);
    }
  }

  private text(from: number, length: number): string {
    return new TextDecoder().decode(this.file.subarray(from, from + length));
  }

  private signed64(at: number): number {
    const { view, little } = this;
    const high = view.getInt32(little ? at + 4 : at, little);
    return high * 0x1_0000_0000 + view.getUint32(little ? at : at + 4, little);
  }
}

/** A 64-bit count of units as seconds and nanoseconds; exact for microseconds and nanoseconds. */
function stamp(high: number, low: number, clock: Clock): { seconds: number; nanoseconds: number } {
  const units = BigInt(high) * 0x1_0000_0000n + BigInt(low);
  const u = clock.unitsPerSecond;
  // Resolutions beyond 10^18 or 2^63 have no use and would overflow: all is then second 0.
  if (!(u >= 1 && u < 2 ** 63)) return { seconds: clock.offsetSeconds, nanoseconds: 0 };
  const per = BigInt(u);
  const seconds = Number(units / per) + clock.offsetSeconds;
  const nanoseconds = Number(((units % per) * 1_000_000_000n) / per);
  return { seconds, nanoseconds };
}
