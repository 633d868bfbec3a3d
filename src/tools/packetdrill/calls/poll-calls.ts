import type { EpollEvent } from '../../../socket/epoll.ts';
import type { PollEntry } from '../../../socket/poll.ts';
import type { Expr } from '../ast.ts';
import {
  type Arguments,
  type CallContext,
  type HandlerTable,
  type Issued,
  over,
  waiting,
} from './context.ts';

/** poll and epoll: all revents of a poll are compared, and the first event of an epoll_wait. */
export const POLL_CALLS: HandlerTable = {
  poll: (c, a) => poll(c, a),
  epoll_ctl: (c, a) => {
    const event = a.has(3) && a.at(3).kind === 'struct' ? epollFields(a, a.at(3)) : { events: 0, data: 0 };
    return over(c.sockets.epollCtl(a.fd(0), a.number(1), a.fd(2), event.events, event.data));
  },
  epoll_wait: (c, a) => epollWait(c, a),
  epoll_pwait: (c, a) => epollWait(c, a),
};

const bits = (n: number): string => `0x${(n >>> 0).toString(16)}`;

function poll(c: CallContext, a: Arguments): Issued {
  const wanted: number[] = [];
  const entries: PollEntry[] = a.list(a.at(0)).map(e => {
    const fields = a.fields(e);
    const number = (name: string): number => {
      const v = fields.get(name);
      return v === undefined ? 0 : a.value(v, name);
    };
    wanted.push(number('revents'));
    const label = number('fd');
    return { fd: label < 0 ? -1 : a.descriptor(label), events: number('events'), revents: 0 };
  });
  return waiting(c.sockets.begin.poll(entries, a.number(2)), () => {
    const at = entries.findIndex((e, i) => e.revents !== wanted[i]);
    return at < 0
      ? null
      : `revents of entry ${at + 1} are ${bits(entries[at]!.revents)} instead of ${bits(wanted[at]!)}`;
  });
}

/** `{events=…, fd=…}` with fd, ptr, u32 or u64 for what comes back. */
function epollFields(a: Arguments, e: Expr): EpollEvent {
  const fields = a.fields(e);
  const events = fields.get('events');
  const data = fields.get('fd') ?? fields.get('ptr') ?? fields.get('u32') ?? fields.get('u64');
  return {
    events: events === undefined ? 0 : a.value(events, 'events') | 0,
    data: data === undefined || data.kind === 'ellipsis' ? 0 : a.value(data, 'the data'),
  };
}

function epollWait(c: CallContext, a: Arguments): Issued {
  const max = a.number(2);
  const out: EpollEvent[] = [];
  const expected = a.at(1);
  const want = expected.kind === 'struct' ? epollFields(a, expected) : null;
  return waiting(c.sockets.begin.epollWait(a.fd(0), out, max, a.number(3)), result => {
    const got = out[0];
    if (want === null || result <= 0 || got === undefined) return null;
    if (got.events >>> 0 !== want.events >>> 0)
      return `events are ${bits(got.events)} instead of ${bits(want.events)}`;
    return got.data === want.data ? null : `data is ${got.data} instead of ${want.data}`;
  });
}
