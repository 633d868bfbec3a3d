import { describe, expect, test } from 'vitest';
import { CALL, NOTE } from '../../lab/engine/log.ts';
import type { Run } from '../../lab/engine/run.ts';
import { notesOf, pathOf, runOf, segmentsOf } from './run.ts';

const HEAD = `end 5s
0 B listen s 80 5
0 B accept s b
10ms A connect a B:80`;

const run = (lines: string): Run => runOf(`${HEAD}\n${lines}`);

/** Calls of a host that begin with a word, as `name(…) = result`. */
function calls(r: Run, side: 0 | 1, word: string): string[] {
  const out: string[] = [];
  for (let i = 0; i < r.log.length; i++)
    if (r.log.columns.kind[i] === CALL && r.log.columns.side[i] === side && r.log.textOf(i).startsWith(word))
      out.push(r.log.textOf(i));
  return out;
}

const flags = (r: Run, side: 0 | 1, bit: number): number =>
  segmentsOf(r).filter(i => r.log.columns.side[i] === side && r.log.columns.flags[i]! & bit).length;
const FIN = 1;
const RST = 4;

describe('an application can', () => {
  test('connect, accept, write and read', () => {
    const r = run('50ms A write a 10\n100ms B read b 4\n200ms B read b');
    expect(calls(r, 0, 'connect')).toEqual(['connect(a, 10.9.0.2, 80) = 0']);
    expect(calls(r, 1, 'accept')).toEqual(['accept(s) = 4']);
    expect(calls(r, 0, 'send')).toEqual(['send(a, 10) = 10']);
    expect(calls(r, 1, 'recv')).toEqual(['recv(b, 4) = 4', 'recv(b, 65536) = 6']);
  });

  test('listen with a backlog and never accept', () => {
    const r = runOf('end 900ms\n0 B listen s 80 0\n10ms A connect a B:80\n100ms A connect b B:80');
    expect(calls(r, 1, 'listen')).toEqual(['listen(s, 0) = 0']);
    expect(calls(r, 0, 'connect')).toHaveLength(1);
    expect(r.moment(r.steps).hosts[1].sockets[0]).toMatchObject({ name: 's', recvQ: 1, sendQ: 0 });
  });

  test('wait in accept and read until there is something', () => {
    const r = run('20ms B read b\n1s A write a 5');
    const at = Array.from({ length: r.log.length }, (_, i) => i).find(i =>
      r.log.textOf(i).startsWith('recv'),
    )!;
    expect(r.log.columns.time[at]).toBe(1_010_000);
    expect(Number(r.log.whyOf(at))).toBe(970_000);
  });

  test.each([
    ['wr', 'FIN_WAIT_1 FIN_WAIT_2', ['recv(a, 65536) = 7'], 'EPIPE'],
    ['rd', '', ['recv(a, 65536) = 7'], '3'],
    // What comes in is answered with a reset: nobody will read it.
    ['rdwr', 'FIN_WAIT_1 FIN_WAIT_2 CLOSED', ['recv(a, 65536) = ECONNRESET'], 'EPIPE'],
  ])('shut down %s', (how, path, read, sent) => {
    const r = run(`100ms A shutdown a ${how}\n200ms A write a 3\n300ms B write b 7\n400ms A read a`);
    expect(calls(r, 0, 'shutdown')).toEqual([`shutdown(a, ${how}) = 0`]);
    expect(pathOf(r, 0, 0)).toBe(`SYN_SENT ESTABLISHED ${path}`.trim());
    expect(calls(r, 0, 'recv')).toEqual(read);
    expect(calls(r, 0, 'send')).toEqual([`send(a, 3) = ${sent}`]);
  });

  test('close, and what it writes to a closed peer is answered with a reset', () => {
    const r = run('100ms A close a\n300ms B write b 5\n400ms B write b 5');
    expect(calls(r, 0, 'close')).toEqual(['close(a) = 0']);
    expect(flags(r, 0, RST)).toBe(1);
    expect(calls(r, 1, 'send')).toEqual(['send(b, 5) = 5', 'send(b, 5) = EPIPE']);
  });

  test('abort', () => {
    const r = run('100ms A write a 10\n200ms A abort a\n300ms B read b\n400ms B read b');
    expect([flags(r, 0, FIN), flags(r, 0, RST)]).toEqual([0, 1]);
    expect(calls(r, 1, 'recv')).toEqual(['recv(b, 65536) = 10', 'recv(b, 65536) = ECONNRESET']);
  });

  test('linger in close() until the FIN is acknowledged, or until its time is over', () => {
    const blocked = (lines: string): number => {
      const r = run(lines);
      const at = Array.from({ length: r.log.length }, (_, i) => i).find(
        i => r.log.textOf(i) === 'close(a) = 0',
      )!;
      return Number(r.log.whyOf(at));
    };
    expect(blocked('50ms A linger a on 3\n100ms A close a')).toBeLessThan(100_000);
    expect(blocked('50ms A linger a on 3\n100ms A close a')).toBeGreaterThan(10_000);
    expect(blocked('50ms A linger a on 3\n60ms wire partition on\n100ms A close a')).toBe(3_000_000);
    expect(blocked('50ms A linger a off\n100ms A close a')).toBe(0);
  });

  test('linger for no time at all, which resets', () => {
    expect(flags(run('50ms A linger a on 0\n100ms A close a'), 0, RST)).toBe(1);
  });

  test('bind a port, and set options', () => {
    const r = run('0 A bind c 7000\n0 A set c reuseaddr 1\n50ms A connect c B:80\n100ms A set c keepidle 7');
    expect(calls(r, 0, 'bind')).toEqual(['bind(c, 10.9.0.1, 7000) = 0']);
    expect(r.recorder.connections.labels.some(l => l.includes('10.9.0.1:7000'))).toBe(true);
    expect(calls(r, 0, 'setsockopt').at(-1)).toMatch(/^setsockopt\(c, 6, 4, 7\) = 0$/);
    expect(notesOf(run('50ms A set a warp 9'))).toEqual(["A: no option 'warp'"]);
  });

  test('drain, serve and fetch', () => {
    const r = runOf(
      'end 5s\n0 B listen s 80\n0 B serve s reply 10\n0 A fetch 3 B:80 each\n0 A fetch 2 B:80 pool',
    );
    expect(calls(r, 0, 'connect')).toHaveLength(4);
    expect(calls(r, 1, 'accept')).toHaveLength(4);
    expect(calls(r, 0, 'recv').filter(c => c.endsWith('= 10'))).toHaveLength(5);
    const d = run('50ms A write a 50000\n60ms B drain b\n1s A close a');
    expect(calls(d, 1, 'recv').at(-1)).toMatch(/= 0 \(EOF\)$/);
  });

  test('use a name that comes only later', () => {
    expect(calls(run('0 B read b\n1s A write a 3'), 1, 'recv')).toEqual(['recv(b, 65536) = 3']);
  });
});

describe('a host can', () => {
  test('lose its power and start again without memory', () => {
    const r = run(
      '1s B crash\n1500ms B write b 1\n2s B restart\n2100ms B listen s 80\n2200ms B serve s\n3s A connect c B:80',
    );
    expect(notesOf(r)).toEqual(['B crashes', 'B starts again']);
    expect(calls(r, 1, 'send')).toEqual([]);
    const down =
      r.log.columns.step[
        Array.from({ length: r.log.length }, (_, i) => i).find(i => r.log.columns.kind[i] === NOTE)!
      ]!;
    expect(r.moment(down).hosts[1]).toMatchObject({ down: true, sockets: [] });
    expect(calls(r, 0, 'connect')).toEqual(['connect(a, 10.9.0.2, 80) = 0', 'connect(c, 10.9.0.2, 80) = 0']);
  });

  test('start again at once', () => {
    const r = run('1s A restart\n2s B write b 5');
    expect(flags(r, 0, RST)).toBe(1);
    expect(r.moment(r.steps).hosts[0]).toMatchObject({ down: false, sockets: [] });
  });

  test('have its sysctls changed, which the moment shows until it starts again', () => {
    const r = run(
      '100ms A sysctl tcp_fin_timeout 5\n200ms A sysctl tcp_warp 1\n300ms A sysctl tcp_sack maybe\n1s A restart',
    );
    expect(notesOf(r)[0]).toBe('A: sysctl tcp_fin_timeout = 5');
    expect(notesOf(r)[1]).toMatch(/tcp_warp/);
    expect(notesOf(r)[2]).toMatch(/bad value 'maybe'/);
    const set = Array.from({ length: r.steps + 1 }, (_, s) => r.moment(s).hosts[0].sysctls);
    expect(set[0]).toEqual([]);
    expect(set).toContainEqual([{ name: 'net.ipv4.tcp_fin_timeout', value: '5' }]);
    expect(set.at(-1)).toEqual([]);
  });
});

test('a frame’s fate outlives the rules that are cleared', () => {
  const r = run('frame 4 drop\n0 wire rule delay A SYN 5ms\n50ms wire clear\n100ms A write a 10');
  const { columns: c } = r.log;
  expect(
    segmentsOf(r)
      .filter(i => c.fate[i] === 1)
      .map(i => c.frame[i]),
  ).toEqual([4]);
});
