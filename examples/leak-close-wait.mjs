// A server that forgets to close, on purpose: each client that goes leaves a socket in CLOSE_WAIT, for which
// there is no time-out, because TCP waits for the application. The watch sees it and says what to do.
//
//   npm run build && node examples/leak-close-wait.mjs

import { stateName } from 'lastack';
import { World } from 'lastack/sim';
import { findingText, Watch } from 'lastack/watch';

const world = new World({ seed: 1 });
const server = world.host('server', { addresses: ['10.0.0.1/24'] });
const client = world.host('client', { addresses: ['10.0.0.2/24'] });
world.wire(server, client, { delay: 5_000 });

server.spawn(function* (os) {
  const listener = os.serve('10.0.0.1', 7);
  for (;;) {
    const fd = yield* os.accept(listener);
    const greeting = yield* os.recv(fd, 100);
    // The mistake: after end of file (or an error) the descriptor is forgotten, not closed.
    if (typeof greeting === 'number' || greeting.length === 0) continue;
    yield* os.send(fd, 'hello');
  }
});

client.spawn(function* (os) {
  for (let i = 0; i < 3; i++) {
    const fd = yield* os.open('10.0.0.1', 7);
    yield* os.send(fd, 'hello');
    yield* os.recv(fd, 100);
    yield* os.close(fd);
  }
});

const watch = new Watch(server.stack);
const look = () => watch.look(server.stackTime(world.now));
for (let second = 0; second < 65; second++) {
  world.runFor(1_000_000);
  look();
}
const states = [...server.stack.tcp.connections()].map(c => stateName(c.state));
console.log(`65 seconds later the server has: ${states.join(', ')}`);
for (const finding of look()) console.log(findingText(finding).join('\n'));
