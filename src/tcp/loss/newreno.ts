import { CA_RECOVERY } from '../constants.ts';
import { LOST } from '../sent.ts';
import type { Tcb } from '../tcb.ts';
import { markLost } from './recovery.ts';

/** Loss detection without SACK (RFC 6582): duplicate ACKs stand for segments that have left the network. */

/** Three duplicates, or a partial ACK in recovery: the first segment outstanding is lost. */
export function newRenoMarkLost(tcb: Tcb, advanced: boolean): void {
  const start = tcb.caState < CA_RECOVERY && tcb.sackedOut >= tcb.reordering;
  if (!start && !(tcb.caState === CA_RECOVERY && advanced)) return;
  const head = tcb.sent.first();
  if (head === null || head.marks & LOST) return;
  if (head.pcount > 1 && head.length > head.mss) {
    const rest = tcb.sent.split(0, head.mss);
    rest.pcount = head.pcount - 1;
    head.pcount = 1;
  }
  markLost(tcb, head);
}

/** No more may be thought to have left than the lost ones allow; true if it had to be cut. */
function limit(tcb: Tcb): boolean {
  const holes = Math.min(Math.max(tcb.lostOut, 1), tcb.packetsOut);
  if (tcb.sackedOut + holes <= tcb.packetsOut) return false;
  tcb.sackedOut = tcb.packetsOut - holes;
  return true;
}

function checkReordering(tcb: Tcb, addend: number): void {
  if (!limit(tcb)) return;
  tcb.reordering = Math.min(tcb.packetsOut + addend, tcb.ctx.sysctl.tcp_max_reordering);
  tcb.reordSeen++;
  tcb.ctx.mib.TcpExtTCPRenoReorder++;
}

/** `count` duplicate ACKs arrived. */
export function addDuplicates(tcb: Tcb, count: number): void {
  if (count === 0) return;
  const before = tcb.sackedOut;
  tcb.sackedOut += count;
  checkReordering(tcb, 0);
  if (tcb.sackedOut > before) tcb.delivered += tcb.sackedOut - before;
}

/** `acked` segments were cumulatively acknowledged: the duplicates that they caused are spent. */
export function removeDuplicates(tcb: Tcb, acked: number): void {
  if (acked > 0) {
    tcb.delivered += Math.max(acked - tcb.sackedOut, 1);
    tcb.sackedOut = acked - 1 >= tcb.sackedOut ? 0 : tcb.sackedOut - (acked - 1);
  }
  checkReordering(tcb, acked);
}

export { limit as limitDuplicates };
