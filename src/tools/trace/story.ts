import type { Micros } from '../../base/time.ts';
import { CLOSED, CLOSING, ESTABLISHED, LAST_ACK, stateName, TIME_WAIT } from '../../tcp/state.ts';
import { ACK, FIN, RST, SYN } from '../../wire/segment.ts';
import { grouped, shortTime } from '../cli/units.ts';
import type { Conversation, SegmentEvent, StateEvent } from './event.ts';
import type { LadderRow } from './rows.ts';

type Heading = readonly [title: string, text: string];

/**
 * The phases of a connection's life, each with a line that says what is going on: headings for
 * `ladderText`, keyed by the row they stand before.
 */
export function storyOf(c: Conversation): (rows: readonly LadderRow[]) => ReadonlyMap<number, Heading> {
  const facts = new Facts(c);
  return rows => {
    const headings = new Map<number, Heading>();
    const first = (test: (s: SegmentEvent) => boolean): number =>
      rows.findIndex(r => r.segment !== null && r.kind !== 'arrive' && test(r.segment));
    const reset = first(s => (s.segment.flags & RST) !== 0);
    const closing = first(s => (s.segment.flags & FIN) !== 0);
    const data = first(s => s.segment.length > 0 && (s.segment.flags & SYN) === 0);
    const syn = first(s => (s.segment.flags & SYN) !== 0);
    if (syn >= 0) headings.set(Math.min(syn, data < 0 ? syn : data), ['Opening', facts.opening()]);
    if (data >= 0 && data !== closing) headings.set(data, ['Talking', facts.talking()]);
    if (closing >= 0) headings.set(closing, ['Closing', facts.closing()]);
    if (reset >= 0) headings.set(reset, ['Reset', facts.reset()]);
    if (facts.waiting !== null) headings.set(rows.length, ['Waiting', facts.waitingText()]);
    else if (facts.ended())
      headings.set(rows.length, ['Gone', 'Neither host remembers anything of this connection.']);
    return headings;
  };
}

/** What the sentences need to know of the connection. */
class Facts {
  /** The last change into TIME_WAIT that no CLOSED followed. */
  readonly waiting: StateEvent | null;
  private readonly bothWait: boolean;
  private readonly c: Conversation;
  private readonly segments: readonly SegmentEvent[];
  private readonly states: readonly StateEvent[];

  constructor(c: Conversation) {
    this.c = c;
    this.segments = c.events.filter(e => e.kind === 'segment');
    this.states = c.events.filter(e => e.kind === 'state');
    const last = (host: string): StateEvent | undefined => this.states.findLast(e => e.host === host);
    const waits = [last(c.left.host), last(c.right.host)].filter(e => e?.state === TIME_WAIT);
    this.waiting = waits[0] ?? null;
    this.bothWait = waits.length === 2;
  }

  ended(): boolean {
    return [this.c.left.host, this.c.right.host].every(
      h => this.states.findLast(e => e.host === h)?.state === CLOSED,
    );
  }

  opening(): string {
    const { left, right } = this.c;
    const syns = this.of(left.host, SYN, ACK);
    const answers = this.segments.filter(
      s => s.host === right.host && (s.segment.flags & (SYN | ACK)) === (SYN | ACK),
    );
    const both = this.of(right.host, SYN, ACK).length > 0;
    const done = this.states.find(e => e.host === left.host && e.state === ESTABLISHED);
    const begin = syns[0]?.at ?? 0;
    const text = both
      ? 'Both ask at once (SYN, SYN) and each answers the other: one connection, not two.'
      : `${left.host} asks (SYN), ${right.host} answers and asks back (SYN+ACK), ${left.host} confirms (ACK): each now knows the other's first sequence number.`;
    return [
      text,
      this.again(syns, 'SYN'),
      this.again(answers, 'SYN+ACK'),
      done ? `It took ${shortTime(done.at - begin)}.` : '',
    ]
      .filter(Boolean)
      .join(' ');
  }

  talking(): string {
    const { left, right } = this.c;
    const bytes = (host: string): number => {
      const sent = this.segments.filter(s => s.host === host && s.segment.length > 0 && !s.duplicate);
      const seen = new Map<number, number>();
      for (const s of sent) seen.set(s.segment.seq, Math.max(seen.get(s.segment.seq) ?? 0, s.segment.length));
      return [...seen.values()].reduce((sum, n) => sum + n, 0);
    };
    const more = this.c.skipped > 0 ? ' (of what was kept)' : '';
    const lost = this.segments.filter(s => s.fate === 'lost' && s.segment.length > 0).length;
    return [
      `${left.host} sends ${grouped(bytes(left.host))} bytes, ${right.host} sends ${grouped(bytes(right.host))} bytes${more}; each byte is numbered, and every ACK says which number is expected next.`,
      lost > 0
        ? `${lost} of these segments ${lost === 1 ? 'was' : 'were'} lost on the wire and sent again.`
        : '',
    ]
      .filter(Boolean)
      .join(' ');
  }

  closing(): string {
    const { left, right } = this.c;
    const fins = this.segments.filter(s => s.segment.flags & FIN);
    const one = fins[0]!.host;
    const other = one === left.host ? right.host : left.host;
    const second = fins.find(s => s.host === other);
    const simultaneous = this.states.some(e => e.state === CLOSING);
    const text = simultaneous
      ? 'Both close at once: the FINs cross, and each side goes through CLOSING.'
      : `${one} closes first: its FIN says "I have nothing more to send". ${other} acknowledges it, and ${
          second
            ? `closes its own direction with a FIN of its own`
            : `may go on sending (half-closed) until it closes too`
        }.`;
    const last = this.states.findLast(e => e.from === LAST_ACK && e.state === CLOSED);
    return [
      text,
      this.again(this.of(one, FIN, 0), `${one}'s FIN`),
      second ? this.again(this.of(other, FIN, 0), `${other}'s FIN`) : '',
      last ? `${shortTime(last.at - fins[0]!.at)} from the first FIN to the last ACK.` : '',
    ]
      .filter(Boolean)
      .join(' ');
  }

  reset(): string {
    const rst = this.segments.find(s => s.segment.flags & RST)!;
    const refused = !this.states.some(e => e.state === ESTABLISHED);
    return refused
      ? `${rst.host} refuses: nobody listens there (or the target behind it refused), so the answer to SYN is RST.`
      : `${rst.host} aborts the connection: both ends forget it at once, data on its way is lost, nobody enters TIME_WAIT.`;
  }

  waitingText(): string {
    if (this.bothWait) {
      return 'Both closed at once, so both stay in TIME_WAIT for 2 MSL (60 s): to answer a FIN that comes again, and to let old segments die out before these two ports are used anew.';
    }
    const host = this.waiting!.host;
    const other = host === this.c.left.host ? this.c.right.host : this.c.left.host;
    const peer = this.states.findLast(e => e.host === other);
    return `${host} closed first, so ${host} stays in TIME_WAIT for 2 MSL (60 s): to answer ${other}'s FIN should it come again, and to let old segments die out before these two ports are used anew. ${
      peer === undefined || peer.state === CLOSED
        ? `${other} has forgotten everything.`
        : `${other} is in ${stateName(peer.state)}.`
    }`;
  }

  /** Segments of a host that carry `flag` and none of `without`. */
  private of(host: string, flag: number, without: number): SegmentEvent[] {
    return this.segments.filter(
      s => s.host === host && s.segment.flags & flag && !(s.segment.flags & without) && !s.duplicate,
    );
  }

  private again(sent: readonly SegmentEvent[], name: string): string {
    if (sent.length < 2) return '';
    const waits: Micros[] = sent.slice(1).map((s, i) => s.at - sent[i]!.at);
    const lost = sent.filter(s => s.fate === 'lost').length;
    return `${name} was sent ${sent.length} times${lost > 0 ? ` (${lost} lost)` : ''}, after ${waits.slice(0, 5).map(shortTime).join(', ')}.`;
  }
}
