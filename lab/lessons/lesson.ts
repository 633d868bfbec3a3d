/** A text in the languages of the page. */
export interface Words {
  readonly en: string;
  readonly zh: string;
}

export type Group = 'open' | 'close' | 'waves' | 'timewait' | 'server' | 'failure' | 'flow';

/** A ready scenario with its text and a question. */
export interface Lesson {
  /** As in the URL. */
  readonly id: string;
  readonly group: Group;
  readonly title: Words;
  /** What to watch, and why it is so. */
  readonly text: Words;
  readonly question: Words;
  readonly answer: Words;
  readonly script: string;
  /** The states through which the first connection goes on each host, up to the end of the script. */
  readonly path: { readonly A: string; readonly B: string };
  /** The measured timeline (test/lifecycle/golden) that shows the same, where there is one. */
  readonly golden?: string;
  /** Seconds on that timeline's clock at which the lesson ends: what was measured later is not part of it. */
  readonly goldenUntil?: number;
}

/** The client connects to a server that accepts, 10 ms away. */
export const CONNECT = `0 B listen s 80 5
0 B accept s b
10ms A connect a B:80`;
