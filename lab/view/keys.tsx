import { useEffect, useRef } from 'preact/hooks';
import type { Desk } from '../model/desk.ts';
import { t, type WORDS } from '../words/words.ts';

interface Key {
  readonly keys: readonly string[];
  readonly face: string;
  readonly words: keyof typeof WORDS;
  readonly act: (desk: Desk, key: string) => void;
}

/** Every key of the page. */
export const KEYS: readonly Key[] = [
  { keys: [' '], face: 'Space', words: 'keyPlay', act: d => d.lab.clock.toggle() },
  { keys: ['ArrowLeft'], face: '←', words: 'keyBack', act: d => d.lab.clock.back() },
  { keys: ['ArrowRight'], face: '→', words: 'keyEvent', act: d => d.lab.clock.stepEvent() },
  { keys: ['s'], face: 'S', words: 'keySegment', act: d => d.lab.clock.stepSegment() },
  { keys: ['n'], face: 'N', words: 'keyState', act: d => d.lab.clock.stepState() },
  {
    keys: ['Home', 'End'],
    face: 'Home End',
    words: 'keyEnds',
    act: (d, key) => (key === 'Home' ? d.lab.clock.toStart() : d.lab.clock.toEnd()),
  },
  {
    keys: ['-', '+', '='],
    face: '− +',
    words: 'keySpeed',
    act: (d, key) => d.lab.clock.faster(key === '-' ? -1 : 1),
  },
  {
    keys: ['j', 'k'],
    face: '↓ ↑',
    words: 'keyRows',
    act: (d, key) => d.lab.chooseNext(key === 'j' ? 1 : -1),
  },
  {
    keys: ['Enter'],
    face: 'Enter',
    words: 'keyOpen',
    act: () => document.querySelector<HTMLElement>('.inspector .x')?.focus(),
  },
  { keys: ['d'], face: 'D', words: 'keyLose', act: d => d.lab.loseChosen() },
  { keys: ['l'], face: 'L', words: 'keyLessons', act: d => (d.choosing.value = true) },
  { keys: ['?'], face: '?', words: 'keyHelp', act: d => (d.helping.value = true) },
];

/** Keys that a focused control wants for itself. */
function taken(e: KeyboardEvent): boolean {
  const at = e.target;
  if (!(at instanceof HTMLElement)) return false;
  if (document.querySelector('dialog[open]') !== null) return true;
  if (at.isContentEditable || at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement)
    return true;
  if (at instanceof HTMLInputElement) return at.type !== 'radio' && at.type !== 'checkbox';
  const presses =
    at instanceof HTMLButtonElement || at instanceof HTMLAnchorElement || at.tagName === 'SUMMARY';
  if (presses) return e.key === ' ' || e.key === 'Enter';
  return at.classList.contains('scroll') && e.key.startsWith('Arrow');
}

export function listenToKeys(desk: Desk): void {
  document.addEventListener('keydown', e => {
    if (e.key === 'Escape' && !taken(e)) desk.lab.chosen.value = -1;
    if (e.ctrlKey || e.metaKey || e.altKey || taken(e)) return;
    const key = KEYS.find(k => k.keys.includes(e.key));
    if (key === undefined) return;
    e.preventDefault();
    key.act(desk, e.key);
  });
}

export function KeyHelp({ desk }: { desk: Desk }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = desk.helping.value;
  const close = (): void => {
    desk.helping.value = false;
  };
  useEffect(() => {
    const d = dialog.current!;
    if (open && !d.open) d.showModal();
    if (!open && d.open) d.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="keys" aria-labelledby="keys-title" onClose={close}>
      <header>
        <h2 id="keys-title">{t('help')}</h2>
        <button type="button" class="x" onClick={close} aria-label={t('close')}>
          ✕
        </button>
      </header>
      <dl>
        {KEYS.map(k => (
          <div key={k.face}>
            <dt>
              <kbd>{k.face}</kbd>
            </dt>
            <dd>{t(k.words)}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
