import { NEVER } from '../../src/base/time.ts';
import type { Connections } from './names.ts';
import type { Script } from './script.ts';
import { type Moment, Viewer } from './view.ts';
import { build, type Stage, stepWorld } from './world.ts';

/** Moments before the one that was asked for which are kept as well: the next question is often about one. */
const NEAR = 128;

/**
 * Finds moments that were not kept by running the script again: the same script gives the same events. The
 * world in which one was found stays there for the next question.
 */
export class Replay {
  private readonly script: Script;
  private readonly connections: Connections;
  private stage: Stage | null = null;
  private viewer: Viewer | null = null;
  private readonly near = new Map<number, Moment>();
  private target = 0;

  constructor(script: Script, connections: Connections) {
    this.script = script;
    this.connections = connections;
  }

  /** A moment that is still known from an earlier question. */
  known(step: number): Moment | null {
    return this.near.get(step) ?? null;
  }

  /** From now on `advance` works towards this event. */
  aim(step: number): void {
    this.target = step;
    const { stage } = this;
    if (stage !== null && stage.world.steps <= step) {
      if (step - stage.world.steps > NEAR) this.near.clear();
      return;
    }
    this.stage = build(this.script, { log: needsLog(this.script) });
    this.viewer = new Viewer(this.stage, this.connections);
    this.stage.world.runSteps(0);
    this.near.clear();
  }

  /** Lets up to `budget` events happen. @returns the moment that is aimed at, null while it is not reached */
  advance(budget: number): Moment | null {
    const { stage, viewer, target } = this;
    if (stage === null || viewer === null) return null;
    const { world } = stage;
    for (let i = 0; i < budget && world.steps < target; i++) {
      if (!stepWorld(world, NEVER)) break;
      if (target - world.steps < NEAR) this.keep(viewer.look());
      world.log.length = 0;
    }
    if (world.steps < target) return null;
    const found = viewer.look();
    this.keep(found);
    return found;
  }

  private keep(moment: Moment): void {
    this.near.set(moment.step, moment);
    this.near.delete(moment.step - 2 * NEAR);
  }
}

/** Rules count in numbers that the wire knows only if it has looked at each frame; a world that logs does. */
const needsLog = (script: Script): boolean => script.lines.some(l => l.who === 'wire' && l.verb === 'rule');
