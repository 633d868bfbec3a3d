import { STATE } from '../../engine/log.ts';
import type { Lab } from '../../model/lab.ts';
import { clockText, transitionText } from '../../words/row.ts';
import { t } from '../../words/words.ts';
import { fateText, rowText } from './painter.ts';

/** Rows that the table holds at most. */
const MOST = 80;

export function visibleRows(lab: Lab, top: number, height: number): readonly [first: number, end: number] {
  const { axis } = lab.clock;
  const first = axis.rowAt(top);
  return [first, Math.min(axis.rowAt(top + height), first + MOST)];
}

/** The rows of the ladder that are on the screen and have happened, as a table. */
export function Mirror({ lab, first, end }: { lab: Lab; first: number; end: number }) {
  void lab.clock.time.value;
  void lab.clock.step.value;
  const { log, sides } = lab.feed.value;
  const last = Math.min(end, lab.clock.lastRow + 1, log.length);
  const rows: number[] = [];
  for (let i = first; i < last; i++) rows.push(i);
  const c = log.columns;
  return (
    <table class="unseen" id="ladder-table">
      <caption>
        {t('ladder')}: {t('rowsShown')}
      </caption>
      <thead>
        <tr>
          <th scope="col">{t('time')}</th>
          <th scope="col">{t('from')}</th>
          <th scope="col">{t('what')}</th>
          <th scope="col">{t('fate')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(i => (
          <tr key={i} data-row={i}>
            <td>{clockText(c.time[i]!)}</td>
            <td>{sides[c.side[i] ?? 2] ?? ''}</td>
            <td>{c.kind[i] === STATE ? transitionText(log, i) : rowText(log, i, sides)}</td>
            <td>{fateText(log, i)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
