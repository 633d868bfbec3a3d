import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLOSED, ESTABLISHED, LISTEN, type State, stateName } from '../../src/tcp/state.ts';
import { COLOURED, columnsOf, PLAIN, unpainted } from '../../src/tools/cli/paint.ts';
import { Analyst } from '../../src/tools/trace/analyse.ts';
import { traceJson } from '../../src/tools/trace/json.ts';
import { ladderText } from '../../src/tools/trace/ladder.ts';
import { ConversationLog } from '../../src/tools/trace/log.ts';
import { StateGuess } from '../../src/tools/trace/states.ts';
import { storyOf } from '../../src/tools/trace/story.ts';
import { tableRows, tableText } from '../../src/tools/trace/table.ts';
import { A, ACK, B, FIN, PSH, RST, Script, SYN, wholeLife } from './trace-fixture.ts';

const plain = (s: Script, width = 100): string[] => ladderText(s.log, { width, paint: PLAIN });

describe('the ladder', () => {
  test('shows a whole life: segments between two columns, states down each side', () => {
    expect(plain(wholeLife()).map(l => l.replace(/─+/g, '─'))).toEqual([
      '    seconds  A  10.77.0.1:40000                                                      10.78.0.1:80  B',
      '                  CLOSED │                                                             │ LISTEN',
      '   0.000000     SYN_SENT │─ SYN seq=0 win=64240 mss=1460 ws=7 sack ts ─▶│ SYN_RECV',
      '   0.000210  ESTABLISHED │◀─ SYN+ACK seq=0 ack=1 win=65160 mss=1460 ws=7 sack ts ─│',
      '   0.000420              │─ ACK ack=1 ─▶│ ESTABLISHED',
      '   0.000700              │─ PSH+ACK seq=1 len=78 ack=1 ─▶│',
      '   0.000910              │◀─ ACK ack=79 ─│',
      '   0.001000              │◀─ PSH+ACK seq=1 len=512 ack=79 ─│',
      '   0.001210              │─ ACK ack=513 ─▶│',
      '   0.001801   CLOSE_WAIT │◀─ FIN+ACK seq=513 ack=79 ─│ FIN_WAIT_1',
      '   0.002011              │─ ACK ack=514 ─▶│ FIN_WAIT_2',
      '   0.002302     LAST_ACK │─ FIN+ACK seq=79 ack=514 ─▶│ TIME_WAIT',
      '   0.002511       CLOSED │◀─ ACK ack=80 ─│',
    ]);
  });

  test('marks a lost segment with its reason, and the next one as sent again', () => {
    const lines = plain(wholeLife('drop B FIN 1'));
    const lost = lines.find(l => l.includes('✗'))!;
    expect(lost).toContain('drop B FIN 1 ✗──');
    expect(lost).toContain('FIN_WAIT_1');
    expect(lost).not.toContain('CLOSE_WAIT');
    expect(lines.some(l => l.includes('FIN+ACK again') && l.includes('CLOSE_WAIT'))).toBe(true);
  });

  test('puts SYN_RECV at the head of the SYN, however long the server behind took to be dialled', () => {
    const s = new Script();
    s.state(0, 'A', 7, 2, 'connect()');
    s.segment(0, 'A', SYN, 0, 0);
    s.state(80_000, 'B', 10, 3, 'as the segments tell');
    s.segment(80_100, 'B', SYN | ACK, 0, 1);
    const [syn = ''] = ladderText(s.log, { width: 100, paint: PLAIN }).filter(l => l.includes('─ SYN '));
    expect(syn).toMatch(/▶│ SYN_RECV$/);
  });

  test('fills exactly the width it is given, coloured or not', () => {
    for (const width of [72, 80, 100, 132]) {
      for (const paint of [PLAIN, COLOURED]) {
        const lines = ladderText(wholeLife('lost at random').log, { width, paint });
        const bars = new Set(lines.slice(1).map(l => unpainted(l).lastIndexOf('│')));
        expect(bars.size).toBe(1);
        for (const l of lines) expect(columnsOf(l)).toBeLessThanOrEqual(width);
      }
    }
    expect(ladderText(wholeLife().log, { width: 100, paint: COLOURED }).map(unpainted)).toEqual(
      plain(wholeLife()),
    );
  });

  test('draws control segments that cross in two lines each', () => {
    const s = new Script();
    s.state(0, 'A', ESTABLISHED, 4, 'close()');
    const a = s.segment(0, 'A', FIN | ACK, 1, 1, { delay: 20_000 });
    s.state(5, 'B', ESTABLISHED, 4, 'close()');
    const b = s.segment(5, 'B', FIN | ACK, 1, 1, { delay: 20_000 });
    s.arrive(a);
    s.state(20_000, 'B', 4, 11);
    const ackB = s.segment(20_001, 'B', ACK, 2, 2, { delay: 20_000 });
    s.arrive(b);
    s.state(20_005, 'A', 4, 11);
    const ackA = s.segment(20_006, 'A', ACK, 2, 2, { delay: 20_000 });
    s.arrive(ackB);
    s.state(40_001, 'A', 11, 6);
    s.arrive(ackA);
    s.state(40_006, 'B', 11, 6);
    const lines = plain(s).slice(2);
    const arrivals = lines.filter(l => l.includes('arrives'));
    expect(arrivals).toHaveLength(4);
    expect(arrivals[0]).toMatch(/FIN\+ACK arrives ───▶│ CLOSING/);
    expect(arrivals[1]).toMatch(/CLOSING │◀─── FIN\+ACK arrives/);
    expect(lines[0]).toMatch(/FIN_WAIT_1 │─ FIN\+ACK seq=1 ack=1/);
    expect(ladderText(s.log, { width: 100, paint: PLAIN, headings: storyOf(s.log) }).join('\n')).toContain(
      'Both close at once',
    );
  });

  test('folds long runs of data, and keeps everything with --all', () => {
    const s = new Script();
    s.segment(0, 'A', SYN, 0, 0);
    s.segment(1, 'B', SYN | ACK, 0, 1);
    s.segment(2, 'A', ACK, 1, 1);
    for (let i = 0; i < 100; i++) {
      s.segment(10 + i * 10, 'B', ACK, 1 + i * 1448, 1, { length: 1448, delay: 1 });
      if (i % 2) s.segment(15 + i * 10, 'A', ACK, 1, 1 + (i + 1) * 1448, { delay: 1 });
    }
    const folded = plain(s);
    expect(folded.length).toBeLessThan(15);
    expect(folded.join('\n')).toMatch(/⋮ {2}\d+ ACKs →, {2}← \d+ segments with \d+ bytes/);
    expect(ladderText(s.log, { width: 100, paint: PLAIN, all: true })).toHaveLength(154);
  });

  test('explains each phase', () => {
    const text = ladderText(wholeLife('drop B FIN 1').log, {
      width: 100,
      paint: PLAIN,
      headings: storyOf(wholeLife('drop B FIN 1').log),
    }).join('\n');
    for (const phase of ['Opening', 'Talking', 'Closing', 'Waiting']) expect(text).toContain(`── ${phase} `);
    expect(text).toContain('A sends 78 bytes, B sends 512 bytes');
    expect(text).toContain("B's FIN was sent 2 times (1 lost), after 204 ms.");
    expect(text).toContain('B stays in TIME_WAIT');
  });

  test('tells a refusal and an abort apart', () => {
    const refused = new Script();
    refused.state(0, 'A', 7, 2);
    refused.segment(0, 'A', SYN, 0, 0);
    refused.segment(210, 'B', RST | ACK, 0, 1);
    refused.state(410, 'A', 2, 7, 'refused');
    const text = ladderText(refused.log, { width: 100, paint: PLAIN, headings: storyOf(refused.log) }).join(
      '\n',
    );
    expect(text).toContain('B refuses');
    expect(text).toMatch(/CLOSED │◀─+ RST\+ACK/);
    const aborted = wholeLife();
    aborted.segment(900_000, 'A', RST | ACK, 80, 514);
    expect(
      ladderText(aborted.log, { width: 100, paint: PLAIN, headings: storyOf(aborted.log) }).join('\n'),
    ).toContain('A aborts');
  });
});

describe('the table', () => {
  test("has Wireshark's columns and words", () => {
    const rows = tableRows([wholeLife('drop B FIN 1').log]);
    expect(rows[0]).toMatchObject({
      no: 1,
      time: 0,
      source: A.address,
      destination: B.address,
      protocol: 'TCP',
      info: '40000 → 80 [SYN] Seq=0 Win=64240 Len=0 MSS=1460 WS=128 SACK_PERM TSval=1 TSecr=0',
    });
    expect(rows[2]!.info).toBe('40000 → 80 [ACK] Seq=1 Ack=1 Win=64256 Len=0');
    expect(rows.filter(r => r.lost).map(r => r.info)).toEqual([
      '80 → 40000 [FIN, ACK] Seq=513 Ack=79 Win=64256 Len=0 ✗ lost: drop B FIN 1',
    ]);
    expect(rows[8]!.info).toMatch(/^\[TCP Retransmission\] 80 → 40000 \[FIN, ACK\] Seq=513 /);
    const text = tableText(rows, PLAIN);
    expect(text[0]).toMatch(/^No\. +Time +Source +Destination +Protocol +Info$/);
    expect(text).toHaveLength(rows.length + 1);
  });

  test('knows duplicates, keep-alives, window updates, zero windows and gaps', () => {
    const s = new Script();
    s.segment(0, 'A', SYN, 0, 0);
    s.segment(1, 'B', SYN | ACK, 0, 1);
    s.segment(2, 'A', ACK, 1, 1);
    s.segment(3, 'B', ACK, 1, 1, { length: 100 });
    s.segment(4, 'B', ACK, 201, 1, { length: 100 });
    s.segment(5, 'A', ACK, 1, 1, { sack: [[5201, 5301]] });
    s.segment(6, 'A', ACK, 1, 301, { window: 0 });
    s.segment(7, 'A', ACK, 1, 301);
    s.segment(8, 'A', ACK, 0, 301);
    const marks = tableRows([s.log]).map(r => /^\[(TCP[^\]]*)\]/.exec(r.info)?.[1] ?? '');
    expect(marks.slice(3)).toEqual([
      '',
      'TCP Previous segment not captured',
      'TCP Dup ACK #1',
      'TCP ZeroWindow',
      'TCP Window Update',
      'TCP Keep-Alive',
    ]);
    expect(tableRows([s.log])[5]!.info).toContain('SLE=201 SRE=301');
  });

  test('counts a second life of the same two ends from its own first number', () => {
    const analyst = new Analyst({ left: A });
    const s = wholeLife();
    for (const e of s.log.events) if (e.kind === 'segment') analyst.judge(e);
    const again = s.segment(1e6, 'A', SYN, 90_000, 0);
    expect(analyst.judge(again)).toMatchObject({ seq: 0, retransmission: false, gap: false });
  });
});

describe('JSON lines', () => {
  test('begin with the connection and name the states', () => {
    const lines = [...traceJson([wholeLife().log])].map(l => JSON.parse(l));
    expect(lines[0]).toEqual({ connection: 0, left: A, right: B });
    expect(lines[1]).toMatchObject({
      connection: 0,
      kind: 'state',
      host: 'A',
      from: 'CLOSED',
      state: 'SYN_SENT',
    });
    expect(lines.filter(l => l.kind === 'segment')).toHaveLength(11);
  });
});

describe('a log', () => {
  test('keeps the first and the last events of a connection, however long it lives', () => {
    const log = new ConversationLog(1, A, B);
    for (let i = 0; i < 100_000; i++)
      log.add({ kind: 'timer', n: log.next(), at: i, host: 'A', timer: 'rto' });
    expect(log.events.length).toBeLessThanOrEqual(1200);
    expect(log.skipped + log.events.length).toBe(100_000);
    expect(log.events[0]!.at).toBe(0);
    expect(log.events.at(-1)!.at).toBe(99_999);
    expect(log.events[log.gapAt]!.at).toBe(log.gapAt + log.skipped);
    expect(ladderText(log, { width: 80, paint: PLAIN }).join('\n')).toContain(
      `${log.skipped} events not kept`,
    );
  });
});

describe('states seen from outside', () => {
  const walk = (s: Script): [string[], string[]] => {
    const a = new StateGuess(CLOSED);
    const b = new StateGuess(LISTEN);
    const names: [string[], string[]] = [[], []];
    const note = (list: string[], state: State): void => {
      if (list.at(-1) !== stateName(state)) list.push(stateName(state));
    };
    for (const e of s.log.events) {
      if (e.kind !== 'segment') continue;
      const [me, peer, i] = e.host === 'A' ? ([a, b, 0] as const) : ([b, a, 1] as const);
      note(names[i], me.sent(e.segment));
      if (e.fate === 'arrived') note(names[1 - i]!, peer.received(e.segment));
    }
    return names;
  };

  test('agree with the engine for a life in which one end closes first', () => {
    for (const lost of [undefined, 'lost']) {
      expect(walk(wholeLife(lost))).toEqual([
        ['SYN_SENT', 'ESTABLISHED', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSED'],
        ['SYN_RECV', 'ESTABLISHED', 'FIN_WAIT_1', 'FIN_WAIT_2', 'TIME_WAIT'],
      ]);
    }
  });

  test('wait with a FIN that came before the data in front of it', () => {
    const s = new Script();
    s.segment(0, 'A', SYN, 0, 0);
    s.segment(1, 'B', SYN | ACK, 0, 1);
    s.segment(2, 'A', ACK, 1, 1);
    s.segment(3, 'B', PSH | ACK, 1, 1, { length: 10, lost: 'x' });
    s.segment(4, 'B', FIN | ACK, 11, 1);
    expect(walk(s)[0].at(-1)).toBe('ESTABLISHED');
    s.segment(5, 'B', PSH | ACK, 1, 1, { length: 10 });
    s.segment(6, 'A', ACK, 1, 12);
    expect(walk(s)[0].at(-1)).toBe('CLOSE_WAIT');
  });
});

test('renderers take any order of any segments', () => {
  const segment = fc.record({
    host: fc.constantFrom('A' as const, 'B' as const),
    flags: fc.integer({ min: 0, max: 0x1ff }),
    seq: fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
    ack: fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
    length: fc.integer({ min: 0, max: 65535 }),
    lost: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 30 }), list => {
      const s = new Script();
      list.forEach((x, i) => {
        const numbers = { seq: x.seq >>> 0, ack: x.ack >>> 0, length: x.length };
        s.segment(i * 10, x.host, x.flags, 0, 0, { ...numbers, ...(x.lost ? { lost: 'x' } : {}) });
        if (i % 5 === 0) s.state(i * 10, x.host, 1, ((x.flags % 11) + 1) as State, 'why');
      });
      for (const l of ladderText(s.log, {
        width: 80,
        paint: PLAIN,
        headings: storyOf(s.log),
        verbose: true,
      })) {
        expect(columnsOf(l)).toBeLessThanOrEqual(80);
      }
      tableText(tableRows([s.log]), COLOURED);
      expect([...traceJson([s.log])].length).toBe(s.log.events.length + 1);
    }),
    { numRuns: 200 },
  );
});
