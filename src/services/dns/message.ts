import { Address } from '../../base/address.ts';
import { put16, u16 } from '../../wire/bytes.ts';
import { type NameAt, putName, readName } from './name.ts';

/**
 * DNS messages (RFC 1035, 6891), as much of them as a stub resolver needs. Written here rather than taken
 * from a package: the npm libraries bring Node's Buffer into browsers and throw on garbage, and what is needed
 * of the format is these few functions.
 */

export const TYPE_A = 1;
export const TYPE_CNAME = 5;
export const TYPE_SOA = 6;
export const TYPE_AAAA = 28;
const TYPE_OPT = 41;
const CLASS_IN = 1;

export const NOERROR = 0;
export const FORMERR = 1;
export const SERVFAIL = 2;
export const NXDOMAIN = 3;

const HEADER = 12;
/** More records than this are not looked at; answers have a few. */
const MAX_RECORDS = 256;

/** A record of the answer or authority section; only those of types that are looked at are kept. */
export interface DnsRecord {
  /** In lower case. */
  readonly name: string;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** Of A and AAAA. */
  readonly address: Address | null;
  /** Of CNAME. */
  readonly target: string;
  /** Of SOA: how long a negative answer holds, seconds. */
  readonly minimum: number;
}

export interface DnsMessage {
  readonly id: number;
  readonly response: boolean;
  readonly opcode: number;
  readonly truncated: boolean;
  readonly rcode: number;
  /** The one question, in lower case; empty type 0 if there is another number of them. */
  readonly name: string;
  readonly type: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
}

/**
 * A recursive question.
 * @param name passed by `hostName`
 * @param edns UDP payload size to offer (RFC 6891), 0 to leave EDNS out
 */
export function encodeQuestion(id: number, name: string, type: number, edns: number): Uint8Array {
  const bytes = new Uint8Array(HEADER + name.length + 2 + 4 + (edns > 0 ? 11 : 0));
  put16(bytes, 0, id);
  put16(bytes, 2, 0x0100);
  put16(bytes, 4, 1);
  const at = putName(bytes, HEADER, name);
  put16(bytes, at, type);
  put16(bytes, at + 2, CLASS_IN);
  if (edns > 0) {
    put16(bytes, 10, 1);
    put16(bytes, at + 5, TYPE_OPT);
    put16(bytes, at + 7, edns);
  }
  return bytes;
}

/** Reads a message. @returns null if it is malformed; never throws */
export function decodeMessage(bytes: Uint8Array): DnsMessage | null {
  if (bytes.length < HEADER) return null;
  const flags = u16(bytes, 2);
  const questions = u16(bytes, 4);
  const where: NameAt = { name: '', end: HEADER };
  let name = '';
  let type = 0;
  let at = HEADER;
  if (questions === 1) {
    if (!readName(bytes, at, where) || where.end + 4 > bytes.length) return null;
    at = where.end + 4;
    if (u16(bytes, at - 2) === CLASS_IN) {
      name = where.name;
      type = u16(bytes, at - 4);
    }
  } else if (questions > 1) return null;
  const answers: DnsRecord[] = [];
  const authority: DnsRecord[] = [];
  // What is cut off behind a TC bit is asked for again by TCP: that the records are incomplete is no error.
  const truncated = (flags & 0x0200) !== 0;
  at = readRecords(bytes, at, u16(bytes, 6), answers);
  if (at >= 0) at = readRecords(bytes, at, u16(bytes, 8), authority);
  if (at < 0 && !truncated) return null;
  return {
    id: u16(bytes, 0),
    response: (flags & 0x8000) !== 0,
    opcode: (flags >>> 11) & 15,
    truncated,
    rcode: flags & 15,
    name,
    type,
    answers,
    authority,
  };
}

/** @returns where they end, −1 if they are malformed */
function readRecords(bytes: Uint8Array, at: number, count: number, into: DnsRecord[]): number {
  const where: NameAt = { name: '', end: 0 };
  for (let i = 0; i < count && i < MAX_RECORDS; i++) {
    if (!readName(bytes, at, where)) return -1;
    const { name } = where;
    at = where.end;
    if (at + 10 > bytes.length) return -1;
    const type = u16(bytes, at);
    const inClass = u16(bytes, at + 2) === CLASS_IN;
    const ttl = u16(bytes, at + 4) * 65536 + u16(bytes, at + 6);
    const from = at + 10;
    at = from + u16(bytes, at + 8);
    if (at > bytes.length) return -1;
    if (!inClass) continue;
    const record = recordOf(bytes, from, at, name, type, ttl > 0x7fffffff ? 0 : ttl);
    if (record === null) return -1;
    if (record !== undefined) into.push(record);
  }
  return at;
}

/** @returns null if it is malformed, undefined if nobody wants it */
function recordOf(
  bytes: Uint8Array,
  from: number,
  end: number,
  name: string,
  type: number,
  ttl: number,
): DnsRecord | null | undefined {
  const plain = { name, type, ttl, address: null, target: '', minimum: 0 };
  const where: NameAt = { name: '', end: 0 };
  switch (type) {
    case TYPE_A:
    case TYPE_AAAA: {
      if (end - from !== (type === TYPE_A ? 4 : 16)) return null;
      const address = new Address(0, 0, 0, 0);
      if (type === TYPE_A) address.assign4(bytes, from);
      else address.assign6(bytes, from, 0);
      return { ...plain, address };
    }
    case TYPE_CNAME:
      return readName(bytes, from, where) && where.end === end ? { ...plain, target: where.name } : null;
    case TYPE_SOA: {
      if (!readName(bytes, from, where) || !readName(bytes, where.end, where)) return null;
      if (where.end + 20 !== end) return null;
      const minimum = u16(bytes, end - 4) * 65536 + u16(bytes, end - 2);
      return { ...plain, minimum };
    }
    default:
      return undefined;
  }
}
