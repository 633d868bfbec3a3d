import { hold, letGo } from './keep-alive.ts';

/**
 * Keeps the process alive while a handle is in use: as in Node, while it is referenced and does something
 * (reads, listens), and in any case while a request (a connect, a write) runs.
 */
export class Reference {
  private referenced = true;
  private active = false;
  private requests = 0;
  private holding = false;
  private over = false;

  get has(): boolean {
    return this.referenced && !this.over;
  }

  set(referenced: boolean): void {
    this.referenced = referenced;
    this.update();
  }

  /** The handle does something from now on, or no more. */
  activity(on: boolean): void {
    this.active = on;
    this.update();
  }

  began(): void {
    this.requests++;
    this.update();
  }

  ended(): void {
    this.requests--;
    this.update();
  }

  /** The handle is closed. */
  end(): void {
    this.over = true;
    this.update();
  }

  private update(): void {
    const on = !this.over && (this.requests > 0 || (this.active && this.referenced));
    if (on === this.holding) return;
    this.holding = on;
    if (on) hold();
    else letGo();
  }
}
