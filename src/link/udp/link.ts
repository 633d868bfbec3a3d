import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { type Frame, FramePool } from '../../wire/frame.ts';
import type { Link, Medium } from '../link.ts';
import { checkLinkMtu, MessageCounters } from '../message-counters.ts';
import { longest, shortest, WireBytes } from '../wire-bytes.ts';

/** An IPv4 or IPv6 address (not a name) and a port. */
export interface UdpEnd {
  readonly address: string;
  readonly port: number;
}

export interface UdpLinkOptions {
  /** What one datagram holds. @default 'ip' */
  medium?: Medium;
  /**
   * Largest inner datagram. What does not fit into the outer path's MTU is cut into fragments by the kernel.
   * @default what fits into 1500 bytes: 1472 over IPv4, 1452 over IPv6, less 14 for Ethernet
   */
  mtu?: number;
  /** Where to receive. @default the wildcard of the peer's family (IPv4 without a peer), port 0 */
  local?: Partial<UdpEnd>;
  /** The other end. Datagrams from anybody else are dropped, unless `learn` says otherwise. */
  peer?: UdpEnd;
  /**
   * Take as the peer whoever sends a valid frame: the `first` for good, or always the `last` one (a peer
   * whose address changes). There is no authentication: whoever can send datagrams here can take the link.
   * @default false
   */
  learn?: false | 'first' | 'last';
  /** Datagrams that may wait in the kernel's way before `transmit` refuses. @default 256 */
  queue?: number;
  /** Where frames that arrive are taken from: the stack's own pool, to share it. */
  frames?: FramePool;
}

/** What a UDP link has carried, and what it would not carry. */
export class UdpLinkCounters extends MessageCounters {
  /** Datagrams from somebody who is not the peer. */
  stranger = 0;
  /** Frames that had no peer to go to yet. */
  noPeer = 0;
}

/** Outer headers: IP and UDP. */
const OUTER_4 = 28;
const OUTER_6 = 48;

/**
 * A tunnel over UDP: one frame is one datagram, nothing is added to it. A frame that the network loses is
 * lost; a peer that is not there is no error, for it may come back.
 */
export class UdpLink implements Link {
  readonly medium: Medium;
  readonly mtu: number;
  readonly counters = new UdpLinkCounters();
  onreceive: ((frame: Frame) => void) | null = null;
  onwritable: (() => void) | null = null;
  onclose: ((reason: string) => void) | null = null;
  private readonly socket: Socket;
  private readonly learn: false | 'first' | 'last';
  private readonly frames: FramePool;
  private readonly limit: number;
  private readonly wire: WireBytes;
  private readonly least: number;
  private readonly most: number;
  private to: UdpEnd | null;
  private waiting = 0;
  private refused = false;
  private closed = false;

  /** For `openUdpLink`. @param socket bound */
  constructor(socket: Socket, options: UdpLinkOptions, v6: boolean) {
    this.socket = socket;
    this.medium = options.medium ?? 'ip';
    const room = 1500 - (v6 ? OUTER_6 : OUTER_4) - (this.medium === 'ethernet' ? 14 : 0);
    this.mtu = checkLinkMtu(options.mtu ?? room);
    this.to = options.peer ?? null;
    this.learn = options.learn ?? false;
    this.limit = options.queue ?? 256;
    if (!(this.limit >= 1)) throw new RangeError(`queue ${this.limit}: expected at least 1 datagram`);
    this.frames = options.frames ?? new FramePool();
    this.wire = new WireBytes(this.medium);
    this.least = shortest(this.medium);
    this.most = Math.min(longest(this.medium, this.mtu), 65507);
    socket.on('message', (bytes, from) => this.message(bytes, from));
    socket.on('error', error => {
      this.gone(error.message);
      socket.close();
    });
    socket.on('close', () => this.gone('the socket was closed'));
  }

  /** Where it receives. */
  get local(): UdpEnd {
    const { address, port } = this.socket.address();
    return { address, port };
  }

  /** The other end; null before one was learnt. */
  get peer(): UdpEnd | null {
    return this.to;
  }

  transmit(frame: Frame): boolean {
    if (this.closed) return false;
    if (this.waiting >= this.limit) {
      this.refused = true;
      return false;
    }
    if (this.to === null) this.counters.noPeer++;
    else if (frame.length > this.most) this.counters.unsent++;
    else {
      this.waiting++;
      this.socket.send(this.wire.copy(frame), this.to.port, this.to.address, this.sent);
    }
    frame.release();
    return true;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onreceive = null;
    this.socket.close();
  }

  private readonly sent = (error: Error | null): void => {
    this.waiting--;
    if (error === null) this.counters.sent++;
    else this.counters.unsent++;
    if (this.closed || !this.refused || this.waiting >= this.limit) return;
    this.refused = false;
    this.onwritable?.();
  };

  private message(bytes: Uint8Array, from: RemoteInfo): void {
    if (this.closed) return;
    const { counters } = this;
    const known = this.to !== null && this.to.port === from.port && this.to.address === from.address;
    if (!known && !(this.learn === 'last' || (this.learn === 'first' && this.to === null))) {
      counters.stranger++;
    } else if (bytes.length < this.least) counters.tooShort++;
    else if (bytes.length > this.most) counters.tooLong++;
    else {
      if (!known) this.to = { address: from.address, port: from.port };
      if (this.onreceive === null) counters.unread++;
      else {
        counters.received++;
        this.onreceive(this.frames.from(bytes));
      }
    }
  }

  private gone(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.onclose?.(reason);
  }
}

/**
 * Opens a tunnel over UDP.
 * @throws RangeError for an address that is none or a bad MTU, Error if the address is not to be had
 */
export async function openUdpLink(options: UdpLinkOptions): Promise<UdpLink> {
  const { peer, local = {}, learn = false } = options;
  if (peer === undefined && learn === false) throw new RangeError('a UDP link needs a peer, or learn');
  for (const address of [peer?.address, local.address]) {
    if (address !== undefined && isIP(address) === 0)
      throw new RangeError(`'${address}': expected an IPv4 or IPv6 address, not a name`);
  }
  if (peer !== undefined && !(Number.isInteger(peer.port) && peer.port >= 1 && peer.port <= 65535))
    throw new RangeError(`peer port ${peer.port}: expected 1..65535`);
  const v6 = isIP(peer?.address ?? local.address ?? '0.0.0.0') === 6;
  const socket = createSocket(v6 ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(local.port ?? 0, local.address, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    return new UdpLink(socket, options, v6);
  } catch (error) {
    socket.close();
    throw error;
  }
}
