import type { Address } from '../../../base/address.ts';
import { MSG_FASTOPEN } from '../../../socket/constants.ts';
import type { IoVec, Message } from '../../../socket/message.ts';
import type { Expr } from '../ast.ts';
import {
  type Arguments,
  type CallContext,
  type HandlerTable,
  type Issued,
  isNull,
  over,
  waiting,
} from './context.ts';
import { checkControl } from './control-messages.ts';

/** Calls that move bytes. What is read is not compared: all payload is zero. */
export const DATA_CALLS: HandlerTable = {
  read: (c, a) => waiting(c.sockets.begin.read(a.fd(0), a.buffer(a.at(1), a.number(2)), 0, a.number(2))),
  write: (c, a) => waiting(c.sockets.begin.send(a.fd(0), a.buffer(a.at(1), a.number(2)), 0, 0, a.number(2))),
  recv: (c, a) => receive(c, a),
  recvfrom: (c, a) => receive(c, a),
  send: (c, a) =>
    waiting(c.sockets.begin.send(a.fd(0), a.buffer(a.at(1), a.number(2)), a.number(3), 0, a.number(2))),
  sendto: (c, a) => {
    const [to, port] = destination(c, a);
    const n = a.number(2);
    if (a.number(3) & MSG_FASTOPEN && to !== null) c.connecting(a.fd(0));
    return waiting(c.sockets.begin.sendto(a.fd(0), a.buffer(a.at(1), n), a.number(3), to, port, 0, n));
  },
  readv: (c, a) => waiting(c.sockets.begin.recvmsg(a.fd(0), { iov: vectors(a, a.at(1)) })),
  writev: (c, a) => waiting(c.sockets.begin.sendmsg(a.fd(0), { iov: vectors(a, a.at(1)) })),
  sendmsg: (c, a) => {
    const fields = a.fields(a.at(1));
    const message: Message = { iov: messageVectors(a, fields) };
    if (a.number(2) & MSG_FASTOPEN && namesPeer(fields)) {
      c.connecting(a.fd(0));
      message.name = { address: c.config.remoteIp, port: c.config.connectPort };
    }
    return waiting(c.sockets.begin.sendmsg(a.fd(0), message, a.number(2)));
  },
  recvmsg: (c, a) => receiveMessage(c, a),
};

function receive(c: CallContext, a: Arguments): Issued {
  const n = a.number(2);
  return waiting(c.sockets.begin.recv(a.fd(0), a.buffer(a.at(1), n), a.number(3), 0, n));
}

/** The peer for `...`, nobody for NULL and AF_UNSPEC. */
function destination(c: CallContext, a: Arguments): [Address | null, number] {
  if (!a.has(4) || a.isNull(4) || a.isWord(4, 'AF_UNSPEC')) return [null, 0];
  return [c.config.remoteIp, c.config.connectPort];
}

function vectors(a: Arguments, e: Expr): IoVec[] {
  if (isNull(e)) return [];
  return a.list(e).map(item => {
    const parts = [...a.fields(item).values()];
    const length = parts[1] === undefined ? 0 : a.value(parts[1], 'the length of a vector');
    return { bytes: parts[0] === undefined ? null : a.buffer(parts[0], length), length };
  });
}

const messageVectors = (a: Arguments, fields: ReadonlyMap<string, Expr>): IoVec[] => {
  const iov = fields.get('msg_iov');
  return iov === undefined || iov.kind === 'ellipsis' ? [] : vectors(a, iov);
};

/** `msg_name(...)=...`: the peer, where a script names one. */
function namesPeer(fields: ReadonlyMap<string, Expr>): boolean {
  const name = fields.get('msg_name');
  return name !== undefined && !isNull(name);
}

function receiveMessage(c: CallContext, a: Arguments): Issued {
  const fields = a.fields(a.at(1));
  const message: Message = { iov: messageVectors(a, fields) };
  const issued = waiting(c.sockets.begin.recvmsg(a.fd(0), message, a.number(2)));
  const flags = fields.get('msg_flags');
  const control = fields.get('msg_control');
  return {
    ...issued,
    check: result => {
      if (result < 0) return null;
      const got = message.flags ?? 0;
      if (flags !== undefined && flags.kind !== 'ellipsis' && a.value(flags, 'msg_flags') !== got)
        return `msg_flags are 0x${got.toString(16)} instead of 0x${a.value(flags, 'msg_flags').toString(16)}`;
      return control === undefined ? null : checkControl(c, a, control, message.control ?? []);
    },
  };
}

export const unsupported = (what: string): HandlerTable[string] => {
  return (_c, a) => a.fail(`${what} is not part of this stack`);
};

/** A descriptor pair that nothing can be done with; splice and sendfile are not run. */
export const FILE_CALLS: HandlerTable = {
  pipe: () => over(0),
  open: unsupported('a file'),
  sendfile: unsupported('sendfile()'),
  splice: unsupported('splice()'),
};
