import { useSignal } from '@preact/signals';
import { CLOSED, LISTEN } from '../../src/tcp/state.ts';
import type { HostView, SocketView } from '../engine/view.ts';
import type { Lab } from '../model/lab.ts';
import { freshName } from '../model/names.ts';
import { t } from '../words/words.ts';
import { Icon } from './icon.tsx';
import { ssState } from './sockets.tsx';

/** What the program of a host can do at this moment; each act begins a new branch of the story. */
export function Actions({ lab, host }: { lab: Lab; host: HostView }) {
  const named = host.sockets.filter(s => s.name !== '');
  const picked = useSignal('');
  const socket =
    named.find(s => s.name === picked.value) ??
    named.find(s => s.conn >= 0 && s.conn === lab.conn.value) ??
    named[0];
  const act = (words: string): void => lab.act(`${host.name} ${words}`);
  if (host.down) {
    return (
      <section>
        <p class="warn">{t('down')}</p>
        <button type="button" onClick={() => act('restart')}>
          <Icon name="power" /> {t('restart')}
        </button>
      </section>
    );
  }
  return (
    <section class="acts">
      <h3>{t('acts')}</h3>
      {socket !== undefined && (
        <div class="row">
          <label>
            {t('onSocket')}{' '}
            <select value={socket.name} onChange={e => (picked.value = e.currentTarget.value)}>
              {named.map(s => (
                <option key={s.name} value={s.name}>
                  {s.name} :{s.localPort} {ssState(s.state)}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      {socket !== undefined &&
        (socket.state === LISTEN ? listener(lab, host, socket, act) : <Stream socket={socket} act={act} />)}
      <Opening lab={lab} host={host} act={act} />
      <div class="row">
        <button type="button" class="danger" onClick={() => act('crash')}>
          <Icon name="power" /> {t('crash')}
        </button>
      </div>
    </section>
  );
}

type Act = (words: string) => void;

function listener(lab: Lab, host: HostView, socket: SocketView, act: Act) {
  return (
    <div class="row">
      <button
        type="button"
        onClick={() => act(`accept ${socket.name} ${freshName(lab.script.value, host.name, host.sockets)}`)}
      >
        accept()
      </button>
      <button type="button" onClick={() => act(`close ${socket.name}`)}>
        close()
      </button>
    </div>
  );
}

function Stream({ socket, act }: { socket: SocketView; act: Act }) {
  const bytes = useSignal(1000);
  const linger = useSignal('');
  const { name } = socket;
  if (socket.state === CLOSED)
    return (
      <div class="row">
        <button type="button" onClick={() => act(`close ${name}`)}>
          close()
        </button>
      </div>
    );
  return (
    <>
      <div class="row">
        <label class="field">
          <input
            type="number"
            min={1}
            max={10_000_000}
            value={bytes.value}
            aria-label={t('bytesUnit')}
            onInput={e =>
              (bytes.value = Math.max(1, Math.min(10_000_000, Number(e.currentTarget.value) || 1)))
            }
          />
        </label>
        <button type="button" onClick={() => act(`write ${name} ${bytes.value}`)}>
          write()
        </button>
        <button type="button" onClick={() => act(`read ${name}`)}>
          read()
        </button>
        <button type="button" onClick={() => act(`close ${name}`)}>
          close()
        </button>
      </div>
      <div class="row">
        <span class="dim">shutdown</span>
        {(['wr', 'rd', 'rdwr'] as const).map(how => (
          <button key={how} type="button" onClick={() => act(`shutdown ${name} ${how}`)}>
            SHUT_{how.toUpperCase()}
          </button>
        ))}
      </div>
      <div class="row">
        <label>
          SO_LINGER{' '}
          <select
            value={linger.value}
            onChange={e => {
              linger.value = e.currentTarget.value;
              if (linger.value !== '') act(`linger ${name} ${linger.value}`);
            }}
          >
            <option value="">–</option>
            <option value="off">off</option>
            <option value="on 0">on, 0 s</option>
            <option value="on 5">on, 5 s</option>
          </select>
        </label>
        <button type="button" class="danger" onClick={() => act(`abort ${name}`)}>
          abort
        </button>
      </div>
    </>
  );
}

function Opening({ lab, host, act }: { lab: Lab; host: HostView; act: Act }) {
  const port = useSignal(80);
  const backlog = useSignal(5);
  const peer = host.name === 'A' ? 'B' : 'A';
  const name = (): string => freshName(lab.script.value, host.name, host.sockets);
  return (
    <div class="row">
      <span class="dim">{t('newSocket')}</span>
      <label class="field">
        {t('port')}{' '}
        <input
          type="number"
          min={1}
          max={65535}
          value={port.value}
          onInput={e => (port.value = Math.max(1, Math.min(65535, Number(e.currentTarget.value) || 80)))}
        />
      </label>
      <button type="button" onClick={() => act(`connect ${name()} ${peer}:${port.value}`)}>
        connect({peer})
      </button>
      <label class="field">
        {t('backlog')}{' '}
        <input
          type="number"
          min={0}
          max={4096}
          value={backlog.value}
          onInput={e => (backlog.value = Math.max(0, Math.min(4096, Number(e.currentTarget.value) || 0)))}
        />
      </label>
      <button type="button" onClick={() => act(`listen ${name()} ${port.value} ${backlog.value}`)}>
        listen()
      </button>
    </div>
  );
}
