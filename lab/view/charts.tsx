import { effect, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Lab } from '../model/lab.ts';
import { SERIES, type Series, seriesOf, sidesWith } from '../model/series.ts';
import { clockText } from '../words/row.ts';
import { lang, t } from '../words/words.ts';
import { type Palette, readPalette } from './ladder/palette.ts';
import { theme } from './theme.ts';

/** Room for the numbers at both sides; the slider above keeps the same. */
const GUTTER = 46;
const HEIGHT = 112;

/** Congestion window, bytes in flight and round-trip time of one sender, under the slider's time axis. */
export function Charts({ lab }: { lab: Lab }) {
  const box = useRef<HTMLDivElement>(null);
  const side = useSignal(-1);
  void lab.clock.shape.value;
  const sides = sidesWith(lab.feed.value.samples, lab.conn.value);
  const shown = sides.includes(side.value) ? side.value : (sides[0] ?? 0);
  const empty = sides.length === 0;

  useEffect(() => {
    if (empty) return;
    return drawn(box.current!, lab, shown);
  }, [lab, shown, empty]);

  if (empty) return null;
  // Where windows are the matter, they are open from the start.
  const matter = lab.live.value && lab.lesson.value?.group === 'flow';
  return (
    <details class="charts" open={matter} key={lab.lessonId.value}>
      <summary>{t('charts')}</summary>
      <label class="sender">
        {t('sender')}{' '}
        <select value={String(shown)} onChange={e => (side.value = Number(e.currentTarget.value))}>
          {sides.map(s => (
            <option key={s} value={String(s)}>
              {lab.feed.value.sides[s as 0 | 1]}
            </option>
          ))}
        </select>
      </label>

      <div ref={box} class="chart" />
    </details>
  );
}

/** Draws as long as the page shows it. @returns what ends that */
function drawn(box: HTMLElement, lab: Lab, side: number): () => void {
  let plot: uPlot | null = null;
  let key = '';
  const stop = effect(() => {
    const { clock } = lab;
    for (const part of [clock.shape, lab.conn, theme, lang]) void part.value;
    const series = seriesOf(lab.feed.value.samples, lab.conn.value, side, clock.axis);
    const now = `${theme.value} ${lang.value}`;
    if (plot === null || key !== now) {
      key = now;
      plot?.destroy();
      plot = new uPlot(optionsOf(lab, readPalette(box), box.clientWidth), dataOf(series), box);
    } else plot.setData(dataOf(series));
    tellMoment(plot, lab);
  });
  const moment = effect(() => {
    void lab.clock.time.value;
    void lab.clock.step.value;
    if (plot === null) return;
    plot.redraw(false, false);
    tellMoment(plot, lab);
  });
  const watch = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height: HEIGHT }));
  watch.observe(box);
  return () => {
    stop();
    moment();
    watch.disconnect();
    plot?.destroy();
  };
}

const dataOf = (s: Series): uPlot.AlignedData => [s.x, s.cwnd, s.inFlight, s.ssthresh, s.srtt];

function optionsOf(lab: Lab, p: Palette, width: number): uPlot.Options {
  const { clock } = lab;
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const line = (label: string, stroke: string, scale: string, dash?: number[]): uPlot.Series => ({
    label,
    stroke,
    scale,
    width: 1.6,
    spanGaps: true,
    ...(stepped === undefined ? {} : { paths: stepped }),
    ...(dash === undefined ? {} : { dash }),
    points: { show: false },
  });
  const font = '10px ui-monospace, Menlo, Consolas, monospace';
  return {
    width: Math.max(200, width),
    height: HEIGHT,
    legend: { show: true, live: true },
    cursor: { y: false, bind: { click: () => null } },
    scales: { x: { time: false, range: () => [0, Math.max(1, clock.axis.height)] } },
    axes: [
      {
        stroke: p.soft,
        font,
        grid: { stroke: p.rule, width: 0.5 },
        values: (_, ticks) => ticks.map(y => clockText(Math.round(clock.axis.timeAt(y) / 1000) * 1000)),
        space: 90,
        size: 20,
        gap: 3,
        ticks: { stroke: p.rule, size: 4, width: 0.5 },
      },
      { scale: 'n', stroke: p.soft, font, size: GUTTER, grid: { stroke: p.rule, width: 0.5 } },
      { scale: 'ms', stroke: p.soft, font, size: GUTTER, side: 1, grid: { show: false } },
    ],
    series: [
      { label: t('time'), value: (_, y) => (y === null ? '–' : `${clockText(clock.axis.timeAt(y))} s`) },
      line(t(SERIES.cwnd), p.blue, 'n'),
      line(t(SERIES.inFlight), p.orange, 'n'),
      line(t(SERIES.ssthresh), p.purple, 'n', [5, 4]),
      line(t(SERIES.srtt), p.green, 'ms'),
    ],
    hooks: { draw: [u => drawMoment(u, clock.y, p.accent)], setCursor: [u => tellMoment(u, lab)] },
  };
}

/** Where nobody points at the chart, its legend tells the values of the moment. */
function tellMoment(u: uPlot, lab: Lab): void {
  if ((u.cursor.left ?? -1) >= 0) return;
  const { y } = lab.clock;
  u.setLegend({ idx: u.data[0].findLastIndex(x => x <= y) }, false);
}

function drawMoment(u: uPlot, y: number, colour: string): void {
  const x = Math.round(u.valToPos(y, 'x', true));
  u.ctx.save();
  u.ctx.strokeStyle = colour;
  u.ctx.lineWidth = 1;
  u.ctx.beginPath();
  u.ctx.moveTo(x, u.bbox.top);
  u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
  u.ctx.stroke();
  u.ctx.restore();
}
