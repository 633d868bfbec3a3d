import type { CommandSpec, OptionSpec } from './command.ts';
import type { Paint } from './paint.ts';

/** `lastack help`: every command in one screen. */
export function overview(
  commands: readonly Pick<CommandSpec, 'name' | 'summary'>[],
  version: string,
  paint: Paint,
): string {
  const width = Math.max(...commands.map(c => c.name.length)) + 3;
  return [
    `lastack ${version}: TCP in TypeScript, and the tools to see how its connections live and die`,
    '',
    paint.bold('Usage'),
    '  lastack COMMAND [options]',
    '  lastack COMMAND --help      options and examples of one command',
    '',
    paint.bold('Commands'),
    ...commands.map(c => `  ${paint.cyan(c.name.padEnd(width))}${c.summary}`),
    '',
    paint.bold('Try'),
    `  ${'lastack up'.padEnd(34)}then: curl http://127.0.0.1:8080/`,
    `  ${'lastack ss -tano'.padEnd(34)}the connections of the running instance`,
    `  ${'lastack up --drop "B FIN 1"'.padEnd(34)}watch what a lost FIN does`,
    '',
    'Exit codes: 0 done, 1 what was looked at failed, 2 wrong command line, 3 no running instance,',
    '4 the machine says no (port in use, no such host or file, no permission), 130 Ctrl-C.',
    '',
  ].join('\n');
}

/** `lastack COMMAND --help`. */
export function commandHelp(command: CommandSpec, paint: Paint): string {
  const lines = [`lastack ${command.name}: ${command.summary}`, '', paint.bold('Usage')];
  for (const u of command.usage) lines.push(`  lastack ${command.name}${u ? ` ${u}` : ''}`);
  const options = Object.entries(command.options);
  if (options.length > 0) {
    lines.push('', paint.bold('Options'));
    const heads = options.map(([name, o]) => head(name, o));
    const width = Math.min(30, Math.max(...heads.map(h => h.length)) + 2);
    options.forEach(([, o], i) => {
      const h = heads[i]!;
      const [first = '', ...rest] = wrap(o.help, 100 - width - 2);
      if (h.length >= width) lines.push(`  ${paint.cyan(h)}`, `  ${' '.repeat(width)}${first}`);
      else lines.push(`  ${paint.cyan(h.padEnd(width))}${first}`);
      for (const r of rest) lines.push(`  ${' '.repeat(width)}${r}`);
    });
  }
  for (const note of command.notes ?? []) lines.push('', ...wrap(note, 100));
  lines.push('', paint.bold('Examples'));
  for (const [line, what] of command.examples) lines.push(`  ${paint.cyan(line)}`, `      ${what}`);
  return `${lines.join('\n')}\n`;
}

const head = (name: string, o: OptionSpec): string =>
  `${o.short ? `-${o.short}, ` : '    '}--${name}${o.type === 'string' ? ` ${o.value ?? 'VALUE'}` : ''}`;

/** Breaks a text into lines of at most `width` characters; its own line breaks stay. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}
