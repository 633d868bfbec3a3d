import type { Address } from '../base/address.ts';
import type { TupleTable } from '../tcp/tuple-table.ts';

/** Rows of a host in two tables, one for each family, and their timers. */
export abstract class ByFamily<T extends TupleTable> {
  protected readonly v4: T;
  protected readonly v6: T;
  private readonly fire4: (row: number) => void;
  private readonly fire6: (row: number) => void;

  constructor(v4: T, v6: T) {
    this.v4 = v4;
    this.v6 = v6;
    this.fire4 = row => this.due(v4, row);
    this.fire6 = row => this.due(v6, row);
  }

  /** A row's deadline has come. */
  protected abstract due(t: T, row: number): void;

  get size(): number {
    return this.v4.size + this.v6.size;
  }

  get timersArmed(): number {
    return this.v4.wheel.count + this.v6.wheel.count;
  }

  table(remote: Address): T {
    return remote.is4 ? this.v4 : this.v6;
  }

  /** The next jiffy at which `expire` is due. */
  next(): number {
    return Math.min(this.v4.wheel.next(), this.v6.wheel.next());
  }

  expire(jiffy: number, budget: number): number {
    const n = this.v4.wheel.expire(jiffy, budget, this.fire4);
    return n + this.v6.wheel.expire(jiffy, budget, this.fire6);
  }

  clear(): void {
    for (const t of [this.v4, this.v6]) for (const row of [...t]) t.remove(row);
  }
}
