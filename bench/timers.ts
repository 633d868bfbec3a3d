import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseAddress } from '../src/base/address.ts';
import { EAGAIN, EINPROGRESS } from '../src/base/errno.ts';
import { TimerWheel } from '../src/base/timers.ts';
import { EPOLLIN, SOCK_NONBLOCK } from '../src/socket/constants.ts';
import { type Figure, figure, must } from './harness.ts';
import { lives, livesPair } from './lives.ts';
import type { App, Pair } from './pair.ts';

/**
 * What a segment costs of 64 connections that send 1 KB to and fro, alone and beside a crowd: idle connections, rows
 * in TIME_WAIT with their armed timers. Each surrounding is a process of its own; they are asked in turn.
 *
 *   node --expose-gc timers.js IDLE ROWS ACTIVE        (a child, over IPC)
 */
const PROGRAM = fileURLToPath(import.meta.url);
const ACTIVE = 64;
const CHUNK = 1024;
const PORT = 7000;

const payload = new Uint8Array(CHUNK).fill(0x61);
const buffer = new Uint8Array(4096);

/** Sends 1 KB back for each that has come. */
class Echo implements App {
  private readonly pair: Pair;
  private readonly listener: number;

  constructor(pair: Pair) {
    this.pair = pair;
    this.listener = pair.server.listen(PORT);
  }

  event(fd: number): void {
    const { server } = this.pair;
    const { sockets } = server;
    if (fd === this.listener) {
      for (;;) {
        const child = sockets.accept(fd, SOCK_NONBLOCK);
        if (child === -EAGAIN) return;
        must(child >= 0, `accept: ${child}`);
        server.watch(child, EPOLLIN);
      }
    }
    const n = sockets.recv(fd, buffer);
    if (n === -EAGAIN) return;
    must(n === CHUNK, `echo recv: ${n}`);
    must(sockets.send(fd, payload) === CHUNK, 'echo send');
  }
}

class Caller implements App {
  answers = 0;
  private calls = 0;
  private limit = 0;
  private readonly pair: Pair;
  private readonly fds: number[] = [];

  constructor(pair: Pair) {
    this.pair = pair;
    const { client } = pair;
    const to = parseAddress(pair.server.address)!;
    for (let i = 0; i < ACTIVE; i++) {
      const fd = client.socket();
      must(client.sockets.connect(fd, to, PORT) === -EINPROGRESS, 'connect');
      client.watch(fd, EPOLLIN);
      this.fds.push(fd);
    }
  }

  /** Lets every connection make its share of so many calls. */
  begin(calls: number): void {
    this.limit = this.answers + calls;
    this.calls = this.answers;
    for (const fd of this.fds) this.call(fd);
  }

  event(fd: number): void {
    const n = this.pair.client.sockets.recv(fd, buffer);
    if (n === -EAGAIN) return;
    must(n === CHUNK, `caller recv: ${n}`);
    this.answers++;
    if (this.calls < this.limit) this.call(fd);
  }

  private call(fd: number): void {
    this.calls++;
    must(this.pair.client.sockets.send(fd, payload) === CHUNK, 'caller send');
  }
}

/** A child: makes the crowd, then measures whenever it is asked to. */
function serve(idle: number, rows: number): void {
  const pair = livesPair();
  if (idle > 0) lives('kept', pair).live(idle, 100);
  if (rows > 0) lives('closed', pair, 6000).live(rows, 100);
  const echo = new Echo(pair);
  const caller = new Caller(pair);
  const quiet = pair.now + 2_000_000;
  pair.after(2_000_000, () => {});
  pair.run(caller, echo, () => pair.now >= quiet);
  const measure = (calls: number): number => {
    const segments = (): number => pair.client.stack.mib.TcpInSegs + pair.server.stack.mib.TcpInSegs;
    const before = segments();
    const cpu = process.cpuUsage();
    caller.begin(calls);
    const target = caller.answers + calls;
    pair.run(caller, echo, () => caller.answers >= target);
    const { user, system } = process.cpuUsage(cpu);
    return ((user + system) * 1000) / (segments() - before);
  };
  // The compiler has seen it all before anything counts.
  measure(20_000);
  process.on('message', (calls: number) => process.send!(measure(calls)));
  process.send!(0);
}

const answer = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once('message', (m: number) => resolve(m));
    child.once('exit', code => reject(new Error(`bench: a child ended with ${code}`)));
  });

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/**
 * Nanoseconds of the processor a segment, alone and beside the crowds; and their ratios.
 * @param lives processes of each kind, one after the other: V8's optimizer comes out well in one and half as well in
 * the next, whatever stands beside
 */
export async function crowded(
  idle: number,
  rows: number,
  lives: number,
  rounds: number,
  calls: number,
): Promise<Figure[]> {
  const surroundings = [
    { name: 'alone', idle: 0, rows: 0 },
    { name: `${idle} idle connections`, idle, rows: 0 },
    { name: `${rows} armed timers`, idle: 0, rows },
  ];
  const values = surroundings.map(() => [] as number[]);
  for (let life = 0; life < lives; life++) {
    const children: ChildProcess[] = [];
    try {
      for (const s of surroundings) {
        const child = fork(PROGRAM, [String(s.idle), String(s.rows)], { execArgv: [] });
        child.setMaxListeners(2 * rounds + 2);
        children.push(child);
        await answer(child);
      }
      for (let round = 0; round < rounds; round++) {
        for (const [i, child] of children.entries()) {
          child.send(calls);
          values[i]!.push(await answer(child));
        }
      }
    } finally {
      for (const child of children) child.kill();
    }
  }
  const figures = surroundings.map((s, i) => figure('segment', s.name, 'ns of CPU', values[i]!));
  for (const [i, s] of surroundings.entries())
    if (i > 0)
      figures.push(figure('segment ratio', s.name, '× alone', [median(values[i]!) / median(values[0]!)]));
  return figures;
}

/** Nanoseconds to arm, to move, to cancel and to expire one id, with so many armed besides. */
export function wheel(armed: number): Figure[] {
  const OPS = 200_000;
  const w = new TimerWheel(0);
  let seed = 1;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed % n;
  };
  for (let id = 0; id < armed; id++) w.arm(OPS + id, 1_000_000 + random(60_000));
  const timed = (work: () => void): number => {
    const cpu = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(cpu);
    return ((user + system) * 1000) / OPS;
  };
  const one = (what: string, value: number): Figure =>
    figure(`wheel ${what}`, `${armed} armed`, 'ns', [value]);
  const cycle = (): Figure[] => [
    one(
      'arm',
      timed(() => {
        for (let id = 0; id < OPS; id++) w.arm(id, 1000 + random(200_000));
      }),
    ),
    one(
      'move',
      timed(() => {
        for (let id = 0; id < OPS; id++) w.arm(id, 1000 + random(200_000));
      }),
    ),
    one(
      'cancel',
      timed(() => {
        for (let id = 0; id < OPS; id++) w.cancel(id);
      }),
    ),
  ];
  cycle();
  const figures = cycle();
  for (let id = 0; id < OPS; id++) w.arm(id, 1000 + random(200_000));
  let fired = 0;
  figures.push(
    one(
      'expire',
      timed(() => {
        while (w.next() <= 201_000) fired += w.expire(201_000, 4096, () => {});
      }),
    ),
  );
  must(fired === OPS && w.count === armed, 'every timer once');
  return figures;
}

const [, program, idle, rows] = process.argv;
if (program === PROGRAM && idle !== undefined) serve(Number(idle), Number(rows));
