import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { MARK_AGAIN, MARK_INJECTED, MARK_LOOP } from '../engine/log.ts';
import type { Lab } from '../model/lab.ts';
import { fieldName, fieldValue, layerName } from '../words/fields.ts';
import { type Field, fieldsOf } from '../words/header.ts';
import { reasonText } from '../words/notes.ts';
import { clockText, optionsAndReason, repeated } from '../words/row.ts';
import { timerText } from '../words/timers.ts';
import { t } from '../words/words.ts';
import { Icon } from './icon.tsx';
import { isArrow } from './ladder/geometry.ts';
import { fateText, rowText } from './ladder/painter.ts';

/** What can be done to a segment, and the words of the script for it. */
const FATES = [
  ['lose', 'drop'],
  ['delay', 'delay 300ms'],
  ['duplicate', 'duplicate 100ms'],
  ['reorder', 'reorder'],
  ['corrupt', 'corrupt'],
] as const;

/** The chosen segment: what it is, why it was sent, what becomes of it, its header and bytes, and how to break it. */
export function Inspector({ lab }: { lab: Lab }) {
  const row = lab.chosen.value;
  void lab.clock.shape.value;
  const { log } = lab.feed.value;
  const shown = row >= 0 && row < log.length && isArrow(log, row);
  const frame = shown ? log.columns.frame[row]! : -1;
  useEffect(() => {
    if (shown && lab.live.peek() && frame >= 0) lab.client.lookAtBytes(frame);
  }, [lab, shown, frame]);
  if (!shown) return null;
  const c = log.columns;
  const marks = c.marks[row]!;
  const mayBreak = lab.live.value && frame >= 0 && !(marks & (MARK_LOOP | MARK_INJECTED));
  return (
    <section class="inspector" aria-label={t('header')}>
      <header>
        <h2>{rowText(log, row, lab.feed.value.sides)}</h2>
        <button type="button" class="x" onClick={() => (lab.chosen.value = -1)} aria-label={t('close')}>
          ✕
        </button>
      </header>
      <p class="story">
        <Story lab={lab} row={row} />
      </p>
      {mayBreak && <Break lab={lab} row={row} />}
      {marks & MARK_LOOP ? <p class="dim">{t('loopback')}</p> : null}
      {marks & MARK_INJECTED ? <p class="dim">{t('injected')}</p> : null}
      <Anatomy lab={lab} row={row} frame={frame} />
    </section>
  );
}

function Story({ lab, row }: { lab: Lab; row: number }) {
  const { log } = lab.feed.value;
  const c = log.columns;
  const time = c.time[row]!;
  const arrival = c.arrival[row]!;
  const [, reason] = optionsAndReason(log, row);
  const before = repeated(log, row);
  const why = log.whyOf(row);
  return (
    <>
      {t('sentAt')}{' '}
      <button type="button" class="link" onClick={() => lab.clock.goRow(row)} title={t('goThere')}>
        {clockText(time)} s
      </button>
      {arrival >= 0 && (
        <>
          {t('comma')}
          {t('arrives')}{' '}
          <button type="button" class="link" onClick={() => lab.clock.goTime(arrival)} title={t('goThere')}>
            {clockText(arrival)} s
          </button>
        </>
      )}
      {(arrival < 0 || c.fate[row] !== 0) && (
        <b class="warn">
          {' '}
          {fateText(log, row)}
          {reason !== '' && `${t('colon')}${reasonText(reason)}`}
        </b>
      )}
      {(c.marks[row]! & MARK_AGAIN) !== 0 && (
        <>
          {t('stop')}↻ {t('again')}
          {why !== '' && ` (${t('because')}${timerText(why)})`}
          {before >= 0 && (
            <>
              {t('comma')}
              {t('repeats')}{' '}
              <button type="button" class="link" onClick={() => (lab.chosen.value = before)}>
                {clockText(c.time[before]!)} s
              </button>
            </>
          )}
        </>
      )}
    </>
  );
}

function Break({ lab, row }: { lab: Lab; row: number }) {
  const fate = lab.fateOf(lab.client.log.columns.frame[row]!);
  return (
    <div class="row break">
      {FATES.map(([name, words]) => (
        <button
          key={name}
          type="button"
          class={name === 'lose' ? 'danger' : ''}
          aria-pressed={fate.split(' ')[0] === words.split(' ')[0]}
          onClick={() => lab.decide(row, words)}
        >
          <Icon name={name} /> {t(name)}
        </button>
      ))}
      {fate !== '' && (
        <button type="button" onClick={() => lab.decide(row, '')}>
          {t('undo')}
        </button>
      )}
    </div>
  );
}

/** Header fields and bytes; pointing at a field shows which bytes say it. */
function Anatomy({ lab, row, frame }: { lab: Lab; row: number; frame: number }) {
  const marked = useSignal<Field | null>(null);
  const answer = lab.client.bytes.value;
  const bytes = lab.live.value
    ? answer?.frame === frame
      ? answer.bytes
      : null
    : (lab.feed.value.bytesOf?.(row) ?? null);
  if (bytes === null) return frame >= 0 || !lab.live.value ? <p class="dim">{t('noBytes')}</p> : null;
  const fields = fieldsOf(bytes);
  return (
    <div class="anatomy">
      <dl class="fields" aria-label={t('header')}>
        {fields.map(f => (
          <div key={`${f.layer}${f.at}${f.name}`} class={f === marked.value ? 'on' : ''}>
            <dt>
              <button
                type="button"
                class="plain"
                onMouseEnter={() => (marked.value = f)}
                onMouseLeave={() => (marked.value = null)}
                onFocus={() => (marked.value = f)}
                onBlur={() => (marked.value = null)}
              >
                <i>{layerName(f)}</i> {fieldName(f)}
              </button>
            </dt>
            <dd>{fieldValue(f)}</dd>
          </div>
        ))}
      </dl>
      <Dump bytes={bytes} fields={fields} marked={marked.value} />
    </div>
  );
}

function Dump({
  bytes,
  fields,
  marked,
}: {
  bytes: Uint8Array;
  fields: readonly Field[];
  marked: Field | null;
}) {
  const rows: number[] = [];
  for (let i = 0; i < bytes.length; i += 16) rows.push(i);
  const layerOf = (i: number): string => fields.find(f => i >= f.at && i < f.at + f.length)?.layer ?? '';
  const on = (i: number): boolean => marked !== null && i >= marked.at && i < marked.at + marked.length;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section class="dump scroll" tabIndex={0} aria-label={t('bytes')}>
      <pre>
        {rows.map(at => (
          <span key={at} class="dump-row">
            <span class="offset">{at.toString(16).padStart(4, '0')}</span>
            {Array.from(bytes.subarray(at, at + 16), (b, i) => (
              <span key={i} class={`byte l-${layerOf(at + i)}${on(at + i) ? ' on' : ''}`}>
                {b.toString(16).padStart(2, '0')}
              </span>
            ))}
            {'\n'}
          </span>
        ))}
      </pre>
    </section>
  );
}
