import { MICROS_PER_SECOND, type Micros } from '../base/time.ts';
import type { QueuedError } from '../tcp/error-queue.ts';
import {
  AF_INET,
  AF_INET6,
  IP_RECVERR,
  IPV6_RECVERR,
  SCM_TIMESTAMPING,
  SCM_TIMESTAMPING_OPT_STATS,
  SOF_TIMESTAMPING_SOFTWARE,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
} from './constants.ts';
import type { ControlMessage } from './message.ts';
import type { Socket } from './socket.ts';

/** Control messages of the error queue (recv(2), MSG_ERRQUEUE) and of timestamps, as bytes in Linux's layout. */

/** struct sock_extended_err. */
const EXTENDED_ERROR = 16;
/** struct sockaddr_in, sockaddr_in6. */
const SOCKADDR_4 = 16;
const SOCKADDR_6 = 28;

/** struct scm_timestamping: software time, and two that hardware would give. */
export function timestampControl(at: Micros): ControlMessage {
  const data = new Uint8Array(48);
  const v = new DataView(data.buffer);
  const seconds = Math.floor(at / MICROS_PER_SECOND);
  v.setUint32(0, seconds >>> 0, true);
  v.setUint32(4, Math.floor(seconds / 2 ** 32), true);
  v.setUint32(8, Math.floor((at - seconds * MICROS_PER_SECOND) * 1000), true);
  return { level: SOL_SOCKET, type: SCM_TIMESTAMPING, data };
}

/** What recvmsg tells of one entry: its time, its statistics, and the error itself. */
export function errorControl(s: Socket, e: QueuedError): ControlMessage[] {
  const list: ControlMessage[] = [];
  if (e.time > 0 && s.options.timestamping & SOF_TIMESTAMPING_SOFTWARE) {
    list.push(timestampControl(e.time));
    if (e.stats) list.push({ level: SOL_SOCKET, type: SCM_TIMESTAMPING_OPT_STATS, data: e.bytes });
  }
  const four = s.family === AF_INET;
  const data = new Uint8Array(EXTENDED_ERROR + (four ? SOCKADDR_4 : SOCKADDR_6));
  const v = new DataView(data.buffer);
  v.setUint32(0, e.errno, true);
  data[4] = e.origin;
  data[5] = e.type;
  data[6] = e.code;
  v.setUint32(8, e.info >>> 0, true);
  v.setUint32(12, e.data >>> 0, true);
  if (e.offender !== null) {
    v.setUint16(EXTENDED_ERROR, four ? AF_INET : AF_INET6, true);
    if (four) e.offender.write4(data, EXTENDED_ERROR + 4);
    else e.offender.write6(data, EXTENDED_ERROR + 8);
  }
  list.push(four ? { level: SOL_IP, type: IP_RECVERR, data } : { level: SOL_IPV6, type: IPV6_RECVERR, data });
  return list;
}
