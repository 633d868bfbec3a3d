import { ACK, FIN, PSH, SYN } from '../../src/wire/segment.ts';
import { Lone, type Shot, shot } from './lone.ts';

/** The situations under fire: all eleven states, some of them in several forms. */
export const SITUATIONS = [
  'CLOSED',
  'LISTEN',
  'SYN_RECV request',
  'SYN_SENT',
  'SYN_RECV crossing',
  'ESTABLISHED unaccepted',
  'ESTABLISHED',
  'ESTABLISHED sending',
  'ESTABLISHED with a hole',
  'ESTABLISHED shut window',
  'FIN_WAIT_1',
  'FIN_WAIT_1 orphan',
  'FIN_WAIT_2',
  'FIN_WAIT_2 orphan',
  'CLOSE_WAIT',
  'CLOSE_WAIT sending',
  'CLOSING',
  'CLOSING orphan',
  'LAST_ACK',
  'LAST_ACK orphan',
  'TIME_WAIT',
] as const;
export type Situation = (typeof SITUATIONS)[number];

/** The peer's initial sequence number: the wrap lies within reach. */
export const IRS = -20_000 | 0;
const DATA = new Uint8Array(30_000);

const stamps = (lone: Lone, timestamps: boolean): number[] => {
  if (!timestamps) return [];
  const v = Math.floor(lone.now / 1000);
  const e = lone.echo;
  return [
    1,
    1,
    8,
    10,
    v >>> 24,
    (v >>> 16) & 255,
    (v >>> 8) & 255,
    v & 255,
    e >>> 24,
    (e >>> 16) & 255,
    (e >>> 8) & 255,
    e & 255,
  ];
};

/** A host with a connection in that situation, made by segments and calls in the ordinary way. */
export function reach(situation: Situation, sack: boolean, timestamps: boolean): Lone {
  const lone = new Lone(sack, timestamps);
  const say = (flags: number, seq: number, more: Partial<Shot> = {}): void =>
    lone.fire(shot(flags, IRS + seq, lone.next, { options: stamps(lone, timestamps), ...more }));
  const synOptions = [2, 4, 5, 180, ...(sack ? [4, 2, 1, 1] : []), ...stamps(lone, timestamps), 3, 3, 2, 1];
  const [state = '', form = ''] = situation.split(' ');
  if (state === 'CLOSED') return lone;
  if (state === 'SYN_SENT' || form === 'crossing') {
    lone.connect();
    if (form === 'crossing') lone.fire(shot(SYN, IRS, 0, { options: synOptions }));
    return lone;
  }
  lone.listen();
  if (state === 'LISTEN') return lone;
  lone.fire(shot(SYN, IRS, 0, { options: synOptions }));
  if (form === 'request') return lone;
  const window = form === 'shut' ? 0 : 20_000;
  say(ACK, 1, { window });
  if (form === 'unaccepted') return lone;
  lone.accept();
  const c = lone.connection!;
  const orphan = form === 'orphan';
  const part = (): void => {
    if (orphan) c.close();
    else c.shutdown(1);
    lone.after();
  };
  if (form === 'sending' || form === 'shut') {
    c.send(DATA, 0, DATA.length, 0);
    lone.after();
  }
  if (form === 'with') say(ACK | PSH, 1001, { length: 500 });
  switch (state) {
    case 'FIN_WAIT_1':
      part();
      break;
    case 'FIN_WAIT_2':
    case 'TIME_WAIT':
      part();
      say(ACK, 1);
      if (state === 'TIME_WAIT') say(ACK | FIN, 1);
      break;
    case 'CLOSE_WAIT':
      say(ACK | FIN, 1);
      break;
    case 'CLOSING':
      part();
      // Its FIN crosses ours: it does not acknowledge it.
      lone.fire(shot(ACK | FIN, IRS + 1, lone.next - 1, { options: stamps(lone, timestamps) }));
      break;
    case 'LAST_ACK':
      say(ACK | FIN, 1);
      part();
      break;
    default:
      break;
  }
  return lone;
}
