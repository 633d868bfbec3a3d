import { signal } from '@preact/signals';
import { EventLog } from '../engine/log.ts';
import type { Answer, Ask } from '../engine/protocol.ts';
import { Times } from '../engine/times.ts';
import type { Moment } from '../engine/view.ts';
import type { Feed } from './feed.ts';

/** What carries questions and answers: a Worker, or a server in the same thread. */
export interface Line {
  post(ask: Ask): void;
  onanswer: ((answer: Answer) => void) | null;
}

/** The page's side of the engine: the log as far as it is known, and the hosts at the moment asked for. */
export class Client implements Feed {
  readonly sides = ['A', 'B'] as const;
  readonly log = new EventLog();
  /** Counts what has come: whoever reads it sees the log change. */
  readonly version = signal(0);
  readonly known = signal(0);
  readonly done = signal(false);
  readonly error = signal<{ line: number; text: string } | null>(null);
  readonly moment = signal<Moment | null>(null);
  /** False while the moment shown is only near the one asked for. */
  readonly exact = signal(true);
  readonly bytes = signal<{ frame: number; bytes: Uint8Array | null } | null>(null);
  connections: readonly string[] = [];
  samples: Float64Array[] = [];
  private readonly times = new Times();
  private readonly line: Line;
  private run = 0;
  /** The question about a moment that was asked last, and whether it has got no answer yet. */
  private asked = -1;
  private waiting = false;
  /** Asked for meanwhile. */
  private wanted = -1;
  /** Who waits for files; questions of one kind are answered in their order. */
  private readonly captureWaits: ((files: readonly [Uint8Array, Uint8Array]) => void)[] = [];
  private readonly fileWaits: ((text: string) => void)[] = [];

  constructor(line: Line) {
    this.line = line;
    line.onanswer = answer => this.take(answer);
  }

  /** Runs a script in the place of the present one; what is shown stays until its first events come. */
  begin(script: string): void {
    this.run++;
    // Their answers would be about the run that is gone.
    this.captureWaits.length = 0;
    this.fileWaits.length = 0;
    this.waiting = false;
    this.wanted = -1;
    this.done.value = false;
    this.error.value = null;
    this.bytes.value = null;
    this.samples = [];
    this.line.post({ ask: 'run', run: this.run, script });
  }

  /** Asks for the hosts at an event; of questions that come too fast only the last is asked. */
  look(step: number): void {
    if (this.waiting) {
      this.wanted = step;
      return;
    }
    this.waiting = true;
    this.asked = step;
    this.line.post({ ask: 'moment', run: this.run, step });
  }

  stepAt(time: number): number {
    return this.times.stepAt(time);
  }

  lookAtBytes(frame: number): void {
    this.line.post({ ask: 'bytes', run: this.run, frame });
  }

  /** Captures of both hosts up to an event, pcapng. */
  captures(step: number): Promise<readonly [Uint8Array, Uint8Array]> {
    return new Promise(resolve => {
      this.captureWaits.push(resolve);
      this.line.post({ ask: 'captures', run: this.run, step });
    });
  }

  /** What happened up to an event, in another form. */
  file(what: 'qlog' | 'packetdrill', step: number, side: 0 | 1, conn: number): Promise<string> {
    const { run } = this;
    return new Promise(resolve => {
      this.fileWaits.push(resolve);
      this.line.post(
        what === 'qlog' ? { ask: 'qlog', run, step } : { ask: 'packetdrill', run, step, side, conn },
      );
    });
  }

  private take(a: Answer): void {
    if (a.run !== this.run) return;
    if (a.answer === 'log') {
      this.log.take(a.piece);
      if (a.samplesFrom === 0) this.samples = [];
      if (a.samples.length > 0) this.samples.push(a.samples);
      this.times.take(a.timesFrom, a.times);
      this.connections = a.connections;
      this.known.value = a.known;
      this.done.value = a.done;
      this.version.value++;
    } else if (a.answer === 'moment') {
      // An exact answer that was on its way when the next question was asked.
      if (a.step !== this.asked) return;
      this.waiting = false;
      this.moment.value = a.moment;
      this.exact.value = a.exact;
      if (this.wanted >= 0 && this.wanted !== a.step) this.look(this.wanted);
      this.wanted = -1;
    } else if (a.answer === 'bytes') this.bytes.value = { frame: a.frame, bytes: a.bytes };
    else if (a.answer === 'captures') this.captureWaits.shift()?.(a.files);
    else if (a.answer === 'file') this.fileWaits.shift()?.(a.text);
    else this.error.value = { line: a.line, text: a.error };
  }
}
