import { createHash } from 'node:crypto';
import { type BsdHost, SocketError } from '../../../src/api/bsd.ts';

/** Accepts until the host is closed; what goes wrong with one connection ends that one. */
export function serve(host: BsdHost, port: number, handle: (fd: number) => Promise<void>): void {
  const listener = host.serve('::', port);
  const one = async (fd: number): Promise<void> => {
    try {
      await handle(fd);
    } catch (e) {
      if (!(e instanceof SocketError)) throw e;
    }
    await host.close(fd).catch(() => {});
  };
  const all = async (): Promise<void> => {
    for (;;) void one(await host.accept(listener));
  };
  all().catch((e: unknown) => {
    if (!(e instanceof SocketError)) throw e;
  });
}

/** GET answers with the body, PUT with the SHA-256 of what was put; one request for each connection. */
export function serveHttp(host: BsdHost, port: number, body: Uint8Array): void {
  serve(host, port, async fd => {
    let head = '';
    let rest: Uint8Array = new Uint8Array(0);
    while (!head.includes('\r\n\r\n')) {
      const chunk = await host.recv(fd);
      if (chunk.length === 0) return;
      const text = Buffer.from(chunk).toString('latin1');
      head += text;
      const at = head.indexOf('\r\n\r\n');
      if (at >= 0) rest = chunk.slice(chunk.length - (head.length - at - 4));
    }
    const put = head.startsWith('PUT ');
    let answer = body;
    if (put) {
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const hash = createHash('sha256').update(rest);
      let got = rest.length;
      const buffer = new Uint8Array(1 << 18);
      while (got < length) {
        const n = await host.recvInto(fd, buffer);
        if (n === 0) break;
        hash.update(buffer.subarray(0, n));
        got += n;
      }
      answer = new TextEncoder().encode(hash.digest('hex'));
    }
    const top = `HTTP/1.0 200 OK\r\nContent-Length: ${answer.length}\r\nConnection: close\r\n\r\n`;
    // In one piece: Nagle would keep a short body waiting until the head is acknowledged.
    await host.send(fd, Buffer.concat([Buffer.from(top), answer]));
  });
}

/** What comes to `port` goes on to a server of the kernel's: lastack is the one's server and the other's client. */
export function serveBridge(host: BsdHost, port: number, address: string, to: number): void {
  serve(host, port, async near => {
    const far = await host.open(address, to);
    const pump = async (from: number, into: number): Promise<void> => {
      const buffer = new Uint8Array(1 << 17);
      for (;;) {
        const n = await host.recvInto(from, buffer);
        if (n === 0) break;
        await host.send(into, buffer.subarray(0, n));
      }
      host.shutdown(into, 1);
    };
    try {
      await Promise.all([pump(near, far), pump(far, near)]);
    } finally {
      await host.close(far).catch(() => {});
    }
  });
}

/** Bytes of a connection until its end: how many, and their SHA-256. */
export async function digest(host: BsdHost, fd: number): Promise<{ bytes: number; hash: string }> {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(1 << 18);
  let bytes = 0;
  for (;;) {
    const n = await host.recvInto(fd, buffer);
    if (n === 0) return { bytes, hash: hash.digest('hex') };
    hash.update(buffer.subarray(0, n));
    bytes += n;
  }
}

export const sha256 = (b: Uint8Array): string => createHash('sha256').update(b).digest('hex');
