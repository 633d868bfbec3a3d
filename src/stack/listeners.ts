import type { Address } from '../base/address.ts';
import type { Listener } from '../tcp/listener.ts';

/** Listening endpoints by port; the most specific address wins, and SO_REUSEPORT groups share. */
export class Listeners {
  private readonly byPort = new Map<number, Listener[]>();

  add(listener: Listener): void {
    const list = this.byPort.get(listener.localPort);
    if (list === undefined) this.byPort.set(listener.localPort, [listener]);
    else list.push(listener);
  }

  remove(listener: Listener): void {
    const list = this.byPort.get(listener.localPort);
    if (list === undefined) return;
    const i = list.indexOf(listener);
    if (i >= 0) list.splice(i, 1);
    if (list.length === 0) this.byPort.delete(listener.localPort);
  }

  /** The listener for a segment to `address:port`; `hash` of its 4-tuple picks one of a group. */
  find(address: Address, port: number, hash: number): Listener | null {
    const list = this.byPort.get(port);
    if (list === undefined) return null;
    let best = 0;
    let found: Listener | null = null;
    let count = 0;
    for (const l of list) {
      const score = match(l, address);
      if (score === 0 || score < best) continue;
      if (score > best) {
        best = score;
        found = l;
        count = 1;
      } else count++;
    }
    if (count < 2) return found;
    let pick = (hash >>> 0) % count;
    for (const l of list) if (match(l, address) === best && pick-- === 0) return l;
    return found;
  }

  /** The listener on `port` that accepts for every address, by IP_TRANSPARENT. */
  findTransparent(address: Address, port: number, hash: number): Listener | null {
    const list = this.byPort.get(port)?.filter(l => l.transparent && l.local.isAny && match(l, address) > 0);
    return list?.[(hash >>> 0) % list.length] ?? null;
  }

  *all(): IterableIterator<Listener> {
    for (const list of this.byPort.values()) yield* list;
  }

  clear(): void {
    this.byPort.clear();
  }
}

/** 0 no match, 1 the other family's wildcard, 2 the family's own, 3 the very address. */
function match(l: Listener, address: Address): number {
  if (!l.local.isAny) return l.local.equals(address) ? 3 : 0;
  if (l.local.is4 === address.is4) return 2;
  return address.is4 && !l.v6only ? 1 : 0;
}
