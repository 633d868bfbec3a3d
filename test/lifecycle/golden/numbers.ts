/** Relative numbers, as the relay reckoned them, and connections by number. */
import { flagText, type Packet } from './packet.ts';
import { ADDRESS } from './stage.ts';
import type { Shown } from './timeline.ts';

export class Numbers {
  /** Initial numbers by 'source:port>destination:port'. */
  private readonly isn = new Map<string, number>();
  /** Numbers of the connections by the ports of A and B: '40000-5000'. */
  readonly conns = new Map<string, number>();

  /** Fills in the relative numbers. */
  relative(p: Packet): Packet {
    if (p.protocol !== 6) return p;
    const key = `${p.source}:${p.sport}>${p.destination}:${p.dport}`;
    const back = `${p.destination}:${p.dport}>${p.source}:${p.sport}`;
    if (p.S) this.isn.set(key, p.seq);
    else if (!this.isn.has(key)) this.isn.set(key, p.seq - 1);
    const peer = this.isn.get(back) ?? 0;
    p.rseq = (p.seq - this.isn.get(key)!) >>> 0;
    p.rack = (p.ack - peer) >>> 0;
    p.sack = p.sack.map(([l, r]) => [(l - peer) >>> 0, (r - peer) >>> 0]);
    return p;
  }

  show(p: Packet): Shown {
    return {
      flags: flagText(p.bits),
      seq: p.rseq,
      ack: p.A ? p.rack : null,
      win: p.win,
      len: p.length,
      mss: p.mss,
      ws: p.ws,
      sackOk: p.sackOk,
      sack: p.sack,
    };
  }

  /** Which connection a packet is of, in order of appearance; −1 for none. */
  conn(p: Packet): number {
    if (p.protocol !== 6) return -1;
    const key = p.source === ADDRESS.A ? `${p.sport}-${p.dport}` : `${p.dport}-${p.sport}`;
    if (!this.conns.has(key)) this.conns.set(key, this.conns.size);
    return this.conns.get(key)!;
  }
}
