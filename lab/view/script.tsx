import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Lab } from '../model/lab.ts';
import { lineText, scriptErrorText } from '../words/script-error.ts';
import { t } from '../words/words.ts';

/** The whole scenario as text, to read and to change. */
export function ScriptPanel({ lab }: { lab: Lab }) {
  const present = lab.refused.value ?? lab.script.value;
  const text = useSignal(present);
  useEffect(() => {
    text.value = present;
  }, [text, present]);
  const error = lab.client.error.value;
  const run = (e: Event): void => {
    e.preventDefault();
    lab.run(text.value, 0, true);
  };
  return (
    <form class="script" onSubmit={run}>
      <p class="dim small" id="script-help">
        {t('scriptHelp')}
      </p>
      <div class="row">
        <button type="submit">{t('runScript')}</button>
        {error !== null && (
          <span class="warn" role="alert">
            {error.line > 0 && `${lineText(error.line)}${t('colon')}`}
            {scriptErrorText(error.text)}
          </span>
        )}
      </div>
      <textarea
        rows={Math.min(14, Math.max(5, text.value.split('\n').length + 1))}
        spellcheck={false}
        value={text.value}
        aria-label={t('scriptText')}
        aria-describedby="script-help"
        onInput={e => (text.value = e.currentTarget.value)}
        onKeyDown={e => e.key === 'Enter' && (e.ctrlKey || e.metaKey) && run(e)}
      />
    </form>
  );
}
