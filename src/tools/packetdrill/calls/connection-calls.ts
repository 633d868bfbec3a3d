import { EINVAL } from '../../../base/errno.ts';
import { AF_INET, AF_INET6, F_SETFD, F_SETFL, FIONBIO } from '../../../socket/constants.ts';
import {
  type Arguments,
  type CallContext,
  type HandlerTable,
  type Issued,
  over,
  waiting,
} from './context.ts';

/** Calls that make, name, connect and end sockets. */
export const CONNECTION_CALLS: HandlerTable = {
  socket: (c, a) => {
    const own = c.config.family === 'ipv4' ? AF_INET : AF_INET6;
    const domain = a.isEllipsis(0) ? own : a.number(0);
    const type = a.number(1);
    const protocol = a.has(2) ? a.number(2) : 0;
    return makes(c, over(c.sockets.socket(domain, type, protocol)), fd => {
      c.made(fd);
      return null;
    });
  },
  bind: (c, a) => over(c.sockets.bind(a.fd(0), c.config.localIp, c.config.bindPort)),
  listen: (c, a) => {
    const fd = a.fd(0);
    const result = c.sockets.listen(fd, a.number(1));
    if (result === 0) c.listening(fd);
    return over(result);
  },
  accept: (c, a) => takes(c, waiting(c.sockets.begin.accept(a.fd(0)))),
  accept4: (c, a) => takes(c, waiting(c.sockets.begin.accept(a.fd(0), a.number(3)))),
  connect: (c, a) => {
    const fd = a.fd(0);
    if (a.isWord(1, 'AF_UNSPEC')) {
      const result = c.sockets.connect(fd, null);
      if (result === 0) c.disconnected(fd);
      return over(result);
    }
    // The SYN may leave before the call returns.
    c.connecting(fd);
    return waiting(c.sockets.begin.connect(fd, c.config.remoteIp, c.config.connectPort));
  },
  shutdown: (c, a) => over(c.sockets.shutdown(a.fd(0), a.number(1))),
  close: (c, a) => {
    const fd = a.fd(0);
    const pending = c.sockets.begin.close(fd);
    c.labels.delete(a.number(0));
    c.closed(fd);
    return waiting(pending);
  },
  getsockname: (c, a) => named(c.sockets.getsockname(a.fd(0))),
  getpeername: (c, a) => named(c.sockets.getpeername(a.fd(0))),
  fcntl: (c, a) => {
    const command = a.number(1);
    const argument = (command === F_SETFL || command === F_SETFD) && a.has(2) ? a.number(2) : 0;
    return over(c.sockets.fcntl(a.fd(0), command, argument));
  },
  ioctl: (c, a) => ioctl(c, a),
  cap_set: () => over(0),
};

const named = (name: object | number): Issued => over(typeof name === 'number' ? name : 0);

function makes(c: CallContext, issued: Issued, then: (fd: number) => string | null): Issued {
  return {
    ...issued,
    descriptor: (fd, label) => {
      c.labels.set(label, fd);
      return then(fd);
    },
  };
}

const takes = (c: CallContext, issued: Issued): Issued => makes(c, issued, fd => c.accepted(fd));

/** The int is the third argument in the script, and the result here. */
function ioctl(c: CallContext, a: Arguments): Issued {
  const request = a.number(1);
  const third = a.has(2) ? a.at(2) : null;
  const inner = third?.kind === 'list' ? third.items[0] : third;
  if (request === FIONBIO)
    return over(c.sockets.ioctl(a.fd(0), request, inner ? a.value(inner, 'the int') : 0));
  const result = c.sockets.ioctl(a.fd(0), request);
  const expected = inner == null || inner.kind === 'ellipsis' ? null : a.value(inner, 'the int');
  return {
    pending: null,
    result,
    visible: r => Math.min(r, 0),
    check: () =>
      result < 0 || expected === null || expected === result
        ? null
        : `the int is ${result} instead of ${expected}`,
  };
}

export const epollCreate: HandlerTable = {
  epoll_create: (c, a) => makes(c, over(a.number(0) > 0 ? c.sockets.epollCreate() : -EINVAL), () => null),
  epoll_create1: (c, a) => makes(c, over(c.sockets.epollCreate(a.number(0))), () => null),
};
