import { ENETDOWN } from '../../base/errno.ts';
import {
  IPPROTO_TCP,
  MSG_DONTWAIT,
  MSG_TRUNC,
  POLLNVAL,
  SHUT_WR,
  SIOCINQ,
  SO_ERROR,
  SO_LINGER,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../../socket/constants.ts';
import type { Pending } from '../../socket/pending.ts';
import type { PollEntry } from '../../socket/poll.ts';
import { type BsdDriver, SocketError } from '../bsd.ts';

/** More than any receive buffer holds: one call throws all of it away. */
const ALL = 0x3fffffff;

/** A descriptor and the calls that wait on it, which `close` breaks off. */
export class Handle {
  /** −1 before there is one and after it was closed. */
  fd = -1;
  closed = false;
  private readonly driver: BsdDriver;
  private readonly waiting = new Set<Pending>();

  constructor(driver: BsdDriver) {
    this.driver = driver;
  }

  /** Waits for a call. After `close` its result means nothing. */
  async wait(pending: Pending): Promise<number> {
    if (pending.done) return pending.result;
    this.waiting.add(pending);
    const result = await this.driver.wait(pending);
    this.waiting.delete(pending);
    return result;
  }

  /** Waits for poll(2) bits. @returns those that are set; POLLNVAL if the host was closed; 0 after `close` */
  async until(events: number): Promise<number> {
    if (this.fd < 0) return 0;
    const entry: PollEntry = { fd: this.fd, events, revents: 0 };
    const result = await this.wait(this.driver.enter().begin.poll([entry], -1));
    if (this.closed) return 0;
    return result < 0 ? POLLNVAL : entry.revents;
  }

  /** Waits for a millisecond of the host's time, or until the connection breaks. */
  async moment(): Promise<void> {
    if (this.fd < 0) return;
    await this.wait(this.driver.enter().begin.poll([{ fd: this.fd, events: 0, revents: 0 }], 1));
  }

  /** Bytes that can be read now. */
  get available(): number {
    return Math.max(0, this.driver.enter().ioctl(this.fd, SIOCINQ));
  }

  /** What recv(2) gives without waiting. */
  read(bytes: Uint8Array): number {
    return this.driver.enter().recv(this.fd, bytes, MSG_DONTWAIT);
  }

  /** Throws away what has come. @returns what recv(2) gives */
  discard(): number {
    return this.driver.enter().recv(this.fd, null, MSG_DONTWAIT | MSG_TRUNC, 0, ALL);
  }

  /** Waits until all bytes are in the send buffer. @returns how many are, or −errno */
  write(bytes: Uint8Array): Promise<number> {
    return this.wait(this.driver.enter().begin.send(this.fd, bytes));
  }

  /** Sends the FIN behind what was written. */
  finish(): number {
    return this.driver.enter().shutdown(this.fd, SHUT_WR);
  }

  setNoDelay(on: boolean): void {
    this.driver.enter().setsockopt(this.fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
  }

  /** The error that waits to be told, as a positive errno; 0 without one. */
  takeError(): number {
    const e = this.driver.enter().getsockopt(this.fd, SOL_SOCKET, SO_ERROR);
    return e < 0 ? ENETDOWN : e;
  }

  /** Ends it as close(2) does: unread bytes make it a reset. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.fd < 0) return;
    const sockets = this.driver.enter();
    // Linux keeps a descriptor open while a call waits on it.
    for (const p of this.waiting) sockets.interrupt(p);
    sockets.close(this.fd);
    this.fd = -1;
  }

  /** Resets the connection. */
  abort(): void {
    if (this.fd >= 0) this.driver.enter().setsockopt(this.fd, SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 0 });
    this.close();
  }
}

/** An error of the connection. @param errno positive */
export const failure = (syscall: string, errno: number, about: string): SocketError =>
  new SocketError(syscall, errno, about);
