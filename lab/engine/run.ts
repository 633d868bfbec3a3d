import type { Micros } from '../../src/base/time.ts';
import { NEVER } from '../../src/base/time.ts';
import { Frames } from './frames.ts';
import type { EventLog } from './log.ts';
import { Moments } from './moments.ts';
import { Recorder } from './recorder.ts';
import { Replay } from './replay.ts';
import { Samples } from './samples.ts';
import type { Script } from './script.ts';
import { Times } from './times.ts';
import { type Moment, Viewer } from './view.ts';
import { build, type Stage, stepWorld } from './world.ts';

/** Events and rows after which a run is taken to be over. */
export const MOST_STEPS = 1_000_000;
const MOST_ROWS = 400_000;

/** An answer to the question how the hosts were at an event. */
export interface Found {
  readonly moment: Moment;
  /** False: it is the nearest before that event which is at hand. */
  readonly exact: boolean;
}

/**
 * A script while it runs: the log of what happens, the hosts at each event, and the way back to any of
 * them. The world itself can't be wound back: a moment that was not kept is reached by running the script
 * again.
 */
export class Run {
  readonly script: Script;
  readonly stage: Stage;
  readonly recorder: Recorder;
  /** How far it shall go. */
  horizon: Micros;
  /** Nothing more can happen, or too much has. */
  over = false;
  /** The course of windows and round trips. */
  readonly samples = new Samples();
  readonly moments = new Moments();
  readonly times = new Times();
  private readonly viewer: Viewer;
  private readonly replay: Replay;
  private readonly frames = new Frames();

  constructor(script: Script) {
    this.script = script;
    this.horizon = script.end;
    this.stage = build(script);
    this.recorder = new Recorder(this.stage);
    this.viewer = new Viewer(this.stage, this.recorder.connections);
    this.replay = new Replay(script, this.recorder.connections);
    this.stage.wire.tap((event, bytes) => this.frames.put(event.index, bytes));
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
      if (this.over || !stepWorld(world, this.horizon)) {
        this.samples.finish();
        return false;
      }
      this.note();
    }
    return true;
  }

  /** Runs to its horizon. */
  finish(): this {
    while (this.advance(1000));
    return this;
  }

  /** Both hosts right after an event, or as near before it as is at hand. */
  at(step: number): Found {
    const wanted = this.clamp(step);
    if (wanted === this.steps) return { moment: this.viewer.look(), exact: true };
    const again = this.replay.known(wanted);
    if (again !== null) return { moment: again, exact: true };
    const moment = this.moments.upTo(wanted) ?? this.viewer.look();
    return { moment, exact: moment.step === wanted };
  }

  /** From now on `seek` looks for the moment of an event. */
  aim(step: number): void {
    this.replay.aim(this.clamp(step));
  }

  /** Runs again for up to `budget` events. @returns the moment that is looked for, null if it is not reached yet */
  seek(budget: number): Moment | null {
    return this.replay.advance(budget);
  }

  /** Both hosts right after an event, however long it takes. */
  moment(step: number): Moment {
    const found = this.at(step);
    if (found.exact) return found.moment;
    this.aim(step);
    return this.seek(MOST_STEPS) ?? found.moment;
  }

  /** The first bytes of a frame, null if it was not kept. */
  bytes(frame: number): Uint8Array | null {
    return this.frames.get(frame);
  }

  /** Captures of both hosts up to an event, as pcapng files. */
  captures(step: number): readonly [Uint8Array, Uint8Array] {
    const stage = build(this.script, { capture: true });
    stage.world.runSteps(0);
    while (stage.world.steps < step && stepWorld(stage.world, NEVER));
    return [stage.hosts[0].capture, stage.hosts[1].capture];
  }

  private clamp(step: number): number {
    return Math.max(0, Math.min(step, this.steps));
  }

  private note(): void {
    this.times.put(this.now);
    this.recorder.drain();
    this.recorder.sample(this.samples);
    if (this.moments.wants(this.steps)) this.moments.put(this.viewer.look());
  }
}
