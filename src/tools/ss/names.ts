import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  LISTEN,
  type State,
  SYN_RECV,
  SYN_SENT,
  TIME_WAIT,
} from '../../tcp/state.ts';

/** State names as ss(8) writes them. */
export const SS_NAMES: Readonly<Record<State, string>> = {
  [ESTABLISHED]: 'ESTAB',
  [SYN_SENT]: 'SYN-SENT',
  [SYN_RECV]: 'SYN-RECV',
  [FIN_WAIT_1]: 'FIN-WAIT-1',
  [FIN_WAIT_2]: 'FIN-WAIT-2',
  [TIME_WAIT]: 'TIME-WAIT',
  [CLOSED]: 'UNCONN',
  [CLOSE_WAIT]: 'CLOSE-WAIT',
  [LAST_ACK]: 'LAST-ACK',
  [LISTEN]: 'LISTEN',
  [CLOSING]: 'CLOSING',
};

/** State names as netstat(8) writes them. */
export const NETSTAT_NAMES: Readonly<Record<State, string>> = {
  [ESTABLISHED]: 'ESTABLISHED',
  [SYN_SENT]: 'SYN_SENT',
  [SYN_RECV]: 'SYN_RECV',
  [FIN_WAIT_1]: 'FIN_WAIT1',
  [FIN_WAIT_2]: 'FIN_WAIT2',
  [TIME_WAIT]: 'TIME_WAIT',
  [CLOSED]: 'CLOSE',
  [CLOSE_WAIT]: 'CLOSE_WAIT',
  [LAST_ACK]: 'LAST_ACK',
  [LISTEN]: 'LISTEN',
  [CLOSING]: 'CLOSING',
};

const set = (...states: State[]): number => states.reduce((bits, s) => bits | (1 << s), 0);

const ALL = set(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
/** What ss shows without -a and -l: no listeners, nothing closed, no SYN-RECV, no TIME-WAIT. */
export const SS_DEFAULT = ALL & ~set(LISTEN, CLOSED, TIME_WAIT, SYN_RECV);
export const SS_ALL = ALL;
export const SS_LISTENING = set(LISTEN, CLOSED);

/** The state filters of ss(8) as bit sets of 1 << state. */
export const STATE_FILTERS: Readonly<Record<string, number>> = {
  all: ALL,
  connected: ALL & ~set(LISTEN, CLOSED),
  synchronized: ALL & ~set(LISTEN, CLOSED, SYN_SENT),
  bucket: set(SYN_RECV, TIME_WAIT),
  big: ALL & ~set(SYN_RECV, TIME_WAIT),
  established: set(ESTABLISHED),
  estab: set(ESTABLISHED),
  'syn-sent': set(SYN_SENT),
  'syn-recv': set(SYN_RECV),
  'fin-wait-1': set(FIN_WAIT_1),
  'fin-wait-2': set(FIN_WAIT_2),
  'time-wait': set(TIME_WAIT),
  closed: set(CLOSED),
  unconnected: set(CLOSED),
  'close-wait': set(CLOSE_WAIT),
  'last-ack': set(LAST_ACK),
  listening: set(LISTEN),
  listen: set(LISTEN),
  closing: set(CLOSING),
};
