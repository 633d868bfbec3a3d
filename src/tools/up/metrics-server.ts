import { createServer } from 'node:http';
import { CliError, EXIT_MACHINE, errorCode, errorText } from '../cli/error.ts';
import { hostAndPort } from '../trace/event.ts';
import type { Instance } from './instance.ts';
import { PROMETHEUS } from './page-http.ts';

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves /metrics on an ordinary port of this machine. @throws CliError if the port is not to be had */
export async function serveMetrics(
  instance: Instance,
  address: string,
  port: number,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    if (request.method !== 'GET' || path !== '/metrics') {
      response
        .writeHead(404, { 'Content-Type': 'text/plain', Connection: 'close' })
        .end('Only GET /metrics is here.\n');
      return;
    }
    response
      .writeHead(200, { 'Content-Type': PROMETHEUS, 'Cache-Control': 'no-store' })
      .end(instance.metrics());
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', e =>
      reject(
        errorCode(e) === 'EADDRINUSE'
          ? new CliError(
              EXIT_MACHINE,
              `${hostAndPort(address, port)} is in use by another program`,
              `choose another port: --metrics ${port + 1}`,
            )
          : new CliError(EXIT_MACHINE, `--metrics ${port}: ${errorText(e)}`),
      ),
    );
    server.listen(port, address, () => resolve());
  });
  server.unref();
  const bound = server.address();
  const real = typeof bound === 'object' && bound !== null ? bound.port : port;
  return {
    url: `http://${hostAndPort(address, real)}/metrics`,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
