/** The script plays TCP at 10.9.0.2: the relay hands it what A sends, and it injects what it likes. */
import { bytes, options, type Packet, segment } from './packet.ts';
import type { Lab, Script } from './stage.ts';
import { shownText } from './timeline.ts';
import type { Sock } from './vocabulary.ts';

const A = '10.9.0.1';
const PEER = '10.9.0.2';

interface SendOptions {
  data?: string;
  win?: number;
  options?: Uint8Array;
  note?: string;
  /** Timestamps to carry; null for none. @default the next of the peer's, if it uses them and this is no RST */
  ts?: readonly [number, number] | null;
}

export class Raw {
  readonly lab: Lab;
  /** Whether the peer uses timestamps, its next TSval, and the last TSval of A. */
  readonly timestamps: boolean;
  tsv = 1000;
  tsr = 0;
  /** What A sent and nobody has taken. */
  readonly rx: Packet[] = [];
  sport = 0;
  dport = 0;
  isn = 0;
  /** A's initial sequence number. */
  aisn = 0;
  /** Next to send, next expected. */
  snd = 0;
  rcv = 0;

  constructor(lab: Lab, timestamps = false) {
    this.lab = lab;
    this.timestamps = timestamps;
    lab.policy = p => {
      if (p.dir !== 'A>B' || p.protocol !== 6) return 'fwd';
      this.rx.push(p);
      if (p.ts) this.tsr = p.ts[0];
      return 'eat';
    };
  }

  /**
   * Takes packets of A until one passes the test; looks every millisecond, for up to 3 s. The first look is
   * too early for what has just been sent: the relay was another thread.
   */
  *wait(test: (p: Packet) => boolean = () => true): Script<Packet> {
    const end = this.lab.now + 3;
    do {
      yield* this.lab.sleep(0.001);
      while (this.rx.length > 0) {
        const p = this.rx.shift()!;
        if (test(p)) return p;
      }
    } while (this.lab.now < end);
    throw new Error('A did not send what the script waits for');
  }

  *send(flags: string, seq: number, ack: number, o: SendOptions = {}): Script {
    let opts = o.options ?? new Uint8Array(0);
    const own = o.ts === undefined && this.timestamps && !flags.includes('R');
    const ts = own ? ([this.tsv, this.tsr] as const) : o.ts;
    if (ts) opts = Uint8Array.from([...opts, ...options({ ts })]);
    if (own) this.tsv++;
    const raw = segment({
      source: PEER,
      destination: A,
      sport: this.sport,
      dport: this.dport,
      seq,
      ack,
      flags,
      win: o.win ?? 65535,
      data: bytes(o.data ?? ''),
      options: opts,
    });
    yield* this.lab.inject(this.lab.A, raw, o.note ?? '');
  }

  /** Options of the peer's SYN or SYN-ACK. */
  private synOptions(echo: number): Uint8Array {
    if (!this.timestamps) return options({ mss: 1460 });
    return options({ mss: 1460, sackOk: true, ts: [this.tsv++, echo] });
  }

  /** Answers a connect() of A. */
  *accept(s: Sock): Script {
    s.setblocking(false);
    yield* s.connect(PEER, 5000);
    const syn = yield* this.wait(p => p.S);
    this.sport = 5000;
    this.dport = syn.sport;
    this.isn = 50000;
    this.aisn = syn.seq;
    yield* this.send('S.', this.isn, syn.seq + 1, { options: this.synOptions(this.tsr), ts: null });
    yield* this.wait(p => p.A && !p.S);
    this.snd = this.isn + 1;
    this.rcv = (syn.seq + 1) >>> 0;
    yield* this.lab.sleep(0.02);
  }

  /** Connects to a listener of A, from port 40000. */
  *connect(port: number): Script {
    this.sport = 40000;
    this.dport = port;
    this.isn = 90000;
    yield* this.send('S', this.isn, 0, { options: this.synOptions(0), ts: null });
    const answer = yield* this.wait(p => p.S && p.A);
    this.snd = this.isn + 1;
    this.rcv = (answer.seq + 1) >>> 0;
    this.aisn = answer.seq;
    yield* this.send('.', this.snd, this.rcv);
    yield* this.lab.sleep(0.02);
  }
}

/** A connection of A to the peer; the clock is marked once it stands. */
export function* established(
  L: Lab,
  o: { ts?: boolean; setup?: (s: Sock) => Script<unknown> } = {},
): Script<{ r: Raw; a: Sock }> {
  const r = new Raw(L, o.ts ?? false);
  const a = yield* L.A.socket();
  if (o.setup) yield* o.setup(a);
  yield* r.accept(a);
  L.mark();
  return { r, a };
}

/** Notes what A answered within `t` seconds, and its table. */
export function* check(L: Lab, r: Raw, t = 0.15): Script {
  yield* L.sleep(t);
  yield* L.say(() => {
    const replies = r.rx.map(p => `'${shownText(L.show(p))}'`).join(', ');
    return `-> replies: [${replies}] ; A ss: ${L.A.ss().join(' | ')}`;
  });
  r.rx.length = 0;
}
