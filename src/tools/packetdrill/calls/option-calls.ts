import { EFAULT } from '../../../base/errno.ts';
import { SOL_TCP, TCP_INFO } from '../../../socket/constants.ts';
import type { OptionInput } from '../../../socket/option.ts';
import type { TcpInfo } from '../../../socket/tcp-info.ts';
import type { Expr } from '../ast.ts';
import { numberOf } from '../symbols.ts';
import {
  type Arguments,
  type CallContext,
  type HandlerTable,
  type Issued,
  isNull,
  latin1,
  over,
} from './context.ts';

/** setsockopt and getsockopt, with the literals that scripts write for their values. */
export const OPTION_CALLS: HandlerTable = {
  setsockopt: (c, a) => {
    const value = a.at(3);
    if (isNull(value)) return over(-EFAULT);
    const length = a.has(4) ? a.number(4) : 4;
    return over(c.sockets.setsockopt(a.fd(0), a.number(1), a.number(2), optionInput(a, value, length)));
  },
  getsockopt: (c, a) => getsockopt(c, a),
};

/** A value as setsockopt takes it: the int itself where 4 bytes were said, else exactly `length` bytes. */
function optionInput(a: Arguments, e: Expr, length: number): OptionInput {
  const bytes = optionBytes(a, e, length);
  if (bytes.length === 4 && length === 4) return new DataView(bytes.buffer).getInt32(0, true);
  const out = new Uint8Array(Math.min(Math.max(0, length), 1024));
  out.set(bytes.subarray(0, out.length));
  return out;
}

function optionBytes(a: Arguments, e: Expr, length: number): Uint8Array<ArrayBuffer> {
  switch (e.kind) {
    case 'string':
      return new Uint8Array(latin1(e.value));
    case 'ellipsis':
      return new Uint8Array(Math.min(length, 1024));
    case 'list': {
      const numbers = e.items.map(i => a.value(i, 'the value'));
      const size = numbers.length === 1 && length === 8 ? 8 : 4;
      const out = new Uint8Array(size * numbers.length);
      const v = new DataView(out.buffer);
      for (const [i, n] of numbers.entries()) {
        v.setUint32(i * size, n >>> 0, true);
        if (size === 8) v.setUint32(i * size + 4, Math.floor(n / 2 ** 32) >>> 0, true);
      }
      return out;
    }
    case 'struct': {
      const wide = e.fields.some(f => f.name?.startsWith('tv_'));
      const size = wide ? 8 : 4;
      const numbers = e.fields.map(f => numberOf(f.value));
      const out = new Uint8Array(size * numbers.length);
      const v = new DataView(out.buffer);
      for (const [i, n] of numbers.entries()) {
        const number = typeof n === 'number' ? n : 0;
        v.setInt32(i * size, number, true);
        if (wide) v.setInt32(i * size + 4, number < 0 ? -1 : 0, true);
      }
      return out;
    }
    default: {
      const out = new Uint8Array(4);
      new DataView(out.buffer).setInt32(0, a.value(e, 'the value'), true);
      return out;
    }
  }
}

function getsockopt(c: CallContext, a: Arguments): Issued {
  const [fd, level, name] = [a.fd(0), a.number(1), a.number(2)];
  const expected = a.at(3);
  const lengthArg = a.has(4) ? a.at(4) : null;
  if (isNull(expected) || (lengthArg !== null && isNull(lengthArg))) return over(-EFAULT);
  const inner = lengthArg?.kind === 'list' ? lengthArg.items[0] : lengthArg;
  const asked = inner == null || inner.kind === 'ellipsis' ? undefined : numberOf(inner);
  const length = typeof asked === 'number' ? asked : undefined;
  if (level === SOL_TCP && name === TCP_INFO && expected.kind === 'struct') return info(c, a, fd, expected);
  const bytes = c.sockets.getsockoptBytes(fd, level, name, length);
  if (typeof bytes === 'number') return over(bytes);
  return over(0, () => compareOption(a, expected, bytes, length));
}

function compareOption(
  a: Arguments,
  expected: Expr,
  bytes: Uint8Array,
  length: number | undefined,
): string | null {
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = Array.from({ length: bytes.length >>> 2 }, (_, i) => v.getInt32(4 * i, true));
  if (expected.kind === 'ellipsis') return null;
  if (expected.kind === 'string') {
    const want = latin1(expected.value);
    const same =
      want.every((b, i) => b === bytes[i]) &&
      (bytes.length <= want.length || bytes[want.length] === 0 || length === want.length);
    return same ? null : `the value is "${printable(bytes)}" instead of "${expected.value}"`;
  }
  const items =
    expected.kind === 'list'
      ? expected.items
      : expected.kind === 'struct'
        ? expected.fields.map(f => f.value)
        : [expected];
  for (const [i, item] of items.entries()) {
    if (item.kind === 'ellipsis' || (item.kind === 'word' && item.name === '_')) continue;
    const want = a.value(item, 'the value') | 0;
    const got = bytes.length < 4 && i === 0 ? (bytes[0] ?? 0) : words[i];
    if (got !== want) return `the value is ${got} instead of ${want}`;
  }
  if (length !== undefined && bytes.length !== length)
    return `optlen is ${bytes.length} instead of ${length}`;
  return null;
}

const printable = (bytes: Uint8Array): string =>
  Array.from(bytes, b =>
    b >= 32 && b < 127 ? String.fromCharCode(b) : b === 0 ? '' : `\\x${b.toString(16).padStart(2, '0')}`,
  ).join('');

/** `getsockopt(fd, …, TCP_INFO, {tcpi_state=…})`: the named members are compared, unknown ones are noted. */
function info(c: CallContext, a: Arguments, fd: number, expected: Expr): Issued {
  const got = c.sockets.tcpInfo(fd);
  if (typeof got === 'number') return over(got);
  return over(0, () => {
    for (const [name, value] of a.fields(expected)) {
      const want = numberOf(value);
      const member = got[name.replace(/^tcpi_/, '') as keyof TcpInfo] as number | undefined;
      if (typeof want !== 'number') continue;
      if (member === undefined) c.note(`TCP_INFO has no ${name}`);
      else if (member !== want) return `${name} is ${member} instead of ${want}`;
    }
    return null;
  });
}
