import { CLOSED } from '../../src/tcp/state.ts';
import { ladderSvg, pathOf, statesSvg } from '../export/ladder-svg.ts';
import type { Desk } from '../model/desk.ts';
import type { Lab } from '../model/lab.ts';
import { readPlace, writePlace } from '../url/url.ts';
import { lang, say, t } from '../words/words.ts';

/** Everything that can be carried away: the link, captures, scripts, pictures. */
export function TakeAway({ desk }: { desk: Desk }) {
  const { lab } = desk;
  const running = lab.live.value;
  return (
    <ul>
      {running && <Item words={t('shareLink')} act={() => void copyLink(desk)} />}
      <Item words={t('ladderSvg')} act={() => save(`${nameOf(lab)}.svg`, 'image/svg+xml', ladder(lab))} />
      <Item words={t('ladderPng')} act={() => void savePng(`${nameOf(lab)}.png`, ladder(lab))} />
      <Item
        words={t('statesSvg')}
        act={() => save(`${nameOf(lab)}-states.svg`, 'image/svg+xml', states(lab))}
      />
      <Item words={t('statesPng')} act={() => void savePng(`${nameOf(lab)}-states.png`, states(lab))} />
      {running && (
        <>
          <Item words={t('pcapA')} act={() => void pcap(lab, 0)} />
          <Item words={t('pcapB')} act={() => void pcap(lab, 1)} />
          <Item words={t('qlog')} act={() => void text(lab, 'qlog', 0, '.qlog')} />
          <Item words={t('pktA')} act={() => void text(lab, 'packetdrill', 0, '-A.pkt')} />
          <Item words={t('pktB')} act={() => void text(lab, 'packetdrill', 1, '-B.pkt')} />
        </>
      )}
    </ul>
  );
}

function Item({ words, act }: { words: string; act: () => void }) {
  return (
    <li>
      <button type="button" onClick={act}>
        {words}
      </button>
    </li>
  );
}

/** File names begin with the lesson's. */
const nameOf = (lab: Lab): string => lab.lesson.peek()?.id ?? 'scenario';

export async function copyLink(desk: Desk): Promise<void> {
  const { place } = desk.lab;
  const url = new URL(location.href);
  url.hash = writePlace(place);
  if (readPlace(url.hash).script !== place.script) {
    desk.say(t('linkTooLong'));
    return;
  }
  history.replaceState(null, '', url);
  try {
    await navigator.clipboard.writeText(url.href);
    desk.say(t('copied'));
  } catch {
    // Without permission to write there the address bar holds it.
    desk.say(url.href);
  }
}

async function pcap(lab: Lab, side: 0 | 1): Promise<void> {
  const files = await lab.client.captures(lab.clock.step.peek());
  save(`${nameOf(lab)}-${lab.client.sides[side]}.pcapng`, 'application/x-pcapng', files[side]);
}

async function text(lab: Lab, what: 'qlog' | 'packetdrill', side: 0 | 1, ending: string): Promise<void> {
  const content = await lab.client.file(what, lab.clock.step.peek(), side, lab.conn.peek());
  save(`${nameOf(lab)}${ending}`, 'text/plain', content);
}

function ladder(lab: Lab): string {
  const feed = lab.feed.peek();
  const lesson = lab.lesson.peek();
  return ladderSvg(feed.log, {
    axis: lab.clock.axis,
    to: lab.clock.lastRow + 1,
    title: lesson === null || !lab.live.peek() ? t('title') : say(lesson.title),
    ...(lab.live.peek() ? {} : { names: feed.sides }),
    connections: feed.connections,
    lang: lang.peek(),
  });
}

/** The diagram of A, who closes first in most lessons; of B where A has no connection. */
function states(lab: Lab): string {
  const { log } = lab.feed.peek();
  const of = (side: number) => pathOf(log, side, lab.conn.peek(), lab.clock.lastRow);
  const path = of(0).length > 0 ? of(0) : of(1);
  return statesSvg(path, path.at(-1)?.[1] ?? CLOSED);
}

function save(name: string, type: string, content: string | Uint8Array): void {
  download(name, new Blob([content as BlobPart], { type }));
}

function download(name: string, blob: Blob): void {
  const a = document.createElement('a');
  a.href = URL.createObjectURL(blob);
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

/** Draws a picture twice as large as it says, as far as browsers let a canvas grow. */
async function savePng(name: string, svg: string): Promise<void> {
  const image = new Image();
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  image.src = url;
  await image.decode();
  URL.revokeObjectURL(url);
  const scale = Math.min(2, 16_000 / Math.max(1, image.height), 16_000 / Math.max(1, image.width));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob(blob => {
    if (blob !== null) download(name, blob);
  });
}
