import type { Answer, Ask } from '../../lab/engine/protocol.ts';
import { Server } from '../../lab/engine/server.ts';
import type { Line } from '../../lab/model/client.ts';

/** A line to a server in the same thread: what is asked is answered, to the end, before asking returns. */
export class DirectLine implements Line {
  onanswer: ((answer: Answer) => void) | null = null;
  readonly asked: Ask[] = [];
  private readonly jobs: (() => void)[] = [];
  private readonly server = new Server(
    answer => this.onanswer?.(answer),
    job => this.jobs.push(job),
  );

  post(ask: Ask): void {
    this.asked.push(ask);
    this.server.take(ask);
    for (let job = this.jobs.shift(); job !== undefined; job = this.jobs.shift()) job();
  }
}
