import { RCV_SHUTDOWN } from './constants.ts';
import { enterPingpong } from './delayed-ack.ts';
import {
  CLOSE_WAIT,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  SYN_RECV,
  TIME_WAIT,
  transition,
} from './state.ts';
import type { Tcb } from './tcb.ts';
import { sendAck } from './transmit.ts';

/** §3.10.7.4, eighth: the peer's FIN, in order. RCV.NXT has passed it. */
export function processFin(tcb: Tcb): void {
  tcb.ackScheduled = true;
  tcb.shut |= RCV_SHUTDOWN;
  tcb.finReceived = true;
  // Nothing can follow: what was kept beyond it is nonsense.
  if (tcb.ooo !== null) tcb.ooo.clear();
  tcb.oooFin = false;
  tcb.sackCount = 0;
  switch (tcb.state) {
    case SYN_RECV:
    case ESTABLISHED:
      transition(tcb, CLOSE_WAIT, 'FIN received');
      // The ACK waits a little for our own FIN to carry it: a close in three segments.
      enterPingpong(tcb);
      break;
    case FIN_WAIT_1:
      // Ours is not acknowledged yet, or the state would be FIN_WAIT_2: both ends close at once.
      sendAck(tcb);
      transition(tcb, CLOSING, 'FIN received');
      break;
    case FIN_WAIT_2:
      sendAck(tcb);
      tcb.ctx.timeWait(tcb, TIME_WAIT, 0);
      return;
    default:
      // CLOSE_WAIT, CLOSING, LAST_ACK: a repeated FIN, acknowledged elsewhere.
      break;
  }
  if (!tcb.orphan) tcb.ctx.wake(tcb);
}
