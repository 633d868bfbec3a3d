import type { Variables } from '../engine/view.ts';
import { spanText } from '../words/row.ts';
import { t } from '../words/words.ts';

/** One stretch of a bar. */
interface Part {
  readonly kind: string;
  readonly bytes: number;
  readonly words: string;
}

/** Both halves of a connection as bars that move along the sequence space, and the variables by their names. */
export function Windows({ vars }: { vars: Variables }) {
  const sent = Math.max(0, vars.nxt - vars.una);
  const unsent = Math.max(0, vars.written - vars.nxt);
  const room = Math.max(0, vars.sndWnd - sent);
  const unread = Math.max(0, vars.rcvNxt - vars.read);
  return (
    <section>
      <h3>{t('windows')}</h3>
      <Bar
        name={t('sendSide')}
        parts={[
          { kind: 'acked', bytes: vars.una, words: t('acked') },
          { kind: 'sent', bytes: sent, words: t('sentUnacked') },
          { kind: 'unsent', bytes: unsent, words: t('waiting') },
          { kind: 'room', bytes: Math.max(0, room - unsent), words: t('windowLeft') },
        ]}
      />
      <Bar
        name={t('receiveSide')}
        parts={[
          { kind: 'acked', bytes: vars.read, words: t('readOut') },
          { kind: 'unread', bytes: unread, words: t('unread') },
          { kind: 'room', bytes: vars.rcvWnd, words: t('windowLeft') },
        ]}
      />
      <dl class="vars">
        <Var name="SND.UNA" value={vars.una} />
        <Var name="SND.NXT" value={vars.nxt} />
        <Var name="SND.WND" value={vars.sndWnd} />
        <Var name="RCV.NXT" value={vars.rcvNxt} />
        <Var name="RCV.WND" value={vars.rcvWnd} />
        <Var name="cwnd" value={vars.cwnd} />
        <Var name="ssthresh" value={vars.ssthresh < 0 ? '∞' : vars.ssthresh} />
        <Var name="MSS" value={vars.mss} />
        <Var name="SRTT" value={vars.srtt === 0 ? '–' : spanText(vars.srtt)} />
        <Var name="RTO" value={spanText(vars.rto)} />
      </dl>
    </section>
  );
}

function Var({ name, value }: { name: string; value: string | number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Stretches are drawn by their logarithm: one byte must be seen beside a window of 64 kB. */
function Bar({ name, parts }: { name: string; parts: readonly Part[] }) {
  const words = parts.map(p => `${p.words} ${p.bytes}`).join(', ');
  return (
    <div class="bar" role="img" aria-label={`${name}: ${words}`} title={words}>
      <span class="bar-name">{name}</span>
      <span class="bar-parts">
        {parts.map(p => (
          <span key={p.kind} class={`part ${p.kind}`} style={{ flexGrow: Math.log2(1 + p.bytes) }}>
            {p.bytes > 0 ? p.bytes : ''}
          </span>
        ))}
      </span>
    </div>
  );
}
