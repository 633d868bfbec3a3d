import { effect, useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Lab } from '../../model/lab.ts';
import { repeated } from '../../words/row.ts';
import { lang, t } from '../../words/words.ts';
import { Icon } from '../icon.tsx';
import { theme } from '../theme.ts';
import { frameOf, rowAt } from './geometry.ts';
import { Mirror, visibleRows } from './mirror.tsx';
import { paintLadder, type Scene } from './painter.ts';
import { readPalette } from './palette.ts';

/** A scroll so soon after a wheel, a finger or a key was meant. */
const MEANT_MS = 600;
/** Where the moment is kept while time passes, as a share of the height. */
const FOLLOW_AT = 0.68;

/**
 * The ladder: a canvas that stays in its place while a tall, empty box is scrolled, so that only what can be
 * seen is ever drawn. Beside it a table says the same to those who don't see it.
 */
export function Ladder({ lab }: { lab: Lab }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const top = useSignal(0);
  const width = useSignal(0);
  const height = useSignal(0);
  const follow = useMemo(() => new Follow(lab), [lab]);

  useEffect(() => {
    const element = box.current!;
    const measure = (): void => {
      width.value = element.clientWidth;
      height.value = element.clientHeight;
    };
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    measure();
    return () => watch.disconnect();
  }, [width, height]);

  useEffect(() => {
    const g = canvas.current!.getContext('2d')!;
    let asked = 0;
    const draw = (): void => {
      asked = 0;
      const ratio = Math.min(devicePixelRatio || 1, 3);
      const c = canvas.current!;
      const [w, h] = [Math.round(width.peek() * ratio), Math.round(height.peek() * ratio)];
      if (c.width !== w || c.height !== h) {
        c.width = w;
        c.height = h;
      }
      g.setTransform(ratio, 0, 0, ratio, 0, 0);
      paintLadder(g, sceneOf(lab, width.peek(), height.peek(), top.peek(), c));
    };
    const stop = effect(() => {
      const { clock } = lab;
      const parts = [
        clock.shape,
        clock.time,
        clock.step,
        lab.conn,
        lab.only,
        lab.chosen,
        top,
        width,
        height,
        theme,
        lang,
      ];
      for (const part of parts) void part.value;
      if (asked === 0) asked = requestAnimationFrame(draw);
    });
    return () => {
      stop();
      cancelAnimationFrame(asked);
    };
  }, [lab, top, width, height]);

  useEffect(() => follow.begin(box.current!), [follow]);

  // What is said of a segment takes room from the ladder: it stays in sight nevertheless.
  useEffect(
    () =>
      effect(() => {
        void height.value;
        const row = lab.chosen.value;
        if (row >= 0) requestAnimationFrame(() => follow.reveal(row));
      }),
    [lab, follow, height],
  );

  const onScroll = (): void => {
    top.value = box.current!.scrollTop;
    follow.scrolled();
  };
  const find = (e: MouseEvent): number => {
    const r = box.current!.getBoundingClientRect();
    const frame = frameOf(width.peek());
    return rowAt(
      lab.feed.peek().log,
      lab.clock.axis,
      frame,
      e.clientX - r.left,
      e.clientY - r.top + top.peek(),
    );
  };

  // Read here, so that the box grows with the run.
  void lab.clock.shape.value;
  const [first, end] = visibleRows(lab, top.value, height.value);
  return (
    <div class="ladder-frame">
      <div
        ref={box}
        id="ladder"
        class="ladder"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        role="application"
        aria-label={t('ladder')}
        aria-describedby="ladder-help"
        onScroll={onScroll}
        onWheel={() => follow.meant()}
        onTouchMove={() => follow.meant()}
        onPointerDown={() => follow.meant()}
        onPointerMove={e => e.buttons !== 0 && follow.meant()}
        onClick={e => (lab.chosen.value = find(e))}
        onKeyDown={e => follow.key(e)}
        onMouseMove={e => box.current!.classList.toggle('over', find(e) >= 0)}
      >
        <div class="ladder-space" style={{ height: `${lab.clock.axis.height + 60}px` }}>
          <canvas
            ref={canvas}
            class="ladder-canvas"
            style={{ width: `${width.value}px`, height: `${height.value}px` }}
          />
        </div>
      </div>
      <p id="ladder-help" class="unseen">
        {t('ladderHelp')}
      </p>
      <Mirror lab={lab} first={first} end={end} />
      {follow.lost.value && (
        <button type="button" class="follow" onClick={() => follow.again()}>
          <Icon name="delay" /> {t('follow')}
        </button>
      )}
    </div>
  );
}

function sceneOf(lab: Lab, width: number, height: number, top: number, canvas: Element): Scene {
  const { clock } = lab;
  const { log } = lab.feed.peek();
  const chosen = lab.chosen.peek();
  return {
    log,
    axis: clock.axis,
    lives: clock.lives,
    frame: frameOf(width),
    height,
    top,
    last: clock.lastRow,
    time: clock.time.peek(),
    y: clock.y,
    conn: lab.conn.peek(),
    only: lab.only.peek(),
    chosen,
    repeated: chosen >= 0 ? repeated(log, chosen) : -1,
    palette: readPalette(canvas),
  };
}

/** Keeps the moment in sight, until someone scrolls away. */
class Follow {
  readonly lost;
  private readonly lab: Lab;
  private box: HTMLElement | null = null;
  /** When someone last did what scrolls: not every scroll is meant, a box that shrinks scrolls too. */
  private meantAt = Number.NEGATIVE_INFINITY;

  constructor(lab: Lab) {
    this.lab = lab;
    this.lost = lab.away;
  }

  begin(box: HTMLElement): () => void {
    this.box = box;
    const time = effect(() => {
      void this.lab.clock.time.value;
      void this.lab.clock.step.value;
      void this.lab.clock.shape.value;
      if (!this.lost.peek()) requestAnimationFrame(() => this.show(this.lab.clock.y));
    });
    return time;
  }

  again(): void {
    this.lost.value = false;
    this.show(this.lab.clock.y);
  }

  meant(): void {
    this.meantAt = performance.now();
  }

  scrolled(): void {
    if (performance.now() - this.meantAt > MEANT_MS) return;
    const y = this.lab.clock.y - this.box!.scrollTop;
    this.lost.value = y < 0 || y > this.box!.clientHeight;
  }

  key(e: KeyboardEvent): void {
    this.meant();
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    e.preventDefault();
    e.stopPropagation();
    this.lab.chooseNext(e.key === 'ArrowDown' ? 1 : -1);
  }

  reveal(row: number): void {
    const box = this.box;
    const y = this.lab.clock.axis.rows[row];
    if (box === null || y === undefined) return;
    if (y < box.scrollTop + 20 || y > box.scrollTop + box.clientHeight - 40)
      this.scrollTo(y - box.clientHeight / 2);
  }

  private show(y: number): void {
    const box = this.box;
    if (box === null || this.lost.peek()) return;
    const room = box.clientHeight;
    const at = box.scrollTop;
    if (y >= at + 40 && y <= at + room * FOLLOW_AT) return;
    this.scrollTo(y - room * (y < at + 40 ? 0.3 : FOLLOW_AT));
  }

  private scrollTo(top: number): void {
    const box = this.box!;
    box.scrollTop = Math.max(0, Math.min(top, box.scrollHeight - box.clientHeight));
  }
}
