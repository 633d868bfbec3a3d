import type { Io } from '../cli/command.ts';
import type { Paint } from '../cli/paint.ts';
import { grouped, shortTime } from '../cli/units.ts';
import { findingText } from '../watch/examine.ts';
import type { Finding } from '../watch/finding.ts';
import type { Carry } from './carry.ts';
import type { Gateway } from './gateway.ts';
import { endText } from './page.ts';

/** Lines about single connections per second; of more, only the number is said. */
const PER_SECOND = 20;
const SETTLE_MS = 100;

/** What happens, as plain lines, for logs and pipes. */
export class Lines {
  private readonly io: Io;
  private readonly paint: Paint;
  private readonly gateway: Gateway;
  private second = 0;
  private said = 0;
  private unsaid = 0;
  private readonly warned = new Set<string>();

  constructor(io: Io, paint: Paint, gateway: Gateway) {
    this.io = io;
    this.paint = paint;
    this.gateway = gateway;
  }

  /** Waits a moment, so that the line can tell how the inner connection ended. */
  closed(c: Carry): void {
    if (this.mayTalk()) setTimeout(() => this.tell(c), SETTLE_MS).unref();
  }

  private tell(c: Carry): void {
    const ok = c.outcome === 'closed';
    const how = ok ? 'closed' : c.outcome;
    const { in: up, out: down } = c.traffic;
    const text = `#${c.id + 1} ${c.from} → ${this.targetText(c)}: ${grouped(up)} bytes in, ${grouped(down)} out, ${shortTime(c.duration * 1000)}, ${how}${this.states(c)}`;
    this.say(ok ? text : this.paint.yellow(text));
  }

  /** Says what the watch has found, once, and again only when it has changed in kind. */
  findings(list: readonly Finding[]): void {
    const now = new Set(list.map(f => `${f.host} ${f.kind}`));
    for (const key of this.warned) if (!now.has(key)) this.warned.delete(key);
    for (const f of list) {
      const key = `${f.host} ${f.kind}`;
      if (this.warned.has(key)) continue;
      this.warned.add(key);
      for (const line of findingText(f)) this.say(this.paint.yellow(line));
    }
  }

  say(text: string): void {
    this.io.out(`${stamp()}  ${text}\n`);
  }

  private states(c: Carry): string {
    const at = c.inner.lastIndexOf(' ');
    if (at < 0) return '';
    const inner = { address: c.inner.slice(0, at), port: Number(c.inner.slice(at + 1)) };
    const log = this.gateway.recorder.logs.findLast(
      l => l.left.port === inner.port && l.left.address === inner.address,
    );
    return log === undefined ? '' : ` (${endText(log)})`;
  }

  private targetText(c: Carry): string {
    return c.target?.kind === 'server' ? `${c.target.host}:${c.target.port}` : 'page';
  }

  private mayTalk(): boolean {
    const now = Math.floor(performance.now() / 1000);
    if (now !== this.second) {
      if (this.unsaid > 0) this.say(this.paint.dim(`… and ${grouped(this.unsaid)} more`));
      this.second = now;
      this.said = 0;
      this.unsaid = 0;
    }
    if (this.said++ < PER_SECOND) return true;
    this.unsaid++;
    return false;
  }
}

const stamp = (): string => new Date().toISOString().slice(11, 23);
