import type { Micros } from '../../base/time.ts';
import type { Args, OptionSpec } from '../cli/command.ts';
import { usage } from '../cli/error.ts';
import { INSTANCE_OPTIONS } from '../control/options.ts';
import { PING_LIMITS } from '../control/protocol.ts';

/** What both commands have. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  from: { type: 'string', value: 'A|B', help: 'which host asks. Default: the one that is not asked for' },
  wait: { type: 'string', short: 'W', value: 'SECONDS', help: 'how long an answer is waited for' },
  size: { type: 'string', short: 's', value: 'BYTES', help: 'of data in each echo. Default: 56' },
  json: { type: 'boolean', help: 'one JSON object a line' },
  instance: INSTANCE_OPTIONS['instance']!,
};

/** What both ask for: who sends to whom, how much, and how long an answer is waited for. */
export function commonSettings(
  args: Args,
  command: string,
  wait: Micros,
): { to: string; from?: string; wait: Micros; size: number } {
  const [to, more] = args.positionals;
  if (to === undefined || more !== undefined)
    throw usage(`${command} needs one host`, `such as: lastack ${command} B   or an address`);
  const from = args.text('from');
  return {
    to,
    ...(from === null ? {} : { from }),
    wait: seconds(args, 'wait', 'wait', wait),
    size: count(args, 'size', 'size', 56),
  };
}

/** A whole number within the limits of the control socket. */
export function count(
  args: Args,
  option: string,
  limit: keyof typeof PING_LIMITS,
  otherwise: number,
): number {
  const text = args.text(option);
  if (text === null) return otherwise;
  const [low, high] = PING_LIMITS[limit];
  const n = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (n >= low && n <= high) return n;
  throw usage(`--${option}: '${text}'`, `write a whole number from ${low} to ${high}`);
}

/** Seconds, as ping takes them (`0.2`), in microseconds. */
export function seconds(args: Args, option: string, limit: 'interval' | 'wait', otherwise: Micros): Micros {
  const text = args.text(option);
  if (text === null) return otherwise;
  const [low, high] = PING_LIMITS[limit];
  const n = /^(?:\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})s?$/.test(text)
    ? Math.round(Number.parseFloat(text) * 1e6)
    : Number.NaN;
  if (n >= low && n <= high) return n;
  throw usage(`--${option}: '${text}'`, `write seconds from ${low / 1e6} to ${high / 1e6}, such as 0.2`);
}
