import type { Answer, Ask } from './protocol.ts';
import { Run } from './run.ts';
import { parseScript } from './script.ts';

/** Events between two looks at the mailbox. */
const SLICE = 400;

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
  private working = false;
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
    const parsed = parseScript(text);
    if (!parsed.ok) {
      this.post({ answer: 'error', run: number, line: parsed.line, error: parsed.error }, []);
      return;
    }
    this.run = new Run(parsed.script);
    this.sentRows = 0;
    this.sentStrings = 1;
    this.sentSamples = 0;
    this.work();
  }

  private reply(run: Run, ask: Ask): void {
    const { number } = this;
    if (ask.ask === 'further') {
      run.horizon = Math.max(run.horizon, ask.until);
      if (!this.working) this.work();
    } else if (ask.ask === 'moment')
      this.post({ answer: 'moment', run: number, moment: run.moment(ask.step) }, []);
    else if (ask.ask === 'bytes')
      this.post({ answer: 'bytes', run: number, frame: ask.frame, bytes: run.bytes(ask.frame) }, []);
    else if (ask.ask === 'captures')
      this.post({ answer: 'captures', run: number, files: run.captures(ask.step) }, []);
  }

  private work(): void {
    const run = this.run;
    const { number } = this;
    if (run === null) return;
    this.working = true;
    let more = false;
    try {
      more = run.advance(SLICE);
      this.send(run, !more);
    } catch (error) {
      this.fail(error);
    }
    if (more) this.later(() => (this.number === number ? this.work() : undefined));
    else this.working = false;
  }

  private send(run: Run, done: boolean): void {
    const piece = run.log.piece(this.sentRows, this.sentStrings);
    const samples = Float64Array.from(run.samples.slice(this.sentSamples));
    this.sentRows = run.log.length;
    this.sentStrings = run.log.strings.length;
    this.sentSamples = run.samples.length;
    this.post(
      {
        answer: 'log',
        run: this.number,
        piece,
        samples,
        connections: run.recorder.connections.labels,
        steps: run.steps,
        known: done ? (run.over ? run.now : run.horizon) : run.now,
        done,
      },
      [...Object.values(piece.columns).map(c => c.buffer), samples.buffer],
    );
  }

  private fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.post({ answer: 'error', run: this.number, line: 0, error: text }, []);
    this.run = null;
    this.working = false;
  }
}
