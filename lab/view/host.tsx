import { LISTEN } from '../../src/tcp/state.ts';
import { ADDRESS } from '../engine/names.ts';
import type { HostView } from '../engine/view.ts';
import type { Desk } from '../model/desk.ts';
import type { Lab } from '../model/lab.ts';
import { causeText } from '../words/causes.ts';
import { t } from '../words/words.ts';
import { Actions } from './actions.tsx';
import { Diagram } from './diagram.tsx';
import { Queues, Sockets } from './sockets.tsx';
import { Timers } from './timers.tsx';
import { Windows } from './windows.tsx';

/** One host: the states of the chosen connection, its sockets, windows, timers, queues, and its program. */
export function HostPanel({ desk, side }: { desk: Desk; side: 0 | 1 }) {
  const { lab } = desk;
  const { clock, conn } = lab;
  void clock.shape.value;
  void clock.time.value;
  void clock.step.value;
  const feed = lab.feed.value;
  const name = feed.sides[side];
  const path = clock.lives.path(side, conn.value, clock.lastRow);
  const change = clock.lives.lastChange(side, conn.value, clock.lastRow);
  const host = desk.host(side);
  return (
    <section class={`host side-${side === 0 ? 'a' : 'b'}`} aria-label={`${t('host')} ${name}`}>
      <h2>
        <span class="badge">{name}</span>
        <span class="dim">{addressOf(lab, side, host)}</span>
      </h2>
      <Diagram
        path={path}
        cause={change < 0 ? '' : causeText(feed.log, change)}
        host={side === 0 ? 'A' : 'B'}
      />
      {host === null ? (
        <p class="dim">{lab.live.value ? '' : t('noHosts')}</p>
      ) : (
        <Running lab={lab} host={host} />
      )}
    </section>
  );
}

function Running({ lab, host }: { lab: Lab; host: HostView }) {
  const mine = host.sockets.find(s => s.conn >= 0 && s.conn === lab.conn.value && s.state !== LISTEN);
  return (
    <>
      <section>
        <h3>{t('sockets')}</h3>
        <Sockets lab={lab} host={host} />
      </section>
      <Timers lab={lab} sockets={host.sockets} />
      {mine?.vars != null && <Windows vars={mine.vars} />}
      <Queues host={host} />
      {lab.live.value && <Actions lab={lab} host={host} />}
    </>
  );
}

/** The end's own address; in a capture the first end of a connection is the side's only by its port. */
function addressOf(lab: Lab, side: 0 | 1, host: HostView | null): string {
  const feed = lab.feed.value;
  const end = feed.connections[lab.conn.value]?.split(' – ')[side];
  // Both ends of a connection may be at the other host, or its far end at nobody's address.
  const own = lab.live.value ? ADDRESS[side === 0 ? 'A' : 'B'] : '';
  if (end !== undefined && (own === '' || end.startsWith(`${own}:`))) return end;
  return own || (host?.sockets[0]?.local ?? '');
}
