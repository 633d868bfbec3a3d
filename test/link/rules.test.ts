import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { FlowTable } from '../../src/link/flow.ts';
import { Packet } from '../../src/link/packet.ts';
import { Rule, type RuleSpec } from '../../src/link/rule.ts';
import { parseRule } from '../../src/link/rule-parser.ts';
import { type BuildSegment, buildIcmp, buildSegment } from '../../src/sim/build.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';

function fails(text: string): { error: string; position: number } {
  const parsed = parseRule(text, ['A', 'B']);
  if (parsed.ok) throw new Error(`'${text}' was understood`);
  return parsed;
}

function spec(text: string): RuleSpec {
  const parsed = parseRule(text, ['A', 'B']);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.rule;
}

/** Feeds segments through one rule as a wire would and says on which of them it acted. */
class Bench {
  readonly rule: Rule;
  private readonly flows = new FlowTable();
  private readonly packet = new Packet();
  private readonly random = seededRandom(1);
  now = 0;
  constructor(text: string | RuleSpec) {
    const s = typeof text === 'string' ? spec(text) : text;
    this.rule = new Rule(s, 0, s.from === undefined || s.from === '*' ? -1 : ['A', 'B'].indexOf(s.from));
  }
  send(from: 'A' | 'B', flags: string, more: Partial<BuildSegment> & { port?: number } = {}): boolean {
    const port = more.port ?? 40000;
    const ends =
      from === 'A'
        ? { source: A, destination: B, sourcePort: port, destinationPort: 80 }
        : { source: B, destination: A, sourcePort: 80, destinationPort: port };
    return this.bytes(from, buildSegment({ ...ends, flags, seq: 1000, ack: 5000, ...more }));
  }
  bytes(from: 'A' | 'B', bytes: Uint8Array): boolean {
    this.packet.readBytes(bytes, 0, bytes.length, 'ip');
    this.flows.observe(this.packet);
    return this.rule.applies(this.packet, from === 'A' ? 0 : 1, this.now, this.random);
  }
}

describe('rules in text', () => {
  test('"drop B FIN 2" is the second FIN that B sends', () => {
    expect(spec('drop B FIN 2')).toEqual({
      action: 'drop',
      from: 'B',
      terms: [{ name: 'FIN', not: false }],
      counts: [[2, 2]],
      text: 'drop B FIN 2',
    });
  });

  test('names may be in any case; times, shares, ranges and windows of time are read', () => {
    expect(
      spec('DELAY 1.5s * syn-ack !retransmit len>=10 1,3..5,9.. 25% after 300ms until 2min total'),
    ).toEqual({
      action: 'delay',
      time: 1_500_000,
      from: '*',
      terms: [
        { name: 'SYN-ACK', not: false },
        { name: 'retransmit', not: true },
        { field: 'len', operator: '>=', value: 10 },
      ],
      counts: [
        [1, 1],
        [3, 5],
        [9, Number.POSITIVE_INFINITY],
      ],
      probability: 0.25,
      after: 300_000,
      until: 120_000_000,
      total: true,
      text: 'DELAY 1.5s * syn-ack !retransmit len>=10 1,3..5,9.. 25% after 300ms until 2min total',
    });
  });

  test.each([
    ['', 0, 'an action (drop, delay', 'the end'],
    ['lose A FIN', 0, 'an action', "'lose'"],
    ['drop C FIN', 5, 'who sends it (A, B, *)', "'C'"],
    ['drop', 4, 'who sends it', 'the end'],
    ['delay A FIN', 6, 'how long to delay', "'A'"],
    ['drop A', 6, 'what is meant', 'the end'],
    ['drop A 2', 7, 'what is meant', "'2'"],
    ['drop A FINN 2', 7, 'what is meant', "'FINN'"],
    ['drop A !lost', 7, "a name after '!'", "'!lost'"],
    ['drop A acks>2', 7, 'one of seq, ack', "'acks>2'"],
    ['drop A ack>two', 11, "a number after 'ack>'", "'two'"],
    ['drop A FIN 0', 11, 'a count from 1 on', "'0'"],
    ['drop A FIN 5..3', 11, 'a count from 1 on', "'5..3'"],
    ['drop A FIN 2 200%', 13, 'a share between', "'200%'"],
    ['drop A FIN 2 after', 18, "a time after 'after'", 'the end'],
    ['drop A FIN 2 FIN', 13, 'an option', "'FIN'"],
  ])('%j is refused, with place, expectation and what was found', (text, position, expected, found) => {
    const failed = fails(text);
    expect(failed.position).toBe(position);
    expect(failed.error).toContain(`position ${position + 1}: expected ${expected}`);
    expect(failed.error).toContain(`found ${found}`);
    expect(failed.error.split('\n')[2]?.length).toBe(position + 3);
  });
});

describe('rules on segments', () => {
  test('counts are per connection and per sender', () => {
    const b = new Bench('drop B FIN 2');
    expect(b.send('B', 'F.')).toBe(false);
    expect(b.send('A', 'F.')).toBe(false);
    expect(b.send('B', 'F.', { port: 40001 })).toBe(false);
    expect(b.send('B', '.')).toBe(false);
    expect(b.send('B', 'F.')).toBe(true);
    expect(b.send('B', 'F.')).toBe(false);
    expect(b.send('B', 'F.', { port: 40001 })).toBe(true);
    expect([b.rule.seen, b.rule.acted]).toEqual([5, 2]);
  });

  test('with "total" they are counted over the whole wire', () => {
    const b = new Bench('drop B FIN 2 total');
    expect(b.send('B', 'F.')).toBe(false);
    expect(b.send('B', 'F.', { port: 40001 })).toBe(true);
  });

  test('a new life of the same pair of ports is counted anew', () => {
    const b = new Bench('drop A SYN 1');
    expect(b.send('A', 'S', { seq: 1 })).toBe(true);
    expect(b.send('A', 'S', { seq: 1 })).toBe(false);
    b.send('A', 'F.', { seq: 2 });
    expect(b.send('A', 'S', { seq: 777 })).toBe(true);
  });

  test('sequence numbers in rules count from the initial ones, across the wrap', () => {
    const b = new Bench('drop A pure-ACK ack>=2 seq=3');
    b.send('A', 'S', { seq: 0xffffffff });
    b.send('B', 'S.', { seq: 0xfffffff0 });
    expect(b.send('A', '.', { seq: 2, ack: 0xfffffff1 })).toBe(false);
    expect(b.send('A', '.', { seq: 2, ack: 0xfffffff2 })).toBe(true);
    expect(b.send('A', '.', { seq: 3, ack: 0xfffffff2 })).toBe(false);
  });

  test.each([
    ['SYN', 'S', true],
    ['SYN', 'S.', false],
    ['SYN-ACK', 'S.', true],
    ['ACK', 'P.', true],
    ['ACK', 'R', false],
    ['pure-ACK', '.', true],
    ['pure-ACK', 'F.', false],
    ['pure-ACK', 'S.', false],
    ['pure-ACK', 'R.', false],
    ['RST', 'R.', true],
    ['PSH', 'P.', true],
    ['URG', 'U.', true],
    ['ECE', 'E.', true],
    ['CWR', 'W.', true],
    ['!FIN', '.', true],
    ['!FIN', 'F.', false],
    ['TCP', '', true],
    ['UDP', '.', false],
    ['any', 'S', true],
    ['win<100', '.', false],
    ['win=65535', '.', true],
    ['port=80', '.', true],
    ['port!=80', '.', false],
    ['dport=80', '.', true],
    ['sport=80', '.', false],
    ['size=40', '.', true],
    ['size>40', '.', false],
    ['ttl<=64', '.', true],
  ])('%s on [%s]: %s', (term, flags, expected) => {
    expect(new Bench(`drop A ${term}`).send('A', flags)).toBe(expected);
  });

  test('DATA, len, retransmit and SACK look at what the segment carries', () => {
    expect(new Bench('drop A DATA').send('A', 'P.', { data: 'x' })).toBe(true);
    expect(new Bench('drop A len>1').send('A', 'P.', { data: 'x' })).toBe(false);
    expect(new Bench('drop A SACK').send('A', '.', { options: { sack: [[1, 5]] } })).toBe(true);
    const b = new Bench('drop A retransmit');
    expect(b.send('A', 'P.', { seq: 10, data: 'abc' })).toBe(false);
    expect(b.send('A', 'P.', { seq: 13, data: 'def' })).toBe(false);
    expect(b.send('A', 'P.', { seq: 10, data: 'abc' })).toBe(true);
    expect(b.send('A', '.', { seq: 10 })).toBe(false);
  });

  test('a rule about TCP, negated or not, leaves other packets alone', () => {
    const original = buildSegment({
      source: A,
      destination: B,
      sourcePort: 1,
      destinationPort: 2,
      flags: 'S',
    });
    const icmp = buildIcmp({ source: B, destination: A, type: 3, code: 4, rest: 600, original });
    expect(new Bench('drop B !FIN').bytes('B', icmp)).toBe(false);
    expect(new Bench('drop B any').bytes('B', icmp)).toBe(true);
    expect(new Bench('drop B ICMP icmp=3').bytes('B', icmp)).toBe(true);
    expect(new Bench('drop B ICMP icmp=11').bytes('B', icmp)).toBe(false);
  });

  test('IPv6 segments are read as well, behind extension headers too', () => {
    const plain = buildSegment({
      source: 'fd00::1',
      destination: 'fd00::2',
      sourcePort: 1,
      destinationPort: 2,
      flags: 'F.',
    });
    expect(new Bench('drop A FIN').bytes('A', plain)).toBe(true);
    const extended = new Uint8Array(plain.length + 8);
    extended.set(plain.subarray(0, 40));
    extended.set([6, 0, 1, 4, 0, 0, 0, 0], 40);
    extended.set(plain.subarray(40), 48);
    extended[6] = 60;
    extended[5] = extended.length - 40;
    expect(new Bench('drop A FIN').bytes('A', extended)).toBe(true);
  });

  test('a window of time and a share limit a rule', () => {
    const b = new Bench('drop A any after 1s until 2s');
    expect(b.send('A', '.')).toBe(false);
    b.now = 1_000_000;
    expect(b.send('A', '.')).toBe(true);
    b.now = 2_000_000;
    expect(b.send('A', '.')).toBe(false);
    const half = new Bench('drop A any 50%');
    let n = 0;
    for (let i = 0; i < 1000; i++) if (half.send('A', '.')) n++;
    expect(n).toBeGreaterThan(400);
    expect(n).toBeLessThan(600);
  });

  test('code may be a rule', () => {
    const b = new Bench({
      action: 'drop',
      from: 'A',
      match: (p: Packet) => p.segment.destinationPort === 80,
      counts: [[1, 1]],
    });
    expect(b.send('A', '.')).toBe(true);
    expect(b.send('A', '.')).toBe(false);
  });

  test('garbage of any length is read without harm', () => {
    const random = seededRandom('garbage');
    const b = new Bench('drop A FIN');
    for (let i = 0; i < 5000; i++) {
      const bytes = Uint8Array.from({ length: random.below(90) }, () => random.below(256));
      if (bytes.length > 0 && i % 2) bytes[0] = i % 4 === 1 ? 0x45 : 0x60;
      b.bytes('A', bytes);
    }
  });
});
