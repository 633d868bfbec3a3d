import { batch, effect, signal } from '@preact/signals';
import type { LiveHello } from '../../src/tools/lab-server/protocol.ts';
import type { HostView } from '../engine/view.ts';
import { type CaptureTraffic, MOST_BYTES, readTraffic } from '../traffic/capture.ts';
import type { Connection, LineState } from '../traffic/connection.ts';
import { LiveTraffic } from '../traffic/live.ts';
import { hostViewOf } from '../traffic/sockets.ts';
import { lang, t } from '../words/words.ts';
import type { Lab, Lang } from './lab.ts';

/** Brings what a running gateway tells into the traffic; says how the line is. */
export type Connect = (traffic: LiveTraffic, say: (state: LineState) => void) => Connection;

export type Tab = 'lesson' | 'wire' | 'script' | 'knobs';

/** What lies around the lab: where its ladder comes from, which panels are open, what is to be said. */
export class Desk {
  readonly lab: Lab;
  readonly tab = signal<Tab>('lesson');
  readonly choosing = signal(false);
  readonly helping = signal(false);
  /** The gateway that serves this page, null if a plain file server does. */
  readonly gateway = signal<LiveHello | null>(null);
  readonly line = signal<LineState>('closed');
  readonly capture = signal<{ name: string; traffic: CaptureTraffic } | null>(null);
  readonly traffic = signal<LiveTraffic | null>(null);
  /** A sentence shown for a moment. */
  readonly notice = signal('');
  private readonly connect: Connect;
  private connection: Connection | null = null;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(lab: Lab, connect: Connect) {
    this.lab = lab;
    this.connect = connect;
    // Whoever goes back to a lesson or a script has left what was looked at meanwhile.
    effect(() => {
      const feed = lab.feed.value;
      if (this.traffic.peek() !== null && feed !== this.traffic.peek()) this.hangUp();
      if (this.capture.peek() !== null && feed !== this.capture.peek()?.traffic) this.capture.value = null;
    });
    // What is wrong with a script is said beside it.
    effect(() => {
      if (lab.client.error.value !== null) this.tab.value = 'script';
    });
  }

  get isLive(): boolean {
    return this.traffic.value !== null;
  }

  setLang(to: Lang): void {
    lang.value = to;
    this.lab.lang.value = to;
  }

  say(text: string): void {
    this.notice.value = text;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => (this.notice.value = ''), 6000);
  }

  watchLive(): void {
    if (this.traffic.peek() !== null) return;
    const traffic = new LiveTraffic();
    batch(() => {
      this.traffic.value = traffic;
      this.lab.show(traffic);
    });
    this.connection = this.connect(traffic, state => (this.line.value = state));
  }

  private hangUp(): void {
    this.connection?.close();
    this.connection = null;
    this.traffic.value = null;
    this.line.value = 'closed';
  }

  /** Shows the connections of a capture file; what is wrong with it is said. */
  async openFile(file: File): Promise<void> {
    if (file.size > MOST_BYTES * 2) {
      this.say(`${t('cantRead')}: ${Math.round(file.size / 1e6)} MB`);
      return;
    }
    const traffic = readTraffic(new Uint8Array(await file.arrayBuffer()));
    if (traffic.log.length === 0) {
      this.say(`${t('cantRead')}: ${traffic.errors[0] ?? file.name}`);
      return;
    }
    batch(() => {
      this.capture.value = { name: file.name, traffic };
      this.lab.show(traffic);
    });
    this.lab.clock.toStart();
    this.lab.clock.toEnd();
  }

  leave(): void {
    this.lab.run(this.lab.script.peek(), 0);
  }

  /** A host's sockets: of the page's own engine, or of the running gateway. */
  host(side: 0 | 1): HostView | null {
    if (this.lab.live.value) return this.lab.client.moment.value?.hosts[side] ?? null;
    const traffic = this.traffic.value;
    if (traffic === null) return null;
    const found = traffic.sockets.value.find(h => h.host === traffic.sides[side]);
    return found === undefined ? null : hostViewOf(found, traffic.socketsAt.value, traffic.connections);
  }
}
