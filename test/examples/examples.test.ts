import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

// Run as a person runs them: by Node, from the compiled package.
const play = (name: string): string =>
  execFileSync(process.execPath, [`examples/${name}`], { encoding: 'utf8', timeout: 30_000 });

test('client-closes: the client goes through FIN_WAIT to TIME_WAIT, the server through CLOSE_WAIT', () => {
  const log = play('client-closes.mjs');
  const states = (host: string): string[] =>
    [...log.matchAll(new RegExp(`${host}:\\d+ state \\S+ -> (\\S+)`, 'g'))].map(m => m[1]!);
  expect(states('client')).toEqual([
    'SYN_SENT',
    'ESTABLISHED',
    'FIN_WAIT_1',
    'FIN_WAIT_2',
    'TIME_WAIT',
    'CLOSED',
  ]);
  expect(states('server')).toEqual(['SYN_RECV', 'ESTABLISHED', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSED']);
});

test('half-close: the client reads on in FIN_WAIT_2', () => {
  expect(play('half-close.mjs').trim().split('\n')).toEqual([
    'all is said:     ESTABLISHED',
    'after shutdown:  FIN_WAIT_1',
    'still reading:   FIN_WAIT_2: 100000 bytes received',
    'still reading:   FIN_WAIT_2: the answer may take as long as it likes',
    'after the end:   CLOSED, and 1 in TIME_WAIT',
  ]);
});

test('read-to-eof: nothing is left, neither after end of file nor after a dead network', () => {
  const out = play('read-to-eof.mjs');
  expect(out).toContain('end of file after 11 bytes');
  expect(out).toContain('error -110');
  expect(out).toContain('connections left on the server: 0');
});

test('leak-close-wait: the warning names the sockets, the cause and what to do', () => {
  const out = play('leak-close-wait.mjs');
  expect(out).toContain('has: CLOSE_WAIT, CLOSE_WAIT, CLOSE_WAIT');
  expect(out).toMatch(
    /warning: host server: 3 sockets are in CLOSE_WAIT for longer than 60 s: 10\.0\.0\.1:7 ← /,
  );
  expect(out).toMatch(/cause: .*application.*\n +what to do: .*close/);
});

test('every example is run by a test and listed in the README of its folder', () => {
  // The one that wants root is run where such tests are.
  const files = [...readdirSync('test/examples').map(f => `test/examples/${f}`), 'test/peers/tun/up.test.ts'];
  const here = files.map(file => readFileSync(file, 'utf8')).join('\n');
  const list = readFileSync('examples/README.md', 'utf8');
  for (const name of readdirSync('examples').filter(n => n.endsWith('.mjs'))) {
    expect(here).toMatch(new RegExp(`play\\('${name}'\\)|'examples/${name}'`));
    expect(list).toContain(`(${name})`);
  }
});
