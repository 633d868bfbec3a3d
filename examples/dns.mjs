// A name server in 30 lines on lastack/dgram, and a resolver that asks it, both on the loopback host that
// lastack/net and lastack/dgram share. `resolver.lookup` is what net.connect wants.
//
//   npm run build && node examples/dns.mjs

import { seededRandom } from 'lastack';
import dgram from 'lastack/dgram';
import { Resolver } from 'lastack/dns';
import net, { loopback } from 'lastack/net';

/** @type {Record<string, number[]>} */
const ZONE = { 'greeter.example': [127, 0, 0, 7] };

const nameServer = dgram.createSocket('udp4', (question, from) => {
  const labels = [];
  let at = 12;
  for (let n = question[at] ?? 0; n > 0; n = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + n));
    at += n + 1;
  }
  const name = labels.join('.');
  const isA = question.readUInt16BE(at + 1) === 1;
  const address = ZONE[name];
  const answer = isA && address !== undefined ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address] : [];
  const head = Buffer.from(question.subarray(0, at + 5));
  head.writeUInt16BE(address === undefined ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(answer.length > 0 ? 1 : 0, 6);
  head.writeUInt16BE(0, 10);
  console.log(`name server: ${name} ${isA ? 'A' : 'AAAA'}?`);
  nameServer.send(Buffer.concat([head, Buffer.from(answer)]), from.port, from.address);
});
await new Promise(resolve => nameServer.bind(53, '127.0.0.1', () => resolve(null)));

const resolver = new Resolver(loopback.driver, { servers: ['127.0.0.1'], random: seededRandom(1) });
const server = net.createServer(socket => socket.end(`hello from ${socket.localAddress}\n`));
await new Promise(resolve => server.listen(80, '127.0.0.7', () => resolve(null)));

const socket = net.connect({ host: 'greeter.example', port: 80, family: 4, lookup: resolver.lookup });
for await (const chunk of socket) process.stdout.write(`client: ${chunk}`);
await resolver.addresses('nobody.example').catch(error => console.log(`${error.code}: ${error.hostname}`));

server.close();
nameServer.close();
