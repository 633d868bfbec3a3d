import { describe, expect, test } from 'vitest';
import { CLOSED, ESTABLISHED, stateName, TIME_WAIT, TRANSITIONS } from '../../src/tcp/state.ts';
import { BOX_HEIGHT, BOX_WIDTH, HEIGHT, PLACES, shapeOf, WIDTH } from '../../src/tools/diagram/layout.ts';
import { stateMermaid } from '../../src/tools/diagram/mermaid.ts';
import { type Palette, stateSvg } from '../../src/tools/diagram/svg.ts';

describe('the state diagram', () => {
  test('draws every state and every transition of the engine, and nothing else', () => {
    const svg = stateSvg();
    for (const t of TRANSITIONS) {
      const title = `${stateName(t.from)} → ${stateName(t.to)}: ${t.label}`.replaceAll('&', '&amp;');
      expect(svg).toContain(`<title>${title}</title>`);
    }
    expect(svg.match(/ → [A-Z_0-9]+: /g)).toHaveLength(TRANSITIONS.length);
    expect(svg.match(/class="name"/g)).toHaveLength(12);
  });

  test('is well-formed XML without anything from elsewhere', () => {
    const svg = stateSvg({ highlight: ESTABLISHED });
    const open: string[] = [];
    for (const m of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
      if (m[3] === '/') continue;
      if (m[1] === '') open.push(m[2]!);
      else expect(open.pop()).toBe(m[2]);
    }
    expect(open).toEqual([]);
    expect(svg).toContain('class="box hot"');
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:/);
  });

  test('takes the colours of a page that it is put in, and leaves the words under the pointer out', () => {
    const names = ['paper', 'ink', 'soft', 'box', 'line', 'client', 'server', 'both', 'end', 'hot'] as const;
    const colours = Object.fromEntries(names.map(n => [n, `var(--${n})`])) as unknown as Palette;
    const svg = stateSvg({ highlight: ESTABLISHED, colours, tooltips: false });
    for (const n of names) expect(svg).toContain(`var(--${n})`);
    expect(svg).not.toMatch(/#[0-9a-f]{6}|prefers-color-scheme/);
    expect(svg.match(/<title/g)).toHaveLength(1);
    expect(svg.match(/<path class="edge /g)).toHaveLength(stateSvg().match(/<path class="edge /g)!.length);
  });

  test('every drawn edge was laid out by hand, and begins and ends at its boxes', () => {
    const near = (x: number, y: number, [cx, cy]: readonly [number, number]): boolean =>
      Math.abs(x - cx) <= BOX_WIDTH / 2 + 8 && Math.abs(y - cy) <= BOX_HEIGHT / 2 + 8;
    for (const t of TRANSITIONS.filter(e => e.main || e.to !== CLOSED)) {
      const numbers = [...shapeOf(t.from, t.to).path.matchAll(/-?\d+/g)].map(m => Number(m[0]));
      expect(numbers.length, `${stateName(t.from)} to ${stateName(t.to)}`).toBeGreaterThanOrEqual(4);
      expect(near(numbers[0]!, numbers[1]!, PLACES[t.from])).toBe(true);
      const end = numbers.slice(-2) as [number, number];
      expect(near(...end, PLACES[t.to]) || (t.to === CLOSED && near(...end, [520, 960]))).toBe(true);
      for (let i = 0; i < numbers.length; i += 2) {
        expect(numbers[i]).toBeLessThanOrEqual(WIDTH);
        expect(numbers[i + 1]).toBeLessThanOrEqual(HEIGHT);
      }
    }
  });

  test('an edge that nobody laid out still gets a straight line', () => {
    const t = { from: TIME_WAIT, to: ESTABLISHED, label: 'a < b', main: true } as const;
    const svg = stateSvg({ transitions: [...TRANSITIONS, t] });
    expect(svg).toContain('TIME_WAIT → ESTABLISHED: a &lt; b');
    expect(shapeOf(TIME_WAIT, ESTABLISHED).path).toMatch(/^M \d+ \d+ L \d+ \d+$/);
  });

  test('exists as Mermaid text', () => {
    const lines = stateMermaid().trim().split('\n');
    expect(lines[0]).toBe('stateDiagram-v2');
    expect(lines).toHaveLength(TRANSITIONS.length + 3);
    expect(lines).toContain('    FIN_WAIT_2 --> TIME_WAIT : FIN / ACK');
    for (const line of lines.slice(2, -1))
      expect(line.slice(4)).toMatch(/^[A-Z_0-9]+ --> [A-Z_0-9]+ : [^:;]+$/);
  });
});
