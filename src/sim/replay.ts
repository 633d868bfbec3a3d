import type { Micros } from '../base/time.ts';
import type { World } from './world.ts';

/** What makes a world: always the same one for the same seed. */
export type Scenario = () => World;

/** A moment of a world: after how many events. */
export interface Moment {
  readonly steps: number;
  readonly time: Micros;
}

/**
 * Going back in time by running again: a world is a pure function of its scenario, so a moment of it is
 * reached by making it anew and letting as many events happen. Works for any programs, generators included
 * (not for async ones).
 */
export class Timeline {
  private readonly scenario: Scenario;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
  }

  /** Where a world made by this scenario stands now. */
  static moment(world: World): Moment {
    return { steps: world.steps, time: world.now };
  }

  /** A new world, run to that moment (or number of events); it may be run on in any way. */
  at(moment: Moment | number): World {
    const world = this.scenario();
    world.runSteps(typeof moment === 'number' ? moment : moment.steps);
    if (typeof moment !== 'number' && world.now < moment.time) world.runFor(moment.time - world.now);
    return world;
  }

  /** A new world, run to a time. */
  atTime(time: Micros): World {
    const world = this.scenario();
    world.run({ until: time });
    return world;
  }

  /**
   * The first event after which `test` holds, found by halving; `test` must stay true once it is.
   * @returns null if it does not hold at the end
   */
  firstMoment(test: (world: World) => boolean): Moment | null {
    const whole = this.scenario();
    whole.run();
    if (!test(whole)) return null;
    let low = 0;
    let high = whole.steps;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (test(this.at(middle))) high = middle;
      else low = middle + 1;
    }
    return Timeline.moment(this.at(low));
  }
}
