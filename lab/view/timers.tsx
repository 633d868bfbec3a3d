import type { SocketView, TimerKind } from '../engine/view.ts';
import type { Words } from '../lessons/index.ts';
import type { Lab } from '../model/lab.ts';
import { spanText } from '../words/row.ts';
import { say, t } from '../words/words.ts';

/** Timers by the names people know, and the knob that rules each. */
const NAMES: Readonly<Record<TimerKind, readonly [name: string, meaning: Words]>> = {
  rto: ['RTO', { en: 'sends again what was not acknowledged', zh: '重发未被确认的数据' }],
  persist: ['persist', { en: 'asks a closed window', zh: '询问关闭的窗口' }],
  tlp: ['TLP', { en: 'tail loss probe', zh: '尾部丢失探测' }],
  reorder: ['RACK', { en: 'waits for what may only be late', zh: '等待可能只是迟到的报文段' }],
  delack: ['delayed ACK', { en: 'acknowledges at the latest then', zh: '最迟此时确认' }],
  keepalive: ['keepalive', { en: 'asks whether the peer is still there', zh: '询问对端是否还在' }],
  fin_wait_2: ['FIN_WAIT_2', { en: 'tcp_fin_timeout', zh: 'tcp_fin_timeout' }],
  time_wait: ['TIME_WAIT', { en: '2 MSL: 60 s on Linux', zh: '2 MSL：Linux 上为 60 秒' }],
  syn_ack: ['SYN+ACK', { en: 'sends the answer to a SYN again', zh: '重发对 SYN 的回答' }],
};

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
            const [name, meaning] = NAMES[timer.name];
            const left = timer.at - now;
            const whole = Math.max(SPANS[timer.name] ?? socket.vars?.rto ?? left, left, 1);
            return (
              <li key={`${socket.conn} ${socket.localPort} ${timer.name}`} title={say(meaning)}>
                <span class="timer-name">
                  {name}
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
