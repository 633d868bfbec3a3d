import { useSignal } from '@preact/signals';
import { parseScript, timeText } from '../engine/script.ts';
import type { Lab } from '../model/lab.ts';
import { understand } from '../words/rule.ts';
import { t } from '../words/words.ts';

/** What the wire does to segments: rules in words, loss, delay, rate, a cut. */
export function WirePanel({ lab }: { lab: Lab }) {
  return (
    <div class="wire">
      <Rules lab={lab} />
      <AddRule lab={lab} />
      <Conditions lab={lab} />
    </div>
  );
}

/** The lines of the script that speak of the wire or of single frames; each can be taken back. */
function Rules({ lab }: { lab: Lab }) {
  const rows = lab.script.value.split('\n');
  const mine = rows.flatMap((text, i) => (/^\s*(?:\S+ +wire|frame)\s/.test(text) ? [{ text, i }] : []));
  const remove = (at: number): void =>
    lab.run(rows.filter((_, i) => i !== at).join('\n'), lab.clock.time.value);
  return (
    <section>
      <h3>{t('wireNow')}</h3>
      {mine.length === 0 ? (
        <p class="dim">{t('noRules')}</p>
      ) : (
        <ul class="rules">
          {mine.map(({ text, i }) => (
            <li key={i}>
              <code>{text}</code>{' '}
              <button type="button" class="x" onClick={() => remove(i)} aria-label={`${t('undo')}: ${text}`}>
                ✕
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function AddRule({ lab }: { lab: Lab }) {
  const text = useSignal('');
  const from = useSignal<'start' | 'now'>('start');
  const read = understand(text.value);
  const add = (e: Event): void => {
    e.preventDefault();
    if (!read.ok) return;
    if (from.value === 'now') lab.act(`wire rule ${read.rule}`);
    else lab.run(`${lab.script.value}\n0 wire rule ${read.rule}`, 0, true);
    text.value = '';
  };
  return (
    <form onSubmit={add}>
      <label class="wide">
        {t('rules')}
        <input
          type="text"
          maxLength={200}
          value={text.value}
          placeholder={t('rulePlaceholder')}
          aria-describedby="rule-help"
          onInput={e => (text.value = e.currentTarget.value)}
        />
      </label>
      <div class="row">
        <label>
          <input
            type="radio"
            name="rule-from"
            checked={from.value === 'start'}
            onChange={() => (from.value = 'start')}
          />{' '}
          {t('fromStart')}
        </label>
        <label>
          <input
            type="radio"
            name="rule-from"
            checked={from.value === 'now'}
            onChange={() => (from.value = 'now')}
          />{' '}
          {t('fromNow')}
        </label>
        <button type="submit" disabled={!read.ok}>
          {t('addRule')}
        </button>
      </div>
      <p class="understood" aria-live="polite">
        {text.value === '' ? (
          ''
        ) : read.ok ? (
          <>
            {t('understood')} <code>{read.rule}</code>
          </>
        ) : (
          <span class="warn">{read.error}</span>
        )}
      </p>
      <p id="rule-help" class="dim small">
        {t('ruleHelp')}
      </p>
    </form>
  );
}

/** The last value that the script gives the wire up to now. */
function presentOf(script: string, verb: string, now: number): string {
  const parsed = parseScript(script);
  if (!parsed.ok) return '';
  const last = parsed.script.lines.filter(l => l.who === 'wire' && l.verb === verb && l.at <= now).at(-1);
  return last?.words[0] ?? '';
}

function Conditions({ lab }: { lab: Lab }) {
  const { script, clock } = lab;
  const now = clock.time.value;
  const cut = presentOf(script.value, 'partition', now) === 'on';
  return (
    <section class="row">
      <Setting
        name={t('lossLabel')}
        verb="loss"
        value={presentOf(script.value, 'loss', now)}
        fallback="0%"
        lab={lab}
      />
      <Setting
        name={t('delayLabel')}
        verb="delay"
        value={presentOf(script.value, 'delay', now)}
        fallback="10ms"
        lab={lab}
      />
      <Setting
        name={t('rateLabel')}
        verb="rate"
        value={presentOf(script.value, 'rate', now)}
        fallback="–"
        lab={lab}
      />
      <button
        type="button"
        class={cut ? '' : 'danger'}
        onClick={() => lab.act(`wire partition ${cut ? 'off' : 'on'}`)}
      >
        {cut ? t('mend') : t('partition')}
      </button>
      <button type="button" onClick={() => lab.act('wire clear')}>
        {t('clearRules')}
      </button>
      <span class="dim small">{timeText(Math.floor(now))}</span>
    </section>
  );
}

function Setting({
  name,
  verb,
  value,
  fallback,
  lab,
}: {
  name: string;
  verb: string;
  value: string;
  fallback: string;
  lab: Lab;
}) {
  const set = (text: string): void => {
    const word = text.trim();
    if (word !== '' && word !== '–' && word !== value) lab.act(`wire ${verb} ${word.split(/\s/)[0]}`);
  };
  return (
    <label class="field">
      {name}{' '}
      <input
        type="text"
        class="short"
        maxLength={12}
        defaultValue={value || fallback}
        key={value}
        onKeyDown={e => e.key === 'Enter' && set(e.currentTarget.value)}
        onBlur={e => set(e.currentTarget.value)}
      />
    </label>
  );
}
