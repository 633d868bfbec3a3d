import { packetdrillOf } from '../export/packetdrill.ts';
import { qlogOf } from '../export/qlog.ts';
import type { Answer, Ask } from './protocol.ts';
import { Run } from './run.ts';
import { parseScript } from './script.ts';

/** Events at a time, and the milliseconds after which the mailbox is looked at. */
const EVENTS = 50;
const SLICE = 6;

/**
 * Answers the page: runs what it is given ahead of what is shown, a slice at a time, so that questions in
 * between are answered at once.
 */
export class Server {
  private run: Run | null = null;
  private number = 0;
  private sentRows = 0;
  private sentStrings = 1;
  private sentSamples = 0;
  private sentTimes = 0;
  private sampleVersion = 0;
  /** The run has not come to its horizon. */
  private running = false;
  /** The event whose moment is looked for, −1 none. */
  private sought = -1;
  /** A turn has been arranged. */
  private awake = false;
  private readonly post: (answer: Answer, transfer: ArrayBufferLike[]) => void;
  private readonly later: (work: () => void) => void;

  constructor(
    post: (answer: Answer, transfer: ArrayBufferLike[]) => void,
    later: (work: () => void) => void,
  ) {
    this.post = post;
    this.later = later;
  }

  take(ask: Ask): void {
    try {
      if (ask.ask === 'run') this.begin(ask.run, ask.script);
      else if (this.run !== null && ask.run === this.number) this.reply(this.run, ask);
    } catch (error) {
      this.fail(error);
    }
  }

  private begin(number: number, text: string): void {
    this.number = number;
    this.run = null;
    this.running = false;
    this.sought = -1;
    const parsed = parseScript(text);
    if (!parsed.ok) {
      this.post({ answer: 'error', run: number, line: parsed.line, error: parsed.error }, []);
      return;
    }
    this.run = new Run(parsed.script);
    this.sentRows = 0;
    this.sentStrings = 1;
    this.sentSamples = 0;
    this.sentTimes = 0;
    this.sampleVersion = 0;
    this.running = true;
    this.turn();
  }

  private reply(run: Run, ask: Ask): void {
    const { number } = this;
    if (ask.ask === 'further') {
      run.horizon = Math.max(run.horizon, ask.until);
      this.running = true;
      this.wake();
    } else if (ask.ask === 'moment') this.look(run, ask.step);
    else if (ask.ask === 'bytes')
      this.post({ answer: 'bytes', run: number, frame: ask.frame, bytes: run.bytes(ask.frame) }, []);
    else if (ask.ask === 'captures')
      this.post({ answer: 'captures', run: number, files: run.captures(ask.step) }, []);
    else if (ask.ask === 'qlog')
      this.post({ answer: 'file', run: number, what: ask.ask, text: qlogOf(run.script, ask.step) }, []);
    else if (ask.ask === 'packetdrill') {
      const text = packetdrillOf(run.script, ask.step, ask.side, ask.conn);
      this.post({ answer: 'file', run: number, what: ask.ask, text }, []);
    }
  }

  /** Answers with what is at hand; what is not exact is looked for until the next question. */
  private look(run: Run, step: number): void {
    const found = run.at(step);
    this.post({ answer: 'moment', run: this.number, step, ...found }, []);
    this.sought = found.exact ? -1 : step;
    if (found.exact) return;
    run.aim(step);
    this.wake();
  }

  private wake(): void {
    if (this.awake) return;
    this.awake = true;
    this.later(() => {
      this.awake = false;
      this.turn();
    });
  }

  /** A slice of each thing that is to be done. */
  private turn(): void {
    const { run } = this;
    if (run === null) return;
    try {
      if (this.sought >= 0) this.seek(run);
      if (this.running) {
        const began = performance.now();
        do this.running = run.advance(EVENTS);
        while (this.running && performance.now() - began < SLICE);
        this.send(run, !this.running);
      }
    } catch (error) {
      this.fail(error);
    }
    if (this.running || this.sought >= 0) this.wake();
  }

  private seek(run: Run): void {
    const step = this.sought;
    const began = performance.now();
    let moment = run.seek(EVENTS);
    while (moment === null && performance.now() - began < SLICE) moment = run.seek(EVENTS);
    if (moment === null) return;
    this.sought = -1;
    this.post({ answer: 'moment', run: this.number, step, moment, exact: true }, []);
  }

  private send(run: Run, done: boolean): void {
    const piece = run.log.piece(this.sentRows, this.sentStrings);
    if (this.sampleVersion !== run.samples.version) {
      this.sampleVersion = run.samples.version;
      this.sentSamples = 0;
    }
    const samplesFrom = this.sentSamples;
    const samples = run.samples.from(samplesFrom);
    const timesFrom = this.sentTimes;
    const times = run.times.from(timesFrom);
    this.sentTimes = run.times.length;
    this.sentRows = run.log.length;
    this.sentStrings = run.log.strings.length;
    this.sentSamples = run.samples.length;
    this.post(
      {
        answer: 'log',
        run: this.number,
        piece,
        samplesFrom,
        samples,
        timesFrom,
        times,
        connections: run.recorder.connections.labels,
        steps: run.steps,
        known: done ? (run.over ? run.now : run.horizon) : run.now,
        done,
      },
      [...Object.values(piece.columns).map(c => c.buffer), samples.buffer, times.buffer],
    );
  }

  private fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.post({ answer: 'error', run: this.number, line: 0, error: text }, []);
    this.run = null;
    this.running = false;
    this.sought = -1;
  }
}
