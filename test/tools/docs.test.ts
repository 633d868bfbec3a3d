import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { CommandSpec } from '../../src/tools/cli/command.ts';
import { stateMermaid } from '../../src/tools/diagram/mermaid.ts';
import { pingCommand } from '../../src/tools/ping/command.ts';
import { tracerouteCommand } from '../../src/tools/ping/traceroute-command.ts';
import { ssCommand } from '../../src/tools/ss/command.ts';
import { traceCommand } from '../../src/tools/trace/command.ts';
import { upCommand } from '../../src/tools/up/command.ts';

const page = (name: string): string =>
  readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8');

test('the state diagram of the docs is the one that the engine runs on', () => {
  expect(page('states')).toContain(`\`\`\`mermaid\n${stateMermaid()}\`\`\``);
});

test('the docs name every option', () => {
  const missing = (name: string, command: CommandSpec): string[] => {
    const text = page(name);
    return Object.keys(command.options).filter(o => !text.includes(`--${o}`));
  };
  expect(missing('gateway', upCommand)).toEqual([]);
  expect(missing('seeing', ssCommand)).toEqual([]);
  expect(missing('seeing', traceCommand)).toEqual([]);
  expect(missing('ping', pingCommand)).toEqual([]);
  expect(missing('ping', tracerouteCommand)).toEqual([]);
});
