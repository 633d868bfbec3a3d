import type { Micros } from '../../src/base/time.ts';
import { NEVER } from '../../src/base/time.ts';
import type { EventLog } from './log.ts';
import { Recorder } from './recorder.ts';
import type { Script } from './script.ts';
import { type Moment, viewHost } from './view.ts';
import { build, type Stage, stepWorld } from './world.ts';

/** Events whose moments are kept; later ones are found by running again. */
const KEPT = 4000;
/** Beyond them the windows are looked at only so often. */
const SPARSE = 8;
/** Events and rows after which a run is taken to be over. */
export const MOST_STEPS = 1_000_000;
const MOST_ROWS = 400_000;
/** What is kept of each frame. */
const FRAME_BYTES = 192;
const MOST_FRAMES = 100_000;
/** Numbers of one sample, and samples of one run. */
export const SAMPLE = 8;
const MOST_SAMPLES = 200_000;

/**
 * A script while it runs: the log of what happens, the hosts at each event, and the way back to any of
 * them. The world itself can't be wound back; a moment that was not kept is reached by running the script
 * again, which gives the same events, and the world in which that was done waits there for the next
 * question.
 */
export class Run {
  readonly script: Script;
  readonly stage: Stage;
  readonly recorder: Recorder;
  /** How far it shall go. */
  horizon: Micros;
  /** Nothing more can happen, or too much has. */
  over = false;
  /** step, time, side, conn, cwnd, ssthresh, inFlight, srtt; when one of the last four has changed. */
  samples: number[] = [];
  private readonly moments = new Map<number, Moment>();
  private readonly lastSample = new Map<number, string>();
  private readonly frames = new Map<number, Uint8Array>();
  private parked: { stage: Stage; recorder: Recorder } | null = null;

  constructor(script: Script) {
    this.script = script;
    this.horizon = script.end;
    this.stage = build(script);
    this.recorder = new Recorder(this.stage);
    this.stage.wire.tap((event, bytes) => {
      if (event.index >= 0 && this.frames.size < MOST_FRAMES)
        this.frames.set(event.index, bytes.slice(0, FRAME_BYTES));
    });
    this.stage.world.runSteps(0);
    this.note();
  }

  get log(): EventLog {
    return this.recorder.log;
  }

  get steps(): number {
    return this.stage.world.steps;
  }

  get now(): Micros {
    return this.stage.world.now;
  }

  /** Lets up to `budget` events happen. @returns false when there is none left within the horizon */
  advance(budget: number): boolean {
    const { world } = this.stage;
    for (let i = 0; i < budget; i++) {
      if (world.steps >= MOST_STEPS || this.log.length >= MOST_ROWS) this.over = true;
      if (this.over || !stepWorld(world, this.horizon)) return false;
      this.note();
    }
    return true;
  }

  /** Runs to its horizon. */
  finish(): this {
    while (this.advance(1000));
    return this;
  }

  /** Both hosts right after an event. */
  moment(step: number): Moment {
    const wanted = Math.max(0, Math.min(step, this.steps));
    const kept = this.moments.get(wanted);
    if (kept !== undefined) return kept;
    if (this.parked === null || this.parked.stage.world.steps > wanted) {
      const stage = build(this.script);
      this.parked = { stage, recorder: new Recorder(stage) };
      stage.world.runSteps(0);
    }
    const { stage, recorder } = this.parked;
    while (stage.world.steps < wanted && stepWorld(stage.world, NEVER)) recorder.drain();
    recorder.drain();
    return look(stage, recorder);
  }

  /** The first bytes of a frame, null if it was not kept. */
  bytes(frame: number): Uint8Array | null {
    return this.frames.get(frame) ?? null;
  }

  /** Captures of both hosts up to an event, as pcapng files. */
  captures(step: number): readonly [Uint8Array, Uint8Array] {
    const stage = build(this.script, true);
    stage.world.runSteps(0);
    while (stage.world.steps < step && stepWorld(stage.world, NEVER));
    return [stage.hosts[0].capture, stage.hosts[1].capture];
  }

  private note(): void {
    this.recorder.drain();
    const { steps } = this.stage.world;
    if (steps > KEPT && steps % SPARSE !== 0) return;
    const moment = look(this.stage, this.recorder);
    if (moment.step <= KEPT) this.moments.set(moment.step, moment);
    this.sample(moment);
  }

  private sample(moment: Moment): void {
    if (this.samples.length >= MOST_SAMPLES * SAMPLE) return;
    moment.hosts.forEach((host, side) => {
      for (const s of host.sockets) {
        if (s.vars === null) continue;
        const { cwnd, ssthresh, inFlight, srtt } = s.vars;
        const values = `${cwnd} ${ssthresh} ${inFlight} ${srtt}`;
        const key = s.conn * 2 + side;
        if (this.lastSample.get(key) === values) continue;
        this.lastSample.set(key, values);
        this.samples.push(moment.step, moment.time, side, s.conn, cwnd, ssthresh, inFlight, srtt);
      }
    });
  }
}

function look({ world, hosts, apps }: Stage, { connections }: Recorder): Moment {
  return {
    step: world.steps,
    time: world.now,
    hosts: [
      viewHost(hosts[0], connections, fd => apps[0].nameOf(fd)),
      viewHost(hosts[1], connections, fd => apps[1].nameOf(fd)),
    ],
  };
}
