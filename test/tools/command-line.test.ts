import { describe, expect, test } from 'vitest';
import { type CommandSpec, parse } from '../../src/tools/cli/command.ts';
import { CliError, EXIT_USAGE } from '../../src/tools/cli/error.ts';
import { commandHelp } from '../../src/tools/cli/help.ts';
import { main } from '../../src/tools/cli/main.ts';
import { packetdrillCommand } from '../../src/tools/cli/packetdrill.ts';
import { COLOURED, choosePaint, clip, columnsOf, PLAIN, printable } from '../../src/tools/cli/paint.ts';
import { duration, hostPort, integer, percent, rate, shortTime } from '../../src/tools/cli/units.ts';
import { diagramCommand } from '../../src/tools/diagram/command.ts';
import { pingCommand } from '../../src/tools/ping/command.ts';
import { tracerouteCommand } from '../../src/tools/ping/traceroute-command.ts';
import { ssCommand } from '../../src/tools/ss/command.ts';
import { netstatCommand } from '../../src/tools/ss/netstat-command.ts';
import { sysctlCommand } from '../../src/tools/sysctl/command.ts';
import { traceCommand } from '../../src/tools/trace/command.ts';
import { upCommand } from '../../src/tools/up/command.ts';
import { readUpOptions, UP_OPTIONS } from '../../src/tools/up/options.ts';
import { testIo } from './io.ts';

const ALL: CommandSpec[] = [
  upCommand,
  ssCommand,
  netstatCommand,
  sysctlCommand,
  pingCommand,
  tracerouteCommand,
  traceCommand,
  packetdrillCommand,
  diagramCommand,
];
const ENTRIES = ALL.map(c => ({ name: c.name, summary: c.summary, load: async () => c }));
const run = async (...argv: string[]) => {
  const io = testIo();
  return { code: await main(argv, io, ENTRIES), out: io.output, err: io.errors };
};

const fails = (f: () => unknown): CliError => {
  try {
    f();
  } catch (e) {
    if (e instanceof CliError) return e;
    throw e;
  }
  throw new Error('nothing was thrown');
};

describe('the command line', () => {
  test('without a command it shows what there is, and exits with 2', async () => {
    const r = await run();
    expect(r.code).toBe(2);
    expect(r.err).toContain('lastack COMMAND [options]');
    expect((await run('help')).code).toBe(0);
    expect((await run('--help')).out).toContain('diagram');
    expect((await run('--version')).out).toMatch(/^lastack \d+\.\d+\.\d+\n$/);
  });

  test('an unknown command names the one that was meant', async () => {
    const r = await run('nestat');
    expect(r.code).toBe(2);
    expect(r.err).toContain("did you mean 'lastack netstat'?");
  });

  test('every command has help with its options and with examples', async () => {
    for (const c of ALL) {
      for (const words of [
        [c.name, '--help'],
        [c.name, '-h'],
        ['help', c.name],
      ]) {
        const r = await run(...words);
        expect(r.code).toBe(0);
        expect(r.out).toContain('Usage');
        expect(r.out).toContain('Examples');
        for (const name of Object.keys(c.options)) expect(r.out).toContain(`--${name}`);
      }
      expect(c.examples.length).toBeGreaterThan(1);
      for (const line of commandHelp(c, PLAIN).split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(110);
    }
  });

  test('short options stand together as in ss -tanoi', () => {
    const args = parse(ssCommand, ['-tanoi', 'state', 'time-wait']);
    for (const name of ['tcp', 'all', 'numeric', 'options', 'info']) expect(args.flag(name)).toBe(true);
    expect(args.flag('summary')).toBe(false);
    expect(args.positionals).toEqual(['state', 'time-wait']);
  });

  test('an unknown option, a missing value and a value too many are explained', () => {
    expect(fails(() => parse(ssCommand, ['--jsn'])).hint).toBe('did you mean --json?');
    expect(fails(() => parse(ssCommand, ['-x'])).message).toContain('no option -x');
    const missing = fails(() => parse(ssCommand, ['--host']));
    expect(missing.code).toBe(EXIT_USAGE);
    expect(missing.message).toContain('--host needs a value');
    expect(fails(() => parse(ssCommand, ['--host', '--json'])).message).toContain('--host needs a value');
    expect(fails(() => parse(ssCommand, ['--json=yes'])).message).toContain('takes no value');
    expect(fails(() => parse(ssCommand, ['--constructor'])).message).toContain('no option');
  });
});

describe('units', () => {
  test('shares', () => {
    expect(percent('--loss', '2%')).toBe(0.02);
    expect(percent('--loss', '0.5%')).toBe(0.005);
    expect(percent('--loss', '0.02')).toBe(0.02);
    expect(percent('--loss', '0')).toBe(0);
    expect(fails(() => percent('--loss', '2')).hint).toContain('2% if you meant that');
    for (const bad of ['101%', '-1%', '', '%', '1e2%', 'two', 'NaN', '1'])
      fails(() => percent('--loss', bad));
  });

  test('times', () => {
    expect(duration('--delay', '40ms')).toBe(40_000);
    expect(duration('--delay', '1.5s')).toBe(1_500_000);
    expect(duration('--delay', '250us')).toBe(250);
    expect(duration('--delay', '0')).toBe(0);
    expect(fails(() => duration('--delay', '40')).hint).toContain('40ms or 40s');
    for (const bad of ['-1ms', '2h', '61m', 'ms', '']) fails(() => duration('--delay', bad));
  });

  test('rates', () => {
    expect(rate('--rate', '10mbit')).toBe(10e6);
    expect(rate('--rate', '1.5Gbit')).toBe(1.5e9);
    for (const bad of ['10', '10mb', '1bit', '0mbit', '9999gbit']) fails(() => rate('--rate', bad));
  });

  test('hosts and ports', () => {
    expect(hostPort('--to', 'example.org:80')).toEqual({ host: 'example.org', port: 80 });
    expect(hostPort('--to', '[::1]:3000')).toEqual({ host: '::1', port: 3000 });
    expect(hostPort('--to', ':3000')).toEqual({ host: '127.0.0.1', port: 3000 });
    expect(fails(() => hostPort('--to', '3000')).hint).toContain('--to 127.0.0.1:3000');
    expect(fails(() => hostPort('--to', 'http://example.org/x')).hint).toContain('--to example.org:80');
    expect(fails(() => hostPort('--to', 'https://example.org')).hint).toContain('example.org:443');
    for (const bad of ['a:0', 'a:65536', 'a', 'a b:1', '::1:80:x', '']) fails(() => hostPort('--to', bad));
    expect(fails(() => integer('--mtu', '12x', 1, 2)).hint).toContain('from 1 to 2');
  });

  test('times for people', () => {
    expect([0, 412, 40_000, 40_300, 1_204_000, 12_500_000].map(shortTime)).toEqual([
      '0 µs',
      '412 µs',
      '40 ms',
      '40.3 ms',
      '1.2 s',
      '12.5 s',
    ]);
  });
});

describe('options of up', () => {
  const spec: CommandSpec = { ...diagramCommand, name: 'up', options: UP_OPTIONS };
  const read = (...argv: string[]) => readUpOptions(parse(spec, argv));

  test('the defaults are a page on 127.0.0.1:8080 over a perfect wire', () => {
    const o = read();
    expect([o.address, o.port, o.to, o.socks, o.demo, o.screen]).toEqual([
      '127.0.0.1',
      8080,
      null,
      null,
      true,
      true,
    ]);
    expect(o.wire).toEqual({
      loss: 0,
      delay: 0,
      jitter: 0,
      reorder: 0,
      duplicate: 0,
      corrupt: 0,
      rate: 0,
      mtu: 1500,
      rules: [],
    });
  });

  test('all wire options are understood', () => {
    const o = read(
      ...'--loss 2% --delay 40ms --jitter 5ms --reorder 1% --dup 1% --rate 10mbit --mtu 1400 --seed 7 --socks 1080'.split(
        ' ',
      ),
      ...[
        '--drop',
        'B FIN 1',
        '--drop',
        'drop A SYN 1..2',
        '--sysctl',
        'B:tcp_fin_timeout=5',
        '--sysctl',
        'net.ipv4.tcp_rmem=4096,8192,16384',
      ],
    );
    expect(o.wire).toMatchObject({ loss: 0.02, delay: 40_000, jitter: 5000, rate: 10e6, mtu: 1400 });
    expect(o.wire.rules).toEqual(['drop B FIN 1', 'drop A SYN 1..2']);
    expect(o.sysctls).toEqual([
      { host: 'B', name: 'tcp_fin_timeout', value: '5' },
      { host: null, name: 'net.ipv4.tcp_rmem', value: '4096 8192 16384' },
    ]);
    expect([o.seed, o.socks]).toEqual(['7', 1080]);
  });

  test('what is wrong says what to do', () => {
    expect(fails(() => read('localhost:3000')).hint).toContain('--to localhost:3000');
    expect(fails(() => read('--drop', 'C FIN 1')).message).toContain('A, B');
    expect(fails(() => read('--sysctl', 'tcp_fin_timout=5')).message).toContain('tcp_fin_timeout');
    expect(fails(() => read('--sysctl', 'tcp_fin_timeout=x')).message).toContain('bad value');
    expect(fails(() => read('--sysctl', 'tcp_fin_timeout')).hint).toContain('NAME=VALUE');
    expect(fails(() => read('--mtu', '100')).hint).toContain('576');
    expect(fails(() => read('--port', '70000')).hint).toContain('65535');
  });
});

describe('text for terminals', () => {
  test('colours appear in a terminal only, and never with NO_COLOR', () => {
    expect(choosePaint(null, true, {}).colours).toBe(true);
    expect(choosePaint(null, false, {}).colours).toBe(false);
    expect(choosePaint(null, true, { NO_COLOR: '1' }).colours).toBe(false);
    expect(choosePaint('always', false, { NO_COLOR: '1' }).colours).toBe(true);
    fails(() => choosePaint('sometimes', true, {}));
  });

  test('painted text is cut without breaking an escape sequence', () => {
    const text = `${COLOURED.red('abc')}${COLOURED.green('def')}`;
    expect(columnsOf(text)).toBe(6);
    expect(columnsOf(clip(text, 4))).toBe(4);
    expect(clip(text, 4).endsWith('\x1b[0m')).toBe(true);
    expect(clip(text, 6)).toBe(text);
  });

  test('control characters from outside become visible', () => {
    expect(printable('a\x1b[2Jb\n\u202e')).toBe('a␛[2Jb␊�');
    expect(printable('x'.repeat(1000)).length).toBeLessThan(500);
  });
});
