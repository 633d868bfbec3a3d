import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { until } from '../peers/kit.ts';
import { needTun, openNamespace } from '../peers/tun/net.ts';

const english = readFileSync('README.md', 'utf8');
const chinese = readFileSync('README.zh-CN.md', 'utf8');

/** The blocks of a language, without their fences. */
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)\n```$/gm)].flatMap(m => (m[1] === language ? [m[2]!] : []));

test('the simulator example of the README has under 15 lines, runs, and prints what stands below it', () => {
  const [program = ''] = blocks(english, 'js');
  expect(program.split('\n').length).toBeLessThan(15);
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  const [shown = ''] = blocks(english, 'text');
  // Ports and microseconds may change with the engine, what happens may not.
  const plain = (text: string): string => text.replace(/A:\d+/g, 'A:PORT').replace(/\d+\.\d{3}s?/g, 'TIME');
  expect(plain(printed.trimEnd())).toContain(plain(shown.trimEnd()));
});

/** What each of the other programs prints; the last wants root and is run in a namespace of its own. */
const PRINTS = [/^200$/m, /^hello$/, /^an echo$/] as const;

test.each(PRINTS.map((prints, i) => [i + 1, prints] as const))(
  'program %i of the README has under ten lines, runs, and prints %s',
  (i, prints) => {
    const program = blocks(english, 'js')[i]!;
    expect(program.split('\n').length).toBeLessThan(10);
    const run = ['--input-type=module', '--eval', program];
    expect(execFileSync(process.execPath, run, { encoding: 'utf8', timeout: 30_000 }).trim()).toMatch(prints);
  },
);

test('the last program of the README is a host on the network of its machine', async ctx => {
  needTun(ctx, 'nc');
  const program = blocks(english, 'js').at(-1)!;
  expect(program.split('\n').length).toBeLessThan(10);
  const space = await openNamespace();
  try {
    space.start(process.execPath, ['--input-type=module', '--eval', program]);
    const ask = () => space.exec('nc', ['-w', '2', '10.77.1.2', '80']);
    await until(async () => (await ask()).out === 'hello', 'the host answers', 20_000);
  } finally {
    await space.close();
  }
});

test('the Chinese README has the same programs, pictures, tables and links', () => {
  expect(blocks(chinese, 'js')).toEqual(blocks(english, 'js'));
  expect(blocks(chinese, 'text')).toEqual(blocks(english, 'text'));
  const commands = (text: string): string[] => blocks(text, 'sh').map(b => b.replace(/ +#.*/g, ''));
  expect(commands(chinese)).toEqual(commands(english));
  const links = (text: string): string[] =>
    [...text.matchAll(/\]\(([^)]+)\)/g)].map(m => m[1]!).filter(l => !/^README/.test(l));
  // Pictures with text on them are taken in both languages.
  expect(links(chinese).map(l => l.replace(/-zh(?=\.png$)/, ''))).toEqual(links(english));
  const shape = (text: string): number[] =>
    [/^## /gm, /^### /gm, /^\| /gm].map(r => text.match(r)?.length ?? 0);
  expect(shape(chinese)).toEqual(shape(english));
});

test('what the README links to exists, and so does every npm word and command it names', () => {
  for (const [, link = ''] of english.matchAll(/\]\(([^)#]+)\)/g)) expect(existsSync(link), link).toBe(true);
  const { scripts, exports, version } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const [, word = ''] of english.matchAll(/npm run (\w+)/g)) expect(scripts).toHaveProperty(word);
  for (const [, path = ''] of english.matchAll(/^\| `lastack\/(\w+)` \|/gm))
    expect(exports).toHaveProperty(`./${path}`);
  expect(english).toContain(`lastack-${version}.tgz`);
  const help = execFileSync(process.execPath, ['dist/tools/cli.js', '--help'], { encoding: 'utf8' });
  for (const [, command = ''] of english.matchAll(/`lastack (\w+)[^`]*`/g))
    expect(help).toMatch(new RegExp(`^ +${command} `, 'm'));
});
