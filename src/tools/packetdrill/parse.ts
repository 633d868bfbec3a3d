import { type Micros, NEVER } from '../../base/time.ts';
import type { Action, Command, EventTime, Script, ScriptEvent, ScriptOption } from './ast.ts';
import { Cursor } from './cursor.ts';
import { tokenize } from './lexer.ts';
import { parseCall } from './parse-expression.ts';
import { parsePacket } from './parse-packet.ts';
import { Problem } from './problem.ts';

export type ParseResult =
  | { readonly ok: true; readonly script: Script }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Parses a packetdrill script.
 * @param source the script's text
 * @param defines what `-D NAME=value` and the environment define; the script's own `--define` come on top
 * @returns the tree, or the first syntax error with its line and column
 */
export function parseScript(source: string, defines: ReadonlyMap<string, string> = new Map()): ParseResult {
  try {
    return { ok: true, script: parse(source, defines) };
  } catch (e) {
    if (e instanceof Problem) return { ok: false, problem: e };
    throw e;
  }
}

function parse(source: string, defines: ReadonlyMap<string, string>): Script {
  // Options are read first, since they may define words for the rest.
  const all = new Map([...defines, ...optionDefines(source)]);
  const c = new Cursor(source, tokenize(source, all));
  const options: ScriptOption[] = [];
  while (c.is('option')) options.push(parseOption(c));
  const init: Command[] = [];
  while (c.is('backquoted')) init.push(command(c));
  const events: ScriptEvent[] = [];
  let cleanup: Command | null = null;
  while (!c.is('end')) {
    if (c.is('backquoted')) {
      const next = command(c);
      cleanup = cleanup === null ? next : { text: `${cleanup.text}\n${next.text}`, line: cleanup.line };
    } else events.push(parseEvent(c));
  }
  return { options, init, events, cleanup };
}

function command(c: Cursor): Command {
  const t = c.take();
  return { text: t.value, line: t.line };
}

/** The words that a script's own `--define=NAME=value` lines (or `-D`, as on the command line) define. */
function optionDefines(source: string): [string, string][] {
  const found: [string, string][] = [];
  for (const m of source.matchAll(
    /^[ \t]*(?:--define=|--define[ \t]+|-D[ \t]*)([A-Za-z_]\w*)=("[^"\n]*"|`[^`\n]*`|\S*)/gm,
  ))
    found.push([m[1]!, m[2]!]);
  return found;
}

function parseOption(c: Cursor): ScriptOption {
  const t = c.take();
  const eq = t.text.indexOf('=');
  const name = eq < 0 ? t.text.slice(2) : t.text.slice(2, eq);
  let value = eq < 0 ? '' : t.text.slice(eq + 1);
  // `--name = value` and `--name value` on one line are accepted too.
  if (eq < 0 && c.isSymbol('=') && !c.token.first) c.take();
  if (value === '' && !c.token.first && /^(integer|float|word|string|address)$/.test(c.token.kind))
    value = c.take().value;
  return { name, value: value.replace(/^"(.*)"$/, '$1'), line: t.line };
}

function parseEvent(c: Cursor): ScriptEvent {
  const { line } = c.token;
  const time = parseTime(c);
  return { time, line, ...parseAction(c) };
}

function parseAction(c: Cursor): Action {
  const t = c.token;
  if (t.kind === 'backquoted') return { kind: 'command', text: c.take().value };
  if (t.kind === 'code') return { kind: 'code', text: c.take().value };
  if (c.isSymbol('<') || c.isSymbol('>')) return { kind: 'packet', packet: parsePacket(c) };
  if (t.kind === 'word') return { kind: 'call', call: parseCall(c) };
  return c.fail('a packet (< or >), a system call, a `command` or %{ code }% is expected here');
}

const micros = (seconds: number): Micros => Math.round(seconds * 1e6);

function parseTime(c: Cursor): EventTime {
  if (c.accept('*')) return { kind: 'any', at: 0, until: null, end: null };
  const relative = c.accept('+');
  const at = parseSeconds(c);
  let until: Micros | null = null;
  let end: Micros | null = null;
  if (c.accept('~')) {
    c.accept('+');
    until = c.accept('*') ? NEVER : parseSeconds(c);
  } else if (c.token.kind === 'ellipsis') {
    c.take();
    c.accept('+');
    end = parseSeconds(c);
  }
  return { kind: relative ? 'relative' : 'absolute', at, until, end };
}

function parseSeconds(c: Cursor): Micros {
  const t = c.token;
  if (t.kind !== 'integer' && t.kind !== 'float') return c.fail('a time in seconds is expected here');
  if (t.number < 0) c.fail('a time must not be negative');
  c.take();
  return micros(t.number);
}
