// A capture played to a stack: what does it make of a conversation that it was no part of? Here of a client's
// side, recorded in the simulator.
//
//   npm run build && node examples/replay.mjs

import { readCapture, Stack, seededRandom } from 'lastack';
import { Driver } from 'lastack/driver';
import { ReplayLink } from 'lastack/link/replay';
import { NodeLoop } from 'lastack/node';
import { World } from 'lastack/sim';

const world = new World({ seed: 1 });
const client = world.host('client', { addresses: ['10.0.0.1/24'] });
const server = world.host('server', { addresses: ['10.0.0.2/24'], capture: true });
world.wire(client, server, { delay: 10_000 });
server.spawn(function* (os) {
  const fd = yield* os.accept(os.serve('10.0.0.2', 80));
  yield* os.recvAll(fd);
  yield* os.close(fd);
});
client.spawn(function* (os) {
  const fd = yield* os.open('10.0.0.2', 80);
  yield* os.send(fd, 'hello');
  yield* os.close(fd);
});
world.run();
console.log(`recorded: ${readCapture(server.capture).packets.length} packets`);

// The same packets come to a server of our own, on which nobody listens.
const loop = new NodeLoop();
const stack = new Stack({ name: 'replayed', random: seededRandom(2), start: loop.now() });
const link = new ReplayLink(server.capture, { clock: loop, pace: 10 });
const ifc = stack.addInterface({ name: 'eth0', medium: link.medium, mtu: link.mtu });
ifc.addAddress('10.0.0.2/24');
const driver = new Driver(stack, loop);
driver.attach(ifc, link);
await new Promise(resolve => {
  link.onclose = resolve;
});
await new Promise(resolve => setTimeout(resolve, 10));
console.log(`replayed: ${link.replayed}, of which the stack has answered ${link.sent} with a reset`);
await driver.close(0);
