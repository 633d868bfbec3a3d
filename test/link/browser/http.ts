import type { BsdHost } from '../../../src/api/bsd.ts';
import type { Stack } from '../../../src/stack/stack.ts';
import { stateName } from '../../../src/tcp/state.ts';

/** As much of HTTP/1.1 as two hosts need to show that they talk. */
export interface Peer {
  readonly stack: Stack;
  readonly os: BsdHost;
}

const TIME_WAIT = 6;

/** A GET; reads to the end, closes. @returns the answer, and how this end's connections stand afterwards */
export async function ask(
  p: Peer,
  address: string,
  port: number,
  path: string,
): Promise<{ status: string; body: string; timeWait: number; open: string[] }> {
  const { os } = p;
  const fd = await os.open(address, port);
  await os.send(fd, `GET ${path} HTTP/1.1\r\nHost: ${address}\r\n\r\n`);
  // We close first: the side that does waits in TIME_WAIT.
  os.shutdown(fd, 1);
  let text = '';
  for await (const chunk of os.stream(fd)) text += new TextDecoder().decode(chunk);
  await os.close(fd);
  for (let i = 0; i < 200 && [...p.stack.tcp.connections()].length > 0; i++)
    await new Promise(resolve => setTimeout(resolve, 5));
  const [status = ''] = text.split('\r\n');
  return {
    status,
    body: text.slice(text.indexOf('\r\n\r\n') + 4),
    timeWait: p.stack.tcp.counts()[TIME_WAIT]!,
    open: [...p.stack.tcp.connections()].map(c => stateName(c.state)),
  };
}

/** Answers one request. @returns what was asked for, and how many connections are left */
export async function serveOnce(p: Peer, address: string, port: number, body: string): Promise<string> {
  const { os } = p;
  const listener = os.serve(address, port);
  const fd = await os.accept(listener);
  let text = '';
  for await (const chunk of os.stream(fd)) text += new TextDecoder().decode(chunk);
  await os.send(fd, `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  await os.close(fd);
  await os.close(listener);
  return text.split('\r\n')[0] ?? '';
}
