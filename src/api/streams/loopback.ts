import { seededRandom } from '../../base/random.ts';
import { Driver } from '../../driver/driver.ts';
import { WebLoop } from '../../driver/loop.ts';
import { NodeDriver, NodeLoop } from '../../driver/node.ts';
import { Stack } from '../../stack/stack.ts';
import { createSockets, type SocketsApi } from './sockets.ts';

let made: { driver: Driver; api: SocketsApi } | null = null;

/**
 * A host of this program's own that has nothing but lo (127.0.0.0/8, ::1, `localhost`), made when it is
 * first used. On Node it keeps the process alive as long as somebody waits for it, and no longer.
 */
export function loopback(): { readonly driver: Driver; readonly api: SocketsApi } {
  if (made !== null) return made;
  const onNode = typeof setImmediate === 'function';
  const loop = onNode ? new NodeLoop() : new WebLoop();
  const key = crypto.getRandomValues(new Uint32Array(8)).join(' ');
  const stack = new Stack({ name: 'loopback', random: seededRandom(key), start: loop.now() });
  const driver = loop instanceof NodeLoop ? new NodeDriver(stack, loop) : new Driver(stack, loop);
  made = { driver, api: createSockets(driver) };
  return made;
}
