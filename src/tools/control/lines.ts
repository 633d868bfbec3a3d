/** Splits bytes into lines; a line longer than `limit` bytes is an error. */
export class LineSplitter {
  private parts: Buffer[] = [];
  private size = 0;
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** The lines that are complete now, without their line feeds; null if one is too long. */
  push(chunk: Buffer): string[] | null {
    const lines: string[] = [];
    let from = 0;
    for (;;) {
      const at = chunk.indexOf(10, from);
      const piece = chunk.subarray(from, at < 0 ? chunk.length : at);
      this.size += piece.length;
      if (this.size > this.limit) return null;
      if (piece.length > 0) this.parts.push(piece);
      if (at < 0) return lines;
      lines.push(Buffer.concat(this.parts).toString('utf8'));
      this.parts = [];
      this.size = 0;
      from = at + 1;
    }
  }
}
