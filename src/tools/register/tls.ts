import tls from 'node:tls';
import { isNormalized, normalize } from '../../api/net/args.ts';
import type { Net } from '../../api/net/net.ts';
import type { BaseSocket } from '../../api/net/socket.ts';
import { carries } from './below.ts';
import { Carrier, forTls } from './carrier.ts';

const TOLD = ['lookup', 'connectionAttempt', 'connectionAttemptFailed', 'connectionAttemptTimeout'];

/** Makes Node's TLS run over our sockets: clients, servers, and sockets that are upgraded. */
export function patchTls(net: Net): void {
  const { connect, TLSSocket } = tls;
  const connectTls = connect as unknown as (options: object, callback?: unknown) => tls.TLSSocket;
  tls.connect = ((...args: unknown[]): tls.TLSSocket => {
    const [options, callback] = tlsArguments(args);
    if (options['socket']) {
      const secure = connectTls({ ...options, socket: forTls(options['socket']) }, callback ?? undefined);
      return secure;
    }
    if (options['path']) return connectTls(options, callback ?? undefined);
    const { timeout, onread: _, signal: __, ...rest } = options;
    const raw = net.connect(rest as never) as unknown as BaseSocket;
    const secure = connectTls({ ...options, socket: new Carrier(raw) }, callback ?? undefined);
    carries(secure, raw);
    if (timeout) secure.setTimeout(timeout as number);
    for (const event of TOLD) raw.on(event, (...told: unknown[]) => secure.emit(event, ...told));
    const state = secure as { connecting: boolean };
    state.connecting = true;
    raw.once('connect', () => {
      state.connecting = false;
      secure.emit('connect');
      secure.emit('ready');
    });
    return secure;
  }) as unknown as typeof tls.connect;
  tls.TLSSocket = new Proxy(TLSSocket, {
    construct: (target, args: unknown[], derived) =>
      Reflect.construct(
        target,
        [forTls(args[0]), ...args.slice(1)],
        derived === tls.TLSSocket ? target : derived,
      ),
    apply: (target, self, args: unknown[]) =>
      Reflect.apply(target as unknown as Method, self, [forTls(args[0]), ...args.slice(1)]),
  });
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** `tls.connect` takes a third form: port and host first, options behind. */
function tlsArguments(args: unknown[]): [Record<string, unknown>, ((...a: unknown[]) => void) | null] {
  const [first, callback] = isNormalized(args[0]) ? args[0] : normalize(args);
  const options: Record<string, unknown> = { ...first };
  const more = [args[1], args[2]].find(x => typeof x === 'object' && x !== null);
  if (typeof args[0] !== 'object') Object.assign(options, more);
  return [options, callback];
}

/** Listeners of TLS servers get our connections as plain streams. */
export function adaptListener(server: object, listener: unknown): unknown {
  if (!(server instanceof tls.Server) || typeof listener !== 'function') return listener;
  return function (this: unknown, socket: unknown): unknown {
    return Reflect.apply(listener as Method, this, [forTls(socket)]);
  };
}
