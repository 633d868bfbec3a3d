import type { DnsDriver } from '../../src/services/dns/exchange.ts';
import { readName } from '../../src/services/dns/name.ts';
import { Call, type Waitable } from '../../src/sim/call.ts';
import type { Host } from '../../src/sim/host.ts';
import type { Os } from '../../src/sim/os.ts';
import { AF_INET, SOCK_DGRAM } from '../../src/socket/constants.ts';

/** A simulated host as services see a driver. */
export function driverOf(host: Host): DnsDriver {
  return {
    enter: () => {
      host.enter();
      return host.sockets;
    },
    wait: p => {
      if (p.done) return Promise.resolve(p.result);
      const call = new Call<number>(host, null, 'wait', []);
      p.token = call;
      host.touch();
      return call.then(n => n);
    },
  };
}

/** A record as a server writes it: name, type, ttl, data. */
export type Row = readonly [name: string, type: number, ttl: number, data: string | readonly number[]];

export interface Answer {
  rcode?: number;
  truncated?: boolean;
  answers?: readonly Row[];
  authority?: readonly Row[];
  /** Changes the finished message. */
  spoil?: (bytes: Uint8Array) => Uint8Array;
}

const nameBytes = (name: string): number[] => [
  ...name.split('.').flatMap(l => [l.length, ...new TextEncoder().encode(l)]),
  0,
];

function rowBytes([name, type, ttl, data]: Row): number[] {
  const body = typeof data === 'string' ? nameBytes(data) : [...data];
  const head = [0, type, 0, 1, ttl >>> 24, (ttl >>> 16) & 255, (ttl >>> 8) & 255, ttl & 255];
  return [...nameBytes(name), ...head, body.length >>> 8, body.length & 255, ...body];
}

/** The answer to a question, both as bytes. */
export function reply(question: Uint8Array, a: Answer): Uint8Array {
  const where = { name: '', end: 0 };
  readName(question, 12, where);
  const { answers = [], authority = [], rcode = 0 } = a;
  const head = [question[0]!, question[1]!, 0x81 | (a.truncated ? 2 : 0), 0x80 | rcode, 0, 1];
  const counts = [0, answers.length, 0, authority.length, 0, 0];
  const rows = [...answers, ...authority].flatMap(rowBytes);
  const bytes = Uint8Array.from([...head, ...counts, ...question.subarray(12, where.end + 4), ...rows]);
  return a.spoil?.(bytes) ?? bytes;
}

/** Name and type of a question. */
export function asked(question: Uint8Array): [string, number] {
  const where = { name: '', end: 0 };
  readName(question, 12, where);
  return [where.name, question[where.end + 1]!];
}

/** A server by UDP: for each question any number of answers, none for silence. */
export const udpServer = (answer: (name: string, type: number, question: Uint8Array) => readonly Answer[]) =>
  function* (os: Os): Generator<Waitable, void, unknown> {
    const fd = os.socket(AF_INET, SOCK_DGRAM);
    os.bind(fd, '0.0.0.0', 53);
    for (;;) {
      const got = yield* os.recvfrom(fd, 4096);
      if (typeof got === 'number') return;
      for (const a of answer(...asked(got.data), got.data))
        yield* os.sendto(fd, reply(got.data, a), got.address, got.port);
    }
  };

/** A server by TCP. */
export const tcpServer = (answer: (name: string, type: number) => Answer) =>
  function* (os: Os): Generator<Waitable, void, unknown> {
    const l = os.serve('0.0.0.0', 53);
    for (;;) {
      const fd = yield* os.accept(l);
      const got = yield* os.recv(fd, 4096);
      if (typeof got === 'number') return;
      const question = got.slice(2);
      const bytes = reply(question, answer(...asked(question)));
      yield* os.send(fd, Uint8Array.from([bytes.length >>> 8, bytes.length & 255, ...bytes]));
      yield* os.close(fd);
    }
  };
