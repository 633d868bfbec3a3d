import { type Micros, NEVER } from '../base/time.ts';
import type { TcpInput } from '../ip/upper.ts';

/** A host's TCP that knows no connection: stands in until there is a real one. */
export class TcpHost implements TcpInput {
  now: Micros = 0;

  constructor(_env: object) {
    this.now = 0;
  }

  receive(_segment: object): void {}
  icmpError(_error: object): void {}
  output(): void {}

  deadline(): Micros {
    return NEVER;
  }

  expire(_now: Micros, _budget: number): number {
    return 0;
  }

  close(): void {}
}
