// A transparent proxy: every TCP connection that reaches the gateway, to whatever address and port, is accepted
// in the name of its destination and carried there by Node's own net. The client knows nothing of it.
//
//   npm run build && node examples/transparent-proxy.mjs

import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { BsdHost, constants, memoryPair } from 'lastack';
import { createHost, createNet } from 'lastack/net';
import { NodeLoop } from 'lastack/node';

const { AF_INET, IPPROTO_IP, IP_TRANSPARENT, SHUT_WR, SOCK_STREAM } = constants;

// A real server, on an address of this machine that is not loopback (if it has one).
const outside = Object.values(networkInterfaces())
  .flat()
  .find(i => i?.family === 'IPv4' && !i.internal);
const real = outside?.address ?? '127.0.0.1';
const server = createServer(socket =>
  socket.end(`a real server on ${socket.localPort === port ? 'its port' : '?'}\n`),
);
await new Promise(resolve => server.listen(0, real, () => resolve(null)));
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;

// The gateway: takes all TCP, and asks each connection where it was to go.
const loop = new NodeLoop();
const [inside, wire] = memoryPair(loop);
const gateway = createHost({ name: 'gateway', loop, links: [wire], addresses: ['10.9.0.1/24'] });
gateway.stack.intercept(1000);
const os = new BsdHost(gateway.driver);
const listener = os.socket(AF_INET, SOCK_STREAM);
os.setsockopt(listener, IPPROTO_IP, IP_TRANSPARENT, 1);
os.bind(listener, '0.0.0.0', 1000);
os.listen(listener);

/** @param {number} fd */
async function carry(fd) {
  const meant = os.getsockname(fd);
  console.log(
    `gateway: a connection to ${meant.port === port ? 'the real server' : `${meant.address} port ${meant.port}`}`,
  );
  const out = connect({ host: `${meant.address}`, port: meant.port, allowHalfOpen: true });
  const gone = new Promise(resolve => out.once('close', resolve));
  out.on('error', () => {});
  const there = (async () => {
    for await (const chunk of os.stream(fd))
      if (!out.write(chunk)) await new Promise(r => out.once('drain', r));
    out.end();
  })();
  try {
    for await (const chunk of out) await os.send(fd, chunk);
    os.shutdown(fd, SHUT_WR);
    await there;
  } catch {
    out.destroy();
  }
  await gone;
  await os.close(fd);
}
const accepting = (async () => {
  for (;;) carry(await os.accept(listener)).catch(() => {});
})().catch(() => {});

// A client whose only way out is the gateway.
const client = createHost({
  name: 'client',
  loop,
  links: [{ link: inside, addresses: ['10.9.0.2/24'], gateway: '10.9.0.1' }],
});
// 127.0.0.1 would be the client itself: without another address there is nothing to show.
if (outside !== undefined) {
  const socket = createNet(client).connect(port, real);
  socket.end('hello');
  for await (const chunk of socket) process.stdout.write(`client: ${chunk}`);
} else console.log('client: this machine has no address but loopback');

server.close();
await client.close();
await gateway.close();
await accepting;
