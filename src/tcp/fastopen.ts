import type { Micros } from '../base/time.ts';
import { putFastOpen } from '../wire/tcp-options.ts';
import { HEADER, MAX_OPTION_SPACE } from './constants.ts';
import type { TcpContext } from './context.ts';
import { CookieOption } from './fastopen-cookie.ts';
import type { Request } from './request.ts';
import type { Tcb } from './tcb.ts';

/** What both sides of Fast Open (RFC 7413) keep of a connection; null on one that has nothing to do with it. */

/** `tcp_fastopen`. */
export const TFO_CLIENT = 1;
export const TFO_SERVER = 2;
export const TFO_CLIENT_NO_COOKIE = 4;
export const TFO_SERVER_NO_COOKIE = 0x200;
export const TFO_SERVER_ALL = 0x400;

/** `tcpi_fastopen_client_fail`. */
export const TFO_COOKIE_UNAVAILABLE = 1;
export const TFO_DATA_NOT_ACKED = 2;
export const TFO_SYN_RETRANSMITTED = 3;

/** A child whose RST came after it was accepted holds its place in the queue for so long (§5.1). */
const RESET_PENALTY: Micros = 60_000_000;

/** Bytes that shall ride on the SYN: `bytes[at..at+n)`, of which `copied` were taken. */
export interface SynData {
  readonly bytes: Uint8Array | null;
  readonly at: number;
  readonly n: number;
  copied: number;
}

export class FastOpen {
  // Client
  /** connect() has been called, but the SYN waits for the first write (TCP_FASTOPEN_CONNECT). */
  deferred = false;
  /** The option of the SYN that is being sent; a repeated SYN has none. */
  readonly option = new CookieOption();
  /** The SYN carried the option, and in which form; it carried data. */
  asked = false;
  askedExperimental = false;
  synData = false;
  /** This side is the first to try again after a black hole. */
  onTrial = false;
  clientFail = 0;

  // Server
  /** What the SYN-ACK is repeated from until its ACK comes; null then. */
  request: Request | null = null;
  /** The application has the child. */
  accepted = false;

  /** The peer acknowledged data in our SYN, or we took data from its (TCPI_OPT_SYN_DATA). */
  synDataAcked = false;
}

/** A child that is open before the last ACK of its handshake has come. */
export const isPassiveOpen = (tcb: Tcb): boolean => tcb.fastopen !== null && tcb.fastopen.request !== null;

/** Writes the option behind the others of a SYN that begins with its header at `start`, if there is room. */
export function putCookieOption(option: CookieOption, bytes: Uint8Array, start: number, at: number): number {
  const { length, experimental } = option;
  const need = (length + (experimental ? 4 : 2) + 3) & ~3;
  if (length < 0 || at - start - HEADER + need > MAX_OPTION_SPACE) return at;
  return putFastOpen(bytes, at, option.bytes, 0, length, experimental);
}

/** The handshake of a child is over (Linux's reqsk_fastopen_remove): it leaves the queue that `TCP_FASTOPEN` bounds. */
export function leaveFastOpenQueue(tcb: Tcb, reset: boolean): void {
  const f = tcb.fastopen;
  if (f === null || f.request === null) return;
  const { listener } = f.request;
  f.request = null;
  listener.fastOpenPending--;
  if (!f.accepted || !reset || listener.closed) return;
  // §5.1: a spoofed SYN ends in a reset from the host it names. Each such counts on for a minute, so that a
  // flood of them turns Fast Open off.
  listener.fastOpenResets.push(tcb.ctx.now + RESET_PENALTY);
  listener.fastOpenPending++;
}

/** The connection ends: did a middlebox let nothing through but a FIN? (Linux's ofo check) */
export function endFastOpen(tcb: Tcb): void {
  const f = tcb.fastopen;
  if (f === null || !f.asked) return;
  const { fastOpen, now } = tcb.ctx;
  if (tcb.dataSegsIn === 0) {
    if (tcb.oooFin && tcb.ooo !== null && tcb.ooo.count === 1) fastOpen.blackHole(now);
  } else if (f.onTrial && !tcb.path.loopback) fastOpen.worksAgain();
}

/**
 * A retransmission timeout: the third in a row, or the last, of a Fast Open connection means that something on
 * the way swallows it.
 */
export function suspectFastOpen(tcb: Tcb, expired: boolean): void {
  const f = tcb.fastopen;
  if (f === null || !(f.asked || f.synData || f.synDataAcked)) return;
  if (tcb.retransmits !== 2 && !(tcb.retransmits < 2 && expired)) return;
  const ctx: TcpContext = tcb.ctx;
  ctx.fastOpen.blackHole(ctx.now);
  ctx.mib.TcpExtTCPFastOpenActiveFail++;
}
