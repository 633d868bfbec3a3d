/** The comparer itself: a log against itself, and against itself with one thing changed. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Event, parseLog, parseShown, type Timeline } from '../timeline.ts';
import { compare, report } from './index.ts';
import { textDifference } from './texts.ts';

const textOf = (name: string): string =>
  readFileSync(new URL(`../timelines/${name}.txt`, import.meta.url), 'utf8');

/** A log as if it were a run: all events of its one connection. */
function asRun(name: string, change: (t: Timeline) => void = () => {}): Timeline {
  const t = parseLog(textOf(name));
  for (const e of t.events) {
    if (e.kind !== 'script') e.conn = 0;
    if (e.kind !== 'state') continue;
    const { timer } = e;
    t.timers.push({
      t: e.t,
      host: e.host,
      conn: 0,
      kind: timer?.kind ?? null,
      at: e.t + (timer?.ms ?? 0) / 1000,
    });
  }
  t.end = Math.max(t.end, 5);
  change(t);
  return t;
}

const differences = (name: string, change?: (t: Timeline) => void): string[] =>
  compare(parseLog(textOf(name)), asRun(name, change)).findings.map(f => f.what);

const segments = (t: Timeline) => t.events.filter(e => e.kind === 'segment');
const remove = (t: Timeline, test: (e: Event) => boolean): void => {
  t.events.splice(t.events.findIndex(test), 1);
};

describe('the comparer', () => {
  it('finds nothing between a log and itself', () => {
    for (const name of [
      'base4',
      'w4_forever',
      'tw_dupfin',
      'zero_window_probe',
      'half_close_transfer',
      'refused',
    ])
      expect(differences(name)).toEqual([]);
  });

  it('finds a segment that is missing, too much, or out of order', () => {
    expect(differences('w1_forever', t => remove(t, e => e.kind === 'segment' && e.t > 6))[0]).toMatch(
      /not sent|differs|late/,
    );
    expect(
      differences('base4', t => remove(t, e => e.kind === 'segment' && e.shown.flags === 'F.'))[0],
    ).toMatch(/A>B/);
    const extra = differences('base4', t => {
      const fin = segments(t).find(e => e.shown.flags === 'F.')!;
      t.events.push({ ...fin, t: 1 });
    });
    expect(extra).toContain('A>B segment is not in the log');
    const swapped = differences('half_close_transfer', t => {
      const [, , one, two] = segments(t).filter(e => e.from === 'B');
      [one!.shown, two!.shown] = [two!.shown, one!.shown];
    });
    expect(swapped[0]).toContain('seq');
  });

  it('finds each field that differs, and zero windows, but no other window', () => {
    const change = (f: (s: Record<string, unknown>) => void): string[] =>
      differences('base4', t => f(segments(t)[1]!.shown as unknown as Record<string, unknown>));
    expect(change(s => (s['win'] = 1234))).toEqual([]);
    expect(change(s => (s['win'] = 0))[0]).toContain('zero window');
    for (const [field, value] of [
      ['flags', '.'],
      ['seq', 7],
      ['ack', 2],
      ['len', 1],
      ['mss', 1400],
      ['ws', null],
      ['sackOk', false],
      ['sack', [[1, 2]]],
    ] as const)
      expect(change(s => (s[field] = value))[0]).toContain(field === 'sackOk' ? 'sackok' : field);
    expect(differences('base4', t => (segments(t)[3]!.fate = 'drop'))[0]).toContain('fate');
  });

  it('takes a timer that the log has late by an eighth, not one that it has early, and not one twice as late', () => {
    const end = (by: number) =>
      differences('base4', t => {
        const gone = t.events.findLast(e => e.kind === 'state')!;
        gone.t += by;
      });
    expect(end(-6)).toEqual([]);
    expect(end(0.004)).toEqual([]);
    expect(end(0.1)[0]).toContain('late');
    expect(end(-20)[0]).toContain('early');
  });

  it('finds a state that is missing and one that lasted, not one that passed between two looks', () => {
    expect(
      differences('base4', t => remove(t, e => e.kind === 'state' && e.state === 'TIME-WAIT'))[0],
    ).toContain('A is in gone');
    const add = (from: number, until: number) =>
      differences('base4', t => {
        const seen = t.events.find(e => e.kind === 'state' && e.state === 'FIN-WAIT-2')!;
        if (seen.kind !== 'state') return;
        t.events.push({ ...seen, t: from, state: 'CLOSING' }, { ...seen, t: until });
        t.events.sort((x, y) => x.t - y.t);
      });
    expect(add(0.1, 0.102)).toEqual([]);
    expect(add(0.1, 0.2)[0]).toContain('CLOSING');
  });

  it('finds a timer of another kind or length', () => {
    const timer = (kind: string, ms: number) =>
      differences('base4', t => {
        const x = t.timers.find(s => s.kind === 'rexmit')!;
        x.kind = kind;
        x.at = x.t + ms / 1000;
      });
    expect(timer('rexmit', 204)).toEqual([]);
    expect(timer('rexmit', 400)[0]).toContain('timer');
    expect(timer('probe0', 200)[0]).toContain('timer');
  });

  it('finds another result, another table, another counter', () => {
    const say = (from: string, to: string) =>
      differences('fw1_rst', t => {
        for (const e of t.events) if (e.kind === 'script') e.text = e.text.replace(from, to);
      });
    expect(say('ECONNRESET (Connection reset by peer)', 'ETIMEDOUT (Connection timed out)')[0]).toContain(
      'ETIMEDOUT',
    );
    expect(differences('backlog0', t => t.tail.push('ESTAB 0 0 10.9.0.1:1 10.9.0.2:2')).at(-1)).toContain(
      'at the end',
    );
    const counted = differences('max_tw', t => {
      t.tail = t.tail.map(l => l.replace(/^(TcpExtTCPTimeWaitOverflow) .*/, '$1 3'));
    });
    expect(counted.at(-1)).toContain('TcpExtTCPTimeWaitOverflow');
  });

  it('reads queues exactly, ephemeral ports by parity, and rows in any order', () => {
    const rows = ['ESTAB 0 5 10.9.0.1:40000 10.9.0.2:5000', 'LISTEN 0 5 10.9.0.1:80 0.0.0.0:*'];
    expect(textDifference(rows.join(' | '), [...rows].reverse().join(' | '))).toBeNull();
    expect(textDifference(rows[0]!, rows[0]!.replace('40000', '50002'))).toBeNull();
    expect(textDifference(rows[0]!, rows[0]!.replace('40000', '50001'))).not.toBeNull();
    expect(textDifference(rows[0]!, rows[0]!.replace(' 5 ', ' 6 '))).not.toBeNull();
  });

  it('reports the first difference with both sides around it', () => {
    const run = asRun('base4', t => (segments(t)[4]!.shown.flags = 'R.'));
    const text = report('base4', parseLog(textOf('base4')), run);
    expect(text.split('\n')[0]).toMatch(/^base4: B>A segment differs: flags/);
    expect(text).toMatch(/^> .*\[\.\] seq 1 ack 2.*\| .*\[R\.\] seq 1 ack 2/m);
    expect(text.split('\n').length).toBeLessThan(15);
  });

  it('reads what a segment line says', () => {
    expect(parseShown('[S.] seq 0 ack 1 win 65160 len 0 mss=1460 sackok=1 ws=10 sack 1-2,5-9 words')).toEqual(
      {
        rest: 'words',
        shown: {
          flags: 'S.',
          seq: 0,
          ack: 1,
          win: 65160,
          len: 0,
          mss: 1460,
          sackOk: true,
          ws: 10,
          sack: [
            [1, 2],
            [5, 9],
          ],
        },
      },
    );
  });
});
