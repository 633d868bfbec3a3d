import { describe, expect, it } from 'vitest';
import { Python } from '../../src/tools/packetdrill/python/evaluate.ts';
import { PythonError, repr } from '../../src/tools/packetdrill/python/values.ts';

const run = (...snippets: string[]): Python => {
  const python = new Python();
  for (const s of snippets) python.run(s);
  return python;
};
const value = (expression: string): string => repr(run(`x = ${expression}`).get('x') ?? null);
const failure = (source: string): PythonError => {
  try {
    run(source);
  } catch (e) {
    if (e instanceof PythonError) return e;
    throw e;
  }
  throw new Error('it did not fail');
};

describe('the small Python of packetdrill scripts', () => {
  it.each([
    ['1 + 2 * 3', '7'],
    ['-7 // 2', '-4'],
    ['-7 % 3', '2'],
    ['2 ** 10', '1024'],
    ['-2 ** 2', '-4'],
    ['7 / 2', '3.5'],
    ['0x10 | 0b1', '17'],
    ['~0 & 0xff', '255'],
    ['1 << 40', '1099511627776'],
    ['1 < 2 < 3', 'True'],
    ['1 < 2 > 3', 'False'],
    ['not 1 == 2', 'True'],
    ['1 in (1, 2)', 'True'],
    ["'b' not in 'abc'", 'False'],
    ['0 or None or 5', '5'],
    ['1 and 0', '0'],
    ["'yes' if 1 > 2 else 'no'", "'no'"],
    ['(1,)', '(1,)'],
    ['[1, 2, 3][-1]', '3'],
    ['[1, 2, 3][1:]', '[2, 3]'],
    ["{'a': 1}['a']", '1'],
    ['max(3, min(9, 5))', '5'],
    ['abs(-3) + len([1, 2])', '5'],
    ['round(2.5)', '2'],
    ["int('42') + int(3.9)", '45'],
    ['sum(i * i for i in range(4))', '14'],
    ['[i for i in range(5) if i % 2]', '[1, 3]'],
    ["'%d of %5.2f' % (3, 2.5)", "'3 of  2.50'"],
    ["'{} {:>4} {0}'.replace('{0}', '') .format(1, 2)", "'1    2 '"],
    ['True == 1', 'True'],
    ['None is None', 'True'],
    ["'a' 'b'", "'ab'"],
    ['(lambda a, b=2: a + b)(1)', '3'],
    ['sorted([3, 1, 2])', '[1, 2, 3]'],
    ['hex(255)', "'0xff'"],
    ["' x '.strip().upper()", "'X'"],
    ['10000000000 * 3', '30000000000'],
  ])('evaluates %s', (expression, expected) => {
    expect(value(expression)).toBe(expected);
  });

  it('formats f-strings with conversions, specifications and labels', () => {
    const python = run(
      'cwnd = 10\nprint(f\'cwnd {cwnd:4d}|{cwnd / 4:.1f}|{cwnd=}|{{}}|{"s"!r}|{cwnd != 9}\')',
    );
    expect(python.output).toEqual(["cwnd   10|2.5|cwnd=10|{}|'s'|True"]);
  });

  it('keeps variables and functions from one snippet to the next', () => {
    const python = run('old = 7', 'def twice(n):\n  return 2 * n\n', 'new = twice(old)');
    expect(python.get('new')).toBe(14);
  });

  it('takes an indented block as a whole, even when its first line starts beside the bracket', () => {
    run('\n      assert 1 == 1\n      if 1:\n        assert 2 == 2\n    ');
    run(' assert 1 == 1\n   assert 2 == 2\n   ');
    run('assert 1 == 1; assert 2 == 2');
  });

  it('says what an assertion found', () => {
    const e = failure('a = 3\n\nassert a == 4, "cwnd is %d" % a');
    expect(e).toMatchObject({ type: 'AssertionError', line: 3 });
    expect(e.message).toContain('cwnd is 3');
    expect(e.message).toContain('a = 3');
  });

  it('runs if, elif, else, while, for, break, continue, try and tuple assignment', () => {
    const python = run(`
a, b = 1, 2
a, b = b, a
seen = []
for i in range(10):
    if i == 2: continue
    elif i > 4:
        break
    else:
        seen.append(i)
n = 0
while True:
    n += 1
    if n >= 5: break
try:
    assert n == 6
except AssertionError as e:
    n = -1
`);
    expect(repr(python.get('seen') ?? null)).toBe('[0, 1, 3, 4]');
    expect([python.get('a'), python.get('b'), python.get('n')]).toEqual([2, 1, -1]);
  });

  it('has local variables, recursion and global in functions', () => {
    const python = run(`
count = 0
def fact(n):
    global count
    count += 1
    return 1 if n < 2 else n * fact(n - 1)
x = fact(5)
`);
    expect([python.get('x'), python.get('count')]).toEqual([120, 5]);
  });

  it("imports nothing that reaches the machine, and keeps Python 2's print", () => {
    const python = run('import math\nfrom os import path\nprint math.floor(2.5), "x"\nprint("done")');
    expect(python.output).toEqual(["(2, 'x')", 'done']);
    expect(failure('import os\nos.system("ls")').type).toBe('AttributeError');
    expect(failure('open("/etc/passwd")').type).toBe('NameError');
  });

  it('ends what would run or grow for ever', () => {
    expect(failure('while True: pass').type).toBe('TimeoutError');
    expect(failure('def f(): return f()\nf()').type).toBe('RecursionError');
    expect(failure("x = 'aaaaaaaaaaaaaaaa' * 1000000000").type).toBe('MemoryError');
    expect(failure('range(10 ** 12)').type).toBe('MemoryError');
    expect(failure(`x = ${'('.repeat(5000)}1${')'.repeat(5000)}`).type).toBe('SyntaxError');
  });

  it('reports syntax errors with their line', () => {
    expect(failure('a = 1\nb = (2').line).toBe(2);
    expect(failure('a = 1 +')).toMatchObject({ type: 'SyntaxError', line: 1 });
    expect(failure('if 1:\nx = 2').type).toBe('SyntaxError');
  });
});
