import { effect } from '@preact/signals';
import { render } from 'preact';
import type { Answer, Ask } from '../engine/protocol.ts';
import type { Line } from '../model/client.ts';
import { Desk } from '../model/desk.ts';
import { Lab } from '../model/lab.ts';
import { connect, gatewayBehindPage } from '../traffic/connect.ts';
import { isUnreadable, readPlace, writePlace } from '../url/url.ts';
import { App } from './app.tsx';
import { offerConsole } from './console.ts';
import { acceptDrops } from './drop.ts';
import { listenToKeys } from './keys.tsx';
import './style/index.css';
import { lang, t } from '../words/words.ts';
import { followTheme, still } from './theme.ts';

/** What one sees on opening the page without an address: the close that the project began with. */
const FIRST = 'close-four';

function workerLine(): Line {
  const worker = new Worker(new URL('../engine/worker.ts', import.meta.url), { type: 'module' });
  const line: Line = { post: (ask: Ask) => worker.postMessage(ask), onanswer: null };
  worker.onmessage = (e: MessageEvent<Answer>) => line.onanswer?.(e.data);
  return line;
}

function begin(lab: Lab, desk: Desk, hash: string): void {
  const place = readPlace(hash);
  const preferred = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  desk.setLang(place.lang !== '' ? place.lang : preferred);
  if (place.lesson === '' && place.script === '') lab.teach(FIRST);
  else lab.open(place);
  if (isUnreadable(hash)) desk.say(t('badAddress'));
}

/** The address follows what is looked at, not faster than history allows. */
function keepAddress(lab: Lab, desk: Desk): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    for (const part of [lab.lessonId, lab.script, lab.clock.time, lab.clock.playing, lab.lang, lab.live])
      void part.value;
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (lab.live.peek() && !lab.clock.playing.peek()) history.replaceState(null, '', writePlace(lab.place));
    }, 400);
  });
  // Not the address as it is by now: it may have been kept up to date meanwhile.
  addEventListener('hashchange', e => begin(lab, desk, new URL(e.newURL).hash));
}

/** Lets time pass, one frame of the screen after the other, while it plays. */
function keepTime(lab: Lab): void {
  effect(() => {
    if (!lab.clock.playing.value) return;
    let last = performance.now();
    let asked = requestAnimationFrame(function frame(now: number) {
      lab.clock.tick((now - last) / 1000);
      last = now;
      // The tick may have been the last.
      if (lab.clock.playing.peek()) asked = requestAnimationFrame(frame);
    });
    return () => cancelAnimationFrame(asked);
  });
}

const lab = new Lab(workerLine());
lab.still = still();
const desk = new Desk(lab, connect);
effect(() => {
  document.documentElement.lang = lang.value === 'zh' ? 'zh-CN' : 'en';
});
followTheme();
begin(lab, desk, location.hash);
keepAddress(lab, desk);
keepTime(lab);
listenToKeys(desk);
acceptDrops(desk);
offerConsole(lab);
render(<App desk={desk} />, document.getElementById('app')!);
void gatewayBehindPage().then(hello => {
  desk.gateway.value = hello;
  if (hello !== null && /(^|[#&])live\b/.test(location.hash)) desk.watchLive();
});
