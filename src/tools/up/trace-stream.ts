import type { TraceItem } from '../control/protocol.ts';
import type { TraceEvent } from '../trace/event.ts';
import type { ConversationLog } from '../trace/log.ts';
import type { Recorder } from '../trace/recorder.ts';

/** Events that wait for a slow reader; further ones are left out and counted. */
const MAX_WAITING = 20_000;

/** The events of a recorder from now on, for one reader. */
export class TraceStream {
  private waiting: { log: ConversationLog; event: TraceEvent }[] = [];
  private missed = 0;
  private wake: (() => void) | null = null;
  private ended = false;

  constructor(recorder: Recorder, signal: AbortSignal) {
    const stop = recorder.listen((log, event) => {
      if (this.waiting.length >= MAX_WAITING) this.missed++;
      else this.waiting.push({ log, event });
      this.wake?.();
    });
    const end = (): void => {
      stop();
      this.ended = true;
      this.wake?.();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
  }

  /** @param known connections whose beginning has been told */
  async *items(known: Set<number>): AsyncGenerator<TraceItem> {
    while (!this.ended) {
      const batch = this.waiting;
      this.waiting = [];
      for (const { log, event } of batch) {
        if (!known.has(log.id)) {
          known.add(log.id);
          yield { conversation: log.id, left: log.left, right: log.right };
        }
        yield { of: log.id, event };
      }
      if (this.missed > 0) {
        yield { missed: this.missed };
        this.missed = 0;
      }
      if (this.waiting.length === 0 && !this.ended) {
        await new Promise<void>(resolve => (this.wake = resolve));
        this.wake = null;
      }
    }
  }
}
