import type { ControlMessage } from '../../../socket/message.ts';
import type { Expr } from '../ast.ts';
import type { Arguments } from './context.ts';

/** Compares the control messages of a recvmsg with the script's, in order: a complaint, or null. */
export function checkControl(a: Arguments, expected: Expr, got: readonly ControlMessage[]): string | null {
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
    const wrong = data === undefined ? null : checkData(a, data, one.data);
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

function checkData(a: Arguments, e: Expr, data: Uint8Array): string | null {
  const v = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (e.kind === 'ellipsis') return null;
  if (e.kind !== 'struct') {
    const want = a.value(e, 'cmsg_data');
    const got = data.length >= 4 ? v.getInt32(0, true) : -1;
    return data.length === 4 && got === (want | 0) ? null : `cmsg_data is ${got} instead of ${want}`;
  }
  for (const [name, value] of a.fields(e)) {
    const place = EXTENDED_ERROR[name];
    if (place === undefined) return `cmsg_data: '${name}' is not something this stack reports`;
    const [at, size] = place;
    const got = at + size > data.length ? -1 : size === 1 ? v.getUint8(at) : v.getUint32(at, true);
    const want = a.value(value, name) >>> 0;
    if (got !== want) return `${name} is ${got} instead of ${want}`;
  }
  return null;
}
