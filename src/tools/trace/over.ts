import { CLOSED, TIME_WAIT } from '../../tcp/state.ts';
import type { ConversationLog } from './log.ts';

/** Each end has come to CLOSED or TIME_WAIT. */
export function isOver(log: Pick<ConversationLog, 'left' | 'right' | 'findLast'>): boolean {
  return [log.left.host, log.right.host].every(host => {
    const e = log.findLast(x => x.kind === 'state' && x.host === host);
    return e?.kind === 'state' && (e.state === CLOSED || e.state === TIME_WAIT);
  });
}
