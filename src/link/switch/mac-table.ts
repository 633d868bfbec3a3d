import type { Micros } from '../../base/time.ts';
import type { Mac } from '../../wire/ethernet.ts';

interface Entry<P> {
  port: P;
  heard: Micros;
}

/** Hardware address → port: bounded, and what was not heard of for long is forgotten. */
export class MacTable<P> {
  /** In the order in which the stations were last heard of, by the 48 bits of their addresses. */
  private readonly entries = new Map<number, Entry<P>>();
  private readonly limit: number;
  private readonly ageing: Micros;

  constructor(limit: number, ageing: Micros) {
    this.limit = limit;
    this.ageing = ageing;
  }

  get size(): number {
    return this.entries.size;
  }

  learn(mac: Mac, port: P, now: Micros): void {
    const key = keyOf(mac);
    const known = this.entries.get(key);
    if (known !== undefined) this.entries.delete(key);
    else if (this.entries.size >= this.limit) {
      const [oldest] = this.entries.keys();
      if (oldest !== undefined) this.entries.delete(oldest);
    }
    this.entries.set(key, { port, heard: now });
  }

  find(mac: Mac, now: Micros): P | null {
    const key = keyOf(mac);
    const e = this.entries.get(key);
    if (e === undefined) return null;
    if (now - e.heard < this.ageing) return e.port;
    this.entries.delete(key);
    return null;
  }

  /** Forgets all stations behind a port. */
  forget(port: P): void {
    for (const [key, e] of this.entries) if (e.port === port) this.entries.delete(key);
  }
}

const keyOf = (mac: Mac): number => mac.high * 0x1_0000_0000 + (mac.low >>> 0);
