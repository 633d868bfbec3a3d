// A host in JavaScript beside the machine's own: ping it, fetch a page from it, and let it fetch one.
//
//   npm run build && npm install koffi && sudo node examples/tun.mjs          then: curl http://10.77.1.2/
//
// Needs Linux and root (or CAP_NET_ADMIN): a TUN device is a network interface. `--once` asks itself and ends.

import { spawn } from 'node:child_process';
import { BsdHost, Stack, seededRandom } from 'lastack';
import { NodeDriver, NodeLoop } from 'lastack/node';
import { openTun, runTunSetup, tunSetup } from 'lastack/tun';

const loop = new NodeLoop();
const tun = openTun({ kind: 'tun', clock: loop });
// The kernel's end: an address and a route to ours. Each step says why it takes root.
const steps = tunSetup({ name: tun.name, addresses: ['10.77.1.1/24'] });
for (const { command, why } of steps) console.log(`${command.join(' ')}   # ${why}`);
runTunSetup(steps);

const stack = new Stack({ random: seededRandom(`${process.pid} ${Date.now()}`), start: loop.now() });
const ifc = stack.addInterface({ name: 'tun0', medium: tun.medium, mtu: tun.mtu, ...tun.offloads });
ifc.addAddress('10.77.1.2/24');
const driver = new NodeDriver(stack, loop);
driver.attach(ifc, tun);
const os = new BsdHost(driver);

/** @param {number} fd */
async function answer(fd) {
  await os.recv(fd);
  const { address, port } = os.getpeername(fd);
  const body = `Hello ${address} port ${port}, from TCP in TypeScript.\n`;
  await os.send(fd, `HTTP/1.0 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await os.close(fd);
}

async function serve() {
  const listener = os.serve('10.77.1.2', 80);
  for (;;) answer(await os.accept(listener)).catch(e => console.error(String(e)));
}

serve().catch(() => {});
console.log(`${tun.name} is up, offload ${tun.gsoMax > 0 ? 'on' : 'off'}: curl http://10.77.1.2/`);
if (process.argv.includes('--once')) {
  const curl = spawn('curl', ['-sS', '-m', '10', 'http://10.77.1.2/'], { stdio: 'inherit' });
  curl.on('exit', async code => {
    process.exitCode = code ?? 1;
    await driver.close();
  });
}
