import { createServer, type Server, type Socket } from 'node:net';
import { CliError, EXIT_MACHINE, errorCode, errorText } from '../cli/error.ts';
import { hostAndPort } from '../trace/event.ts';

/**
 * A client that has been here for so long is asked by the kernel, after as long without a byte, whether it is still
 * there. To ask for that of each one at once costs a thirtieth of a short request: four more calls of the kernel.
 */
const KEEPALIVE_MS = 30_000;

/**
 * Listens on an ordinary port of this machine.
 * @param option which option gave the port, for the error
 * @param most connections at once
 * @returns the server and the port, which the system chose if it was 0
 * @throws CliError that says why not, and what to do
 */
export async function openFront(
  address: string,
  port: number,
  option: string,
  most: number,
  onclient: (client: Socket) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    client.on('error', () => {});
    const watch = setTimeout(() => client.setKeepAlive(true, KEEPALIVE_MS), KEEPALIVE_MS);
    watch.unref();
    client.once('close', () => clearTimeout(watch));
    onclient(client);
  });
  server.maxConnections = most;
  await new Promise<void>((resolve, reject) => {
    server.once('error', e => reject(listenError(e, address, port, option)));
    server.listen({ host: address, port, backlog: 4096 }, () => resolve());
  });
  server.removeAllListeners('error');
  const bound = server.address();
  return { server, port: typeof bound === 'object' && bound !== null ? bound.port : port };
}

function listenError(e: Error, address: string, port: number, option: string): CliError {
  const where = hostAndPort(address, port);
  switch (errorCode(e)) {
    case 'EADDRINUSE':
      return new CliError(
        EXIT_MACHINE,
        `${where} is in use by another program`,
        `choose another port: ${option} ${port + 1}, or find out who has it: ss -tlnp 'sport = :${port}'`,
      );
    case 'EACCES':
      return new CliError(
        EXIT_MACHINE,
        `no permission to listen on ${where}`,
        `choose a port of 1024 or above: ${option} 8080`,
      );
    case 'EADDRNOTAVAIL':
      return new CliError(
        EXIT_MACHINE,
        `${address} is no address of this machine`,
        'choose one of its own, such as 127.0.0.1, or 0.0.0.0 for all',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CliError(EXIT_MACHINE, `no such host: ${address}`, 'write an address such as 127.0.0.1');
    default:
      return new CliError(EXIT_MACHINE, `cannot listen on ${where}: ${errorText(e)}`);
  }
}
