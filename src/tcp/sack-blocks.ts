import { type Seq, seqGe, seqGt, seqLe, seqLt } from '../base/seq.ts';
import type { Tcb } from './tcb.ts';

/** What our own ACKs report (RFC 2018 §4, RFC 2883): up to four blocks, the newest first. */

const MAX = 4;

/** Bytes [l, r) arrived twice: the next ACK says so first. */
export function setDsack(tcb: Tcb, l: Seq, r: Seq): void {
  if (!tcb.sackOk || tcb.ctx.sysctl.tcp_dsack === 0) return;
  const mib = tcb.ctx.mib;
  if (seqLt(l, tcb.rcvNxt)) mib.TcpExtTCPDSACKOldSent++;
  else mib.TcpExtTCPDSACKOfoSent++;
  tcb.dsack = true;
  tcb.dsackLeft = l;
  tcb.dsackRight = r;
}

/** The same, joined with a duplicate already noted if they touch. */
export function extendDsack(tcb: Tcb, l: Seq, r: Seq): void {
  if (!tcb.dsack) {
    setDsack(tcb, l, r);
    return;
  }
  if (seqGt(l, tcb.dsackRight) || seqGt(tcb.dsackLeft, r)) return;
  if (seqLt(l, tcb.dsackLeft)) tcb.dsackLeft = l;
  if (seqGt(r, tcb.dsackRight)) tcb.dsackRight = r;
}

/** Bytes [l, r) arrived out of order: their block becomes the first. */
export function reportBlock(tcb: Tcb, l: Seq, r: Seq): void {
  if (!tcb.sackOk) return;
  tcb.sackBlocks ??= new Int32Array(2 * MAX);
  const b = tcb.sackBlocks;
  let left: number = l;
  let right: number = r;
  // Blocks that the new one touches melt into it; the others keep their order behind it.
  let kept = 0;
  for (let i = 0; i < tcb.sackCount; i++) {
    const bl = b[2 * i]! as Seq;
    const br = b[2 * i + 1]! as Seq;
    if (seqLe(left as Seq, br) && seqLe(bl, right as Seq)) {
      if (seqLt(bl, left as Seq)) left = bl;
      if (seqGt(br, right as Seq)) right = br;
    } else {
      b[2 * kept] = bl;
      b[2 * kept + 1] = br;
      kept++;
    }
  }
  if (kept === MAX) kept--;
  b.copyWithin(2, 0, 2 * kept);
  b[0] = left;
  b[1] = right;
  tcb.sackCount = kept + 1;
}

/** RCV.NXT moved: blocks below it are history. */
export function dropBlocks(tcb: Tcb): void {
  if (tcb.ooo === null || tcb.ooo.count === 0) {
    tcb.sackCount = 0;
    return;
  }
  const b = tcb.sackBlocks;
  if (b === null) return;
  let kept = 0;
  for (let i = 0; i < tcb.sackCount; i++) {
    if (seqGe(tcb.rcvNxt, b[2 * i]! as Seq)) continue;
    b[2 * kept] = b[2 * i]!;
    b[2 * kept + 1] = b[2 * i + 1]!;
    kept++;
  }
  tcb.sackCount = kept;
}

/** The right edge of the highest block we report: Linux accepts an RST there. */
export function highestBlock(tcb: Tcb): Seq | null {
  const b = tcb.sackBlocks;
  if (b === null || tcb.sackCount === 0) return null;
  let high = b[1]! as Seq;
  for (let i = 1; i < tcb.sackCount; i++) {
    const r = b[2 * i + 1]! as Seq;
    if (seqGt(r, high)) high = r;
  }
  return high;
}
