import { LISTEN, SYN_RECV } from '../../src/tcp/state.ts';
import type { HostView, SocketView } from '../engine/view.ts';
import type { Lab } from '../model/lab.ts';
import { t } from '../words/words.ts';
import { stateColour } from './ladder/palette.ts';

/** States as `ss` writes them. */
const SS: readonly string[] = [
  '',
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSED',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
];
export const ssState = (state: number): string => SS[state] ?? String(state);

/** The host's sockets, with the columns of `ss -tan`; a click chooses the connection. */
export function Sockets({ lab, host }: { lab: Lab; host: HostView }) {
  const { conn } = lab;
  if (host.sockets.length === 0) return <p class="dim">{t('noSockets')}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label={`${t('sockets')} ${host.name}`}>
      <table class="ss">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col" class="n">
              Recv-Q
            </th>
            <th scope="col" class="n">
              Send-Q
            </th>
            <th scope="col">Local Address:Port</th>
            <th scope="col">Peer Address:Port</th>
          </tr>
        </thead>
        <tbody>
          {host.sockets.map((s, i) => (
            <tr
              // Rows have no names of their own: their places are their names.
              key={i}
              class={s.conn >= 0 && s.conn === conn.value ? 'chosen' : ''}
              onClick={() => s.conn >= 0 && lab.choose(s.conn)}
            >
              <td>
                <span class={`state s-${stateColour(s.state)}`}>{ssState(s.state)}</span>
              </td>
              <td class="n">{s.recvQ}</td>
              <td class="n">{s.sendQ}</td>
              <td>{nameOf(lab, s)}</td>
              <td>{s.state === LISTEN ? '0.0.0.0:*' : `${s.peer}:${s.peerPort}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {host.more > 0 && (
        <p class="dim">
          … {host.more} {t('moreSockets')}
        </p>
      )}
    </section>
  );
}

function nameOf(lab: Lab, s: SocketView) {
  const text = `${s.local}:${s.localPort}`;
  const name = s.name !== '' ? s.name : s.orphan ? '–' : '';
  const tag = name === '' ? null : <i title={s.orphan ? t('orphan') : t('onSocket')}>{name}</i>;
  if (s.conn < 0) return [text, ' ', tag];
  return (
    <button
      type="button"
      class="plain"
      onClick={() => lab.choose(s.conn)}
      aria-pressed={s.conn === lab.conn.value}
    >
      {text} {tag}
    </button>
  );
}

/** SYN queue and accept queue of each listener, a square for each entry. */
export function Queues({ host }: { host: HostView }) {
  const listeners = host.sockets.filter(s => s.state === LISTEN);
  if (listeners.length === 0) return null;
  const requests = host.sockets.filter(s => s.state === SYN_RECV).length;
  return (
    <section>
      <h3>{t('queues')}</h3>
      {listeners.map(l => (
        <dl class="queue" key={l.localPort}>
          <dt>
            :{l.localPort} {t('synQueue')}
          </dt>
          <dd>
            <Squares n={Math.max(l.synQueue, listeners.length === 1 ? requests : 0)} of={0} />
          </dd>
          <dt>
            :{l.localPort} {t('acceptQueue')}
          </dt>
          <dd>
            {/* Linux admits one more than the backlog. */}
            <Squares n={l.recvQ} of={l.sendQ + 1} />
          </dd>
        </dl>
      ))}
    </section>
  );
}

const MOST = 24;

function Squares({ n, of }: { n: number; of: number }) {
  const places = Math.min(MOST, Math.max(n, of));
  return (
    <span class="squares">
      {Array.from({ length: places }, (_, i) => (
        <span key={i} class={i < n ? 'full' : ''} />
      ))}
      <b>{of > 0 ? `${n} / ${of}` : n}</b>
    </span>
  );
}
