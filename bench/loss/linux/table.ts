import { CELLS } from '../cells.ts';
import type { Row } from './results.ts';

/** A line per cell that has been run: bytes per second of the median run, of the slowest and of the fastest. */
export function table(rows: readonly Row[], columns: readonly string[]): string {
  const at = (name: string): number => columns.indexOf(name);
  const lines = ['| cell | runs | kB/s, median (least – most) | sent again, median | late 99 %, median µs |'];
  lines.push('|---|---|---|---|---|');
  for (const { name } of CELLS) {
    const runs = rows.filter(row => row[0] === name);
    if (runs.length === 0) continue;
    const sorted = (column: string): number[] =>
      runs.map(row => Number(row[at(column)])).sort((a, b) => a - b);
    const rates = sorted('bytesPerSecond').map(n => (n / 1000).toPrecision(3));
    const middle = runs.length >> 1;
    lines.push(
      `| ${name} | ${runs.length} | ${rates[middle]} (${rates[0]} – ${rates.at(-1)}) | ` +
        `${sorted('retransmitted')[middle]} | ${sorted('late99')[middle]} |`,
    );
  }
  return lines.join('\n');
}
