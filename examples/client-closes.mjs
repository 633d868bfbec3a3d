// A client that asks, takes the answer and closes: the plain life of a connection, in virtual time.
//
//   npm run build && node examples/client-closes.mjs
//
// Who closes first waits in TIME_WAIT: here the client, for 2 MSL (60 s, which take no time to simulate).

import { World } from 'lastack/sim';

const world = new World({ seed: 1 });
const client = world.host('client', { addresses: ['10.0.0.1/24'] });
const server = world.host('server', { addresses: ['10.0.0.2/24'] });
world.wire(client, server, { delay: 10_000 });

server.spawn(function* (os) {
  const listener = os.serve('10.0.0.2', 7);
  const fd = yield* os.accept(listener);
  const question = yield* os.recv(fd, 100);
  if (typeof question !== 'number') yield* os.send(fd, question);
  // End of file: the client has closed. Closing too is what takes this end out of CLOSE_WAIT.
  yield* os.recvAll(fd);
  yield* os.close(fd);
  yield* os.close(listener);
});

client.spawn(function* (os) {
  const fd = yield* os.open('10.0.0.2', 7);
  yield* os.send(fd, 'is anybody there?');
  yield* os.recv(fd, 100);
  yield* os.close(fd);
});

world.run();
console.log(world.formatLog());
