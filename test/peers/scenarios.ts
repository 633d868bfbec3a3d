import { type Host, type Os, type Waitable, type WireOptions, World } from '../../src/sim/index.ts';
import * as K from '../../src/socket/constants.ts';

/** How addresses and frames look on the wire. */
export interface Dress {
  readonly name: string;
  readonly family: 'inet' | 'inet6';
  readonly medium: 'ip' | 'ethernet';
}

export const DRESSES: readonly Dress[] = [
  { name: 'IPv4', family: 'inet', medium: 'ip' },
  { name: 'IPv6', family: 'inet6', medium: 'ip' },
  { name: 'IPv4 over Ethernet', family: 'inet', medium: 'ethernet' },
  { name: 'IPv6 over Ethernet', family: 'inet6', medium: 'ethernet' },
];

type Steps = Generator<Waitable, void, unknown>;

/** A client and a server, each after its handshake, and what the wire does meanwhile. */
export interface Scenario {
  readonly name: string;
  /** Nothing is lost, late or refused: an analyzer has nothing to remark. */
  readonly clean: boolean;
  readonly wire?: WireOptions;
  readonly client: (os: Os, fd: number) => Steps;
  readonly server: (os: Os, fd: number) => Steps;
  /** Nobody listens. */
  readonly refused?: boolean;
}

const BODY = 'x'.repeat(20_000);

function* readThenClose(os: Os, fd: number): Steps {
  yield* os.recvAll(fd);
  yield* os.close(fd);
}

/** Slow enough that the ACK of the first FIN goes alone. */
function* readThenThinkThenClose(os: Os, fd: number): Steps {
  yield* os.recvAll(fd);
  yield* os.sleep(0.1);
  yield* os.close(fd);
}

function* sayThenClose(os: Os, fd: number): Steps {
  yield* os.send(fd, 'hello');
  yield* os.sleep(0.1);
  yield* os.close(fd);
}

const linger = (os: Os, fd: number): number =>
  os.setsockopt(fd, K.SOL_SOCKET, K.SO_LINGER, { onoff: 1, linger: 0 });

function* sendMuch(os: Os, fd: number): Steps {
  for (let i = 0; i < 10; i++) yield* os.send(fd, BODY);
  yield* os.close(fd);
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'the client closes first', clean: true, client: sayThenClose, server: readThenThinkThenClose },
  {
    name: 'the server closes first, after a long answer',
    clean: true,
    *client(os, fd) {
      yield* os.send(fd, 'GET / HTTP/1.0\r\n\r\n');
      yield* readThenClose(os, fd);
    },
    *server(os, fd) {
      yield* os.recv(fd, 100);
      yield* os.send(fd, BODY);
      yield* os.sleep(0.1);
      yield* os.close(fd);
    },
  },
  {
    name: 'a half-close: the server answers after the FIN of the client',
    clean: true,
    *client(os, fd) {
      yield* os.send(fd, 'what comes back?');
      os.shutdown(fd, 'wr');
      yield* readThenClose(os, fd);
    },
    *server(os, fd) {
      yield* os.recvAll(fd);
      yield* os.sleep(0.1);
      yield* os.send(fd, BODY);
      yield* os.close(fd);
    },
  },
  {
    name: 'both close at once',
    clean: true,
    *client(os, fd) {
      yield* os.sleep(0.1);
      yield* os.close(fd);
    },
    *server(os, fd) {
      // Half a round trip later than the client is told that it is connected.
      yield* os.sleep(0.0998);
      yield* os.close(fd);
    },
  },
  {
    name: 'three segments: the second FIN rides on the ACK of the first',
    clean: true,
    *client(os, fd) {
      os.shutdown(fd, 'wr');
      yield* readThenClose(os, fd);
    },
    server: readThenClose,
  },
  {
    name: 'an abort by SO_LINGER 0',
    clean: false,
    *client(os, fd) {
      yield* os.send(fd, 'no more of this');
      yield* os.sleep(0.1);
      linger(os, fd);
      yield* os.close(fd);
    },
    server: readThenClose,
  },
  {
    name: 'a reset because of unread data',
    clean: false,
    client: readThenClose,
    *server(os, fd) {
      yield* os.send(fd, 'nobody reads this');
      yield* os.sleep(0.1);
      yield* os.close(fd);
    },
  },
  { name: 'a refused connection', clean: false, refused: true, client: readThenClose, server: readThenClose },
  {
    name: 'a lost SYN, SYN-ACK, FIN and last ACK',
    clean: false,
    wire: { rules: ['drop A SYN 1', 'drop B SYN-ACK 1', 'drop A FIN 1', 'drop B FIN 1'] },
    client: sayThenClose,
    server: readThenClose,
  },
  {
    name: 'lost data, recovered with SACK',
    clean: false,
    wire: {
      rules: [
        'drop A DATA 3',
        'drop A DATA 7..9',
        'drop A DATA 30',
        'duplicate B pure-ACK 10',
        'reorder A DATA 50',
      ],
    },
    client: sendMuch,
    server: readThenClose,
  },
  {
    name: 'a wire that loses 10 %',
    clean: false,
    wire: { loss: 0.1 },
    client: sendMuch,
    server: readThenClose,
  },
  {
    name: 'urgent data',
    clean: false,
    *client(os, fd) {
      yield* os.send(fd, 'wait for ');
      yield* os.send(fd, 'me!', K.MSG_OOB);
      yield* os.sleep(0.1);
      yield* os.close(fd);
    },
    server: readThenClose,
  },
  {
    name: 'a shut window, probed and opened again',
    clean: false,
    client: sendMuch,
    *server(os, fd) {
      yield* os.sleep(3);
      yield* readThenClose(os, fd);
    },
  },
  {
    name: 'keepalive on a quiet connection',
    clean: false,
    *client(os, fd) {
      os.setsockopt(fd, K.SOL_SOCKET, K.SO_KEEPALIVE, 1);
      os.setsockopt(fd, K.IPPROTO_TCP, K.TCP_KEEPIDLE, 1);
      os.setsockopt(fd, K.IPPROTO_TCP, K.TCP_KEEPINTVL, 1);
      yield* os.sleep(4);
      yield* os.close(fd);
    },
    server: readThenClose,
  },
];

/** Two hosts with captures. */
export interface Pair {
  readonly world: World;
  readonly a: Host;
  readonly b: Host;
  /** B's address. */
  readonly to: string;
}

let nets = 0;

/** Every pair has addresses of its own, so that all captures can be put in one file. */
export const freshNet = (): number => 1 + (nets++ % 250);

/** Address `host` in net number `net`. */
export const addressIn = (dress: Dress, net: number, host: number): string =>
  dress.family === 'inet' ? `10.9.${net}.${host}` : `fd00:9:${net.toString(16)}::${host}`;

export const prefixOf = (dress: Dress): number => (dress.family === 'inet' ? 24 : 64);

/** Two hosts with captures on a wire of this kind. */
export function pair(dress: Dress, wire: WireOptions = {}): Pair {
  const world = new World({ seed: 7, capture: true, log: false });
  const net = freshNet();
  const a = world.host('A', { addresses: [`${addressIn(dress, net, 1)}/${prefixOf(dress)}`] });
  const b = world.host('B', { addresses: [`${addressIn(dress, net, 2)}/${prefixOf(dress)}`] });
  world.wire(a, b, { delay: 250, medium: dress.medium, ...wire });
  return { world, a, b, to: addressIn(dress, net, 2) };
}

/** Plays a scenario; the captures of both hosts. */
export function play(s: Scenario, dress: Dress): { a: Uint8Array; b: Uint8Array } {
  const { world, a, b, to } = pair(dress, s.wire);
  if (!s.refused) {
    b.spawn(function* (os) {
      const listener = os.socket(dress.family);
      os.bind(listener, to, 9000);
      os.listen(listener);
      const fd = yield* os.accept(listener);
      yield* s.server(os, fd);
      yield* os.close(listener);
    });
  }
  a.spawn(function* (os) {
    const fd = os.socket(dress.family);
    // IPv6 over Ethernet has neighbours to find first.
    yield* os.sleep(0.5);
    const error = yield* os.connect(fd, to, 9000);
    if (error >= 0) yield* s.client(os, fd);
    else yield* os.close(fd);
  });
  world.run();
  return { a: a.capture, b: b.capture };
}
