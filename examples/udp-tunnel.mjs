// Two hosts joined by UDP datagrams of this machine's kernel. One end knows where the other is; that learns it
// from the first frame.
//
//   npm run build && node examples/udp-tunnel.mjs

import { openUdpLink } from 'lastack/link/udp';
import { createHost, createNet } from 'lastack/net';
import { NodeLoop } from 'lastack/node';

const loop = new NodeLoop();
const here = { address: '127.0.0.1', port: 0 };
const far = await openUdpLink({ local: here, learn: 'first' });
const near = await openUdpLink({ local: here, peer: far.local });

const a = createHost({ loop, links: [near], addresses: ['10.9.0.1/24'] });
const b = createHost({ loop, links: [far], addresses: ['10.9.0.2/24'] });
const server = createNet(b).createServer(socket => socket.end('through the tunnel\n'));
server.listen(80);

const socket = createNet(a).connect(80, '10.9.0.2');
for await (const chunk of socket) process.stdout.write(`${chunk}`);
console.log(`MTU ${near.mtu}; the far end has learnt its peer: ${far.peer?.port === near.local.port}`);

await new Promise(resolve => server.close(resolve));
await Promise.all([a.close(), b.close()]);
