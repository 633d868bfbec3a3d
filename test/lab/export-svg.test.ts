import { describe, expect, test } from 'vitest';
import { EventLog, NOTE, SEGMENT, STATE } from '../../lab/engine/log.ts';
import { ladderSvg, MOST_ROWS, pathOf, statesSvg } from '../../lab/export/ladder-svg.ts';
import { columnsOf } from '../../lab/export/ladder-text.ts';
import { LESSONS, lessonOf } from '../../lab/lessons/index.ts';
import { CLOSED, ESTABLISHED, SYN_SENT, TIME_WAIT } from '../../src/tcp/state.ts';
import { stateSvg } from '../../src/tools/diagram/svg.ts';
import { runOf, segmentsOf } from './run.ts';

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** The elements of a document. @throws Error where it is not well-formed XML */
function parse(xml: string): Element[] {
  const out: Element[] = [];
  const open: Element[] = [];
  let at = 0;
  for (const m of xml.matchAll(/<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    const between = xml.slice(at, m.index);
    if (/[<]|&(?!amp;|lt;|gt;|quot;|#39;)/.test(between)) throw new Error(`not text: ${between}`);
    if (open.length > 0) open.at(-1)!.text += between;
    else if (between.trim() !== '') throw new Error(`outside the root: ${between}`);
    at = m.index + m[0].length;
    const [, end, name = '', rest = '', empty] = m;
    if (end === '/') {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes another element`);
      continue;
    }
    if (open.length === 0 && out.length > 0) throw new Error('a second root');
    const attributes: Record<string, string> = {};
    for (const [, key = '', value = ''] of rest.matchAll(/([\w:-]+)="([^"]*)"/g)) {
      if (key in attributes) throw new Error(`${key} stands twice`);
      if (/&(?!amp;|lt;|gt;|quot;|#39;)/.test(value)) throw new Error(`bare & in ${value}`);
      attributes[key] = value;
    }
    const element = { name, attributes, text: '' };
    out.push(element);
    if (empty !== '/') open.push(element);
  }
  if (open.length > 0 || xml.slice(at).trim() !== '') throw new Error('something is left open');
  return out;
}

const arrowsOf = (elements: readonly Element[]): Element[] =>
  elements.filter(e => e.attributes['data-row'] !== undefined);

/** Corners of a text, by a generous width of its letters. */
function extent(e: Element, size: number): [number, number][] {
  const { x = '0', y = '0', transform = '', class: style = '' } = e.attributes;
  const width = columnsOf(e.text.replace(/&\w+;|&#39;/g, '_')) * size * 0.62;
  const left =
    Number(x) - (/\bend\b/.test(style) ? width : /\b(?:middle|name)\b/.test(style) ? width / 2 : 0);
  const [, down = '0'] = /translate\(0 (\S+?)\)/.exec(transform) ?? [];
  const [, turn = '0', about = '0'] = /rotate\((\S+) (\S+) 0\)/.exec(transform) ?? [];
  const angle = (Number(turn) * Math.PI) / 180;
  return [left, left + width].map(px => {
    const dx = px - Number(about);
    return [
      Number(about) + dx * Math.cos(angle) - Number(y) * Math.sin(angle),
      Number(down) + dx * Math.sin(angle) + Number(y) * Math.cos(angle),
    ];
  });
}

const SIZES: Readonly<Record<string, number>> = { title: 19, name: 14, state: 11, foot: 12, note: 11 };

describe.each(LESSONS.map(l => [l.id, l] as const))('the ladder of lesson %s', (_, lesson) => {
  const run = runOf(lesson.script);

  test.each(['en', 'zh'] as const)(
    'is well-formed, has an arrow for each segment, and all of its texts: %s',
    lang => {
      const title = lesson.title[lang];
      const elements = parse(
        ladderSvg(run.log, { title, lang, connections: run.recorder.connections.labels }),
      );
      expect(
        arrowsOf(elements)
          .map(a => Number(a.attributes['data-row']))
          .sort((a, b) => a - b),
      ).toEqual(segmentsOf(run).slice(0, arrowsOf(elements).length));
      if (run.log.length <= MOST_ROWS) expect(arrowsOf(elements)).toHaveLength(segmentsOf(run).length);
      const { columns: c } = run.log;
      const lost = arrowsOf(elements).filter(a => c.arrival[Number(a.attributes['data-row'])]! < 0);
      expect(elements.filter(e => e.attributes['class'] === 'cross')).toHaveLength(lost.length + 1);
      const root = elements[0]!.attributes;
      expect(root['lang']).toBe(lang);
      const [width, height] = [Number(root['width']), Number(root['height'])];
      for (const e of elements) {
        if (e.name !== 'text') continue;
        const size = SIZES[(e.attributes['class'] ?? '').split(' ')[0] ?? ''] ?? 10;
        for (const [x, y] of extent(e, size)) {
          expect(x, e.text).toBeGreaterThanOrEqual(0);
          expect(x, e.text).toBeLessThanOrEqual(width);
          expect(y, e.text).toBeGreaterThanOrEqual(size);
          expect(y, e.text).toBeLessThanOrEqual(height);
        }
      }
    },
  );

  test('shows the states of each side in their order', () => {
    if (run.log.length > MOST_ROWS) return;
    const states = parse(ladderSvg(run.log)).filter(e => /^state\b/.test(e.attributes['class'] ?? ''));
    const { kind } = run.log.columns;
    let rows = 0;
    for (let i = 0; i < run.log.length; i++) if (kind[i] === STATE) rows++;
    expect(states).toHaveLength(rows);
  });
});

test('what a script says is shown as text and can do no harm', () => {
  const log = new EventLog();
  const evil = 'wire: </text><script>alert(1)</script> & "quotes" \u0000\ud800 ]]>';
  log.add({ kind: NOTE, step: 1, time: 0, side: 2, text: evil });
  log.add({ kind: SEGMENT, step: 2, time: 5, arrival: -1, side: 0, text: '|<b>&"' });
  const svg = ladderSvg(log, { title: '<img src=x onerror="a()">', names: ['<A>', '"B&'] });
  expect(parse(svg).filter(e => e.name === 'script' || e.name === 'img' || e.name === 'b')).toEqual([]);
  expect(svg).toContain('&lt;script&gt;');
  expect(svg).not.toContain('\u0000');
});

test('it is bounded and says what it leaves out', () => {
  const log = new EventLog();
  for (let i = 0; i < MOST_ROWS + 50; i++)
    log.add({ kind: SEGMENT, step: i, time: i * 1000, arrival: i * 1000 + 10, side: i & 1, length: 1 });
  const whole = ladderSvg(log);
  expect(arrowsOf(parse(whole))).toHaveLength(MOST_ROWS);
  expect(whole).toContain('50 rows below are left out');
  const part = ladderSvg(log, { from: 10, to: 20, lang: 'zh' });
  expect(arrowsOf(parse(part)).map(a => Number(a.attributes['data-row']))).toEqual([
    10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
  ]);
  expect(part).toContain('10 行（之前）未画出');
  expect(arrowsOf(parse(ladderSvg(log, { from: 90_000, to: -4 })))).toEqual([]);
});

test('retransmissions, TIME_WAIT and the reason of a loss can be seen', () => {
  const run = runOf(lessonOf('wave1-once')!.script);
  const elements = parse(ladderSvg(run.log));
  expect(arrowsOf(elements).filter(e => /again/.test(e.attributes['class'] ?? ''))).toHaveLength(1);
  expect(
    elements.filter(e => /^text/.test(e.attributes['class'] ?? '') && e.text.includes('↻')),
  ).toHaveLength(1);
  expect(elements.some(e => e.attributes['class']?.startsWith('why') && e.text.includes('drop A FIN'))).toBe(
    true,
  );
  const bars = elements.filter(e => e.attributes['class'] === 'wait');
  expect(bars).toHaveLength(2);
  expect(Number(bars[0]!.attributes['height'])).toBeGreaterThan(60);
});

describe('the diagram of states', () => {
  const classOf = (svg: string, title: string): string =>
    new RegExp(`<path class="([^"]*)"[^>]*><title>${title}:`).exec(svg)?.[1] ?? '';

  test('shows the way that a connection has gone', () => {
    const run = runOf(lessonOf('close-four')!.script);
    const path = pathOf(run.log, 0, 0, run.log.length);
    expect(path.map(p => p[1])).toHaveLength(6);
    const svg = statesSvg(path, CLOSED);
    parse(svg);
    expect(classOf(svg, 'ESTABLISHED → FIN_WAIT_1')).toBe('edge client on');
    expect(classOf(svg, 'ESTABLISHED → CLOSE_WAIT')).toBe('edge server off');
    expect(svg.match(/class="box[^"]* hot"/g)).toHaveLength(1);
    expect(svg.lastIndexOf('hot"')).toBeGreaterThan(svg.lastIndexOf('LAST_ACK'));
  });

  test('a connection that failed is back at the CLOSED above, one that was reset at that below', () => {
    const boxes = (svg: string): string[] => svg.match(/<rect class="box[^"]*"/g) ?? [];
    const failed = boxes(
      statesSvg(
        [
          [CLOSED, SYN_SENT],
          [SYN_SENT, CLOSED],
        ],
        CLOSED,
      ),
    );
    expect(failed.filter(b => b.includes('hot'))).toHaveLength(1);
    expect(failed.at(-1)).not.toMatch(/hot|been/);
    const reset = statesSvg(
      [
        [CLOSED, SYN_SENT],
        [SYN_SENT, ESTABLISHED],
        [ESTABLISHED, CLOSED],
      ],
      CLOSED,
    );
    expect(boxes(reset).at(-1)).toMatch(/been hot/);
    expect(reset).toMatch(/class="endtext on"[^>]*><title>ESTABLISHED → CLOSED/);
  });

  test('without a path it is what it was', () => {
    expect(stateSvg({ path: [] })).toBe(stateSvg());
    expect(stateSvg({ highlight: TIME_WAIT })).not.toMatch(/ (?:on|off|been)\b/);
  });
});
