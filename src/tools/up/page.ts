import { type State, stateName } from '../../tcp/state.ts';
import { compactCss } from '../cli/css.ts';
import { escapeXml } from '../cli/escape.ts';
import { COLOURED } from '../cli/paint.ts';
import { type Palette, stateSvg } from '../diagram/svg.ts';
import { hostAndPort } from '../trace/event.ts';
import { ladderText } from '../trace/ladder.ts';
import type { ConversationLog } from '../trace/log.ts';
import { storyOf } from '../trace/story.ts';
import { ansiToHtml } from './ansi-html.ts';
import { encode, type Page } from './page-http.ts';

export interface PageFacts {
  /** The connection that fetched the page; null if it is not known any more. */
  readonly log: ConversationLog | null;
  /** Earlier connections, newest first. */
  readonly others: readonly ConversationLog[];
  readonly state: State;
  /** The socket as `ss -i` shows it. */
  readonly socket: string;
}

// The page should fit the first flight of its connection, ten segments: it is then there after one round trip.
const STYLE = encode(
  compactCss(`
:root { color-scheme: light dark; --paper: #fbfcfd; --ink: #1f2933; --soft: #5b6875; --card: #ffffff; --rule: #dfe5ea;
  --red: #b42318; --green: #12752f; --yellow: #8a5a00; --blue: #0b5cad; --magenta: #8a2fa0; --cyan: #0a6c78; --lit: #fff3bf }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1217; --ink: #e6edf3; --soft: #9aa7b4; --card: #141b22;
  --rule: #2a343f; --red: #ff7b72; --green: #56d364; --yellow: #e3b341; --blue: #79b8ff; --magenta: #d2a8ff; --cyan: #56d4dd; --lit: #5c4a00 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 ui-sans-serif, system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif }
main { max-width: 1080px; margin: 0 auto; padding: 36px 20px 60px }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px } h2 { font-size: 19px; margin: 36px 0 8px }
p { max-width: 74ch; margin: 8px 0 } a { color: var(--blue) } .soft { color: var(--soft) }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 16px; overflow-x: auto;
  font: 12.5px/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .92em; background: var(--card); border: 1px solid var(--rule); border-radius: 5px; padding: 1px 5px }
.bold { font-weight: 700 } .dim { color: var(--soft) } .red { color: var(--red) } .green { color: var(--green) }
.yellow { color: var(--yellow) } .blue { color: var(--blue) } .magenta { color: var(--magenta) } .cyan { color: var(--cyan) }
figure { margin: 8px 0 } figure svg { max-width: 100%; height: auto; border: 1px solid var(--rule); border-radius: 10px }
ul { padding-left: 20px }`),
);

/** The diagram in the colours of the page. */
const PALETTE: Palette = {
  paper: 'var(--card)',
  ink: 'var(--ink)',
  soft: 'var(--soft)',
  box: 'var(--paper)',
  line: 'var(--soft)',
  client: 'var(--blue)',
  server: 'var(--green)',
  both: 'var(--magenta)',
  end: 'var(--red)',
  hot: 'var(--lit)',
};

/** The diagram with a state lit, drawn once for each. */
const pictures = new Map<State, Uint8Array>();

function pictureOf(state: State): Uint8Array {
  const known = pictures.get(state);
  if (known !== undefined) return known;
  const drawn = encode(stateSvg({ highlight: state, colours: PALETTE, tooltips: false }));
  pictures.set(state, drawn);
  return drawn;
}

/** The page that shows the very connection that fetched it. */
export function connectionPage(f: PageFacts): Page {
  const ladder = f.log === null ? 'This connection is not in the records any more.' : ladderOf(f.log, false);
  const others = f.others.map(
    log =>
      `<li><a href="/connection/${log.id}">#${log.id + 1}</a> ${escapeXml(hostAndPort(log.left.address, log.left.port))} <span class="soft">${escapeXml(endText(log))}</span></li>`,
  );
  return html(
    'This page came through lastack',
    `<h1>This page came through lastack</h1>
<p class="soft">Your request crossed two hosts, A and B, that live in one process and whose TCP is written in TypeScript.
Below is the connection that carried it, up to the moment when B wrote this page.</p>
<h2>The connection so far</h2>
<pre>${ladder}</pre>
<p>What comes next you can't see here, because it happens after this page has left: B closes first, A closes too, and B waits in TIME_WAIT.
Reload, and look at <a href="/last">the whole life of the previous one</a>.</p>
<h2>B's socket at this moment</h2>
<pre>${escapeXml(f.socket)}</pre>
<h2>Where it stands: ${stateName(f.state)}</h2>
<figure>`,
    pictureOf(f.state),
    `</figure>
${others.length > 0 ? `<h2>Earlier connections</h2><ul>${others.join('')}</ul>` : ''}
<h2>Now break it</h2>
<p>Stop the program with Ctrl-C and start it again with one of these; then reload and watch the terminal:</p>
<pre>npm start -- --drop "B FIN 1"          the first FIN that B sends is lost
npm start -- --drop "A SYN 1"          the first SYN of every connection is lost
npm start -- --loss 20% --delay 50ms   a bad wire
npm start -- --to example.org:80       a real server behind it</pre>
<p class="soft"><a href="/metrics">metrics</a> · <a href="/diagram.svg">state diagram</a> · in a terminal: <code>npx lastack ss -tano</code> <code>npx lastack trace live</code></p>`,
  );
}

/** The whole life of one recorded connection. */
export function lifePage(log: ConversationLog): Page {
  return html(
    `Connection #${log.id + 1}`,
    `<h1>Connection #${log.id + 1}</h1>
<p class="soft">${escapeXml(hostAndPort(log.left.address, log.left.port))} → ${escapeXml(hostAndPort(log.right.address, log.right.port))}: ${escapeXml(endText(log))}</p>
<pre>${ladderOf(log, true)}</pre>
<p><a href="/">Back</a></p>`,
  );
}

export function errorPage(status: string, text: string): Page {
  return html(status, `<h1>${escapeXml(status)}</h1><p>${escapeXml(text)}</p><p><a href="/">Back</a></p>`);
}

function ladderOf(log: ConversationLog, whole: boolean): string {
  const story = whole ? { headings: storyOf(log) } : {};
  return ansiToHtml(ladderText(log, { width: 110, paint: COLOURED, ...story }).join('\n'));
}

/** In which states the two ends were last seen. */
export function endText(log: ConversationLog): string {
  const last = (host: string): string => {
    const e = log.findLast(x => x.kind === 'state' && x.host === host);
    return `${host} ${e?.kind === 'state' ? stateName(e.state) : '–'}`;
  };
  return `${last(log.left.host)}, ${last(log.right.host)}`;
}

const html = (title: string, ...body: Page): Page => [
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<link rel="icon" href="data:,">
<style>`,
  STYLE,
  `</style>
</head>
<body><main>
`,
  ...body,
  `
</main></body>
</html>
`,
];
