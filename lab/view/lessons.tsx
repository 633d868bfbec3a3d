import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { GROUPS, LESSONS } from '../lessons/index.ts';
import type { Lab } from '../model/lab.ts';
import { say, t } from '../words/words.ts';

/** The lesson that is open: what to watch and why, and a question whose answer waits to be asked for. */
export function LessonPanel({ lab }: { lab: Lab }) {
  const lesson = lab.lesson.value;
  const shown = useSignal('');
  if (lesson === null) {
    return <p class="dim">{t('ownScript')}</p>;
  }
  const at = LESSONS.indexOf(lesson);
  const go = (to: number): void => lab.teach(LESSONS[(to + LESSONS.length) % LESSONS.length]!.id);
  return (
    <article class="lesson">
      <p>{say(lesson.text)}</p>
      <div class="question">
        <p>
          <b>{t('question')}</b> {say(lesson.question)}
        </p>
        {shown.value === lesson.id ? (
          <p class="answer" role="status">
            {say(lesson.answer)}
          </p>
        ) : (
          <button type="button" onClick={() => (shown.value = lesson.id)}>
            {t('reveal')}
          </button>
        )}
      </div>
      <div class="row turn">
        <button type="button" class="link" onClick={() => go(at - 1)}>
          ← {t('previous')}
        </button>
        <span class="dim small">
          {at + 1} / {LESSONS.length}
        </span>
        <button type="button" class="link" onClick={() => go(at + 1)}>
          {t('next')} →
        </button>
      </div>
    </article>
  );
}

/** All lessons in their groups; shown over the page. */
export function LessonChooser({ lab, open, close }: { lab: Lab; open: boolean; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const d = dialog.current!;
    if (open && !d.open) d.showModal();
    if (!open && d.open) d.close();
  }, [open]);
  const choose = (e: Event, id: string): void => {
    e.preventDefault();
    close();
    lab.teach(id);
  };
  return (
    <dialog ref={dialog} class="chooser" aria-labelledby="chooser-title" onClose={close}>
      <header>
        <h2 id="chooser-title">{t('chooseLesson')}</h2>
        <button type="button" class="x" onClick={close} aria-label={t('close')}>
          ✕
        </button>
      </header>
      <div class="groups">
        {GROUPS.map(([group, title]) => (
          <section key={group}>
            <h3>{say(title)}</h3>
            <ul>
              {LESSONS.filter(l => l.group === group).map(l => (
                <li key={l.id}>
                  <a
                    href={`#lesson=${l.id}`}
                    aria-current={l.id === lab.lessonId.value ? 'true' : undefined}
                    onClick={e => choose(e, l.id)}
                  >
                    {say(l.title)}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </dialog>
  );
}
