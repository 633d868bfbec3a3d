import type { Socket } from 'node:net';
import { ProxyParser, type ProxyStep } from './proxy-parser.ts';

/** How long a client may take to say where it wants to go, in milliseconds. */
const PATIENCE_MS = 30_000;

/** Talks SOCKS5 or HTTP CONNECT with one client until it has said where it wants to go. */
export class ProxyFront {
  /** What the client sent behind its request. */
  rest: Uint8Array | null = null;
  private readonly client: Socket;
  private readonly parser = new ProxyParser();
  private readonly onrequest: (front: ProxyFront, host: string, port: number) => void;
  private readonly timer: NodeJS.Timeout;
  private readonly take = (chunk: Uint8Array): void => this.read(chunk);
  private readonly left = (): void => void this.client.destroy();

  constructor(client: Socket, onrequest: (front: ProxyFront, host: string, port: number) => void) {
    this.client = client;
    this.onrequest = onrequest;
    this.timer = setTimeout(() => client.destroy(), PATIENCE_MS);
    client.once('close', () => clearTimeout(this.timer));
    client.once('end', this.left);
    client.on('data', this.take);
  }

  /** The answer once the inner connection stands. */
  connected(): Uint8Array {
    return this.parser.connected();
  }

  /** Tells the client that there is no inner connection, and closes. */
  fail(errno: string): void {
    if (!this.client.destroyed) this.client.end(this.parser.failed(errno), () => this.client.destroySoon());
  }

  private read(chunk: Uint8Array): void {
    let step: ProxyStep = this.parser.push(chunk);
    while (step.kind === 'reply') {
      this.client.write(step.bytes);
      step = this.parser.push(new Uint8Array(0));
    }
    if (step.kind === 'more') return;
    clearTimeout(this.timer);
    this.client.off('data', this.take);
    this.client.off('end', this.left);
    this.client.pause();
    if (step.kind === 'connect') {
      this.rest = step.rest;
      this.onrequest(this, step.host, step.port);
    } else this.client.end(step.bytes, () => this.client.destroySoon());
  }
}
