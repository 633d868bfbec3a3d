import type { Socket } from 'node:net';
import type { HostPort } from '../cli/units.ts';
import { type Bridge, Traffic } from './bridge.ts';

/** How far a connection has come. */
export type Stage = 'asking' | 'connecting' | 'open' | 'closing' | 'done';

/** Where B is to take a connection: the built-in page, or a server. */
export type Target = { readonly kind: 'page' } | ({ readonly kind: 'server' } & HostPort);

/** One connection from outside on its way: client → A → wire → B → target. */
export class Carry {
  readonly id: number;
  readonly client: Socket;
  /** The client's address and port, as they were. */
  readonly from: string;
  readonly began: number;
  readonly traffic = new Traffic();
  stage: Stage = 'asking';
  target: Target | null = null;
  /** Descriptors of the inner connection's two ends, −1 while there are none. */
  aFd = -1;
  bFd = -1;
  /** A's address and port, once it has begun to connect. */
  inner = '';
  /** The socket that B dialled, and why it could not, by errno's name. */
  server: Socket | null = null;
  dialError = '';
  near: Bridge | null = null;
  far: Bridge | null = null;
  /** How it ended, for the log, and after how many milliseconds. */
  outcome = '';
  duration = 0;

  constructor(id: number, client: Socket, from: string, began: number) {
    this.id = id;
    this.client = client;
    this.from = from;
    this.began = began;
  }
}
