import { DIRECTION_UNKNOWN } from './capture.ts';

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const OPT_COMMENT = 1;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const SHB_USERAPPL = 4;
const EPB_FLAGS = 2;

/**
 * Writes a pcapng file (draft-ietf-opsawg-pcapng) block by block, little-endian, one section, timestamps in
 * nanoseconds. Each block is handed to `sink`, which owns it.
 */
export class PcapngWriter {
  private readonly sink: (block: Uint8Array) => void;
  private interfaces = 0;

  constructor(sink: (block: Uint8Array) => void, application = 'lastack') {
    this.sink = sink;
    const name = utf8(application);
    const block = new Block(SECTION, 16 + optionSize(name.length) + 4);
    block.u32(0x1a2b3c4d);
    block.u16(1);
    block.u16(0);
    // Section length: not given.
    block.u32(0xffffffff);
    block.u32(0xffffffff);
    block.option(SHB_USERAPPL, name);
    block.u32(0);
    sink(block.finish());
  }

  /**
   * Describes an interface; its packets refer to it by the number returned.
   * @param snaplen most bytes kept of a packet, 0 no limit
   */
  addInterface(name: string, linktype: number, snaplen = 0): number {
    const text = utf8(name);
    const block = new Block(INTERFACE, 8 + optionSize(text.length) + optionSize(1) + 4);
    block.u16(linktype);
    block.u16(0);
    block.u32(snaplen);
    block.option(IF_NAME, text);
    block.option(IF_TSRESOL, NANOSECONDS);
    block.u32(0);
    this.sink(block.finish());
    return this.interfaces++;
  }

  /**
   * Writes one packet, `bytes[at..end)`, which is copied.
   * @param micros microseconds since 1970 (or since the epoch of a simulation)
   * @param direction DIRECTION_IN, DIRECTION_OUT or DIRECTION_UNKNOWN
   * @param comment shown by Wireshark beside the packet; empty for none
   */
  packet(
    interfaceId: number,
    micros: number,
    bytes: Uint8Array,
    at: number,
    end: number,
    direction: number = DIRECTION_UNKNOWN,
    comment = '',
    originalLength: number = end - at,
  ): void {
    const length = end - at;
    const text = comment === '' ? null : utf8(comment);
    const options = (text ? optionSize(text.length) : 0) + (direction !== 0 ? optionSize(4) : 0);
    const block = new Block(ENHANCED_PACKET, 20 + padded(length) + (options > 0 ? options + 4 : 0));
    block.u32(interfaceId);
    // Nanoseconds are micros · 1000 as a 64-bit number, made of two exact halves.
    const whole = Math.max(0, Math.floor(micros));
    const low = (whole % 0x1_0000_0000) * 1000;
    block.u32(Math.floor(whole / 0x1_0000_0000) * 1000 + Math.floor(low / 0x1_0000_0000));
    block.u32(low % 0x1_0000_0000);
    block.u32(length);
    block.u32(originalLength);
    block.copy(bytes, at, end);
    if (text) block.option(OPT_COMMENT, text);
    if (direction !== 0) block.option(EPB_FLAGS, new Uint8Array([direction & 3, 0, 0, 0]));
    if (options > 0) block.u32(0);
    this.sink(block.finish());
  }
}

/** Collects blocks in memory, to be taken as one file. Stops taking when `limit` bytes are reached. */
export class CaptureBuffer {
  /** Bytes held. */
  size = 0;
  /** Blocks left out because the limit was reached. */
  omitted = 0;
  private readonly blocks: Uint8Array[] = [];
  private readonly limit: number;

  constructor(limit = 256 * 1024 * 1024) {
    this.limit = limit;
  }

  /** To be given to a `PcapngWriter`. */
  readonly sink = (block: Uint8Array): void => {
    if (this.size + block.length > this.limit) {
      this.omitted++;
      return;
    }
    this.size += block.length;
    this.blocks.push(block);
  };

  /** The file so far. */
  bytes(): Uint8Array {
    const out = new Uint8Array(this.size);
    let at = 0;
    for (const block of this.blocks) {
      out.set(block, at);
      at += block.length;
    }
    return out;
  }
}

const NANOSECONDS = new Uint8Array([9]);
/** Text of an option is at most 65535 bytes. */
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text.slice(0, 16_000));
const padded = (n: number): number => (n + 3) & ~3;
const optionSize = (n: number): number => 4 + padded(n);

/** One block: type, length, body, length again. */
class Block {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 8;

  constructor(type: number, body: number) {
    this.bytes = new Uint8Array(body + 12);
    this.view = new DataView(this.bytes.buffer);
    this.view.setUint32(0, type, true);
    this.view.setUint32(4, body + 12, true);
    this.view.setUint32(body + 8, body + 12, true);
  }

  u16(n: number): void {
    this.view.setUint16(this.at, n, true);
    this.at += 2;
  }

  u32(n: number): void {
    this.view.setUint32(this.at, n, true);
    this.at += 4;
  }

  copy(src: Uint8Array, from: number, end: number): void {
    this.bytes.set(src.subarray(from, end), this.at);
    this.at += padded(end - from);
  }

  option(code: number, value: Uint8Array): void {
    this.u16(code);
    this.u16(value.length);
    this.copy(value, 0, value.length);
  }

  finish(): Uint8Array {
    return this.bytes;
  }
}
