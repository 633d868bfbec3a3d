import type { ControlMessage } from '../../../socket/message.ts';
import type { Expr } from '../ast.ts';
import { symbol } from '../symbols.ts';
import type { Arguments, CallContext } from './context.ts';

/** Compares the control messages of a recvmsg with the script's, in order: a complaint, or null. */
export function checkControl(
  c: CallContext,
  a: Arguments,
  expected: Expr,
  got: readonly ControlMessage[],
): string | null {
  if (expected.kind === 'ellipsis') return null;
  const wanted = a.list(expected);
  if (wanted.length !== got.length) return `${got.length} control messages came instead of ${wanted.length}`;
  for (const [i, e] of wanted.entries()) {
    const fields = a.fields(e);
    const one = got[i]!;
    for (const [name, value] of [
      ['cmsg_level', one.level],
      ['cmsg_type', one.type],
    ] as const) {
      const want = fields.get(name);
      if (want !== undefined && a.value(want, name) !== value)
        return `${name} of control message ${i + 1} is ${value} instead of ${a.value(want, name)}`;
    }
    const data = fields.get('cmsg_data');
    const wrong = data === undefined ? null : checkData(c, a, data, one.data);
    if (wrong !== null) return wrong;
  }
  return null;
}

/** Members of struct sock_extended_err with their offset and size. */
const EXTENDED_ERROR: Readonly<Record<string, readonly [at: number, size: 1 | 4]>> = {
  ee_errno: [0, 4],
  ee_origin: [4, 1],
  ee_type: [5, 1],
  ee_code: [6, 1],
  ee_pad: [7, 1],
  ee_info: [8, 4],
  ee_data: [12, 4],
};

function checkData(c: CallContext, a: Arguments, e: Expr, data: Uint8Array): string | null {
  const v = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (e.kind === 'ellipsis') return null;
  if (e.kind !== 'struct') {
    const want = a.value(e, 'cmsg_data');
    const got = data.length >= 4 ? v.getInt32(0, true) : -1;
    return data.length === 4 && got === (want | 0) ? null : `cmsg_data is ${got} instead of ${want}`;
  }
  const members = a.fields(e);
  if (members.has('scm_sec') || members.has('scm_nsec')) return checkTime(c, a, members, v);
  if ([...members.keys()].some(k => k.startsWith('TCP_NLA_'))) return checkStats(c, a, members, v);
  for (const [name, value] of members) {
    const place = EXTENDED_ERROR[name];
    if (place === undefined) return `cmsg_data: '${name}' is not something this stack reports`;
    const [at, size] = place;
    const got = at + size > data.length ? -1 : size === 1 ? v.getUint8(at) : v.getUint32(at, true);
    const want = a.value(value, name) >>> 0;
    if (got !== want) return `${name} is ${got} instead of ${want}`;
  }
  return null;
}

/** A time since the script's start, within its tolerance; 0 and 0 is any. */
function checkTime(
  c: CallContext,
  a: Arguments,
  members: ReadonlyMap<string, Expr>,
  v: DataView,
): string | null {
  const number = (name: string): number => {
    const e = members.get(name);
    return e === undefined || e.kind === 'ellipsis' ? 0 : a.value(e, name);
  };
  const want = number('scm_sec') * 1e6 + number('scm_nsec') / 1e3;
  if (want === 0) return null;
  if (v.byteLength < 16) return 'there is no time in the control message';
  const seconds = v.getUint32(0, true) + v.getUint32(4, true) * 2 ** 32;
  const got = seconds * 1e6 + v.getUint32(8, true) / 1e3 - c.start;
  return Math.abs(got - want) <= c.config.toleranceMicros
    ? null
    : `the timestamp is ${(got / 1e6).toFixed(6)} instead of ${(want / 1e6).toFixed(6)}`;
}

/** Netlink attributes whose values are durations: compared within the script's tolerance. */
const DURATIONS = new Set(['TCP_NLA_BUSY', 'TCP_NLA_RWND_LIMITED', 'TCP_NLA_SNDBUF_LIMITED']);

/** The attributes that the script names, wherever they stand. */
function checkStats(
  c: CallContext,
  a: Arguments,
  members: ReadonlyMap<string, Expr>,
  v: DataView,
): string | null {
  const got = new Map<number, number>();
  for (let at = 0; at + 4 <= v.byteLength; ) {
    const length = v.getUint16(at, true);
    if (length < 4 || at + length > v.byteLength) break;
    const size = length - 4;
    const value =
      size === 8
        ? Number(v.getBigUint64(at + 4, true))
        : size === 4
          ? v.getUint32(at + 4, true)
          : size === 2
            ? v.getUint16(at + 4, true)
            : v.getUint8(at + 4);
    got.set(v.getUint16(at + 2, true), value);
    at += (length + 3) & ~3;
  }
  for (const [name, e] of members) {
    if (e.kind === 'ellipsis') continue;
    const want = a.value(e, name);
    const is = got.get(symbol(name) ?? -1);
    if (is === undefined) return `${name} is not among the statistics`;
    const slack = DURATIONS.has(name) ? c.config.toleranceMicros : 0;
    if (Math.abs(is - want) > slack) return `${name} is ${is} instead of ${want}`;
  }
  return null;
}
