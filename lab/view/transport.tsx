import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { SEGMENT, STATE } from '../engine/log.ts';
import { SPEEDS } from '../model/clock.ts';
import type { Lab } from '../model/lab.ts';
import { clockText } from '../words/row.ts';
import { lang, t } from '../words/words.ts';
import { Icon } from './icon.tsx';
import { isLost } from './ladder/geometry.ts';
import { readPalette, segmentColour, stateColour } from './ladder/palette.ts';
import { theme } from './theme.ts';

type Face = Parameters<typeof Icon>[0]['name'];

/** Positions of the slider: it moves along the ladder, where a minute of waiting is as short as it looks. */
const STEPS = 2000;

/** Plays, steps and goes anywhere in time. */
export function Transport({ lab }: { lab: Lab }) {
  const { clock } = lab;
  return (
    <section class="transport" aria-label={t('moment')}>
      <div class="buttons">
        <Button words={t('toStart')} face="start" act={() => clock.toStart()} />
        <Button words={t('back')} face="back" act={() => clock.back()} />
        <button
          type="button"
          class="play"
          onClick={() => clock.toggle()}
          aria-label={clock.playing.value ? t('pause') : t('play')}
          title={clock.playing.value ? t('pause') : t('play')}
        >
          <Icon name={clock.playing.value ? 'pause' : 'play'} />
        </button>
        <Button words={t('stepEvent')} face="event" act={() => clock.stepEvent()} />
        <Button words={t('stepSegment')} face="segment" act={() => clock.stepSegment()} />
        <Button words={t('stepState')} face="state" act={() => clock.stepState()} />
        <Button words={t('toEnd')} face="end" act={() => clock.toEnd()} />
        <label class="speed">
          <span>{t('speed')}</span>
          <select
            value={String(clock.speed.value)}
            onChange={e => (clock.speed.value = Number(e.currentTarget.value))}
          >
            {SPEEDS.map(s => (
              <option key={s} value={String(s)}>
                {s === 0 ? t('evenly') : s < 1 ? `1/${Math.round(1 / s)}×` : `${s}×`}
              </option>
            ))}
          </select>
        </label>
        <output class="clock" aria-label={t('moment')}>
          {clockText(clock.time.value)} s
        </output>
        {lab.live.value && (
          <>
            <button type="button" class="more" onClick={() => lab.whatIf()} title={t('whatIf')}>
              {t('whatIfShort')}
            </button>
            <button type="button" class="more" onClick={() => lab.extend()} title={t('more')}>
              {t('moreShort')}
            </button>
          </>
        )}
      </div>
      <Slider lab={lab} />
    </section>
  );
}

function Button({ words, face, act }: { words: string; face: Face; act: () => void }) {
  return (
    <button type="button" onClick={act} aria-label={words} title={words}>
      <Icon name={face} />
    </button>
  );
}

function Slider({ lab }: { lab: Lab }) {
  const { clock } = lab;
  const { axis } = clock;
  void clock.shape.value;
  void clock.step.value;
  const time = clock.time.value;
  const at = time >= clock.end ? STEPS : Math.round((clock.y / Math.max(1, axis.height)) * STEPS);
  return (
    <div class="slider">
      <Marks lab={lab} />
      <input
        type="range"
        min={0}
        max={STEPS}
        step={1}
        value={at}
        aria-label={t('moment')}
        aria-valuetext={`${clockText(time)} s`}
        onInput={e => {
          clock.playing.value = false;
          const v = Number(e.currentTarget.value);
          if (v >= STEPS) clock.toEnd();
          else clock.goY((v / STEPS) * axis.height);
        }}
      />
    </div>
  );
}

/** A mark for each segment and change of state, along the slider. */
function Marks({ lab }: { lab: Lab }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = ref.current!;
    const draw = (): void => paintMarks(canvas, lab);
    const watch = new ResizeObserver(draw);
    watch.observe(canvas);
    const stop = effect(() => {
      for (const part of [lab.clock.shape, lab.conn, theme, lang]) void part.value;
      requestAnimationFrame(draw);
    });
    return () => {
      stop();
      watch.disconnect();
    };
  }, [lab]);
  return <canvas ref={ref} class="marks" role="img" aria-label={t('ladder')} />;
}

function paintMarks(canvas: HTMLCanvasElement, lab: Lab): void {
  const ratio = devicePixelRatio || 1;
  const [w, h] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(w * ratio);
  canvas.height = Math.round(h * ratio);
  const g = canvas.getContext('2d')!;
  g.scale(ratio, ratio);
  const p = readPalette(canvas);
  const { axis, lives } = lab.clock;
  const { log } = lab.feed.peek();
  const c = log.columns;
  const x = (y: number): number => (y / Math.max(1, axis.height)) * w;
  for (const side of [0, 1] as const) {
    for (const span of lives.spans(side, lab.conn.peek())) {
      const from = x(axis.rows[span.row]!);
      const to = span.next < 0 ? w : x(axis.rows[span.next]!);
      g.fillStyle = p[stateColour(span.state)];
      g.globalAlpha = 0.5;
      g.fillRect(from, side === 0 ? 0 : h - 4, Math.max(1, to - from), 4);
    }
  }
  g.globalAlpha = 1;
  // Of rows that fall on the same half pixel one is enough.
  let drawn = -1;
  for (let i = 0; i < log.length; i++) {
    if (c.kind[i] !== SEGMENT && c.kind[i] !== STATE) continue;
    const at = Math.round(x(axis.rows[i]!) * 2);
    if (c.kind[i] === STATE || at === drawn) continue;
    drawn = at;
    const lost = isLost(log, i);
    g.fillStyle = p[segmentColour(c.flags[i]!, c.length[i]!, lost)];
    const top = c.side[i] === 0 ? 6 : h / 2 + 1;
    g.fillRect(at / 2, top, lost ? 2.5 : 1.5, h / 2 - 7);
  }
}
