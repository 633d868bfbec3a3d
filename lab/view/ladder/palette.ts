import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  LISTEN,
  SYN_RECV,
  SYN_SENT,
  TIME_WAIT,
} from '../../../src/tcp/state.ts';
import { FIN, RST, SYN } from '../../../src/wire/segment.ts';

/** The style sheet's variables by which canvas and charts are coloured. */
const NAMES = [
  'paper',
  'card',
  'ink',
  'soft',
  'rule',
  'accent',
  'green',
  'orange',
  'red',
  'purple',
  'blue',
  'sky',
  'band',
] as const;

export type Palette = Readonly<Record<(typeof NAMES)[number], string>>;

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const out: Partial<Record<(typeof NAMES)[number], string>> = {};
  for (const name of NAMES) out[name] = style.getPropertyValue(`--${name}`).trim() || '#888';
  return out as Palette;
}

type Name = keyof Palette;

const STATE_COLOURS: Readonly<Record<number, Name>> = {
  [ESTABLISHED]: 'green',
  [SYN_SENT]: 'sky',
  [SYN_RECV]: 'sky',
  [FIN_WAIT_1]: 'orange',
  [FIN_WAIT_2]: 'orange',
  [CLOSING]: 'orange',
  [TIME_WAIT]: 'blue',
  [CLOSE_WAIT]: 'purple',
  [LAST_ACK]: 'purple',
  [CLOSED]: 'soft',
  [LISTEN]: 'soft',
};

/** The name of a state's colour, as the style sheet knows it too. */
export const stateColour = (state: number): Name => STATE_COLOURS[state] ?? 'soft';

export function segmentColour(flags: number, length: number, lost: boolean): Name {
  if (lost || flags & RST) return 'red';
  if (flags & SYN) return 'green';
  if (flags & FIN) return 'orange';
  return length > 0 ? 'blue' : 'ink';
}
