// What became of the faults, as a table for the terminal and as a page for docs/.

import { rulesToCover } from './list.mjs';

/** The named test failed, as it must. */
export const CAUGHT = 'caught';

/**
 * @typedef {{
 *   fault: import('./list.mjs').Listed,
 *   outcome: 'caught' | 'survived' | 'stale' | 'broken' | 'no test',
 *   detail: string,
 *   also: string[],
 * }} Verdict
 */

/** By theme, and all that was not caught. @param {readonly Verdict[]} verdicts */
export function table(verdicts) {
  /** @type {Map<string, { faults: number, caught: number }>} */
  const themes = new Map();
  for (const v of verdicts) {
    const t = themes.get(v.fault.theme) ?? { faults: 0, caught: 0 };
    t.faults++;
    if (v.outcome === CAUGHT) t.caught++;
    themes.set(v.fault.theme, t);
  }
  const width = Math.max(...[...themes.keys()].map(t => t.length), 5);
  const lines = ['', `${'theme'.padEnd(width)}  faults  caught`];
  for (const [name, t] of themes)
    lines.push(`${name.padEnd(width)}${String(t.faults).padStart(8)}${String(t.caught).padStart(8)}`);
  const rest = verdicts.filter(v => v.outcome !== CAUGHT);
  if (rest.length > 0) lines.push('', 'not caught:');
  for (const { fault: f, outcome, detail } of rest)
    lines.push(`  ${outcome}: ${f.id} (src/${f.file}): ${f.breaks}`, `    ${detail}`);
  return lines.join('\n');
}

/** @param {readonly Verdict[]} verdicts @param {readonly { id: string, text: string }[]} missing @param {number} seconds */
export function summary(verdicts, missing, seconds) {
  /** @param {Verdict['outcome']} o */
  const count = o => verdicts.filter(v => v.outcome === o).length;
  const lines = missing.map(r => `no fault breaks ${r.id}: ${r.text}`);
  const parts = [`${verdicts.length} faults`, `${count(CAUGHT)} caught`, `${count('survived')} survived`];
  for (const o of /** @type {const} */ (['stale', 'broken', 'no test']))
    if (count(o) > 0) parts.push(`${count(o)} ${o}`);
  return [...lines, `\n${parts.join(', ')}, in ${Math.round(seconds)} s`].join('\n');
}

/** What the count does not say. */
const LEFT_OUT = [
  'This is a list of chosen faults, no mutation score: it was made until all were caught. 18 other faults that',
  'were tried survived and are not in it. 8 are guarded in a second place, by what the code says or because the',
  'rule is kept by another layer: one retry of a SYN more, the round trip of a repeated SYN-ACK, rearming the',
  'probe in `windowProbed`, groups in `isBroadcast`, somaxconn in `Listener`, `shutdown()` in SYN_SENT and in',
  'CLOSED within tcp/, the last test for an orphan behind a shut window. For 10 the reason is not known, and no',
  'test is known to notice them: SACKED marks kept after reneging, few free bytes announced, each read',
  'announced, the send window exceeded by a large constant in `decide`, the wake-ups in `receiveNext` and in',
  '`afterAdvance`, data beyond the window in `receiveText`, early data not cut at the window, no timer after the',
  'reordering timer, a longer DELACK_MAX.',
];

/** docs/mutants.md. @param {readonly Verdict[]} verdicts */
export function markdown(verdicts) {
  const rules = rulesToCover();
  const rows = rules.filter(r => r.id.startsWith('#'));
  const tests = new Set(verdicts.map(v => v.fault.test.join(' ')));
  const themes = [...new Set(verdicts.map(v => v.fault.theme))];
  const out = [
    '# Faults that the tests must notice',
    '',
    `${verdicts.length} faults of one line each. \`npm run mutants\` puts them into a copy of the engine, one at a`,
    'time, and runs the one test that the fault names: it must fail with the fault and pass without. All',
    `${verdicts.length} are caught, by ${tests.size} tests; among them at least one for each of the ${rows.length} stories of`,
    '`test/lifecycle/regressions.md` (`#1` to `#28`) and for each MUST of RFC 9293 about handshake, close,',
    'reset, retransmission and window.',
    '',
    ...LEFT_OUT,
    '',
    '*Written by `npm run mutants`; the faults are in `test/mutants/faults/`.*',
    '',
  ];
  for (const theme of themes) {
    out.push(`## ${theme[0]?.toUpperCase()}${theme.slice(1).replace(/-/g, ' ')}`, '');
    out.push('| fault | what breaks | rules | caught by |', '|---|---|---|---|');
    for (const { fault: f } of verdicts.filter(v => v.fault.theme === theme)) {
      const change = `\`${f.old.trim()}\` → ${f.new.trim() === '' ? 'nothing' : `\`${f.new.trim()}\``}`;
      const cells = [
        `**${f.id}** \`${f.file}\`<br>${change}`,
        f.breaks,
        f.rules.join(', '),
        `\`${f.test[0]}\`: ${f.test[1]}`,
      ];
      out.push(`| ${cells.map(c => c.replace(/\|/g, '\\|')).join(' | ')} |`);
    }
    out.push('');
  }
  out.push('## By rule', '', '| rule | | faults |', '|---|---|---|');
  for (const r of rules) {
    const ids = verdicts.filter(v => v.fault.rules.includes(r.id)).map(v => v.fault.id);
    out.push(`| ${r.id} | ${r.text.trim().replace(/\|/g, '\\|')} | ${ids.join(', ')} |`);
  }
  return `${out.join('\n')}\n`;
}
