// A client that says all it has, shuts its direction down and goes on reading: shutdown(SHUT_WR) sends the FIN
// and leaves the other direction open for as long as the server has something to say.
//
//   npm run build && node examples/half-close.mjs
//
// In real time, with calls that are awaited: two hosts in this process, joined in memory.

import { BsdHost, constants, memoryPair, Stack, seededRandom, stateName } from 'lastack';
import { NodeDriver, NodeLoop } from 'lastack/node';

const loop = new NodeLoop();
const [near, far] = memoryPair(loop);

/** @param {string} name @param {string} address @param {import('lastack').Link} link */
function host(name, address, link) {
  const stack = new Stack({ name, random: seededRandom(`${name} ${Date.now()}`), start: loop.now() });
  const ifc = stack.addInterface({ name: 'wire0', medium: 'ip', mtu: link.mtu });
  ifc.addAddress(address);
  const driver = new NodeDriver(stack, loop);
  driver.attach(ifc, link);
  return { driver, os: new BsdHost(driver) };
}

const client = host('client', '10.0.0.1/24', near);
const server = host('server', '10.0.0.2/24', far);

async function serve() {
  const { os } = server;
  const listener = os.serve('10.0.0.2', 7);
  const fd = await os.accept(listener);
  let bytes = 0;
  for await (const chunk of os.stream(fd)) bytes += chunk.length;
  // The client has finished, and still listens.
  for (const line of [`${bytes} bytes received`, 'the answer may take as long as it likes']) {
    await os.send(fd, line);
    await new Promise(done => setTimeout(done, 50));
  }
  await os.close(fd);
}

async function ask() {
  const { os } = client;
  const fd = await os.open('10.0.0.2', 7);
  const state = () => stateName(os.tcpInfo(fd).state);
  await os.send(fd, 'x'.repeat(100_000));
  console.log(`all is said:     ${state()}`);
  os.shutdown(fd, constants.SHUT_WR);
  console.log(`after shutdown:  ${state()}`);
  for await (const chunk of os.stream(fd)) {
    console.log(`still reading:   ${state()}: ${new TextDecoder().decode(chunk)}`);
  }
  // Both directions have ended: what is left is no socket any more, but a row in TIME_WAIT.
  const rows = client.driver.stack.tcp.timeWaitCount;
  console.log(`after the end:   ${state()}, and ${rows} in TIME_WAIT`);
  await os.close(fd);
}

await Promise.all([serve(), ask()]);
await Promise.all([client.driver.close(), server.driver.close()]);
