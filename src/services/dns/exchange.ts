import type { Address } from '../../base/address.ts';
import { EINPROGRESS, errnoName } from '../../base/errno.ts';
import { MICROS_PER_SECOND, type Micros } from '../../base/time.ts';
import {
  AF_INET,
  AF_INET6,
  SO_RCVTIMEO,
  SO_SNDTIMEO,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../socket/constants.ts';
import type { Pending } from '../../socket/pending.ts';
import type { Sockets } from '../../socket/sockets.ts';
import { type DnsMessage, decodeMessage } from './message.ts';

/** What the resolver needs of a driver; `Driver` has this shape. */
export interface DnsDriver {
  /** The sockets, with the present time told to the stack. */
  enter(): Sockets;
  /** Resolves with the call's result once it is done. */
  wait(pending: Pending): Promise<number>;
}

export interface DnsServer {
  readonly address: Address;
  readonly port: number;
}

/** One question on its way: what an answer must agree with. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Datagrams that are no answer to the question, before a socket is given up. */
const MAX_STRANGERS = 32;
const MAX_UDP = 4096;

/** RFC 5452 §9.1: what is not the answer to just this question is nobody's. */
export function answers(m: DnsMessage | null, q: Question): m is DnsMessage {
  if (m === null || !m.response || m.opcode !== 0 || m.id !== q.id) return false;
  // A server that could not read the question need not repeat it.
  if (m.type === 0 && m.rcode !== 0) return true;
  return m.name === q.name && m.type === q.type;
}

/**
 * Asks one server by UDP from a fresh socket, whose port is random; being connected, it hears that server only.
 * @returns the answer, or a word that says what went wrong
 */
export async function askUdp(
  driver: DnsDriver,
  server: DnsServer,
  q: Question,
  timeout: Micros,
): Promise<DnsMessage | string> {
  const os = driver.enter();
  const fd = os.socket(server.address.is4 ? AF_INET : AF_INET6, SOCK_DGRAM);
  if (fd < 0) return errnoName(fd);
  try {
    const connected = os.connect(fd, server.address, server.port);
    if (connected < 0) return errnoName(connected);
    const sent = os.send(fd, q.bytes);
    if (sent < 0) return errnoName(sent);
    const end = os.host.now + timeout;
    const buffer = new Uint8Array(MAX_UDP);
    for (let n = 0; n < MAX_STRANGERS; n++) {
      const got = await receive(driver, fd, buffer, 0, end);
      if (got < 0) return reason(got);
      const m = decodeMessage(buffer.subarray(0, got));
      if (answers(m, q)) return m;
    }
    return 'nothing but forgeries';
  } finally {
    driver.enter().close(fd);
  }
}

/** The same by TCP, where an answer may be longer (RFC 7766). */
export async function askTcp(
  driver: DnsDriver,
  server: DnsServer,
  q: Question,
  timeout: Micros,
): Promise<DnsMessage | string> {
  const os = driver.enter();
  const fd = os.socket(server.address.is4 ? AF_INET : AF_INET6, SOCK_STREAM);
  if (fd < 0) return errnoName(fd);
  try {
    const end = os.host.now + timeout;
    os.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, timeVal(timeout));
    const connected = await driver.wait(os.begin.connect(fd, server.address, server.port));
    if (connected < 0) return connected === -EINPROGRESS ? 'timeout' : errnoName(connected);
    const question = new Uint8Array(q.bytes.length + 2);
    question[0] = q.bytes.length >>> 8;
    question[1] = q.bytes.length & 255;
    question.set(q.bytes, 2);
    const sent = await driver.wait(driver.enter().begin.send(fd, question));
    if (sent < question.length) return sent < 0 ? reason(sent) : 'cut off';
    const head = await receiveAll(driver, fd, 2, end);
    if (typeof head === 'string') return head;
    const body = await receiveAll(driver, fd, (head[0]! << 8) | head[1]!, end);
    if (typeof body === 'string') return body;
    const m = decodeMessage(body);
    return answers(m, q) ? m : 'no answer to the question';
  } finally {
    driver.enter().close(fd);
  }
}

async function receiveAll(
  driver: DnsDriver,
  fd: number,
  n: number,
  end: Micros,
): Promise<Uint8Array | string> {
  const bytes = new Uint8Array(n);
  for (let have = 0; have < n; ) {
    const got = await receive(driver, fd, bytes, have, end);
    if (got <= 0) return got === 0 ? 'cut off' : reason(got);
    have += got;
  }
  return bytes;
}

/** One recv that ends at `end` at the latest, with −EAGAIN. */
function receive(driver: DnsDriver, fd: number, bytes: Uint8Array, at: number, end: Micros): Promise<number> {
  const os = driver.enter();
  os.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeVal(Math.max(1, end - os.host.now)));
  return driver.wait(os.begin.recv(fd, bytes, 0, at));
}

const reason = (result: number): string => {
  const name = errnoName(result);
  return name === 'EAGAIN' ? 'timeout' : name;
};

const timeVal = (t: Micros): { sec: number; usec: number } => ({
  sec: Math.floor(t / MICROS_PER_SECOND),
  usec: t % MICROS_PER_SECOND,
});
