/** A piece of data as a stream gives it to `_write`. */
export type Chunk = string | Uint8Array;
type Pieces = readonly { chunk: Chunk; encoding: string }[];

/** The bytes of one or many pieces. */
export function toBytes(data: Chunk | Pieces, encoding: string): Uint8Array[] {
  if (typeof data === 'string') return [Buffer.from(data, encoding as BufferEncoding)];
  if (data instanceof Uint8Array) return [data];
  // Small pieces leave together.
  return data.map(p =>
    typeof p.chunk === 'string' ? Buffer.from(p.chunk, p.encoding as BufferEncoding) : p.chunk,
  );
}

export function byteLength(chunk: Chunk, encoding: string): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding as BufferEncoding) : chunk.length;
}

export function totalLength(data: Chunk | Pieces, encoding: string): number {
  if (typeof data === 'string' || data instanceof Uint8Array) return byteLength(data, encoding);
  return data.reduce((n, p) => n + byteLength(p.chunk, p.encoding), 0);
}
