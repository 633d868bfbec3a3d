import { EINVAL, EMSGSIZE } from '../base/errno.ts';
import type { QueuedError } from '../tcp/error-queue.ts';
import {
  MSG_CTRUNC,
  MSG_ERRQUEUE,
  MSG_PEEK,
  POLLRDHUP,
  SO_MARK,
  SO_PRIORITY,
  SOL_SOCKET,
  SOL_TCP,
  TCP_CM_INQ,
  UIO_MAXIOV,
} from './constants.ts';
import { errorControl, timestampControl } from './error-message.ts';
import { int32 } from './option.ts';
import type { Socket, SocketName } from './socket.ts';
import { TcpSocket } from './tcp-socket.ts';

/** struct iovec: `bytes[at..at+length)`; `bytes` null is a bad pointer. */
export interface IoVec {
  bytes: Uint8Array | null;
  /** 0 if left out. */
  at?: number;
  length: number;
}

/** One control message (cmsg(3)). */
export interface ControlMessage {
  level: number;
  type: number;
  data: Uint8Array;
}

/** struct msghdr. recvmsg fills in `name`, `control` and `flags`. */
export interface Message {
  iov: readonly IoVec[];
  name?: SocketName | null;
  control?: ControlMessage[];
  /** Room for control messages in bytes, headers included; without it there is no limit. */
  controlRoom?: number;
  flags?: number;
}

/** A run of bytes that one send or recv works on. */
export interface Span {
  bytes: Uint8Array | null;
  at: number;
  n: number;
  /** `bytes` is not the caller's: `scatter` has to put them there. */
  gathered: boolean;
}

const CMSG_HEADER = 16;

/**
 * The bytes to send as one run, copied together if there are several.
 * @returns −EMSGSIZE for more than 1024 entries, −EINVAL for a bad length
 */
export function gather(iov: readonly IoVec[], copy: boolean): Span | number {
  if (iov.length > UIO_MAXIOV) return -EMSGSIZE;
  let n = 0;
  for (const v of iov) {
    const at = v.at ?? 0;
    if (!(v.length >= 0) || at < 0) return -EINVAL;
    if (v.bytes !== null && at + v.length > v.bytes.length) return -EINVAL;
    n += v.length;
    // A bad pointer ends what can be received; in front of everything, or of what is sent, it is an error.
    if (v.bytes === null && v.length > 0) {
      if (copy || n === v.length) return { bytes: null, at: 0, n, gathered: false };
      n -= v.length;
      break;
    }
  }
  const first = iov.find(v => v.length > 0);
  if (first === undefined) return { bytes: NOTHING, at: 0, n: 0, gathered: false };
  if (first.length === n) return { bytes: first.bytes, at: first.at ?? 0, n, gathered: false };
  const bytes = new Uint8Array(n);
  let to = 0;
  for (let i = 0; copy && to < n; i++) {
    const v = iov[i]!;
    if (v.length === 0) continue;
    bytes.set(v.bytes!.subarray(v.at ?? 0, (v.at ?? 0) + v.length), to);
    to += v.length;
  }
  return { bytes, at: 0, n, gathered: true };
}

/** Puts `n` gathered bytes into the caller's vectors. */
export function scatter(from: Uint8Array, n: number, iov: readonly IoVec[]): void {
  let done = 0;
  for (const v of iov) {
    if (done >= n) return;
    const k = Math.min(v.length, n - done);
    v.bytes?.set(from.subarray(done, done + k), v.at ?? 0);
    done += k;
  }
}

/** What sendmsg may be told by control messages: those of SOL_SOCKET must be known, others are passed over. */
export function checkControl(control: readonly ControlMessage[] | undefined): number {
  for (const c of control ?? []) {
    if (c.level !== SOL_SOCKET) continue;
    if ((c.type !== SO_MARK && c.type !== SO_PRIORITY) || c.data.length !== 4) return -EINVAL;
  }
  return 0;
}

/** After a successful recvmsg: the control messages that were asked for, as far as they fit. */
export function fillControl(s: Socket, message: Message, error: QueuedError | null, flags: number): void {
  const list: ControlMessage[] = [];
  if (error !== null) list.push(...errorControl(s, error));
  else if (s instanceof TcpSocket && !(flags & (MSG_ERRQUEUE | MSG_PEEK))) {
    const at = s.connection?.arrivedAt ?? 0;
    if (at > 0) list.push(timestampControl(at));
  }
  if (s instanceof TcpSocket && s.settings.inq && !(flags & MSG_ERRQUEUE)) {
    // A FIN counts for one: there is still an end of stream to read.
    const left = s.available + (s.readiness() & POLLRDHUP ? 1 : 0);
    list.push({ level: SOL_TCP, type: TCP_CM_INQ, data: int32(left) });
  }
  let room = message.controlRoom ?? Number.POSITIVE_INFINITY;
  message.control = [];
  for (const c of list) {
    room -= CMSG_HEADER + c.data.length;
    if (room < 0) {
      message.flags = (message.flags ?? 0) | MSG_CTRUNC;
      break;
    }
    message.control.push(c);
  }
}

const NOTHING = new Uint8Array(0);
