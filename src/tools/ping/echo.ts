import { errnoName, errnoText } from '../../base/errno.ts';
import type { Micros } from '../../base/time.ts';
import type { EchoError, EchoReply, PingEndpoint } from '../../icmp/ping.ts';
import { ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE } from '../../wire/icmp4.ts';
import { ICMP6_TIME_EXCEEDED, ICMP6_UNREACHABLE } from '../../wire/icmp6.ts';
import type { PingPair } from './target.ts';

/** What came of one echo. Times are microseconds. */
export type EchoItem =
  | {
      readonly kind: 'reply';
      readonly sequence: number;
      readonly from: string;
      readonly bytes: number;
      readonly ttl: number;
      readonly time: Micros;
      /** The same echo was answered before. */
      readonly duplicate: boolean;
    }
  | {
      readonly kind: 'error';
      readonly sequence: number;
      /** Who says so; empty if it is this host itself. */
      readonly from: string;
      readonly text: string;
      readonly expired: boolean;
      readonly time: Micros;
    }
  | { readonly kind: 'silence'; readonly sequence: number };

/** How often answers are looked for, in milliseconds. They are stamped when they arrive. */
const LOOK_MS = 5;
/** Echoes whose answers may still come; the oldest is given up. */
const MAX_UNDER_WAY = 1024;

/** One series of echoes from one host to one address. */
export class Echoes {
  private readonly pair: PingPair;
  private readonly endpoint: PingEndpoint;
  private readonly data: Uint8Array;
  /** When each was sent, by its sequence number, until it is answered or given up. */
  private readonly sent = new Map<number, Micros>();
  private readonly answered = new Map<number, Micros>();

  /** @throws Error if the host has no room for another ping @param size bytes of data */
  constructor(pair: PingPair, size: number) {
    this.pair = pair;
    const endpoint = pair.host.stack.icmp.openPing();
    if (typeof endpoint === 'number') throw new Error(`ping: ${errnoText(endpoint)}`);
    this.endpoint = endpoint;
    this.data = Uint8Array.from({ length: size }, (_, i) => i);
  }

  /** Sends one. @returns null, or the failure if this host can't even send it */
  send(sequence: number, ttl: number): EchoItem | null {
    const { host, to } = this.pair;
    host.enter();
    this.endpoint.ttl = ttl;
    const n = sequence & 0xffff;
    const r = this.endpoint.send(to, n, this.data);
    if (r < 0) {
      const text = `${errnoText(r)} (${errnoName(r)})`;
      return { kind: 'error', sequence, from: '', text, expired: false, time: 0 };
    }
    if (this.sent.size >= MAX_UNDER_WAY) {
      const [oldest] = this.sent.keys();
      if (oldest !== undefined) this.sent.delete(oldest);
    }
    this.sent.set(n, host.stack.now);
    this.answered.delete(n);
    return null;
  }

  /** What has come in since the last call, and of what was sent longer than `wait` ago, that nothing did. */
  take(wait: Micros): EchoItem[] {
    const { host } = this.pair;
    host.enter();
    const items: EchoItem[] = [];
    for (const r of this.endpoint.replies.splice(0)) this.reply(r, items);
    for (const e of this.endpoint.errors.splice(0)) this.failure(e, items);
    for (const [sequence, at] of this.sent) {
      if (host.stack.now - at < wait) continue;
      this.sent.delete(sequence);
      items.push({ kind: 'silence', sequence });
    }
    return items;
  }

  /** Echoes that have neither been answered nor given up. */
  get underWay(): number {
    return this.sent.size;
  }

  /** Waits a little; at once if the signal is aborted. */
  pause(signal: AbortSignal, ms = LOOK_MS): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }

  close(): void {
    this.endpoint.close();
  }

  private reply(r: EchoReply, items: EchoItem[]): void {
    const { sequence } = r;
    const first = this.sent.get(sequence);
    const at = first ?? this.answered.get(sequence);
    // Answered too late, or never asked.
    if (at === undefined) return;
    this.sent.delete(sequence);
    if (this.answered.size >= MAX_UNDER_WAY) this.answered.clear();
    this.answered.set(sequence, at);
    const duplicate = first === undefined;
    const { ttl, length: bytes } = r;
    const from = r.source.toString();
    items.push({ kind: 'reply', sequence, from, bytes, ttl, time: r.at - at, duplicate });
  }

  private failure(e: EchoError, items: EchoItem[]): void {
    const at = this.sent.get(e.sequence);
    if (at === undefined) return;
    this.sent.delete(e.sequence);
    const expired = e.type === (e.family === 4 ? ICMP_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED);
    items.push({
      kind: 'error',
      sequence: e.sequence,
      from: e.source.toString(),
      text: expired ? 'Time to live exceeded' : errorText(e),
      expired,
      time: e.at - at,
    });
  }
}

function errorText(e: EchoError): string {
  const unreachable = e.type === (e.family === 4 ? ICMP_UNREACHABLE : ICMP6_UNREACHABLE);
  const about = e.errno === 0 ? `ICMP type ${e.type} code ${e.code}` : errnoText(e.errno);
  return unreachable ? `Destination unreachable: ${about}` : about;
}
