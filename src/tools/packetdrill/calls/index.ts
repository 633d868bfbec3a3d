import { CONNECTION_CALLS, epollCreate } from './connection-calls.ts';
import type { HandlerTable } from './context.ts';
import { DATA_CALLS, FILE_CALLS } from './data-calls.ts';
import { OPTION_CALLS } from './option-calls.ts';
import { POLL_CALLS } from './poll-calls.ts';

/** Every system call that a script may make. */
export const CALLS: HandlerTable = {
  ...CONNECTION_CALLS,
  ...DATA_CALLS,
  ...OPTION_CALLS,
  ...POLL_CALLS,
  ...epollCreate,
  ...FILE_CALLS,
};

export { Arguments, type CallContext, type Issued } from './context.ts';
