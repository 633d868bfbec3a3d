import type { Address } from '../base/address.ts';
import type { Micros } from '../base/time.ts';
import { expireRequest } from '../tcp/arrive-request.ts';
import type { Listener } from '../tcp/listener.ts';
import type { Request } from '../tcp/request.ts';
import { RequestTable } from '../tcp/request-table.ts';
import type { TupleHash } from '../tcp/tuple-table.ts';
import { ByFamily } from './by-family.ts';

/** The SYN queues of a host, and the listeners that the rows name by number. */
export class Requests extends ByFamily<RequestTable> {
  private readonly jiffy: Micros;
  private readonly hash: TupleHash;
  private readonly listeners: (Listener | null)[] = [];
  private readonly free: number[] = [];

  constructor(jiffy: Micros, hash: TupleHash) {
    super(new RequestTable(1, 0, hash), new RequestTable(4, 0, hash));
    this.jiffy = jiffy;
    this.hash = hash;
  }

  protected due(t: RequestTable, row: number): void {
    expireRequest(this.load(t, row));
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

  *[Symbol.iterator](): IterableIterator<Request> {
    for (const t of [this.v4, this.v6]) for (const row of t) yield this.load(t, row);
  }

  override clear(): void {
    super.clear();
    for (const l of this.listeners) if (l !== null) this.releaseNumber(l);
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
