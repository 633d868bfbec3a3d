import { useRef } from 'preact/hooks';
import type { Desk } from '../model/desk.ts';
import { lang, say, t } from '../words/words.ts';
import { Icon } from './icon.tsx';
import { Menu } from './menu.tsx';
import { TakeAway } from './takeaway.tsx';
import { theme, toggleTheme } from './theme.ts';

/** The top of the page: the lessons, what else can be looked at, and what can be taken away. */
export function Header({ desk }: { desk: Desk }) {
  const { lab } = desk;
  const file = useRef<HTMLInputElement>(null);
  const lesson = lab.lesson.value;
  return (
    <header class="top">
      <button type="button" class="skip" onClick={() => document.getElementById('ladder')?.focus()}>
        {t('skip')}
      </button>
      <h1>
        <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
          <path d="M6 3v26M26 3v26" class="logo-hosts" />
          <path d="M6 8l20 5M26 15L6 20M6 22l20 5" class="logo-arrows" />
        </svg>
        <span>lastack</span> <span class="dim">lab</span>
      </h1>
      <button
        type="button"
        class="lesson-button"
        aria-haspopup="dialog"
        onClick={() => (desk.choosing.value = true)}
      >
        ☰ {lab.live.value ? (lesson === null ? t('ownScript') : say(lesson.title)) : t('lessons')}
      </button>
      <nav aria-label={t('takeAway')}>
        {desk.gateway.value !== null && (
          <button type="button" class={desk.isLive ? 'on' : ''} onClick={() => desk.watchLive()}>
            <Icon name="live" /> {t('liveShort')}
          </button>
        )}
        <button type="button" onClick={() => file.current!.click()}>
          {t('openCapture')}
        </button>
        <input
          ref={file}
          type="file"
          class="unseen"
          tabIndex={-1}
          aria-label={t('openCapture')}
          accept=".pcap,.pcapng,.cap"
          onChange={e => {
            const [f] = e.currentTarget.files ?? [];
            if (f !== undefined) void desk.openFile(f);
            e.currentTarget.value = '';
          }}
        />
        <Menu words={t('takeAway')}>
          <TakeAway desk={desk} />
        </Menu>
        <button
          type="button"
          onClick={() => desk.setLang(lang.value === 'en' ? 'zh' : 'en')}
          lang={lang.value === 'en' ? 'zh' : 'en'}
        >
          {t('language')}
        </button>
        <button type="button" onClick={toggleTheme} aria-label={t('theme')} title={t('theme')}>
          {theme.value === 'dark' ? '☀' : '☾'}
        </button>
        <button
          type="button"
          onClick={() => (desk.helping.value = true)}
          aria-label={t('help')}
          title={t('help')}
        >
          ?
        </button>
      </nav>
    </header>
  );
}
