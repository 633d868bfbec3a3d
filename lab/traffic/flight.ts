import type { SegmentEvent } from '../../src/tools/trace/event.ts';
import { ACK, FIN, SYN } from '../../src/wire/segment.ts';

/** What a segment of full size holds, as long as no SYN has told. */
const USUAL_MSS = 1460;
/** Acknowledgments on their way at once; with more of them the figure lags. */
const MOST_COMING = 5000;

/** What one end has sent and has not been told of yet, seen from outside. */
export class Flight {
  private known = false;
  private next = 0;
  private acked = 0;
  private mss = 0;
  /** The peer's acknowledgments that have not arrived yet. */
  private coming: { readonly at: number; readonly ack: number }[] = [];

  /** This end sends. */
  sent({ segment: s }: SegmentEvent): void {
    const end = (s.seq + s.length + (s.flags & SYN ? 1 : 0) + (s.flags & FIN ? 1 : 0)) | 0;
    if (!this.known) {
      this.known = true;
      this.next = end;
      this.acked = s.seq | 0;
    }
    if (((end - this.next) | 0) > 0) this.next = end;
    this.mss = Math.max(this.mss, s.length);
  }

  /** The peer sends, and this end will hear of it if it arrives. */
  heard({ segment: s, arrivedAt }: SegmentEvent): void {
    if (s.mss !== undefined && this.mss === 0)
      this.mss = Math.max(1, s.mss - (s.tsVal === undefined ? 0 : 12));
    if (arrivedAt === null || !(s.flags & ACK) || this.coming.length >= MOST_COMING) return;
    this.coming.push({ at: arrivedAt, ack: s.ack });
  }

  /** Segments in flight at a moment; −1 if nothing is known. */
  at(time: number): number {
    if (this.coming.length > 0 && this.coming[0]!.at <= time) {
      for (const { at, ack } of this.coming) {
        if (at > time) continue;
        if (!this.known) Object.assign(this, { known: true, next: ack | 0, acked: ack | 0 });
        if (((ack - this.acked) | 0) > 0 && ((this.next - ack) | 0) >= 0) this.acked = ack | 0;
      }
      this.coming = this.coming.filter(c => c.at > time);
    }
    if (!this.known) return -1;
    return Math.ceil(Math.max(0, (this.next - this.acked) | 0) / (this.mss || USUAL_MSS));
  }
}
