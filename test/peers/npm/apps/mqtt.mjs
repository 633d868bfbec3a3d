// mqtt: aedes as the broker, clients that subscribe, publish with each QoS, leave a will and reconnect.
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import mqtt from 'mqtt';

// Its types and its module do not agree for ESM.
const { createBroker } = createRequire(import.meta.url)('aedes');
const aedes = createBroker();
const server = createServer(aedes.handle);
await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(null)));
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const url = `mqtt://127.0.0.1:${port}`;
const a = await mqtt.connectAsync(url, { clientId: 'a' });
const b = await mqtt.connectAsync(url, {
  clientId: 'b',
  will: { topic: 'wills', payload: Buffer.from('b is gone'), qos: 1, retain: false },
});
/** @returns {Promise<[string, Buffer]>} what comes next */
const message = () =>
  new Promise(resolve => a.once('message', (topic, payload) => resolve([topic, payload])));
await a.subscribeAsync(['news/#', 'wills'], { qos: 2 });
for (const qos of /** @type {const} */ ([0, 1, 2])) {
  const got = message();
  await b.publishAsync(`news/${qos}`, `with qos ${qos}`, { qos });
  const [topic, payload] = await got;
  console.log(topic, String(payload));
}
const big = message();
await b.publishAsync('news/big', Buffer.alloc(400_000, 'm'), { qos: 1 });
console.log((await big)[1].length);
const will = message();
b.options.reconnectPeriod = 0;
/** @type {import('node:net').Socket} */ (b.stream).destroy();
console.log(String((await will)[1]));
await b.endAsync(true);
await a.endAsync();
aedes.close(() => server.close(() => console.log('closed')));
