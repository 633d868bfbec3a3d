/** A host of the lab on the simulator. */
import type { Call } from '../../../src/sim/call.ts';
import type { Host } from '../../../src/sim/host.ts';
import type { Os } from '../../../src/sim/os.ts';
import { F_SETFL, O_NONBLOCK } from '../../../src/socket/constants.ts';
import type { SimLab } from './lab.ts';
import { type Begun, ScriptedHost } from './scripted-host.ts';
import { ADDRESS, type Script } from './stage.ts';
import { ssLines } from './tables.ts';
import type { HostName } from './timeline.ts';

export class SimHost extends ScriptedHost {
  readonly lab: SimLab;
  readonly sim: Host;
  protected readonly pause = 0;

  constructor(lab: SimLab, name: HostName) {
    super(name);
    this.lab = lab;
    this.sim = lab.world.host(name, {
      addresses: [`${ADDRESS[name]}/24`],
      sysctl: { 'net.ipv4.tcp_congestion_control': 'reno' },
    });
  }

  sysctl(name: string, value: string | number): void {
    const r = this.sim.stack.sysctl.set(name, String(value));
    if (!r.ok) throw new Error(r.error);
  }

  ss(info = false): string[] {
    return ssLines(this.sim, info);
  }

  counters(): [string, number][] {
    return this.sim.stack.mib.entries();
  }

  protected get calls(): Os {
    return this.sim.os;
  }

  protected *returned<T>(call: Begun<T>): Script<T> {
    return yield* call as Call<T>;
  }

  closeAtExit(fd: number): Script<number> {
    this.sim.enter();
    return this.sys(this.sim.sockets.close(fd));
  }

  poll(fd: number, events: number, seconds: number): Script<number> {
    return this.wait(this.calls.pollFor(fd, events, seconds));
  }

  setNonblock(fd: number, on: boolean): void {
    this.calls.fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0);
  }
}
