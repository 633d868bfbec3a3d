// Four hosts on two switches, and a router between them.
//
//   npm run build && node examples/switch-and-router.mjs

import { seededRandom } from 'lastack';
import { Router } from 'lastack/driver';
import { Switch } from 'lastack/link/switch';
import { createHost, createNet } from 'lastack/net';
import { NodeLoop } from 'lastack/node';

const loop = new NodeLoop();
const left = new Switch({ clock: loop });
const right = new Switch({ clock: loop });
const router = new Router({
  clock: loop,
  random: seededRandom(1),
  links: [
    { link: left.connect(), addresses: ['10.1.0.254/24'] },
    { link: right.connect(), addresses: ['10.2.0.254/24'] },
  ],
});

/** @param {Switch} on @param {string} address */
const host = (on, address) => {
  const gateway = address.replace(/\d+$/, '254');
  return createHost({
    name: address,
    loop,
    links: [{ link: on.connect(), addresses: [`${address}/24`], gateway }],
  });
};
const hosts = [
  host(left, '10.1.0.1'),
  host(left, '10.1.0.2'),
  host(right, '10.2.0.1'),
  host(right, '10.2.0.2'),
];
const servers = hosts.map(h =>
  createNet(h)
    .createServer(socket => socket.end(`${h.name} greets ${socket.remoteAddress}\n`))
    .listen(80),
);

for (const to of ['10.1.0.2', '10.2.0.2']) {
  const socket = createNet(hosts[0] ?? host(left, '10.1.0.3')).connect(80, to);
  for await (const chunk of socket) process.stdout.write(`${chunk}`);
}
console.log(
  `the left switch knows ${left.stations} stations; ${router.stack.mib.IpForwDatagrams} packets went over the router`,
);

await Promise.all(servers.map(s => new Promise(resolve => s.close(resolve))));
await Promise.all(hosts.map(h => h.close()));
await router.close();
