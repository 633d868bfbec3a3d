import { put16, put32 } from '../src/wire/bytes.ts';
import { checksum } from '../src/wire/checksum.ts';
import { CSUM_GOOD, type Frame } from '../src/wire/frame.ts';
import { must } from './harness.ts';
import { End } from './pair.ts';

const PORT = 5000;
/** Hosts that the SYNs come from: 10.0.0.100 and the next. */
const HOSTS = 64;
/** Header length in words, and SYN. */
const FLAGS = 0xa002;
/** MSS 1460, SACK permitted, timestamps, window scale 7: what Linux sends. */
const OPTIONS = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

/** A server whose SYN queue fills: SYNs are answered, and nobody acknowledges the answers. */
export class SynFlood {
  readonly server: End;
  private sent = 0;
  private readonly now = 1_000_000;

  constructor() {
    const sysctl = { somaxconn: 1 << 30, tcp_max_syn_backlog: 1 << 30, tcp_syncookies: 0 };
    this.server = new End('server', '10.0.0.2', 1, sysctl, 'frames');
    this.server.stack.tick(this.now);
    const fd = this.server.listen(PORT);
    must(this.server.sockets.listen(fd, 1 << 30) === 0, 'listen');
  }

  /** Sends so many SYNs, all before the first answer would be repeated. */
  send(count: number): void {
    const { stack, ifc } = this.server;
    for (let i = 0; i < count; i++) {
      stack.receive(ifc, this.syn(this.sent++), this.now);
      stack.transmit(ifc, this.now, answer => {
        answer.release();
        return true;
      });
    }
    let entries = 0;
    for (const _ of stack.tcp.requests()) entries++;
    must(entries === this.sent, `${entries} entries of ${this.sent} SYNs`);
  }

  private syn(n: number): Frame {
    const frame = this.server.stack.frames.take(128);
    const { bytes, start: ip } = frame;
    const tcp = ip + 20;
    bytes.fill(0, ip, tcp + 40);
    bytes[ip] = 0x45;
    put16(bytes, ip + 2, 60);
    bytes[ip + 8] = 64;
    bytes[ip + 9] = 6;
    put32(bytes, ip + 12, 0x0a000064 + (n % HOSTS));
    put32(bytes, ip + 16, 0x0a000002);
    put16(bytes, ip + 10, checksum(bytes, ip, tcp));
    put16(bytes, tcp, 1024 + Math.floor(n / HOSTS));
    put16(bytes, tcp + 2, PORT);
    put32(bytes, tcp + 4, n);
    put16(bytes, tcp + 12, FLAGS);
    put16(bytes, tcp + 14, 64240);
    bytes.set(OPTIONS, tcp + 20);
    frame.end = tcp + 40;
    // As a link with offload would say.
    frame.csum = CSUM_GOOD;
    return frame;
  }
}
