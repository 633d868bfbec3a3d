import type { Sockets } from '../../socket/sockets.ts';

/** Bytes taken at most in one read, as libuv does. */
const SIZE = 65536;
/** Where nothing can be read, the call only says why. */
const NOWHERE = new Uint8Array(1);

/** Reads up to 64 KB. @returns a buffer that is the caller's, 0 at the end, or −errno */
export function takeRead(sockets: Sockets, fd: number): Buffer | number {
  const socket = sockets.lookup(fd);
  if (typeof socket === 'number') return socket;
  const available = Math.min(socket.available, SIZE);
  if (available === 0) return sockets.recv(fd, NOWHERE);
  // A buffer of the right size costs neither a second copy nor memory that is held for nothing.
  const into = Buffer.allocUnsafe(available);
  const n = sockets.recv(fd, into);
  if (n <= 0) return n;
  return n < available ? into.subarray(0, n) : into;
}
