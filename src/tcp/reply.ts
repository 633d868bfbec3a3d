import type { Address } from '../base/address.ts';
import type { Seq } from '../base/seq.ts';
import { CSUM_GOOD } from '../wire/frame.ts';
import { ACK, RST, type Segment } from '../wire/segment.ts';
import { putTcpChecksumFrame, putTcpHeader } from '../wire/tcp.ts';
import { putTimestamps } from '../wire/tcp-options.ts';
import { HEADER } from './constants.ts';
import type { TcpContext } from './context.ts';

/** Segments that belong to no connection: resets, and the ACKs of TIME_WAIT rows and SYN queue entries. */

/**
 * Sends a header without payload.
 * @param ts timestamps to put in, or null
 */
export function sendBare(
  ctx: TcpContext,
  source: Address,
  sourcePort: number,
  destination: Address,
  destinationPort: number,
  seq: number,
  ack: number,
  flags: number,
  window: number,
  hasTs: boolean,
  tsVal: number,
  tsEcr: number,
  tos: number,
): void {
  const path = ctx.net.path(destination, source);
  if (typeof path === 'number') return;
  const frame = ctx.net.frame(HEADER + 12);
  const { bytes, start } = frame;
  let end = start + HEADER;
  if (hasTs) end = putTimestamps(bytes, end, tsVal, tsEcr);
  putTcpHeader(bytes, start, sourcePort, destinationPort, seq, ack, end - start, flags, window, 0);
  frame.end = end;
  putTcpChecksumFrame(frame, start, source, destination);
  frame.csum = CSUM_GOOD;
  ctx.mib.TcpOutSegs++;
  ctx.net.send(path, frame, source, destination, 6, tos, 0);
}

/** §3.10.7.1: the reset that answers a segment nobody wants. A reset is never answered. */
export function replyReset(ctx: TcpContext, segment: Segment): void {
  if (segment.flags & RST) return;
  if (ctx.net.isBroadcast(segment.destination) || ctx.net.isBroadcast(segment.source)) return;
  const hasAck = (segment.flags & ACK) !== 0;
  const seq: number = hasAck ? segment.ack : 0;
  const ack: Seq = (hasAck ? 0 : (segment.seq + segment.segLen) | 0) as Seq;
  ctx.mib.TcpOutRsts++;
  sendBare(
    ctx,
    segment.destination.clone(),
    segment.destinationPort,
    segment.source.clone(),
    segment.sourcePort,
    seq,
    ack,
    hasAck ? RST : RST | ACK,
    0,
    false,
    0,
    0,
    0,
  );
}
