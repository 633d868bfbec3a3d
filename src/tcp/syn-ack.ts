import { CSUM_GOOD } from '../wire/frame.ts';
import { ACK, ECE, SYN } from '../wire/segment.ts';
import { putTcpChecksumFrame, putTcpHeader } from '../wire/tcp.ts';
import {
  putMss,
  putSackPermitted,
  putSackPermittedTimestamps,
  putTimestamps,
  putWindowScale,
} from '../wire/tcp-options.ts';
import { HEADER } from './constants.ts';
import type { TcpContext } from './context.ts';
import { putCookieOption } from './fastopen.ts';
import type { CookieOption } from './fastopen-cookie.ts';
import { pathMss } from './negotiate.ts';
import type { Path } from './path.ts';
import type { Request } from './request.ts';

/**
 * The second segment of a handshake, made from a SYN queue entry.
 * @param ts timestamp in milliseconds without offset, if it is not the present time (cookies)
 * @param cookie Fast Open option, if it shall carry one
 */
export function sendSynAck(
  ctx: TcpContext,
  r: Request,
  path: Path,
  ts?: number,
  cookie: CookieOption | null = null,
): void {
  const frame = ctx.net.frame(HEADER + 40);
  const { bytes, start } = frame;
  const options = r.listener.options;
  let end = start + HEADER;
  end = putMss(bytes, end, pathMss(path, r.remote, options));
  const value = ((ts ?? Math.floor(ctx.now / 1000) | 0) + r.tsOffset) | 0;
  if (r.tsOk && r.sackOk) end = putSackPermittedTimestamps(bytes, end, value, r.tsRecent);
  else if (r.tsOk) end = putTimestamps(bytes, end, value, r.tsRecent);
  else if (r.sackOk) end = putSackPermitted(bytes, end);
  if (r.wscaleOk) end = putWindowScale(bytes, end, r.rcvWscale);
  if (cookie !== null) end = putCookieOption(cookie, bytes, start, end);
  const flags = SYN | ACK | (r.ecnOk ? ECE : 0);
  const window = Math.min(r.rcvWnd, 65535);
  putTcpHeader(bytes, start, r.localPort, r.remotePort, r.iss, r.rcvNxt, end - start, flags, window, 0);
  frame.end = end;
  putTcpChecksumFrame(frame, start, r.local, r.remote);
  frame.csum = CSUM_GOOD;
  ctx.mib.TcpOutSegs++;
  const tos = options.tos & 0xfc;
  ctx.net.send(path, frame, r.local, r.remote, 6, tos, options.ttl);
}
