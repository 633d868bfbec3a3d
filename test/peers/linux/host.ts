import { type Begun, ScriptedHost } from '../../lifecycle/golden/scripted-host.ts';
import type { Script } from '../../lifecycle/golden/stage.ts';
import type { HostName } from '../../lifecycle/golden/timeline.ts';
import type { Calls } from './calls.ts';
import type { RealLab } from './lab.ts';
import { waitFor } from './waiting.ts';

/** A host of the lab in real time, a kernel or lastack. */
export class RealHost extends ScriptedHost {
  readonly lab: RealLab;
  readonly calls: Calls;
  /** What is sent has come to the other host. */
  protected readonly pause = 0.003;

  constructor(lab: RealLab, name: HostName, calls: Calls) {
    super(name);
    this.lab = lab;
    this.calls = calls;
  }

  sysctl(name: string, value: string | number): void {
    this.calls.sysctl(name, String(value));
  }

  ss(info = false): string[] {
    return this.calls.ss(info);
  }

  counters(): [string, number][] {
    return this.calls.counters();
  }

  protected returned<T>(call: Begun<T>): Script<T> {
    return waitFor(call as Promise<T>);
  }

  closeAtExit(): Script<number> {
    throw new Error('a process that exits is not in this lab');
  }

  poll(fd: number, events: number, seconds: number): Script<number> {
    return this.wait(this.calls.poll(fd, events, seconds));
  }

  setNonblock(fd: number, on: boolean): void {
    this.calls.setNonblock(fd, on);
  }
}
