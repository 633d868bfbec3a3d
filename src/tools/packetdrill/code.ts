import { SO_MEMINFO, SOL_SOCKET } from '../../socket/constants.ts';
import type { Sockets } from '../../socket/sockets.ts';
import type { Flow } from './flow.ts';
import { Problem } from './problem.ts';
import { Python } from './python/evaluate.ts';
import { PythonError } from './python/values.ts';
import { symbol } from './symbols.ts';

/** What the reference tool defines before a snippet runs, besides tcp_info. */
const CONSTANTS: Readonly<Record<string, number>> = {
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_FIN_WAIT1: 4,
  TCP_FIN_WAIT2: 5,
  TCP_TIME_WAIT: 6,
  TCP_CLOSE: 7,
  TCP_CLOSE_WAIT: 8,
  TCP_LAST_ACK: 9,
  TCP_LISTEN: 10,
  TCP_CLOSING: 11,
  TCP_NEW_SYN_RECV: 12,
  TCP_CA_Open: 0,
  TCP_CA_Disorder: 1,
  TCP_CA_CWR: 2,
  TCP_CA_Recovery: 3,
  TCP_CA_Loss: 4,
  TCPI_OPT_TIMESTAMPS: 1,
  TCPI_OPT_SACK: 2,
  TCPI_OPT_WSCALE: 4,
  TCPI_OPT_ECN: 8,
  TCPI_OPT_ECN_SEEN: 16,
  TCPI_OPT_SYN_DATA: 32,
  TCPI_OPT_USEC_TS: 64,
  TCPI_OPT_TFO_CHILD: 128,
};
const MEMINFO = [
  'SK_MEMINFO_RMEM_ALLOC',
  'SK_MEMINFO_RCVBUF',
  'SK_MEMINFO_WMEM_ALLOC',
  'SK_MEMINFO_SNDBUF',
  'SK_MEMINFO_FWD_ALLOC',
  'SK_MEMINFO_WMEM_QUEUED',
  'SK_MEMINFO_OPTMEM',
  'SK_MEMINFO_BACKLOG',
  'SK_MEMINFO_DROPS',
];

/** Runs the `%{ }%` snippets of one script on the tcp_info of the socket under test. */
export class Code {
  private readonly python = new Python();
  private readonly sockets: Sockets;

  constructor(sockets: Sockets) {
    this.sockets = sockets;
    for (const [name, value] of Object.entries(CONSTANTS)) this.python.set(name, value);
  }

  /** What snippets printed. */
  get printed(): readonly string[] {
    return this.python.output;
  }

  /** @throws Problem if an assertion fails or the code cannot run */
  run(source: string, line: number, flow: Flow | null): void {
    const text = source.replace(/^[ \t]+/, '');
    if (flow !== null && flow.fd >= 0) this.readSocket(flow.fd);
    try {
      this.python.run(text);
    } catch (e) {
      if (!(e instanceof PythonError)) throw e;
      throw new Problem(line + Math.max(0, e.line - 1), `${e.type}: ${e.message}`);
    }
  }

  private readSocket(fd: number): void {
    const info = this.sockets.tcpInfo(fd);
    if (typeof info === 'object')
      for (const [name, value] of Object.entries(info)) this.python.set(`tcpi_${name}`, value as number);
    const memory = this.sockets.getsockoptBytes(fd, SOL_SOCKET, SO_MEMINFO);
    if (typeof memory === 'number') return;
    const v = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
    for (const name of MEMINFO) {
      const at = 4 * (symbol(name) ?? 0);
      if (at + 4 <= memory.length) this.python.set(name, v.getUint32(at, true));
    }
  }
}
