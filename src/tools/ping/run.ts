import { MICROS_PER_MS, type Micros } from '../../base/time.ts';
import { Echoes, type EchoItem } from './echo.ts';
import type { PingPair } from './target.ts';

export interface PingSettings {
  /** Echoes to send; 0 until the signal is aborted. */
  readonly count: number;
  /** Between two of them, microseconds. */
  readonly interval: Micros;
  /** How long an answer is waited for, microseconds. */
  readonly wait: Micros;
  /** Bytes of data. */
  readonly size: number;
  /** 0 for the host's default. */
  readonly ttl: number;
}

/** Pings until the count is reached and the last answer has come or is given up. */
export async function* ping(
  pair: PingPair,
  settings: PingSettings,
  signal: AbortSignal,
): AsyncGenerator<EchoItem, void> {
  const echoes = new Echoes(pair, settings.size);
  try {
    const began = performance.now();
    let sent = 0;
    while (!signal.aborted) {
      const left = settings.count === 0 || sent < settings.count;
      if (!left && echoes.underWay === 0) return;
      if (left && performance.now() - began >= (sent * settings.interval) / MICROS_PER_MS) {
        const failure = echoes.send(++sent, settings.ttl);
        if (failure !== null) yield failure;
      }
      yield* echoes.take(settings.wait);
      if (settings.count === 0 || sent < settings.count || echoes.underWay > 0) await echoes.pause(signal);
    }
  } finally {
    echoes.close();
  }
}

export interface TraceSettings {
  /** Most hops. */
  readonly hops: number;
  /** Echoes for each hop. */
  readonly queries: number;
  readonly wait: Micros;
  readonly size: number;
}

/** One hop of a way: what its echoes met. */
export interface Hop {
  readonly hop: number;
  readonly items: readonly EchoItem[];
}

/** Echoes with a rising time to live, until one is answered, or refused by somebody who is no router on the way. */
export async function* traceroute(
  pair: PingPair,
  settings: TraceSettings,
  signal: AbortSignal,
): AsyncGenerator<Hop, void> {
  const echoes = new Echoes(pair, settings.size);
  try {
    let sequence = 0;
    for (let hop = 1; hop <= settings.hops && !signal.aborted; hop++) {
      const items: EchoItem[] = [];
      for (let q = 0; q < settings.queries && !signal.aborted; q++) {
        const failure = echoes.send(++sequence, hop);
        if (failure !== null) items.push(failure);
        while (echoes.underWay > 0 && !signal.aborted) {
          await echoes.pause(signal, 1);
          items.push(...echoes.take(settings.wait));
        }
      }
      yield { hop, items };
      if (items.some(i => i.kind === 'reply' || (i.kind === 'error' && !i.expired))) return;
    }
  } finally {
    echoes.close();
  }
}
