import type { SocketView, TimerKind } from '../engine/view.ts';
import type { Lab } from '../model/lab.ts';
import { spanText } from '../words/row.ts';
import { timerMeaning, timerName } from '../words/timers.ts';
import { t } from '../words/words.ts';

/** How long each usually runs, microseconds: the length of its bar. */
const SPANS: Partial<Readonly<Record<TimerKind, number>>> = {
  delack: 200_000,
  fin_wait_2: 60e6,
  time_wait: 60e6,
  syn_ack: 1e6,
  keepalive: 75e6,
};

/** What will happen at this host by itself, and when. */
export function Timers({ lab, sockets }: { lab: Lab; sockets: readonly SocketView[] }) {
  const now = lab.clock.time.value;
  const rows = sockets
    .flatMap(s => s.timers.map(timer => ({ socket: s, timer })))
    .filter(r => r.timer.at >= now)
    .sort((a, b) => a.timer.at - b.timer.at)
    .slice(0, 6);
  return (
    <section>
      <h3>{t('timers')}</h3>
      {rows.length === 0 ? (
        <p class="dim">{t('noTimers')}</p>
      ) : (
        <ul class="timers">
          {rows.map(({ socket, timer }) => {
            const left = timer.at - now;
            const whole = Math.max(SPANS[timer.name] ?? socket.vars?.rto ?? left, left, 1);
            return (
              <li key={`${socket.conn} ${socket.localPort} ${timer.name}`} title={timerMeaning(timer.name)}>
                <span class="timer-name">
                  {timerName(timer.name)}
                  {sockets.length > 1 && <i> :{socket.localPort}</i>}
                </span>
                <span class="timer-bar">
                  <span style={{ width: `${(left / whole) * 100}%` }} />
                </span>
                <span class="timer-left">{spanText(left)}</span>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
