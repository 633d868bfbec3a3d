import { EAGAIN } from '../../src/base/errno.ts';
import { type Micros, NEVER } from '../../src/base/time.ts';
import type { Connection } from '../../src/tcp/connection.ts';
import type { Listener } from '../../src/tcp/listener.ts';
import { CLOSED, SYN_RECV, SYN_SENT } from '../../src/tcp/state.ts';
import type { Life } from './life.ts';

/** Steps of an application's program. */
const OPEN = 0;
const SEND = 1;
const READ = 2;
const SYNC = 3;
const EOF = 4;
const SHUT = 5;
const CLOSE = 6;
const ABORT = 7;
const END = 8;

/** How long after it became possible a call of `late` is made: longer than the first timeouts, shorter than the last. */
const LAG: Micros = 3_000_000;
/** An application that waits for nothing closes in the end: later than any timeout of a live connection. */
export const PATIENCE: Micros = 2_000_000_000;
/** A close that was to come after segments which are never sent comes at this time. */
const FALLBACK: Micros = 10_000_000;

const bytes = new Uint8Array(4);

/** One of the two applications: a program of calls, made directly on the connection. */
export class End {
  readonly byte: number;
  connection: Connection | null = null;
  listener: Listener | null = null;
  /** Its next call is due; NEVER if it waits for the connection. */
  at: Micros = NEVER;
  sent = 0;
  got = 0;
  /** It has seen the end of the stream, or an error (its errno). */
  eof = false;
  error = 0;
  /** It made its last call because its patience was at an end; with bytes still unacknowledged. */
  impatient = false;
  unacked = 0;
  /** Something was read that nobody wrote. */
  wrong = false;
  ended = false;
  /** The host has said that its connection or listener may have changed. */
  woken = false;
  /** It could go on, but nobody has told it. */
  forgotten = false;
  private steps: readonly number[] = [];
  private pc = 0;
  private lag: Micros = 0;
  private possibleAt: Micros = NEVER;
  private giveUpAt: Micros = NEVER;
  /** Jump to this step when so many segments have been sent. */
  private jumpAt = 0;
  private jumpTo = 0;
  private fallbackAt: Micros = NEVER;

  constructor(byte: number) {
    this.byte = byte;
  }

  begin(life: Life, side: 0 | 1, now: Micros): void {
    this.connection = null;
    this.sent = 0;
    this.got = 0;
    this.eof = false;
    this.error = 0;
    this.impatient = false;
    this.unacked = 0;
    this.wrong = false;
    this.ended = false;
    this.woken = false;
    this.forgotten = false;
    this.steps = program(life, side);
    this.pc = 0;
    this.lag = life.when === 'late' ? LAG : 0;
    this.possibleAt = NEVER;
    this.giveUpAt = now + PATIENCE;
    this.jumpAt = 0;
    this.fallbackAt = NEVER;
    if (typeof life.when === 'number') {
      const closing = this.steps.findIndex(s => s === SHUT || s === CLOSE || s === ABORT);
      if (closes(life, side)) {
        this.jumpAt = life.when;
        this.jumpTo = closing;
        this.fallbackAt = now + FALLBACK;
      }
    }
    this.at = Math.min(this.giveUpAt, this.fallbackAt);
  }

  /** It has said and heard everything. */
  get exchanged(): boolean {
    return this.sent === 1 && this.got === 1;
  }

  /** Makes what calls are due. @param other the other application, for closing at the same moment */
  step(now: Micros, segments: number, other: End): void {
    let jumped = false;
    if (this.jumpAt > 0 && (segments >= this.jumpAt || now >= this.fallbackAt)) {
      jumped = true;
      this.jumpAt = 0;
      this.fallbackAt = NEVER;
      if (this.pc < this.jumpTo && (this.connection !== null || this.listener === null)) {
        this.pc = this.jumpTo;
        this.possibleAt = NEVER;
      } else if (this.pc < this.jumpTo) {
        // The server has nothing to close yet: it does so as soon as it has accepted.
        this.steps = [OPEN, ...this.steps.slice(this.jumpTo)];
      }
    }
    if (!this.ended && now >= this.giveUpAt) this.losePatience();
    let told = jumped || this.woken || now >= this.at || this.steps[this.pc] === SYNC;
    this.woken = false;
    while (!this.ended && this.possible(other)) {
      if (this.possibleAt === NEVER) {
        this.possibleAt = now;
        if (!told) this.forgotten = true;
      }
      if (now < this.possibleAt + this.lag) break;
      this.possibleAt = NEVER;
      this.act();
      // What it does next is its own decision.
      told = true;
    }
    this.at = NEVER;
    if (this.ended) return;
    this.at = Math.min(this.giveUpAt, this.fallbackAt);
    if (this.possibleAt !== NEVER) this.at = Math.min(this.at, this.possibleAt + this.lag);
  }

  private losePatience(): void {
    this.lag = 0;
    const c = this.connection;
    if (c === null) {
      this.giveUpAt = NEVER;
      if (this.listener !== null) this.steps = [OPEN, CLOSE];
      else this.ended = true;
      return;
    }
    this.impatient = true;
    this.unacked = c.unacked;
    this.pc = this.steps.length;
    c.close();
    this.ended = true;
  }

  /** Whether the next step can be taken now; what needs no decision happens here. */
  private possible(other: End): boolean {
    const c = this.connection;
    switch (this.steps[this.pc]) {
      case OPEN:
        if (this.listener !== null) return this.listener.queueLength > 0;
        return c !== null && c.state !== SYN_SENT && c.state !== SYN_RECV;
      case READ:
      case EOF:
        return c!.readable > 0 || over(c!);
      case SYNC:
        return (this.exchanged && other.exchanged) || over(c!);
      default:
        return true;
    }
  }

  private act(): void {
    const c = this.connection;
    switch (this.steps[this.pc]) {
      case OPEN:
        if (this.listener !== null) this.connection = this.listener.accept();
        this.pc++;
        if (this.connection!.error !== 0) this.failed(this.connection!.takeError());
        return;
      case SEND: {
        bytes[0] = this.byte;
        const n = c!.send(bytes, 0, 1, 0);
        if (n === 1) this.sent++;
        if (n < 0 && n !== -EAGAIN) this.failed(-n);
        else this.pc++;
        return;
      }
      case READ:
        if (this.read()) this.pc++;
        return;
      case EOF:
        if (this.read() && this.eof) this.pc++;
        return;
      case SYNC:
        this.pc++;
        return;
      case SHUT:
        // Refused after an error or a reset, as shutdown(2) is.
        c!.shutdown(1);
        this.pc++;
        return;
      case CLOSE:
      case ABORT:
        c!.close(this.steps[this.pc] === ABORT);
        this.pc = this.steps.length;
        this.ended = true;
        return;
      default:
        this.ended = true;
    }
  }

  /** True if a byte was read or the stream has ended. */
  private read(): boolean {
    const n = this.connection!.recv(bytes, 0, bytes.length, 0);
    if (n === -EAGAIN) return false;
    if (n < 0) this.failed(-n);
    else if (n === 0) this.eof = true;
    else {
      for (let i = 0; i < n; i++) if (bytes[i] !== 0x41 + 0x42 - this.byte) this.wrong = true;
      this.got += n;
      if (this.got > 1) this.wrong = true;
    }
    return n >= 0;
  }

  private failed(errno: number): void {
    this.error = errno;
    this.pc = this.steps.length;
    this.connection!.close();
    this.ended = true;
  }
}

/** Nothing more will come. */
const over = (c: Connection): boolean => c.finReceived || c.error !== 0 || c.state === CLOSED;

/** Whether this side is one that closes of its own accord. */
function closes(life: Life, side: 0 | 1): boolean {
  if (life.order === 'both') return true;
  return life.order.startsWith('A') === (side === 0);
}

const cache = new Map<string, readonly number[]>();

function program(life: Life, side: 0 | 1): readonly number[] {
  const key = `${life.order}/${life.how}/${life.when === 'early'}/${side}`;
  let steps = cache.get(key);
  if (steps === undefined) {
    steps = write(life, side);
    cache.set(key, steps);
  }
  return steps;
}

function write(life: Life, side: 0 | 1): readonly number[] {
  const early = life.when === 'early';
  const mine = closes(life, side);
  const talk = early ? [SEND] : side === 0 ? [SEND, READ] : [READ, SEND];
  // The closing call; a shutdown is followed by waiting for the peer's end.
  const part = life.how === 'close' ? [CLOSE] : [SHUT, EOF, CLOSE];
  switch (life.order) {
    case 'A-first':
    case 'B-first':
      return mine ? [OPEN, ...talk, ...part, END] : [OPEN, ...talk, EOF, ...part, END];
    case 'both':
      return [OPEN, ...talk, ...(early ? [] : [SYNC]), ...part, END];
    case 'A-half':
    case 'B-half':
      // One half is closed at once behind its byte; the answer comes on the other half alone.
      return mine ? [OPEN, SEND, SHUT, READ, EOF, CLOSE, END] : [OPEN, READ, EOF, SEND, ...part, END];
    default: {
      const before = life.how === 'close' ? [] : [SHUT];
      return mine ? [OPEN, ...talk, ...before, ABORT, END] : [OPEN, ...talk, EOF, CLOSE, END];
    }
  }
}
