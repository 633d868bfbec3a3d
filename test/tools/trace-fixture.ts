import type { State } from '../../src/tcp/state.ts';
import type { SegmentEvent, SegmentRecord } from '../../src/tools/trace/event.ts';
import { ConversationLog } from '../../src/tools/trace/log.ts';
import { ACK, FIN, PSH, RST, SYN } from '../../src/wire/segment.ts';

export const A = { host: 'A', address: '10.77.0.1', port: 40000 };
export const B = { host: 'B', address: '10.78.0.1', port: 80 };

/** Writes a connection's log by hand; times in microseconds, sequence numbers from 1000 (A) and 5000 (B). */
export class Script {
  readonly log = new ConversationLog(0, A, B);

  segment(
    at: number,
    host: 'A' | 'B',
    flags: number,
    seq: number,
    ack: number,
    more: Partial<SegmentRecord> & { lost?: string; delay?: number } = {},
  ): SegmentEvent {
    const { lost, delay = 200, ...fields } = more;
    const [me, peer] = host === 'A' ? [A, B] : [B, A];
    const event: SegmentEvent = {
      kind: 'segment',
      n: this.log.next(),
      at,
      host,
      to: peer.host,
      segment: {
        source: me.address,
        sourcePort: me.port,
        destination: peer.address,
        destinationPort: peer.port,
        seq: (host === 'A' ? 1000 : 5000) + seq,
        ack: flags & ACK ? (host === 'A' ? 5000 : 1000) + ack : 0,
        flags,
        window: 502,
        length: 0,
        size: 40 + (fields.length ?? 0),
        ...fields,
      },
      fate: lost === undefined ? 'arrived' : 'lost',
      arrivedAt: lost === undefined ? at + delay : null,
      arrivedN: 0,
      ...(lost === undefined ? {} : { reason: lost }),
    };
    this.log.add(event);
    if (lost === undefined && delay < 1000) event.arrivedN = this.log.next();
    return event;
  }

  /** For a segment with a long delay: it arrives now, in the order of the script. */
  arrive(event: SegmentEvent): void {
    event.arrivedN = this.log.next();
  }

  state(at: number, host: 'A' | 'B', from: State, state: State, why = ''): void {
    this.log.add({ kind: 'state', n: this.log.next(), at, host, from, state, why });
  }
}

const OPTIONS = { mss: 1460, windowScale: 7, sackPermitted: true, tsVal: 1, tsEcr: 0 };

/** Handshake, one request and answer, B closes first; B's first FIN is lost if told so. */
export function wholeLife(lost?: string): Script {
  const s = new Script();
  s.state(0, 'A', 7, 2, 'connect()');
  s.segment(0, 'A', SYN, 0, 0, { ...OPTIONS, window: 64240 });
  s.state(200, 'B', 10, 3);
  s.segment(210, 'B', SYN | ACK, 0, 1, { ...OPTIONS, window: 65160 });
  s.state(410, 'A', 2, 1);
  s.segment(420, 'A', ACK, 1, 1);
  s.state(620, 'B', 3, 1);
  s.segment(700, 'A', PSH | ACK, 1, 1, { length: 78 });
  s.segment(910, 'B', ACK, 1, 79);
  s.segment(1000, 'B', PSH | ACK, 1, 79, { length: 512 });
  s.segment(1210, 'A', ACK, 79, 513);
  s.state(1800, 'B', 1, 4, 'close()');
  let t = 1801;
  if (lost !== undefined) {
    s.segment(t, 'B', FIN | ACK, 513, 79, { lost });
    t += 204_000;
  }
  s.segment(t, 'B', FIN | ACK, 513, 79);
  s.state(t + 200, 'A', 1, 8);
  s.segment(t + 210, 'A', ACK, 79, 514);
  s.state(t + 410, 'B', 4, 5);
  s.state(t + 500, 'A', 8, 9, 'close()');
  s.segment(t + 501, 'A', FIN | ACK, 79, 514);
  s.state(t + 701, 'B', 5, 6);
  s.segment(t + 710, 'B', ACK, 514, 80);
  s.state(t + 910, 'A', 9, 7);
  return s;
}

export { ACK, FIN, PSH, RST, SYN };
