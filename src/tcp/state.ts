import type { Tcb } from './tcb.ts';

/**
 * The eleven states of RFC 9293 §3.3.2 and every edge between them. The numbers are Linux's
 * (include/net/tcp_states.h), as `tcpi_state` and `ss` report them. This is the only file that assigns a
 * connection's state; the diagrams in the documentation are drawn from `TRANSITIONS`.
 */
export const ESTABLISHED = 1;
export const SYN_SENT = 2;
export const SYN_RECV = 3;
export const FIN_WAIT_1 = 4;
export const FIN_WAIT_2 = 5;
export const TIME_WAIT = 6;
export const CLOSED = 7;
export const CLOSE_WAIT = 8;
export const LAST_ACK = 9;
export const LISTEN = 10;
export const CLOSING = 11;

export type State = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11;

const NAMES = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT_1',
  'FIN_WAIT_2',
  'TIME_WAIT',
  'CLOSED',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
] as const;

/** The state's name as RFC 9293 writes it, with underscores (SYN_RECV is the RFC's SYN-RECEIVED). */
export const stateName = (state: number): string => NAMES[state] ?? `state ${state}`;

/** States in which the connection is synchronized (RFC 9293 §3.5): both initial sequence numbers known. */
export const isSynchronized = (state: State): boolean =>
  state !== SYN_SENT && state !== SYN_RECV && state !== CLOSED && state !== LISTEN;

/** What moves a connection from one state to another: a call of the user, or what arrived. */
export interface Transition {
  readonly from: State;
  readonly to: State;
  /** Event / reply, as the edges of RFC 9293 figure 5 are labelled. */
  readonly label: string;
  /** Drawn as an everyday edge of the diagram; the others are aborts, time-outs and refusals. */
  readonly main: boolean;
}

const edge = (from: State, to: State, label: string, main = true): Transition => ({ from, to, label, main });
const side = (from: State, to: State, label: string): Transition => edge(from, to, label, false);

/** Every edge that a connection, a listener or a TIME_WAIT entry may take. */
export const TRANSITIONS: readonly Transition[] = [
  edge(CLOSED, LISTEN, 'listen()'),
  edge(CLOSED, SYN_SENT, 'connect() / SYN'),
  edge(LISTEN, SYN_RECV, 'SYN / SYN+ACK'),
  edge(LISTEN, CLOSED, 'close()'),
  edge(SYN_SENT, SYN_RECV, 'SYN / SYN+ACK (simultaneous open)'),
  edge(SYN_SENT, ESTABLISHED, 'SYN+ACK / ACK'),
  edge(SYN_SENT, CLOSED, 'close(), RST or time-out'),
  edge(SYN_RECV, ESTABLISHED, 'ACK of SYN'),
  edge(SYN_RECV, FIN_WAIT_1, 'close() / FIN'),
  edge(SYN_RECV, CLOSE_WAIT, 'FIN / ACK'),
  side(SYN_RECV, CLOSED, 'RST or time-out'),
  edge(ESTABLISHED, FIN_WAIT_1, 'close() / FIN'),
  edge(ESTABLISHED, CLOSE_WAIT, 'FIN / ACK'),
  edge(FIN_WAIT_1, FIN_WAIT_2, 'ACK of FIN'),
  edge(FIN_WAIT_1, CLOSING, 'FIN / ACK'),
  edge(FIN_WAIT_1, TIME_WAIT, 'FIN, ACK of FIN / ACK'),
  edge(FIN_WAIT_2, TIME_WAIT, 'FIN / ACK'),
  edge(CLOSING, TIME_WAIT, 'ACK of FIN'),
  edge(CLOSE_WAIT, LAST_ACK, 'close() / FIN'),
  edge(LAST_ACK, CLOSED, 'ACK of FIN'),
  edge(TIME_WAIT, CLOSED, '2 MSL'),
  side(TIME_WAIT, SYN_RECV, 'new SYN (RFC 6191)'),
  side(ESTABLISHED, CLOSED, 'RST, abort or time-out'),
  side(FIN_WAIT_1, CLOSED, 'RST, abort or time-out'),
  side(FIN_WAIT_2, CLOSED, 'RST, abort or tcp_fin_timeout'),
  side(CLOSING, CLOSED, 'RST, abort or time-out'),
  side(CLOSE_WAIT, CLOSED, 'RST, abort or time-out'),
];

/** ALLOWED[from] is a bit set of the states that may follow. */
const ALLOWED = new Int32Array(12);
for (const t of TRANSITIONS) ALLOWED[t.from]! |= 1 << t.to;

export const mayFollow = (from: State, to: State): boolean => (ALLOWED[from]! & (1 << to)) !== 0;

/**
 * Moves a connection along one edge, counts it as Linux does and tells whoever traces.
 * An edge that the table lacks is a bug of ours: it throws.
 */
export function transition(tcb: Tcb, to: State, why: string): void {
  const from = tcb.state;
  if (from === to) return;
  if (!mayFollow(from, to)) throw new Error(`no edge ${stateName(from)} → ${stateName(to)} (${why})`);
  const mib = tcb.ctx.mib;
  if (to === CLOSED && (from === CLOSE_WAIT || from === ESTABLISHED)) mib.TcpEstabResets++;
  tcb.state = to;
  const trace = tcb.ctx.trace;
  if (trace !== null) trace.transition(tcb, from, to, why);
}

/** A SYN queue entry becomes a connection: the edge LISTEN → SYN_RECV was the entry's. */
export function enterPassive(tcb: Tcb): void {
  tcb.state = SYN_RECV;
  const trace = tcb.ctx.trace;
  if (trace !== null) trace.transition(tcb, LISTEN, SYN_RECV, 'SYN received');
}

/** A TIME_WAIT row has taken the connection over: its block is CLOSED, without a transition of its own. */
export function retire(tcb: Tcb): void {
  tcb.state = CLOSED;
}
