// A server that does it right: reads until end of file (recv gives nothing), and closes. Its end of the
// connection goes CLOSE_WAIT → LAST_ACK → CLOSED in one round trip, and nothing is left behind.
//
//   npm run build && node examples/read-to-eof.mjs
//
// The second client's network dies in the middle; keepalive is what finds out.

import { constants } from 'lastack';
import { World } from 'lastack/sim';

const world = new World({ seed: 1 });
const server = world.host('server', { addresses: ['10.0.0.1/24'] });
const client = world.host('client', { addresses: ['10.0.0.2/24'] });
const wire = world.wire(server, client, { delay: 5_000 });

server.spawn(function* (os) {
  const listener = os.serve('10.0.0.1', 7);
  for (;;) {
    const fd = yield* os.accept(listener);
    os.setsockopt(fd, constants.SOL_SOCKET, constants.SO_KEEPALIVE, 1);
    os.setsockopt(fd, constants.IPPROTO_TCP, constants.TCP_KEEPIDLE, 10);
    // One process for each connection.
    server.spawn(() => connection(os, fd));
  }
});

/** @param {import('lastack/sim').Os} os @param {number} fd */
function* connection(os, fd) {
  const all = yield* os.recvAll(fd);
  const seconds = (world.now / 1e6).toFixed(1);
  if (typeof all === 'number') console.log(`at ${seconds} s: error ${all} (-110 is ETIMEDOUT)`);
  else console.log(`at ${seconds} s: end of file after ${all.length} bytes`);
  // In every case, also after an error: this is the line that leaking servers lack.
  yield* os.close(fd);
}

client.spawn(function* (os) {
  const first = yield* os.open('10.0.0.1', 7);
  yield* os.send(first, 'all is well');
  yield* os.close(first);

  const second = yield* os.open('10.0.0.1', 7);
  yield* os.send(second, 'and then');
  yield* os.sleep(1);
  wire.partition(true);
});

world.run();
const left = [...server.stack.tcp.connections()].length;
console.log(`connections left on the server: ${left}`);
