import type { Address } from '../base/address.ts';
import type { Micros } from '../base/time.ts';
import { expireRequest } from '../tcp/arrive-request.ts';
import type { Listener } from '../tcp/listener.ts';
import type { Request } from '../tcp/request.ts';
import { RequestTable } from '../tcp/request-table.ts';
import type { TupleHash } from '../tcp/tuple-table.ts';

/** The SYN queues of a host: two tables, their timers, and the listeners that the rows name by number. */
export class Requests {
  private readonly jiffy: Micros;
  private readonly hash: TupleHash;
  private readonly v4: RequestTable;
  private readonly v6: RequestTable;
  private readonly fire4: (row: number) => void;
  private readonly fire6: (row: number) => void;
  private readonly listeners: (Listener | null)[] = [];
  private readonly free: number[] = [];

  constructor(jiffy: Micros, hash: TupleHash) {
    this.jiffy = jiffy;
    this.hash = hash;
    this.v4 = new RequestTable(1, 0, hash);
    this.v6 = new RequestTable(4, 0, hash);
    this.fire4 = row => expireRequest(this.load(this.v4, row));
    this.fire6 = row => expireRequest(this.load(this.v6, row));
  }

  get size(): number {
    return this.v4.size + this.v6.size;
  }

  get timersArmed(): number {
    return this.v4.wheel.count + this.v6.wheel.count;
  }

  /** The entry of a 4-tuple, or null; `save` keeps what is changed of it. */
  find(hash: number, local: Address, lp: number, remote: Address, rp: number): Request | null {
    const t = this.table(remote);
    if (t.size === 0) return null;
    const row = t.find(hash, local, lp, remote, rp);
    return row < 0 ? null : this.load(t, row);
  }

  /** A new entry, with its deadline. */
  add(r: Request): void {
    const { listener, local, localPort, remote, remotePort } = r;
    const t = this.table(remote);
    r.row = t.add(this.hash(local, localPort, remote, remotePort), local, localPort, remote, remotePort);
    t.setListener(r.row, this.numberOf(listener));
    this.schedule(r);
  }

  /** Writes down what has changed of an entry; nothing if it is one no more. */
  save(r: Request): void {
    if (r.row >= 0) this.table(r.remote).save(r.row, r);
  }

  /** Likewise, and its deadline. */
  schedule(r: Request): void {
    this.save(r);
    this.table(r.remote).wheel.arm(r.row, Math.ceil(r.deadline / this.jiffy));
  }

  remove(r: Request): void {
    this.table(r.remote).remove(r.row);
    r.row = -1;
    if (r.listener.synQueueLength === 0) this.releaseNumber(r.listener);
  }

  /** The next jiffy at which `expire` is due. */
  next(): number {
    return Math.min(this.v4.wheel.next(), this.v6.wheel.next());
  }

  expire(jiffy: number, budget: number): number {
    const n = this.v4.wheel.expire(jiffy, budget, this.fire4);
    return n + this.v6.wheel.expire(jiffy, budget, this.fire6);
  }

  *[Symbol.iterator](): IterableIterator<Request> {
    for (const t of [this.v4, this.v6]) for (const row of t) yield this.load(t, row);
  }

  clear(): void {
    for (const t of [this.v4, this.v6]) for (const row of [...t]) t.remove(row);
    for (const l of this.listeners) if (l !== null) this.releaseNumber(l);
  }

  private table(remote: Address): RequestTable {
    return remote.is4 ? this.v4 : this.v6;
  }

  private load(t: RequestTable, row: number): Request {
    return t.load(row, this.listeners[t.listener(row)]!);
  }

  private numberOf(l: Listener): number {
    if (l.number < 0) {
      l.number = this.free.pop() ?? this.listeners.length;
      this.listeners[l.number] = l;
    }
    return l.number;
  }

  private releaseNumber(l: Listener): void {
    this.listeners[l.number] = null;
    this.free.push(l.number);
    l.number = -1;
  }
}
