import type { Profiler } from 'node:inspector';

/** A function as called from its parent, with the time spent in it and below. */
export interface Call {
  readonly name: string;
  /** The file within the repository, empty for what is Node's or V8's. */
  readonly file: string;
  /** Microseconds, those of its callees included. */
  time: number;
  readonly calls: Map<string, Call>;
}

const BUILD = /^.*\/build\//;

/** The tree of calls of a V8 profile: equal functions under one parent are one. */
export function treeOf(profile: Profiler.Profile): Call {
  const nodes = new Map(profile.nodes.map(n => [n.id, n]));
  const parents = new Map<number, number>();
  for (const n of profile.nodes) for (const child of n.children ?? []) parents.set(child, n.id);
  const root = call('all', '');
  const { samples = [], timeDeltas = [] } = profile;
  samples.forEach((id, i) => {
    const time = Math.max(0, timeDeltas[i] ?? 0);
    const path: Profiler.ProfileNode[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) path.push(nodes.get(at)!);
    path.pop();
    root.time += time;
    let under = root;
    for (const n of path.reverse()) {
      const { functionName, url, lineNumber } = n.callFrame;
      const file = BUILD.test(url) ? url.replace(BUILD, '') : '';
      const key = `${functionName} ${file}:${lineNumber}`;
      let next = under.calls.get(key);
      if (next === undefined) {
        next = call(functionName || '(anonymous)', file);
        under.calls.set(key, next);
      }
      next.time += time;
      under = next;
    }
  });
  return root;
}

const call = (name: string, file: string): Call => ({ name, file, time: 0, calls: new Map() });
