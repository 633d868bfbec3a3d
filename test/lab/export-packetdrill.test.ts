import { describe, expect, test } from 'vitest';
import type { Answer } from '../../lab/engine/protocol.ts';
import { parseScript, type Script } from '../../lab/engine/script.ts';
import { Server } from '../../lab/engine/server.ts';
import { packetdrillOf } from '../../lab/export/packetdrill.ts';
import { LESSONS, lessonOf } from '../../lab/lessons/index.ts';
import type { Outcome } from '../../src/tools/packetdrill/report.ts';
import { runSource } from '../../src/tools/packetdrill/run-file.ts';
import { runOf } from './run.ts';

const END = Number.MAX_SAFE_INTEGER;

function scriptOf(text: string): Script {
  const parsed = parseScript(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.script;
}

const stepsOf = (text: string): number => runOf(text).steps;

const run = (text: string): Outcome =>
  runSource('scenario.pkt', text, { families: null, defines: new Map(), overrides: new Map() })[0]!;

/** Lines that our runner executes. */
const told = (text: string): string[] => text.split('\n').filter(l => /^\d/.test(l));
const comments = (text: string): string =>
  text
    .split('\n')
    .filter(l => l.startsWith('// '))
    .slice(1)
    .join('\n');

const NEW = /a new connection begins on the same ports/;
const CUT = /power is cut/;
/** What a script can't tell to the scenario's end, and why. */
const SHORTER: Readonly<Record<string, RegExp>> = {
  'self-connect A': /goes over no wire/,
  'self-connect B': /No segment left or reached/,
  'tw-old-duplicate A': NEW,
  'tw-old-duplicate B': NEW,
  'tw-reuse-on A': NEW,
  'tw-reuse-on B': NEW,
  'reboot B': CUT,
  'keepalive B': CUT,
};

describe.each(LESSONS.map(l => [l.id, l.script] as const))('lesson %s', (id, text) => {
  const script = scriptOf(text);
  const steps = stepsOf(text);

  test.each([
    ['A', 0],
    ['B', 1],
  ] as const)('host %s is told by a packetdrill script that our runner passes', (name, side) => {
    const pkt = packetdrillOf(script, steps, side);
    const key = `${id} ${name}`;
    expect(run(pkt).status).toBe('ok');
    if (SHORTER[key] === undefined) expect(comments(pkt)).toBe('');
    else expect(comments(pkt)).toMatch(SHORTER[key]);
    if (!key.startsWith('self-connect')) expect(told(pkt).length).toBeGreaterThan(2);
  });
});

test('it holds the calls with their results, and both directions with relative numbers, options and times', () => {
  const pkt = packetdrillOf(scriptOf(lessonOf('close-four')!.script), END, 0);
  expect(told(pkt).map(l => l.replace(/TS val \d+ ecr \d+/, 'TS'))).toEqual([
    '0.000000 `true`',
    '0.010000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3',
    '0.010000...0.030000 connect(3, ..., ...) = 0',
    '0.010000 > S 0:0(0) win 64240 <mss 1460,sackOK,TS,nop,wscale 10>',
    '0.030000 < S. 0:0(0) ack 1 win 65160 <mss 1460,sackOK,TS,nop,wscale 10>',
    '0.030000 > . 1:1(0) ack 1 win 63 <nop,nop,TS>',
    '0.300000 close(3) = 0',
    '0.300000 > F. 1:1(0) ack 1 win 63 <nop,nop,TS>',
    expect.stringMatching(/< \. 1:1\(0\) ack 2 win 64 <nop,nop,TS>$/),
    '0.610000 < F. 1:1(0) ack 2 win 64 <nop,nop,TS>',
    '0.610000 > . 2:2(0) ack 2 win 63 <nop,nop,TS>',
  ]);
});

test('settings of the host stand in the header, later ones at their time', () => {
  const text =
    'end 2s\n0 A sysctl tcp_orphan_retries 3\n0 A sysctl tcp_rmem 4096 8192 16384\n0 B sysctl tcp_sack 0\n0 B listen s 80\n10ms A connect a B:80\n1s A sysctl tcp_fin_timeout 7';
  const pkt = packetdrillOf(scriptOf(text), END, 0);
  expect(pkt).toContain(
    '\n`sysctl -q -w "net.ipv4.tcp_orphan_retries=3"`\n`sysctl -q -w "net.ipv4.tcp_rmem=4096 8192 16384"`\n',
  );
  expect(pkt).toContain('1.000000 `sysctl -q -w "net.ipv4.tcp_fin_timeout=7"`');
  expect(pkt).not.toContain('tcp_sack=0');
  expect(run(pkt).status).toBe('ok');
});

test.each(['close-four', 'slow-start', 'half-close', 'zero-window', 'wave4-once'])(
  'up to any event of %s it passes as well',
  id => {
    const { script } = lessonOf(id)!;
    const steps = stepsOf(script);
    for (let i = 0; i <= 6; i++) {
      const step = Math.round((steps * i) / 6);
      for (const side of [0, 1] as const)
        expect(run(packetdrillOf(scriptOf(script), step, side)).status).toBe('ok');
    }
  },
);

test('any connection may be chosen', () => {
  const script = scriptOf(lessonOf('close-wait-leak')!.script);
  const pkt = packetdrillOf(script, END, 1, 2);
  expect(pkt).toMatch(/^\/\/ Host B in the connection 10\.9\.0\.1:\d+ – 10\.9\.0\.2:80/);
  expect(comments(pkt)).toBe('');
  expect(told(pkt).filter(l => l.includes('accept('))).toHaveLength(1);
  expect(run(pkt).status).toBe('ok');
  expect(packetdrillOf(script, END, 1, 77)).toMatch(/^\/\/ .*\n\/\/ No segment of connection 77/);
});

test('what happens to segments on the way is told as it was met', () => {
  const base =
    'end 3s\n0 B listen s 80\n0 B accept s b\n10ms A connect a B:80\n100ms A write a 5000\n200ms B read b';
  for (const fate of ['drop', 'delay 400ms', 'duplicate', 'reorder', 'corrupt'])
    for (const side of [0, 1] as const) {
      const pkt = packetdrillOf(scriptOf(`${base}\nframe 4 ${fate}`), END, side);
      expect(run(pkt).status).toBe('ok');
      if (fate === 'corrupt' && side === 1) expect(pkt).toMatch(/arrives damaged/);
    }
});

test('a call that waits while others are made is written where it returns; connect() goes to the background', () => {
  const text = `end 3s\n0 wire delay 200ms\n0 B listen s 80\n0 B accept s b\n0 B set s keepalive 1\n10ms A connect a B:80\n50ms A set a nodelay 1\n2s A close a`;
  const a = packetdrillOf(scriptOf(text), END, 0);
  expect(
    told(a)
      .filter(l => /connect|fcntl|getsockopt/.test(l))
      .map(l => l.slice(9)),
  ).toEqual([
    'fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0',
    'connect(3, ..., ...) = -1 EINPROGRESS',
    'getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0',
    'fcntl(3, F_SETFL, O_RDWR) = 0',
  ]);
  expect(a).toContain('setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0');
  const b = packetdrillOf(scriptOf(text), END, 1);
  expect(b).toMatch(/0\.6\d+ accept\(3, \.\.\., \.\.\.\) = 4 {2}\/\/ since 0\.000000/);
  for (const pkt of [a, b]) {
    expect(run(pkt).status).toBe('ok');
    expect(comments(pkt)).toBe('');
  }
});

test('a write that has not returned is given a time limit, at which it ends with what it had taken', () => {
  const text =
    'end 20s\n0 B listen s 80 5 rcvbuf=4096\n0 B accept s b\n10ms A connect a B:80\n300ms A write a 400000';
  const pkt = packetdrillOf(scriptOf(text), stepsOf(text), 0);
  expect(pkt).toMatch(
    /SO_SNDTIMEO, \{tv_sec=\d+, tv_usec=\d+\}, 16\) = 0.*\n0\.300000\.\.\.\d+\.\d+ send\(3, \.\.\., 400000, 0\) = \d{4,6}\n/,
  );
  expect(run(pkt).status).toBe('ok');
  expect(comments(pkt)).toBe('');
});

test('a socket that connects again is another connection', () => {
  const text = 'end 1s\n10ms A connect a B:81\n300ms A connect a B:81';
  for (const conn of [0, 1]) {
    const pkt = packetdrillOf(scriptOf(text), END, 0, conn);
    expect(told(pkt).filter(l => l.includes('connect('))).toHaveLength(1);
    expect(pkt).toContain('= -1 ECONNREFUSED');
    expect(run(pkt).status).toBe('ok');
    expect(comments(pkt)).toBe('');
  }
});

test('close() while another call waits on the socket can not be told', () => {
  const text =
    'end 3s\n0 B listen s 80\n0 B accept s b\n10ms A connect a B:80\n100ms A read a\n300ms A close a\n1s B write b 10';
  const pkt = packetdrillOf(scriptOf(text), stepsOf(text), 0);
  expect(comments(pkt)).toMatch(/^\/\/ At 0\.300000 close\(\) is called while another call waits/);
  expect(run(pkt).status).toBe('ok');
});

test('the worker answers with files', () => {
  const answers: Answer[] = [];
  const jobs: (() => void)[] = [];
  const server = new Server(
    a => answers.push(structuredClone(a)),
    job => jobs.push(job),
  );
  server.take({ ask: 'run', run: 1, script: lessonOf('close-four')!.script });
  while (jobs.length > 0) jobs.shift()!();
  answers.length = 0;
  server.take({ ask: 'packetdrill', run: 1, step: 1000, side: 1 });
  server.take({ ask: 'packetdrill', run: 1, step: 1000, side: 0, conn: 0 });
  server.take({ ask: 'qlog', run: 1, step: 1000 });
  expect(answers.map(a => (a.answer === 'file' ? [a.what, a.text.slice(0, 9)] : a))).toEqual([
    ['packetdrill', '// Host B'],
    ['packetdrill', '// Host A'],
    ['qlog', '{\n "qlog_'],
  ]);
});

test('lingering and abortive closes say how', () => {
  const base = 'end 9s\n0 B listen s 80\n0 B accept s b\n10ms A connect a B:80\n';
  const linger = packetdrillOf(scriptOf(`${base}1s A linger a on 2\n2s A close a`), END, 0);
  expect(linger).toContain('setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=2}, 8) = 0');
  const abort = packetdrillOf(scriptOf(`${base}1s A abort a`), END, 0);
  expect(abort).toMatch(/linger=0.*\n.*close\(3\) = 0\n.*> R\. 1:1/);
  for (const pkt of [linger, abort]) expect(run(pkt).status).toBe('ok');
});
