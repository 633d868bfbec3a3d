import { runSource } from '../../src/tools/packetdrill/run-file.ts';
import type { Draft } from './packetdrill.ts';

/** How often a script is cut shorter before it is given up. */
const TRIES = 8;
const OPTIONS = { families: null, defines: new Map<string, string>(), overrides: new Map<string, string>() };

/**
 * The text of a draft that our runner passes: where it does not come out as in the scenario, the script ends
 * before that line, and the line and what follows stand behind it as comments with the runner's words.
 */
export function checked(draft: Draft): string {
  let kept = draft.lines.length;
  let why = '';
  for (let i = 0; i < TRIES && kept > 0; i++) {
    const text = textOf(draft, kept, '');
    const outcome = runSource('scenario.pkt', text, OPTIONS)[0];
    if (outcome?.status === 'ok') return textOf(draft, kept, why);
    if (outcome?.failure === undefined) {
      why ||= outcome?.reason ?? 'it can not be run';
      kept = 0;
      break;
    }
    why ||= outcome.failure.message;
    const line = outcome.failure.line - draft.head.length - 2;
    kept = line >= 0 && line < kept ? line : 0;
  }
  return textOf(draft, 0, why);
}

/** The first `kept` lines as a script, the others as comments. */
function textOf({ head, lines, rest }: Draft, kept: number, why: string): string {
  const shown = kept > 0 ? head : head.slice(0, 1);
  const out = [...shown, '', ...lines.slice(0, kept)];
  if (kept < lines.length && why !== '')
    out.push(
      '',
      '// From here on packetdrill tells it differently: its packets and programs act one after the other, never',
      `// at one moment as here (${why.replaceAll('\n', ' ')}). What happened:`,
      ...lines.slice(kept).map(l => `// ${l}`),
    );
  if (rest.length > 0) out.push('', ...rest.map(r => `// ${r}`));
  return `${out.join('\n')}\n`;
}
