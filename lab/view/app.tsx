import { useSignal } from '@preact/signals';
import type { Desk, Tab } from '../model/desk.ts';
import { t } from '../words/words.ts';
import { Charts } from './charts.tsx';
import { Header } from './header.tsx';
import { HostPanel } from './host.tsx';
import { Inspector } from './inspector.tsx';
import { KeyHelp } from './keys.tsx';
import { KnobPanel } from './knobs.tsx';
import { Ladder } from './ladder/ladder.tsx';
import { LessonChooser, LessonPanel } from './lessons.tsx';
import { ScriptPanel } from './script.tsx';
import { TrafficPanel } from './traffic.tsx';
import { Transport } from './transport.tsx';
import { WirePanel } from './wire.tsx';

type Column = 'a' | 'ladder' | 'b';

/** The page: two hosts, the wire between them, and time below. */
export function App({ desk }: { desk: Desk }) {
  const { lab } = desk;
  /** On a narrow screen one of the three is shown. */
  const column = useSignal<Column>('ladder');
  const columns: readonly (readonly [Column, string])[] = [
    ['a', `${t('host')} ${lab.feed.value.sides[0]}`],
    ['ladder', t('tabLadder')],
    ['b', `${t('host')} ${lab.feed.value.sides[1]}`],
  ];
  return (
    <div class={`lab show-${column.value}`}>
      <Header desk={desk} />
      <nav class="columns-switch" aria-label={t('tabLadder')}>
        {columns.map(([id, words]) => (
          <button
            key={id}
            type="button"
            aria-pressed={column.value === id}
            onClick={() => (column.value = id)}
          >
            {words}
          </button>
        ))}
      </nav>
      <main>
        <HostPanel desk={desk} side={0} />
        <section class="middle" aria-label={t('ladder')}>
          {lab.live.value ? <Panels desk={desk} /> : <TrafficPanel desk={desk} />}
          <Connections desk={desk} />
          <Ladder lab={lab} />
          <Inspector lab={lab} />
        </section>
        <HostPanel desk={desk} side={1} />
      </main>
      <footer>
        <Transport lab={lab} />
        <Charts lab={lab} />
      </footer>
      <LessonChooser lab={lab} open={desk.choosing.value} close={() => (desk.choosing.value = false)} />
      <KeyHelp desk={desk} />
      <p class={desk.notice.value === '' ? 'notice' : 'notice on'} role="status">
        {desk.notice.value}
      </p>
    </div>
  );
}

const TABS: readonly (readonly [Tab, 'tabLesson' | 'tabWire' | 'tabScript' | 'tabKnobs'])[] = [
  ['lesson', 'tabLesson'],
  ['wire', 'tabWire'],
  ['script', 'tabScript'],
  ['knobs', 'tabKnobs'],
];

function Panels({ desk }: { desk: Desk }) {
  const { lab, tab } = desk;
  const turn = (e: KeyboardEvent): void => {
    const by = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    e.preventDefault();
    e.stopPropagation();
    const at = TABS.findIndex(([id]) => id === tab.value);
    tab.value = TABS[(at + by + TABS.length) % TABS.length]![0];
    document.getElementById(`tab-${tab.value}`)?.focus();
  };
  return (
    <section class="panels">
      <div role="tablist" aria-label={t('tabLesson')} onKeyDown={turn}>
        {TABS.map(([id, words]) => (
          <button
            key={id}
            id={`tab-${id}`}
            type="button"
            role="tab"
            aria-selected={tab.value === id}
            aria-controls="tab-panel"
            tabIndex={tab.value === id ? 0 : -1}
            onClick={() => (tab.value = id)}
          >
            {t(words)}
          </button>
        ))}
      </div>
      <div
        class="panel scroll"
        id="tab-panel"
        role="tabpanel"
        aria-labelledby={`tab-${tab.value}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
      >
        {tab.value === 'lesson' && <LessonPanel lab={lab} />}
        {tab.value === 'wire' && <WirePanel lab={lab} />}
        {tab.value === 'script' && <ScriptPanel lab={lab} />}
        {tab.value === 'knobs' && <KnobPanel lab={lab} />}
      </div>
    </section>
  );
}

/** Which connection is meant, where there are several. */
function Connections({ desk }: { desk: Desk }) {
  const { lab } = desk;
  void lab.clock.shape.value;
  const { connections } = lab.feed.value;
  if (connections.length < 2) return null;
  return (
    <div class="row connections">
      <label>
        {t('connection')}{' '}
        <select value={String(lab.conn.value)} onChange={e => lab.choose(Number(e.currentTarget.value))}>
          {connections.map((label, i) => (
            <option key={i} value={String(i)}>
              #{i + 1} {label}
            </option>
          ))}
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={lab.only.value}
          onChange={e => (lab.only.value = e.currentTarget.checked)}
        />{' '}
        {t('onlyThis')}
      </label>
    </div>
  );
}
