import {
  ACTIONS,
  type ActionName,
  FIELDS,
  type FieldName,
  OPERATORS,
  type Operator,
  type RuleSpec,
  TERMS,
  type Term,
  type TermName,
} from './rule.ts';
import { parseProbability, parseTime } from './units.ts';

/**
 * Rules as people write them, one line each:
 *
 * ```
 * drop B FIN 2                      the second FIN that B sends, on each connection
 * drop A pure-ACK ack>=2            every pure ACK of A from relative number 2 on
 * delay 300ms * SYN-ACK 1           the first SYN-ACK of either side
 * reorder A DATA 3..5 | duplicate B any 10% | corrupt * DATA 1% | drop * any after 2s until 5s
 *
 * RULE    = ACTION SENDER TERM... [COUNT] OPTION...
 * ACTION  = drop | delay TIME | duplicate [TIME] | corrupt | reorder [TIME] | mark
 * SENDER  = a host's name | *
 * TERM    = NAME | !NAME | FIELD=N | FIELD!=N | FIELD<N | FIELD<=N | FIELD>N | FIELD>=N
 * NAME    = any SYN SYN-ACK ACK pure-ACK FIN RST PSH URG ECE CWR DATA SACK retransmit TCP UDP ICMP ARP fragment
 * FIELD   = seq ack len win urg port sport dport size ttl icmp
 * COUNT   = N | N..M | N.. | ..M | *, several joined by commas; counted from 1, per connection
 * OPTION  = PERCENT% | after TIME | until TIME | total (count over the whole wire)
 * TIME    = 250us | 40ms | 1.5s | 2min
 * ```
 *
 * `SYN` is a SYN without ACK; `ACK` any segment with that flag; `pure-ACK` one without SYN, FIN, RST and
 * data. All terms of a rule must hold. `seq` and `ack` count from the connection's initial numbers. Names
 * may be written in any case, hosts' names may not.
 */
export type ParsedRule =
  | { readonly ok: true; readonly rule: RuleSpec }
  | { readonly ok: false; readonly error: string; readonly position: number };

/** @param hosts the names that may stand as sender */
export function parseRule(text: string, hosts: readonly string[]): ParsedRule {
  const parser = new Parser(text, hosts);
  try {
    return { ok: true, rule: parser.rule() };
  } catch (error) {
    if (error instanceof Unexpected) return { ok: false, error: parser.explain(error), position: error.at };
    throw error;
  }
}

class Unexpected extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

interface Word {
  readonly text: string;
  readonly at: number;
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const COUNT = /^(?:\*|\d+|\d+\.\.\d*|\.\.\d+)(?:,(?:\d+|\d+\.\.\d*|\.\.\d+))*$/;
const COMPARISON = /^([a-z]+)(=|!=|<=|>=|<|>)(.*)$/i;

class Parser {
  private readonly text: string;
  private readonly hosts: readonly string[];
  private readonly words: Word[] = [];
  private next = 0;

  constructor(text: string, hosts: readonly string[]) {
    this.text = text;
    this.hosts = hosts;
    for (const m of text.matchAll(/\S+/g)) this.words.push({ text: m[0], at: m.index });
  }

  rule(): RuleSpec {
    const action = this.action();
    const time = this.actionTime(action);
    const from = this.sender();
    const rule: RuleSpec = { action, from, terms: this.terms(), text: this.text.trim() };
    if (time !== null) rule.time = time;
    const count = this.peek();
    if (count !== undefined && COUNT.test(count.text)) {
      this.next++;
      if (count.text !== '*') rule.counts = this.counts(count);
    }
    while (this.peek() !== undefined) this.option(rule);
    return rule;
  }

  explain(error: Unexpected): string {
    return `${error.message}\n  ${this.text}\n  ${' '.repeat(error.at)}^`;
  }

  private peek(): Word | undefined {
    return this.words[this.next];
  }

  private fail(word: Word | undefined, expected: string): never {
    const at = word?.at ?? this.text.length;
    const found = word === undefined ? 'the end' : `'${word.text}'`;
    throw new Unexpected(at, `rule, position ${at + 1}: expected ${expected}, found ${found}`);
  }

  private action(): ActionName {
    const word = this.peek();
    const action = ACTIONS.find(a => word !== undefined && same(a, word.text));
    if (action === undefined) this.fail(word, `an action (${ACTIONS.join(', ')})`);
    this.next++;
    return action;
  }

  private actionTime(action: ActionName): number | null {
    const word = this.peek();
    const time = word === undefined ? null : parseTime(word.text);
    const isHost = word !== undefined && this.hosts.includes(word.text);
    if (action === 'delay') {
      if (time === null || isHost) this.fail(word, 'how long to delay (40ms, 1.5s)');
    } else if (time === null || isHost || (action !== 'duplicate' && action !== 'reorder')) return null;
    this.next++;
    return time;
  }

  private sender(): string {
    const word = this.peek();
    const names = [...this.hosts, '*'];
    if (word === undefined || !names.includes(word.text))
      this.fail(word, `who sends it (${names.join(', ')})`);
    this.next++;
    return word.text;
  }

  private terms(): Term[] {
    const terms: Term[] = [];
    for (let word = this.peek(); word !== undefined; word = this.peek()) {
      const term = this.term(word);
      if (term === null) break;
      terms.push(term);
      this.next++;
    }
    if (terms.length === 0)
      this.fail(this.peek(), `what is meant (${TERMS.join(', ')}, or a comparison like ack>=2)`);
    return terms;
  }

  /** A term, or null if the word begins the count or the options. */
  private term(word: Word): Term | null {
    const not = word.text.startsWith('!');
    const name = not ? word.text.slice(1) : word.text;
    const known: TermName | undefined = TERMS.find(t => same(t, name));
    if (known !== undefined) return { name: known, not };
    const comparison = COMPARISON.exec(word.text);
    if (comparison !== null) return this.comparison(word, comparison);
    if (not) this.fail(word, `a name after '!' (${TERMS.join(', ')})`);
    if (COUNT.test(word.text) || word.text.endsWith('%') || isOption(word.text)) return null;
    this.fail(word, `what is meant (${TERMS.join(', ')}, a comparison like ack>=2), a count or an option`);
  }

  private comparison(word: Word, m: RegExpExecArray): Term {
    const field: FieldName | undefined = FIELDS.find(f => same(f, m[1] ?? ''));
    if (field === undefined) this.fail(word, `one of ${FIELDS.join(', ')} before '${m[2]}'`);
    const operator: Operator | undefined = OPERATORS.find(o => o === m[2]);
    const value = m[3] ?? '';
    if (operator === undefined || !/^\d{1,10}$/.test(value))
      throw new Unexpected(
        word.at + (m[1] ?? '').length + (m[2] ?? '').length,
        `rule, position ${word.at + (m[1] ?? '').length + (m[2] ?? '').length + 1}: expected a number after '${m[1]}${m[2]}', found '${value}'`,
      );
    return { field, operator, value: Number(value) };
  }

  private counts(word: Word): [number, number][] {
    return word.text.split(',').map(part => {
      const [low = '', high] = part.split('..');
      const from = low === '' ? 1 : Number(low);
      const to = high === undefined ? from : high === '' ? Number.POSITIVE_INFINITY : Number(high);
      if (from < 1 || to < from) this.fail(word, 'a count from 1 on (2, 3..5, 4.., *)');
      return [from, to];
    });
  }

  private option(rule: RuleSpec): void {
    const word = this.words[this.next++]!;
    if (word.text.endsWith('%')) {
      const p = parseProbability(word.text);
      if (p === null) this.fail(word, 'a share between 0% and 100%');
      rule.probability = p;
    } else if (same(word.text, 'total')) rule.total = true;
    else if (same(word.text, 'after') || same(word.text, 'until')) {
      const value = this.peek();
      const time = value === undefined ? null : parseTime(value.text);
      if (time === null) this.fail(value, `a time after '${word.text}' (300ms, 2s)`);
      this.next++;
      if (same(word.text, 'after')) rule.after = time;
      else rule.until = time;
    } else this.fail(word, 'an option (5%, after TIME, until TIME, total) or the end');
  }
}

const isOption = (text: string): boolean => same(text, 'after') || same(text, 'until') || same(text, 'total');
