import { useSignal } from '@preact/signals';
import { KNOBS, type Knob } from '../engine/knobs.ts';
import type { Lab } from '../model/lab.ts';
import { knobMeaning } from '../words/knobs.ts';
import { t } from '../words/words.ts';

/** Those that rule how connections live and die, in the order in which people meet them. */
const FIRST = [
  'tcp_fin_timeout',
  'tcp_orphan_retries',
  'tcp_tw_reuse',
  'tcp_max_tw_buckets',
  'tcp_rfc1337',
  'tcp_syn_retries',
  'tcp_synack_retries',
  'tcp_retries2',
  'tcp_syncookies',
  'tcp_max_syn_backlog',
  'net.core.somaxconn',
  'tcp_abort_on_overflow',
  'ip_local_port_range',
  'tcp_keepalive_time',
  'tcp_sack',
  'tcp_timestamps',
  'tcp_congestion_control',
];
const MOST = 40;

const rank = (k: Knob): number => {
  const at = FIRST.indexOf(k.short);
  return at < 0 ? FIRST.length : at;
};
const SORTED = [...KNOBS].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));

/** sysctls of both hosts, by Linux's names; the search looks into names and meanings. */
export function KnobPanel({ lab }: { lab: Lab }) {
  const wanted = useSignal('');
  const word = wanted.value.trim().toLowerCase();
  const found = SORTED.filter(k =>
    word === ''
      ? rank(k) < FIRST.length
      : `${k.name} ${k.meaning} ${knobMeaning(k)}`.toLowerCase().includes(word),
  ).slice(0, MOST);
  const hosts = lab.client.moment.value?.hosts;
  const present = (side: 0 | 1, name: string): string | undefined =>
    hosts?.[side].sysctls.find(s => s.name === name)?.value;
  return (
    <div class="knobs">
      <p class="dim small">{t('knobHelp')}</p>
      <label class="wide">
        {t('search')}
        <input
          type="search"
          value={wanted.value}
          maxLength={60}
          onInput={e => (wanted.value = e.currentTarget.value)}
        />
      </label>
      <ul>
        {found.map(k => (
          <li key={k.name}>
            <p>
              <code>{k.short}</code>{' '}
              <span class="dim small">
                {t('defaultValue')} {k.initial} {k.unit} ({k.range})
              </span>
              <br />
              <span class="small">{knobMeaning(k)}</span>
            </p>
            <div class="row">
              <Setter lab={lab} knob={k} side={0} present={present(0, k.name)} />
              <Setter lab={lab} knob={k} side={1} present={present(1, k.name)} />
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Setter({
  lab,
  knob,
  side,
  present,
}: {
  lab: Lab;
  knob: Knob;
  side: 0 | 1;
  present: string | undefined;
}) {
  const host = side === 0 ? 'A' : 'B';
  const value = present ?? knob.initial;
  const set = (e: Event): void => {
    e.preventDefault();
    const input = (e.currentTarget as HTMLFormElement).elements.namedItem('value');
    if (input instanceof HTMLInputElement && input.value.trim() !== '')
      lab.act(`${host} sysctl ${knob.short} ${input.value.trim()}`);
  };
  return (
    <form onSubmit={set} class={`row side-${host.toLowerCase()}${present === undefined ? '' : ' changed'}`}>
      <label>
        <span class="badge">{host}</span>
        <input
          key={value}
          name="value"
          type="text"
          class="short"
          maxLength={60}
          defaultValue={value}
          aria-label={`${knob.short} ${host}`}
        />
      </label>
      <button type="submit" aria-label={`${t('set')} ${knob.short} ${host}`}>
        {t('set')}
      </button>
    </form>
  );
}
