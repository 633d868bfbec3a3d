import { CLOSED, stateName, TRANSITIONS, type Transition } from '../../tcp/state.ts';

/** The same diagram as Mermaid text, which GitHub and many editors draw. */
export function stateMermaid(transitions: readonly Transition[] = TRANSITIONS): string {
  const out = ['stateDiagram-v2', '    [*] --> CLOSED'];
  // Mermaid ends a label at a colon or semicolon.
  for (const t of transitions) {
    const label = t.label.replace(/[:;]/g, ',');
    out.push(`    ${stateName(t.from)} --> ${stateName(t.to)} : ${label}`);
  }
  out.push(`    ${stateName(CLOSED)} --> [*]`);
  return `${out.join('\n')}\n`;
}
