import type { Sockets } from '../../socket/sockets.ts';

/** Bytes taken at most in one read, as libuv does. */
const SIZE = 65536;
/** A piece at least so long takes the buffer with it; a shorter one is copied out of it. */
const WORTH_KEEPING = SIZE / 2;

let spare: Buffer | null = null;

/** Reads up to 64 KB. @returns a buffer that is the caller's, 0 at the end, or −errno */
export function takeRead(sockets: Sockets, fd: number): Buffer | number {
  const into = spare ?? Buffer.allocUnsafeSlow(SIZE);
  spare = into;
  const n = sockets.recv(fd, into);
  if (n <= 0) return n;
  if (n < WORTH_KEEPING) return Buffer.from(into.subarray(0, n));
  spare = null;
  return into.subarray(0, n);
}
