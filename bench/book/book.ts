import { readFileSync, writeFileSync } from 'node:fs';
import { type Machine, machineLine } from '../harness.ts';
import type { Table } from './compared.ts';

/**
 * BENCHMARKS.md is prose by people around tables by benches. What stands between `<!-- figures: NAME -->` and
 * `<!-- end: NAME -->` belongs to the bench that measures NAME, which writes it when it is run with `--write`.
 */
const BOOK = 'BENCHMARKS.md';

/** Markdown by the name of its place. */
export type Blocks = Readonly<Record<string, string>>;

/** Tables as blocks of their names. */
export const blocksOf = (tables: readonly Table[]): Blocks =>
  Object.fromEntries(tables.map(t => [t.name, t.text]));

const begin = (name: string): string => `<!-- figures: ${name} -->`;
const end = (name: string): string => `<!-- end: ${name} -->`;

/** The book with these blocks in their places. @throws if a place is missing, or there are several of a name */
export function put(book: string, blocks: Blocks): string {
  let text = book;
  for (const [name, block] of Object.entries(blocks)) {
    const parts = text.split(begin(name));
    const rest = parts[1]?.split(end(name)) ?? [];
    if (parts.length !== 2 || rest.length !== 2)
      throw new Error(
        `bench: ${BOOK} has no place, or several, of the name '${name}': ${begin(name)} … ${end(name)}`,
      );
    text = `${parts[0]}${begin(name)}\n\n${block}\n\n${end(name)}${rest[1]}`;
  }
  return text;
}

/** Where and when figures were measured, with what else a reader must know of the run: rounds, other work. */
export const origin = (m: Machine, how = ''): string =>
  [machineLine(m), today(), how].filter(s => s !== '').join(', ');

export const today = (): string => new Date().toISOString().slice(0, 10);

/** Puts blocks into BENCHMARKS.md, each signed with its origin. */
export function writeBook(from: string, blocks: Blocks): void {
  const signed = Object.entries(blocks).map(([name, block]) => [name, `${block}\n\n_${from}._`]);
  writeFileSync(BOOK, put(readFileSync(BOOK, 'utf8'), Object.fromEntries(signed)));
  console.error(`${BOOK}: ${Object.keys(blocks).join(', ')}`);
}
