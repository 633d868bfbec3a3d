import type { Args, Io } from '../cli/command.ts';
import { EXIT_INTERRUPTED, EXIT_OK } from '../cli/error.ts';
import { choosePaint } from '../cli/paint.ts';
import { integer } from '../cli/units.ts';
import { ask, showItems } from '../control/client.ts';
import type { TraceItem } from '../control/protocol.ts';
import { Analyst } from './analyse.ts';
import type { TraceEvent } from './event.ts';
import { conversationJson, eventJson } from './json.ts';
import { ladderText } from './ladder.ts';
import { ConversationLog } from './log.ts';
import { isOver } from './over.ts';
import { type Format, render, widthOf } from './render.ts';
import { storyOf } from './story.ts';
import { segmentInfo } from './table.ts';

/** Connections remembered while following; the oldest are forgotten first. */
const REMEMBERED = 1000;

/** `lastack trace live`: asks the running instance for its trace and shows it, once or as it grows. */
export async function traceLive(args: Args, io: Io, format: Format): Promise<number> {
  const once = args.flag('once');
  const last = args.text('last') === null ? 1 : integer('--last', args.text('last')!, 0, 1000);
  const reply = await ask(io.env, args.text('instance'), { ask: 'trace', last, follow: !once });
  const follower = new Follower(args, io, format, once);
  await showItems(reply, io, item => follower.take(item as TraceItem));
  if (once) await render(follower.conversations(), args, io, format);
  return io.signal.aborted ? EXIT_INTERRUPTED : EXIT_OK;
}

/** What has been received so far, and what of it has been shown. */
class Follower {
  private readonly logs = new Map<number, ConversationLog>();
  private readonly analysts = new Map<number, Analyst>();
  private readonly drawn = new Set<number>();
  private readonly args: Args;
  private readonly io: Io;
  private readonly format: Format;
  private readonly silent: boolean;
  private no = 0;
  private start = -1;

  constructor(args: Args, io: Io, format: Format, silent: boolean) {
    this.args = args;
    this.io = io;
    this.format = format;
    this.silent = silent;
  }

  conversations(): ConversationLog[] {
    return [...this.logs.values()];
  }

  take(item: TraceItem): void {
    if ('missed' in item) {
      this.io.err(`lastack trace: ${item.missed} events missed, this reader is too slow\n`);
      return;
    }
    if ('conversation' in item) {
      const log = new ConversationLog(item.conversation, item.left, item.right);
      this.logs.set(log.id, log);
      if (this.logs.size > REMEMBERED) this.forgetOne();
      if (!this.silent && this.format === 'json') this.io.out(`${JSON.stringify(conversationJson(log))}\n`);
      return;
    }
    const log = this.logs.get(item.of);
    if (log === undefined) return;
    const event = item.event;
    log.add(event);
    if (this.silent) return;
    if (this.format === 'json') this.io.out(`${JSON.stringify(eventJson(log.id, event))}\n`);
    else if (this.format === 'table') this.tableLine(log, event);
    else this.ladderWhenDone(log, event);
  }

  /** Rows appear as they happen. */
  private tableLine(log: ConversationLog, event: TraceEvent): void {
    if (event.kind !== 'segment') return;
    if (this.start < 0) this.start = event.at;
    const paint = choosePaint(this.args.text('color'), this.io.tty, this.io.env);
    let analyst = this.analysts.get(log.id);
    if (analyst === undefined) this.analysts.set(log.id, (analyst = new Analyst(log)));
    const time = ((event.at - this.start) / 1e6).toFixed(6);
    const s = event.segment;
    const line = `${String(++this.no).padStart(5)} ${time.padStart(12)}  ${s.source.padEnd(15)} ${s.destination.padEnd(15)} TCP  ${segmentInfo(event, analyst.judge(event))}`;
    this.io.out(`${event.fate === 'lost' ? paint.red(line) : line}\n`);
  }

  /** A ladder is drawn once both ends have finished, or one is in TIME_WAIT. */
  private ladderWhenDone(log: ConversationLog, event: TraceEvent): void {
    if (event.kind !== 'state' || this.drawn.has(log.id) || !isOver(log)) return;
    this.drawn.add(log.id);
    const lines = ladderText(log, {
      width: widthOf(this.args, this.io),
      paint: choosePaint(this.args.text('color'), this.io.tty, this.io.env),
      all: this.args.flag('all'),
      verbose: this.args.flag('verbose'),
      ...(this.args.flag('plain') ? {} : { headings: storyOf(log) }),
    });
    this.io.out(`${lines.join('\n')}\n\n`);
  }

  private forgetOne(): void {
    for (const id of this.logs.keys()) {
      this.logs.delete(id);
      this.analysts.delete(id);
      this.drawn.delete(id);
      return;
    }
  }
}
