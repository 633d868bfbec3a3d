import { describe, expect, test } from 'vitest';
import { checkFile } from '../../scripts/imports.mjs';
import { checkLabFile } from '../../scripts/lab-rooms.mjs';
import { importsOf, MAX_LINES, scan } from '../../scripts/scan.mjs';

/** The rules that a file of this name and text breaks. */
const rules = (path: string, source: string): string[] => checkFile(path, source).map(v => v.rule);

describe('import direction', () => {
  test('a room may import from the rooms below it and from itself', () => {
    expect(
      rules('tcp/ack.ts', "import { seq } from '../base/seq.ts';\nimport { x } from './tcb.ts';\n"),
    ).toEqual([]);
    expect(rules('tools/cli.ts', "import { World } from '../sim/world.ts';\n")).toEqual([]);
  });

  test('an import of a room above is reported at its line', () => {
    const [v, ...more] = checkFile(
      'base/x.ts',
      "\nimport { a } from './y.ts';\nimport { b } from '../wire/tcp.ts';\n",
    );
    expect(more).toEqual([]);
    expect(v).toMatchObject({ file: 'src/base/x.ts', line: 3, rule: 'direction' });
  });

  test('types, re-exports, bare and dynamic imports count as well', () => {
    expect(rules('wire/x.ts', "import type { T } from '../tcp/tcb.ts';")).toEqual(['direction']);
    expect(rules('wire/x.ts', "export { t } from '../tcp/tcb.ts';")).toEqual(['direction']);
    expect(rules('wire/x.ts', "export * from '../ip/route.ts';")).toEqual(['direction']);
    expect(rules('wire/x.ts', "import '../ip/route.ts';")).toEqual(['direction']);
    expect(rules('wire/x.ts', "const m = import('../ip/route.ts');")).toEqual(['direction']);
    expect(rules('wire/x.ts', "import {\n  a,\n  type B,\n} from '../ip/route.ts';")).toEqual(['direction']);
  });

  test('udp/ and icmp/ do not know each other', () => {
    expect(rules('udp/udp.ts', "import { x } from '../icmp/icmp.ts';")).toEqual(['direction']);
  });

  test('only the front door may import it, and nothing leads out of src/', () => {
    expect(rules('sim/world.ts', "import { x } from '../index.ts';")).toEqual(['direction']);
    expect(rules('index.ts', "export { x } from './sim/world.ts';")).toEqual([]);
    expect(rules('sim/world.ts', "import x from '../../test/kit.ts';")).toEqual(['direction']);
  });

  test('a new room must be announced', () => {
    expect(rules('attic/x.ts', '')).toEqual(['room']);
  });

  test('no package is imported', () => {
    expect(rules('tools/x.ts', "import chalk from 'chalk';")).toEqual(['dependency']);
    expect(rules('tools/x.ts', "import fs from 'fs';")).toEqual(['dependency']);
  });
});

describe('no clock, no I/O', () => {
  test.each([
    'setTimeout(f, 1);',
    'clearInterval(t);',
    'setImmediate(f);',
    'queueMicrotask(f);',
    'new Promise(f);',
    'async function f() {}',
    'const f = async () => 1;',
    'for await (const x of y) f(x);',
    'class A extends EventEmitter {}',
    'const t = Date.now();',
    'const t = performance.now();',
    'const r = Math.random();',
    'const r = crypto.getRandomValues(x);',
    'console.log(1);',
    'const k = Math.cbrt(x);',
  ])('the engine may not say: %s', source => {
    for (const room of ['base', 'wire', 'tcp', 'udp', 'icmp', 'ip', 'stack', 'socket']) {
      expect(rules(`${room}/x.ts`, source)).toContain('clock');
    }
    expect(rules('driver/node.ts', source)).toEqual([]);
  });

  test('process and Buffer are for the rooms that need Node', () => {
    expect(rules('tcp/x.ts', 'const e = process.env;')).toEqual(['node']);
    expect(rules('sim/x.ts', 'const b = Buffer.alloc(1);')).toEqual(['node']);
    expect(rules('driver/browser.ts', 'const b = Buffer.alloc(1);')).toEqual(['node']);
    expect(rules('tools/x.ts', 'const e = process.env; Buffer.alloc(1);')).toEqual([]);
  });

  test('Node modules are for driver/node*, link/, api/ and tools/', () => {
    const source = "import { readFileSync } from 'node:fs';";
    for (const path of ['base/x.ts', 'socket/x.ts', 'sim/x.ts', 'driver/browser.ts']) {
      expect(rules(path, source)).toEqual(['node']);
    }
    for (const path of [
      'driver/node.ts',
      'driver/node/loop.ts',
      'link/tun.ts',
      'api/net.ts',
      'tools/cli.ts',
    ]) {
      expect(rules(path, source)).toEqual([]);
    }
  });

  test('a simulated world knows neither the time of day nor true chance', () => {
    expect(rules('sim/world.ts', 'const t = Date.now();')).toEqual(['clock']);
    expect(rules('sim/world.ts', 'const r = Math.random();')).toEqual(['clock']);
    expect(rules('sim/world.ts', 'await Promise.resolve();')).toEqual([]);
  });

  test('comments, strings, templates, regular expressions and members of that name are none', () => {
    const source = [
      '// await Date.now()',
      '/* setTimeout */',
      "const a = 'Math.random()';",
      'const b = `Date ${x} performance`;',
      'const c = /console|Promise/.test(y);',
      'const d = this.process(1) / host.performance;',
      "const e = 'it\\'s Date';",
    ].join('\n');
    expect(rules('tcp/x.ts', source)).toEqual([]);
  });

  test('code inside a template is code', () => {
    expect(rules('tcp/x.ts', 'const b = `at ${`${Date.now()}`} o clock`;')).toEqual(['clock']);
  });
});

describe("a connection's state", () => {
  test('is assigned in tcp/state.ts only', () => {
    expect(rules('tcp/state.ts', 'tcb.state = to;')).toEqual([]);
    expect(rules('tcp/ack.ts', 'tcb.state = CLOSED;')).toEqual(['state']);
    expect(rules('tcp/connection.ts', 'this.state = CLOSED;')).toEqual(['state']);
    expect(rules('socket/tcp.ts', 'connection.state = 7;')).toEqual(['state']);
  });

  test('may be compared anywhere, and other things have states too', () => {
    expect(rules('tcp/ack.ts', 'if (tcb.state === CLOSED || tcb.state == x) f();')).toEqual([]);
    expect(rules('ip/neighbor.ts', 'entry.state = REACHABLE;')).toEqual([]);
  });
});

describe('files', () => {
  test('of src/ hold one idea, which fits into the limit', () => {
    expect(rules('tcp/x.ts', 'f();\n'.repeat(MAX_LINES))).toEqual([]);
    expect(rules('tcp/x.ts', 'f();\n'.repeat(MAX_LINES + 1))).toEqual(['length']);
  });

  test('silence a check only with a reason', () => {
    expect(rules('tcp/x.ts', '// @ts-expect-error\nf();')).toEqual(['suppression']);
    expect(rules('tcp/x.ts', '// @ts-ignore because\nf();')).toEqual(['suppression']);
    expect(rules('tcp/x.ts', '// biome-ignore lint/style/x\nf();')).toEqual(['suppression']);
    expect(rules('tcp/x.ts', '// biome-ignore lint/style/x: it is faster\nf();')).toEqual([]);
  });
});

describe('the scanner', () => {
  test('keeps every position', () => {
    const source = "const a = 'x'; // y\nconst b = /[/]'/;\nconst c = a / b / c;\nconst d = `'${a}'`;";
    const { code } = scan(source);
    expect(code.length).toBe(source.length);
    expect(code.split('\n').map(l => l.length)).toEqual(source.split('\n').map(l => l.length));
    expect(code).toContain('const c = a / b / c;');
  });

  test('finds modules, not other strings', () => {
    const found = importsOf(
      scan("import a from 'a';\nconst from = f('b');\nimport 'c';\nexport const d = 'd';\n"),
    );
    expect(found.map(s => s.text)).toEqual(['a', 'c']);
  });
});

describe('the lab', () => {
  const lab = (path: string, source: string): string[] => checkLabFile(path, source).map(v => v.rule);

  test('a room imports what it may, and the engine', () => {
    expect(
      lab('model/x.ts', "import { a } from '../engine/log.ts';\nimport '../../src/tcp/state.ts';"),
    ).toEqual([]);
    expect(lab('model/x.ts', "import { a } from '../view/app.tsx';")).toEqual(['direction']);
    expect(lab('engine/x.ts', "import { a } from '../model/lab.ts';")).toEqual(['direction']);
    expect(lab('engine/x.ts', "import { signal } from '@preact/signals';")).toEqual(['dependency']);
    expect(lab('parlour/x.ts', '')).toEqual(['room']);
  });

  test('only the view knows a page', () => {
    expect(lab('model/x.ts', 'const a = document.body;')).toEqual(['page']);
    expect(lab('view/x.ts', 'const a = document.body;')).toEqual([]);
    expect(lab('engine/worker.ts', 'const a = navigator.language;')).toEqual([]);
    expect(lab('words/x.ts', "const a = 'document'; const b = x.window;")).toEqual([]);
  });

  test('a file of more lines than enough is reported', () => {
    expect(lab('view/x.ts', 'x();\n'.repeat(MAX_LINES + 1))).toEqual(['length']);
  });
});
