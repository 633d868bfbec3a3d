import type { Desk } from '../model/desk.ts';
import { t } from '../words/words.ts';
import { Icon } from './icon.tsx';

/** What is said of traffic that the page did not make, in the place of lesson and script. */
export function TrafficPanel({ desk }: { desk: Desk }) {
  return (
    <section class="panels traffic">
      <div class="panel">
        {desk.capture.value !== null && <OfCapture desk={desk} />}
        {desk.traffic.value !== null && <OfGateway desk={desk} />}
        <button type="button" onClick={() => desk.leave()}>
          ← {t('backToLab')}
        </button>
      </div>
    </section>
  );
}

function OfCapture({ desk }: { desk: Desk }) {
  const { name, traffic } = desk.capture.value!;
  return (
    <>
      <p>
        {t('captureText')} <b>{name}</b>
        {t('stop')}
        {t('connections')}
        {t('colon')}
        {traffic.connections.length}
        {t('stop')}
        {t('inferred')}
        {traffic.others > 0 && ` ${traffic.others} ${t('notTcp')}${t('stop')}`}
      </p>
      {[...traffic.errors, ...traffic.leftOut].slice(0, 4).map(text => (
        <p class="warn" key={text}>
          {text}
        </p>
      ))}
    </>
  );
}

function OfGateway({ desk }: { desk: Desk }) {
  const traffic = desk.traffic.value!;
  void traffic.version.value;
  const hello = traffic.hello.value ?? desk.gateway.value;
  const front = hello?.fronts[0] ?? '';
  return (
    <>
      <p>
        {t('liveText')} <code>curl {front}</code>
      </p>
      <p class={desk.line.value === 'open' ? 'dim' : 'warn'} role="status">
        <Icon name="live" />{' '}
        {desk.line.value === 'open' ? `${t('liveOn')}${t('colon')}${hello?.wire ?? ''}` : t('liveGone')}
        {traffic.missed > 0 && ` ${traffic.missed} ${t('missed')}${t('stop')}`}
      </p>
    </>
  );
}
