import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { EventLog, MARK_AGAIN, MARK_INJECTED, SEGMENT, STATE } from '../../lab/engine/log.ts';
import { parseScript } from '../../lab/engine/script.ts';
import { LESSONS } from '../../lab/lessons/index.ts';
import { callText } from '../../lab/words/calls.ts';
import { causeText } from '../../lab/words/causes.ts';
import { fieldName, fieldValue } from '../../lab/words/fields.ts';
import { type Field, fieldsOf } from '../../lab/words/header.ts';
import { noteText, reasonText } from '../../lab/words/notes.ts';
import {
  clockText,
  eventText,
  flagsText,
  optionsAndReason,
  repeated,
  segmentParts,
  spanText,
} from '../../lab/words/row.ts';
import { scriptErrorText } from '../../lab/words/script-error.ts';
import { timerText } from '../../lab/words/timers.ts';
import { lang, WORDS } from '../../lab/words/words.ts';
import { CLOSED, FIN_WAIT_1, TIME_WAIT } from '../../src/tcp/state.ts';
import { decodeIpv4, Ipv4Header } from '../../src/wire/ipv4.ts';
import { OK } from '../../src/wire/reason.ts';
import { ACK, FIN, PSH, RST, Segment, SYN } from '../../src/wire/segment.ts';
import { decodeTcp } from '../../src/wire/tcp.ts';
import { notesOf, runOf, segmentsOf } from './run.ts';

afterEach(() => {
  lang.value = 'en';
});

/** Every lesson's run, each made once. */
const runs = new Map(LESSONS.map(l => [l.id, runOf(l.script)]));
const run = (id: string) => runs.get(id)!;

describe('header fields', () => {
  const at = (fields: readonly Field[], layer: string, name: string) =>
    fields.find(f => f.layer === layer && f.name === name)?.value;

  test('say of every frame of the lessons what the decoders say', () => {
    let frames = 0;
    for (const [id, made] of runs) {
      for (const row of segmentsOf(made)) {
        const frame = made.log.columns.frame[row]!;
        const bytes = frame < 0 ? null : made.bytes(frame);
        if (bytes === null) continue;
        const fields = fieldsOf(bytes);
        const said = (name: string, layer = 'TCP') => at(fields, layer, name);
        const segment = new Segment();
        expect(decodeTcp(bytes, 20, bytes.length, segment, true), id).toBe(OK);
        expect(said('source port')).toBe(String(segment.sourcePort));
        expect(said('destination port')).toBe(String(segment.destinationPort));
        expect(said('sequence number')).toBe(String(segment.seq >>> 0));
        expect(said('acknowledgment number')).toBe(String(segment.ack >>> 0));
        expect(said('flags')).toBe(flagsText(segment.flags));
        expect(said('window')).toBe(String(segment.window));
        expect(said('MSS')).toBe(segment.mss < 0 ? undefined : String(segment.mss));
        expect(said('window scale')?.split(' ')[0]).toBe(
          segment.windowScale < 0 ? undefined : String(segment.windowScale),
        );
        expect(said('SACK permitted')).toBe(segment.sackPermitted ? '✓' : undefined);
        expect(said('timestamps')).toBe(
          segment.hasTimestamps ? `${segment.tsVal >>> 0}, echo ${segment.tsEcr >>> 0}` : undefined,
        );
        const blocks = Array.from(
          { length: segment.sackBlocks },
          (_, i) => `${segment.sackLeft[i]! >>> 0}–${segment.sackRight[i]! >>> 0}`,
        );
        expect(said('SACK')).toBe(blocks.length === 0 ? undefined : blocks.join(', '));
        const length = made.log.columns.length[row]!;
        expect(said('payload', 'data')).toBe(length === 0 ? undefined : `${length} bytes`);
        if (bytes.length < 192) {
          const ip = new Ipv4Header();
          expect(decodeIpv4(bytes, 0, bytes.length, ip), id).toBe(OK);
          expect(said('TTL', 'IP')).toBe(String(ip.ttl));
        }
        frames++;
      }
    }
    expect(frames).toBeGreaterThan(1000);
  });

  const inside = (bytes: Uint8Array): void => {
    for (const f of fieldsOf(bytes)) {
      expect(f.at).toBeGreaterThanOrEqual(0);
      expect(f.length).toBeGreaterThanOrEqual(0);
      expect(f.at + f.length).toBeLessThanOrEqual(bytes.length);
    }
  };

  test('lie inside the bytes, whatever they are', () => {
    const random = fc.uint8Array({ maxLength: 120 });
    const likely = fc
      .tuple(fc.constantFrom(0x45, 0x46, 0x4f, 0x41, 0x60), random)
      .map(([first, rest]) => Uint8Array.of(first, ...rest));
    fc.assert(fc.property(fc.oneof(random, likely), inside), { numRuns: 2000 });
  });

  test('lie inside a frame that is cut short, or has one byte wrong', () => {
    const frames = segmentsOf(run('fast-retransmit'))
      .map(row => run('fast-retransmit').bytes(run('fast-retransmit').log.columns.frame[row]!))
      .filter(b => b !== null);
    fc.assert(
      fc.property(fc.constantFrom(...frames), fc.nat(200), fc.nat(80), fc.nat(255), (frame, n, i, byte) => {
        const bytes = frame.slice(0, n);
        if (i < bytes.length) bytes[i] = byte;
        inside(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test('cover a header without a gap', () => {
    const bytes = run('handshake').bytes(0)!;
    const covered = new Set<number>();
    for (const f of fieldsOf(bytes)) for (let i = 0; i < f.length; i++) covered.add(f.at + i);
    const open = [...bytes.keys()].filter(i => !covered.has(i));
    // What is left are NOPs between options.
    expect(open.map(i => bytes[i])).toEqual(open.map(() => 1));
  });

  test('are called in Chinese as textbooks call them', () => {
    const fields = fieldsOf(run('handshake').bytes(0)!);
    lang.value = 'zh';
    const names = fields.map(fieldName);
    expect(names).toContain('序列号');
    expect(names).toContain('窗口扩大');
    expect(names.filter(name => /[a-z]{3}/.test(name))).toEqual([]);
    expect(fields.map(fieldValue).filter(value => /[a-z]{4}/.test(value))).toEqual([]);
  });
});

describe('rows', () => {
  test.for([
    [0, '0.000'],
    [1, '0.000001'],
    [10, '0.00001'],
    [100, '0.0001'],
    [1000, '0.001'],
    [60_610_700, '60.6107'],
    [70_000_000, '70.000'],
  ] as const)('a clock at %d µs shows %s', ([micros, text]) => {
    expect(clockText(micros)).toBe(text);
  });

  test('a clock shows every microsecond that there is', () => {
    fc.assert(
      fc.property(fc.nat(1e12), t => {
        expect(Math.round(Number(clockText(t)) * 1e6)).toBe(t);
        expect(clockText(t)).toMatch(/^\d+\.\d{3,6}$/);
      }),
    );
  });

  test.for([
    [250, '250 µs'],
    [999.6, '1 ms'],
    [20_000, '20 ms'],
    [1500, '1.5 ms'],
    [999_999, '1 s'],
    [1_500_000, '1.5 s'],
    [60e6, '60 s'],
    [120e6, '2 min'],
    [7200e6, '2 h'],
  ] as const)('a span of %d µs is %s', ([micros, text]) => {
    expect(spanText(micros)).toBe(text);
  });

  test('a span is told to a hundredth at least as well as it is', () => {
    const units = { µs: 1, ms: 1e3, s: 1e6, min: 60e6, h: 3600e6 };
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e11, noNaN: true }), t => {
        const [n, unit] = spanText(t).split(' ') as [string, keyof typeof units];
        expect(Math.abs(Number(n) * units[unit] - t)).toBeLessThanOrEqual(Math.max(0.5, t / 100));
      }),
    );
  });

  test('say on an arrow what matters, most important first', () => {
    const log = new EventLog();
    const segment = (flags: number, o: object = {}) =>
      segmentParts(log, log.add({ kind: SEGMENT, step: 1, time: 0, flags, window: 9, ...o }));
    expect(segment(SYN, { text: 'mss=1460 wscale=10|' })).toEqual(['SYN', 'seq 0', 'mss 1460']);
    expect(segment(ACK, { ack: 1 })).toEqual(['ACK', 'ack 1']);
    expect(segment(PSH | ACK, { seq: 1, length: 100, ack: 7 })).toEqual([
      'PSH+ACK',
      'seq 1–101',
      'ack 7',
      'len 100',
    ]);
    expect(segment(ACK, { ack: 5, window: 0, text: 'sack 9-12|' })).toEqual([
      'ACK',
      'ack 5',
      'win 0',
      'sack 9-12',
    ]);
    expect(segment(RST, { seq: 3, window: 0 })).toEqual(['RST', 'seq 3']);
    expect(segment(0)).toEqual(['no flags']);
    expect(segment(SYN | ACK | 0x1c0)).toEqual(['SYN+ECE+CWR+AE+ACK', 'seq 0', 'ack 0']);
  });

  test('a retransmission points at what it repeats', () => {
    const { log } = run('wave1-once');
    const again = segmentsOf(run('wave1-once')).filter(i => log.columns.marks[i]! & MARK_AGAIN);
    expect(again.length).toBeGreaterThan(0);
    for (const row of again) {
      const first = repeated(log, row);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(first).toBeLessThan(row);
      for (const column of ['seq', 'side', 'conn'] as const)
        expect(log.columns[column][first]).toBe(log.columns[column][row]);
      expect(log.columns.flags[first]! & FIN).toBe(FIN);
    }
    expect(repeated(log, segmentsOf(run('wave1-once'))[0]!)).toBe(-1);
  });

  test('what was put on the wire by hand, or by the other side, is not repeated by anyone', () => {
    const log = new EventLog();
    const add = (o: object): number =>
      log.add({ kind: SEGMENT, step: 1, time: 0, conn: 0, side: 0, seq: 1, length: 10, ...o });
    const first = add({});
    add({ marks: MARK_INJECTED });
    add({ side: 1 });
    add({ conn: 1 });
    add({ length: 5 });
    const second = add({ marks: MARK_AGAIN });
    expect(repeated(log, second)).toBe(first);
    // The first time counts, not the last repetition.
    expect(repeated(log, add({ marks: MARK_AGAIN }))).toBe(first);
    expect(repeated(log, add({ marks: MARK_AGAIN, seq: 12 }))).toBe(-1);
  });

  test('options are called by their names', () => {
    expect(callText('setsockopt(s, 1, 2, 1) = 0')).toBe('setsockopt(s, SO_REUSEADDR, 1) = 0');
    expect(callText('setsockopt(a, 6, 4, 2) = 0')).toBe('setsockopt(a, TCP_KEEPIDLE, 2) = 0');
    expect(callText('setsockopt(a, 6, 99, 2) = 0')).toBe('setsockopt(a, 6, 99, 2) = 0');
    expect(callText('close(a) = 0')).toBe('close(a) = 0');
  });
});

describe('in Chinese', () => {
  test('every note, timer and reason of the lessons is told', () => {
    lang.value = 'zh';
    for (const made of runs.values()) {
      for (const note of notesOf(made)) expect(noteText(note)).toMatch(/[\u4e00-\u9fff]|：sysctl /);
      for (const row of segmentsOf(made)) {
        const [, reason] = optionsAndReason(made.log, row);
        if (/^[a-z]+$/.test(reason)) expect(reasonText(reason)).toMatch(/[\u4e00-\u9fff]/);
      }
      for (let i = 0; i < made.log.length; i++) expect(eventText(made.log, i)).not.toBe('undefined');
    }
    for (const name of ['persist', 'delack', 'keepalive', 'fast'])
      expect(timerText(name)).toMatch(/[\u4e00-\u9fff]/);
  });

  test('every fault of a script is told', () => {
    lang.value = 'zh';
    for (const text of [
      'seed x',
      'hz',
      'end',
      'frame x drop',
      'later A close a',
      '1s C close a',
      '1s A dance',
      '1s A write a',
      '\n'.repeat(3000),
    ]) {
      const parsed = parseScript(text);
      expect(parsed.ok).toBe(false);
      if (!parsed.ok) expect(scriptErrorText(parsed.error)).toMatch(/[\u4e00-\u9fff]/);
    }
    lang.value = 'en';
    expect(scriptErrorText('anything')).toBe('anything');
  });

  test('notes that nobody has translated, and names from Object, stay as they are', () => {
    lang.value = 'zh';
    fc.assert(fc.property(fc.string(), text => typeof noteText(text) === 'string'));
    expect(noteText('something new')).toBe('something new');
    expect(reasonText('constructor')).toBe('constructor');
    expect(timerText('constructor')).toBe('constructor');
  });

  test('every word of the page has both languages', () => {
    for (const [key, words] of Object.entries(WORDS)) {
      expect(words.en.trim(), key).not.toBe('');
      expect(words.zh.trim(), key).not.toBe('');
      // Chinese sentences have Chinese punctuation.
      expect(words.zh, key).not.toMatch(/[\u4e00-\u9fff] ?[,:;!?](?: |$)|[\u4e00-\u9fff]\.(?: |$)/);
    }
  });
});

describe('causes', () => {
  /** The cause of a host's last change of state. */
  const cause = (id: string, side: number): string => {
    const { log } = run(id);
    const { columns: c } = log;
    let row = -1;
    for (let i = 0; i < log.length; i++) if (c.kind[i] === STATE && c.side[i] === side) row = i;
    return causeText(log, row);
  };

  test.for([
    ['close-four', 0, '2 MSL'],
    ['close-four', 1, 'ACK of FIN'],
    ['rfc1337', 0, 'RST received'],
    ['rfc1337-on', 0, '2 MSL'],
    ['refused', 0, 'RST received'],
    ['wave3-forever', 1, 'retransmission timed out'],
  ] as const)('%s, side %d: %s', ([id, side, words]) => {
    expect(cause(id, side)).toBe(words);
  });

  test('are those of the edge where there is but one', () => {
    const log = new EventLog();
    const row = log.add({ kind: STATE, step: 1, time: 0, from: FIN_WAIT_1, to: CLOSED, why: 'RST received' });
    expect(causeText(log, row)).toBe('RST received');
    const other = log.add({ kind: STATE, step: 1, time: 0, from: TIME_WAIT, to: CLOSED });
    expect(causeText(log, other)).toBe('2 MSL');
    lang.value = 'zh';
    expect(causeText(log, row)).toBe('收到 RST');
  });
});
