import type { Waitable } from '../../src/sim/call.ts';
import type { Host } from '../../src/sim/host.ts';
import type { Os } from '../../src/sim/os.ts';
import {
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_SNDBUF,
  SOL_SOCKET,
  SOL_TCP,
  TCP_DEFER_ACCEPT,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_LINGER2,
  TCP_NODELAY,
  TCP_USER_TIMEOUT,
} from '../../src/socket/constants.ts';
import { type Setting, settingsOf } from './knobs.ts';
import { ADDRESS } from './names.ts';
import type { Line } from './script.ts';

type Doing = Generator<Waitable, void, unknown>;

/** Options by the name that a script gives them. */
const OPTIONS: Readonly<Record<string, readonly [level: number, name: number]>> = {
  keepalive: [SOL_SOCKET, SO_KEEPALIVE],
  reuseaddr: [SOL_SOCKET, SO_REUSEADDR],
  rcvbuf: [SOL_SOCKET, SO_RCVBUF],
  sndbuf: [SOL_SOCKET, SO_SNDBUF],
  nodelay: [SOL_TCP, TCP_NODELAY],
  keepidle: [SOL_TCP, TCP_KEEPIDLE],
  keepintvl: [SOL_TCP, TCP_KEEPINTVL],
  keepcnt: [SOL_TCP, TCP_KEEPCNT],
  linger2: [SOL_TCP, TCP_LINGER2],
  defer_accept: [SOL_TCP, TCP_DEFER_ACCEPT],
  user_timeout: [SOL_TCP, TCP_USER_TIMEOUT],
};
export const OPTION_NAMES: readonly string[] = Object.keys(OPTIONS);

/** The most that one write asks for, and the most connections that one line opens. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_SOCKETS = 2000;

/** What a program that reads in a loop asks for. */
const CHUNK = 8192;

const number = (text: string | undefined, fallback: number, most: number): number =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Math.min(Number(text), most) : fallback;

/** The application of one host: sockets by the names that the script gives them. */
export class App {
  private readonly host: Host;
  private readonly fds = new Map<string, number>();
  private readonly names = new Map<number, string>();
  private life: number;
  /** The sysctls that differ from their defaults; another list whenever one is set. */
  sysctls: readonly Setting[] = [];

  constructor(host: Host) {
    this.host = host;
    this.life = host.life;
  }

  nameOf(fd: number): string {
    return this.names.get(fd) ?? '';
  }

  /** Does what a line says. Each line is a thread of its own: one that waits does not keep others waiting. */
  perform(line: Line): void {
    const { host } = this;
    if (line.verb === 'crash') host.crash();
    else if (line.verb === 'restart') host.restart();
    else if (line.verb === 'sysctl') {
      const result = host.stack.sysctl.set(line.words[0] ?? '', line.words.slice(1).join(' '));
      this.sysctls = settingsOf(host.stack.sysctl);
      host.world.note(
        result.ok
          ? `${host.name}: sysctl ${line.words[0]} = ${line.words.slice(1).join(' ')}`
          : `${host.name}: ${result.error}`,
      );
    } else if (!host.down) host.spawn(os => this.run(os, line.verb, line.words), line.verb);
    if (this.life !== host.life || host.down) {
      this.life = host.life;
      this.fds.clear();
      this.names.clear();
      this.sysctls = [];
    }
  }

  private keep(name: string, fd: number): void {
    if (fd < 0) return;
    this.fds.set(name, fd);
    this.names.set(fd, name);
  }

  /** The name goes, what the descriptor was called stays: the log still speaks of it. */
  private forget(name: string): void {
    this.fds.delete(name);
  }

  /** The descriptor of a name; a name that is not there yet is waited for. */
  private *fd(os: Os, name: string): Generator<Waitable, number, unknown> {
    if (!this.fds.has(name)) yield* os.when(() => this.fds.has(name));
    return this.fds.get(name) ?? -1;
  }

  private *run(os: Os, verb: string, words: readonly string[]): Doing {
    const [name = '', second = '', third] = words;
    if (verb === 'listen') return this.listen(os, name, words);
    if (verb === 'bind') return this.bind(os, name, number(second, 0, 65535));
    if (verb === 'connect') return yield* this.connect(os, name, second);
    if (verb === 'fetch')
      return yield* this.fetch(os, number(name, 1, MOST_SOCKETS), second, third ?? 'each');
    const fd = yield* this.fd(os, name);
    if (verb === 'accept') this.keep(second, yield* os.accept(fd));
    else if (verb === 'serve') yield* this.serve(os, fd, words);
    else if (verb === 'write') yield* os.send(fd, letters(number(second, 1, MOST_BYTES)));
    else if (verb === 'read') yield* os.recv(fd, number(second, 65536, MOST_BYTES));
    else if (verb === 'drain') yield* this.drain(os, fd);
    else if (verb === 'shutdown') os.shutdown(fd, second === 'rd' || second === 'wr' ? second : 'rdwr');
    else if (verb === 'linger')
      os.setsockopt(fd, SOL_SOCKET, SO_LINGER, {
        onoff: second === 'on' ? 1 : 0,
        linger: number(third, 0, 3600),
      });
    else if (verb === 'set') this.set(os, fd, second, third);
    else {
      if (verb === 'abort') os.setsockopt(fd, SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 0 });
      this.forget(name);
      yield* os.close(fd);
    }
  }

  private set(os: Os, fd: number, name: string, value: string | undefined): void {
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (option === undefined) os.host.world.note(`${os.host.name}: no option '${name}'`);
    else os.setsockopt(fd, option[0], option[1], number(value, 1, 2 ** 30));
  }

  private listen(os: Os, name: string, words: readonly string[]): void {
    const fd = os.socket();
    this.keep(name, fd);
    os.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    const [, port, backlog, ...options] = words;
    for (const o of options) this.set(os, fd, o.split('=')[0] ?? '', o.split('=')[1]);
    if (os.bind(fd, '0.0.0.0', number(port, 80, 65535)) < 0) return;
    os.listen(fd, number(backlog, 128, 65535));
  }

  private bind(os: Os, name: string, port: number): void {
    const fd = os.socket();
    this.keep(name, fd);
    os.bind(fd, ADDRESS[this.host.name === 'A' ? 'A' : 'B'], port);
  }

  /** `name*5` opens five: name1 … name5. */
  private *connect(os: Os, name: string, where: string): Doing {
    const [stem = '', times] = name.split('*');
    const [host = '', port] = where.split(':');
    const address = ADDRESS[host === 'A' ? 'A' : 'B'];
    const count = number(times, 1, MOST_SOCKETS);
    if (count > 1) {
      for (let i = 1; i <= count; i++) {
        this.host.spawn(child => this.connect(child, `${stem}${i}`, where), 'connect');
      }
      return;
    }
    let fd = this.fds.get(stem);
    if (fd === undefined) {
      fd = os.socket();
      this.keep(stem, fd);
    }
    yield* os.connect(fd, address, number(port, 80, 65535));
  }

  private *drain(os: Os, fd: number): Doing {
    for (;;) {
      const part = yield* os.recv(fd, CHUNK);
      if (typeof part === 'number' || part.length === 0) return;
    }
  }

  /**
   * A server: accepts for ever, a thread for each connection. It reads requests until the end of the stream
   * and closes. Words behind the listener: `reply N` answers each read with N bytes; `leak` never closes;
   * `close` closes after its first answer; `limit N` accepts that many.
   */
  private *serve(os: Os, listener: number, words: readonly string[]): Doing {
    const value = (word: string): string | undefined => words[words.indexOf(word, 1) + 1];
    const reply = words.indexOf('reply', 1) > 0 ? number(value('reply'), 100, MOST_BYTES) : 0;
    const leak = words.includes('leak', 1);
    const once = words.includes('close', 1);
    for (let i = 1; ; i++) {
      const fd = yield* os.accept(listener);
      if (fd < 0) return;
      this.keep(`${words[0]}${i}`, fd);
      this.host.spawn(child => this.answer(child, fd, `${words[0]}${i}`, reply, leak, once), `server ${i}`);
    }
  }

  private *answer(os: Os, fd: number, name: string, reply: number, leak: boolean, once: boolean): Doing {
    for (;;) {
      const part = yield* os.recv(fd, CHUNK);
      if (typeof part === 'number' || part.length === 0) break;
      if (reply > 0) yield* os.send(fd, letters(reply));
      if (once) break;
    }
    if (leak) return;
    this.forget(name);
    yield* os.close(fd);
  }

  /** Requests one after the other: `each` on a connection of its own, `pool` all on one. */
  private *fetch(os: Os, times: number, where: string, how: string): Doing {
    const [host = '', port] = where.split(':');
    const address = ADDRESS[host === 'A' ? 'A' : 'B'];
    let fd = -1;
    for (let i = 0; i < times; i++) {
      if (fd < 0) {
        fd = os.socket();
        this.names.set(fd, `r${i + 1}`);
        if ((yield* os.connect(fd, address, number(port, 80, 65535))) < 0) return;
      }
      yield* os.send(fd, letters(100));
      yield* os.recv(fd, CHUNK);
      if (how === 'pool') continue;
      yield* os.close(fd);
      fd = -1;
    }
    if (fd >= 0) yield* os.close(fd);
  }
}

/** The alphabet over and over, as far as it has been asked for. It is only read: writing copies. */
let alphabet = new Uint8Array(0);

/** Bytes that are easy to tell apart in a dump. */
function letters(n: number): Uint8Array {
  if (alphabet.length < n) {
    alphabet = new Uint8Array(Math.max(n, 1024));
    for (let i = 0; i < 26; i++) alphabet[i] = 97 + i;
    for (let done = 26; done < alphabet.length; done *= 2) alphabet.copyWithin(done, 0, done);
  }
  return alphabet.subarray(0, n);
}
