interface Palette {
  readonly paper: string;
  readonly ink: string;
  readonly soft: string;
  readonly faint: string;
  readonly box: string;
  readonly a: string;
  readonly b: string;
  readonly bad: string;
  readonly again: string;
  readonly wait: string;
}

const LIGHT: Palette = {
  paper: '#ffffff',
  ink: '#1f2933',
  soft: '#62707f',
  faint: '#eaeef2',
  box: '#f4f6f8',
  a: '#0b6bcb',
  b: '#16803c',
  bad: '#b42318',
  again: '#b45309',
  wait: '#c9b3ef',
};
const DARK: Palette = {
  paper: '#0f151b',
  ink: '#e6edf3',
  soft: '#9aa7b4',
  faint: '#1c252e',
  box: '#1a232c',
  a: '#58a6ff',
  b: '#4cc272',
  bad: '#ff7b72',
  again: '#e3a341',
  wait: '#5a4590',
};

/** Plain rules without variables, which not every viewer of SVG knows. */
const colours = (p: Palette): string =>
  [
    `.ll .paper { fill: ${p.paper} }`,
    `.ll .grid { stroke: ${p.faint} }`,
    `.ll .life { stroke: ${p.soft} }`,
    `.ll .box { fill: ${p.box}; stroke: ${p.ink} }`,
    `.ll .title, .ll .name, .ll .state { fill: ${p.ink} }`,
    `.ll .time, .ll .call, .ll .timer, .ll .note, .ll .foot { fill: ${p.soft} }`,
    `.ll .text, .ll .note, .ll .why { stroke: ${p.paper} }`,
    `.ll .wait { fill: ${p.wait} }`,
    `.ll .dot { fill: ${p.ink} }`,
    ...(['a', 'b', 'bad', 'again'] as const).map(
      k =>
        `.ll .arrow.${k} { stroke: ${p[k]} } .ll .head.${k}, .ll .text.${k}, .ll .why.${k} { fill: ${p[k]} }`,
    ),
    `.ll .cross { stroke: ${p.bad} }`,
  ].join('\n');

const MONO =
  'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace';

/** The style sheet of a ladder, light or dark as the viewer is. */
export const LADDER_STYLE = `
.ll { font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, "DejaVu Sans", "Noto Sans CJK SC", sans-serif }
.ll .title { font-size: 19px; font-weight: 700 }
.ll .name { font-size: 14px; font-weight: 600; text-anchor: middle }
.ll .time, .ll .call, .ll .timer, .ll .text, .ll .why { font: 10px ${MONO} }
.ll .state { font: 600 11px ${MONO} }
.ll .foot { font-size: 12px }
.ll .note { font: italic 11px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif }
.ll .text, .ll .note, .ll .why { paint-order: stroke; stroke-width: 3px; stroke-linejoin: round }
.ll .end { text-anchor: end }
.ll .middle { text-anchor: middle }
.ll .timer { font-style: italic }
.ll .grid { stroke-width: 1 }
.ll .life { stroke-width: 1.5 }
.ll .box { stroke-width: 1.5 }
.ll .arrow { fill: none; stroke-width: 1.5 }
.ll .arrow.again { stroke-dasharray: 7 3 }
.ll .cross { stroke-width: 2.2; fill: none }
${colours(LIGHT)}
@media (prefers-color-scheme: dark) {
${colours(DARK)}
}`;
