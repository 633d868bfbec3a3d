const PCAPNG_SECTION = 0x0a0d0d0a;
const PCAPNG_LITTLE = 0x1a2b3c4d;
const PCAP_MAGICS: ReadonlySet<number> = new Set([0xa1b2c3d4, 0xa1b23c4d]);
const PCAP_HEADER = 24;
const PCAP_RECORD = 16;

/**
 * Where a capture file may be cut so that at most so many packets (of pcapng: blocks) and bytes are left, on
 * a boundary if there is one. For those who read files of any size: each packet costs memory.
 */
export function capturePrefix(file: Uint8Array, packets: number, bytes: number): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < PCAP_HEADER) return file.length;
  const next = view.getUint32(0, true) === PCAPNG_SECTION ? pcapngBlocks(view) : pcapRecords(view);
  if (next === null) return Math.min(file.length, bytes);
  let at = view.getUint32(0, true) === PCAPNG_SECTION ? 0 : PCAP_HEADER;
  for (let n = 0; n < packets && at < file.length; n++) {
    const end = next(at);
    // What is broken is for the reader to tell.
    if (end < 0 || end > file.length) return file.length <= bytes ? file.length : at;
    if (end > bytes) return at;
    at = end;
  }
  return at;
}

/** The end of the record that begins at a place, −1 if it has none. */
type Next = (at: number) => number;

function pcapRecords(view: DataView): Next | null {
  const little = PCAP_MAGICS.has(view.getUint32(0, true));
  if (!little && !PCAP_MAGICS.has(view.getUint32(0, false))) return null;
  return at => (at + PCAP_RECORD > view.byteLength ? -1 : at + PCAP_RECORD + view.getUint32(at + 8, little));
}

function pcapngBlocks(view: DataView): Next {
  let little = true;
  return at => {
    if (at + 12 > view.byteLength) return -1;
    if (view.getUint32(at, true) === PCAPNG_SECTION) little = view.getUint32(at + 8, true) === PCAPNG_LITTLE;
    const length = view.getUint32(at + 4, little);
    return length < 12 ? -1 : at + length;
  };
}
