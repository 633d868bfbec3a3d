import { type Micros, NEVER } from '../../src/base/time.ts';
import { ACTIONS, type ActionName, type Rule } from '../../src/link/rule.ts';
import { buildSegment } from '../../src/sim/build.ts';
import type { Host } from '../../src/sim/host.ts';
import type { Wire } from '../../src/sim/wire.ts';
import { World } from '../../src/sim/world.ts';
import { App } from './actions.ts';
import { ADDRESS } from './names.ts';
import type { FrameFate, Line, Script } from './script.ts';

/** A world made of a script, with the applications of its two hosts. */
export interface Stage {
  readonly world: World;
  readonly hosts: readonly [Host, Host];
  readonly apps: readonly [App, App];
  readonly wire: Wire;
  /** The fates of single frames, which `wire clear` leaves in force. */
  readonly fates: ReadonlySet<Rule>;
}

/** A spoofed flood at most. */
const MOST_SPOOFED = 5000;

export interface StageOptions {
  /** Write captures. */
  readonly capture?: boolean;
  /** Keep the world's log. @default true */
  readonly log?: boolean;
}

export function build(script: Script, options: StageOptions = {}): Stage {
  const world = new World({ seed: script.seed, hz: script.hz, maxEvents: 5_000_000, ...options });
  const host = (name: 'A' | 'B', peer: 'A' | 'B'): Host =>
    world.host(name, { addresses: [`${ADDRESS[name]}/24`], gateway: ADDRESS[peer] });
  const a = host('A', 'B');
  const b = host('B', 'A');
  const wire = world.wire(a, b, { delay: '10ms' });
  const fates = new Set(script.frames.map(fate => addFate(wire, fate)));
  const apps = [new App(a), new App(b)] as const;
  const stage: Stage = { world, hosts: [a, b], apps, wire, fates };
  for (const line of script.lines) world.at(line.at, () => perform(stage, line));
  return stage;
}

function perform(stage: Stage, line: Line): void {
  const { world, apps } = stage;
  if (line.who !== 'wire') {
    apps[line.who === 'A' ? 0 : 1].perform(line);
    return;
  }
  try {
    work(stage, line);
  } catch (error) {
    world.note(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
    return;
  }
  world.note(`wire: ${line.verb} ${line.words.join(' ')}`.trim());
}

/** @throws Error that says what could not be understood */
function work({ wire, fates }: Stage, { verb, words }: Line): void {
  const [first = '', second, third] = words;
  const from = second === 'A' || second === 'B' ? second : undefined;
  if (verb === 'rule') wire.rule(words.join(' '));
  else if (verb === 'clear') for (const rule of wire.rules.filter(r => !fates.has(r))) wire.unrule(rule);
  else if (verb === 'partition') wire.partition(first === 'on', from);
  else if (verb === 'flood') flood(wire, first === 'A' ? 'A' : 'B', Number(second), Number(third));
  else if (verb === 'queue') wire.set({ queue: Number(first) }, from);
  else wire.set({ [verb]: first }, from);
}

/** SYNs from addresses where nobody answers, a millisecond apart. */
function flood(wire: Wire, to: 'A' | 'B', port: number, times: number): void {
  const { world } = wire;
  for (let i = 0; i < Math.min(times, MOST_SPOOFED); i++) {
    world.at(world.now + i * 1000, () =>
      wire.inject(
        to,
        buildSegment({
          source: `198.51.${100 + (i >> 8)}.${i & 255}`,
          destination: ADDRESS[to],
          sourcePort: 1024 + i,
          destinationPort: port,
          seq: i * 64_000,
          flags: 'S',
          options: { mss: 1460 },
        }),
      ),
    );
  }
}

/** A fate for one frame is a rule that looks at its number only: all that comes before stays as it was. */
function addFate(wire: Wire, fate: FrameFate): Rule {
  const action: ActionName = ACTIONS.find(a => a === fate.action) ?? 'drop';
  return wire.rule({
    action,
    ...(action === 'delay' || action === 'duplicate' ? { time: fate.time || 300_000 } : {}),
    match: () => wire.count - 1 === fate.frame,
    total: true,
    text: 'you',
  });
}

/** Lets one event happen, none later than `until`. False if there is none. */
export function stepWorld(world: World, until: Micros): boolean {
  const before = world.steps;
  return world.runUntil(() => world.steps > before, until === NEVER ? {} : { until });
}
