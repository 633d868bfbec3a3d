import type { Args, CommandSpec, Io } from '../cli/command.ts';
import { EXIT_OK, usage } from '../cli/error.ts';
import { stateMermaid } from './mermaid.ts';
import { stateSvg } from './svg.ts';

export const diagramCommand: CommandSpec = {
  name: 'diagram',
  summary: 'the TCP state diagram, drawn from the table that the engine runs on',
  usage: ['svg > states.svg', 'mermaid'],
  options: {},
  examples: [
    ['lastack diagram svg > states.svg', 'a picture, light or dark as the viewer is'],
    ['lastack diagram mermaid', 'text for GitHub, GitLab or an editor'],
  ],
  notes: [
    'Both forms are generated from the transition table of the engine: what it may do is what you see.',
  ],
  run,
};

async function run(args: Args, io: Io): Promise<number> {
  const [form = 'svg', ...rest] = args.positionals;
  if (rest.length > 0) throw usage(`diagram: '${rest[0]}' is one word too many`, 'write svg or mermaid');
  if (form === 'svg') io.out(stateSvg());
  else if (form === 'mermaid') io.out(stateMermaid());
  else throw usage(`diagram: '${form}'`, 'write svg or mermaid');
  return EXIT_OK;
}
