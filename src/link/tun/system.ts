import { koffi, type NativeFunction } from './koffi.ts';

/** A system call that failed; `errno` is positive. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(`${call} failed with errno ${errno}`);
    this.errno = errno;
  }
}

export const EPERM = 1;
export const ENOENT = 2;
export const EBADF = 9;
export const EAGAIN = 11;
export const EBUSY = 16;
export const EINVAL = 22;
/** The device that the descriptor was attached to has been deleted. */
export const EBADFD = 77;

const CLONE_NEWNET = 0x40000000;

/** The few system calls that Node does not have, or for which its own cost more. */
export class System {
  readonly poll: NativeFunction;
  private readonly ioctlCall: NativeFunction;
  private readonly readCall: NativeFunction;
  private readonly writeCall: NativeFunction;
  private readonly setnsCall: NativeFunction;
  private readonly socketCall: NativeFunction;
  private readonly eventfdCall: NativeFunction;
  private readonly closeCall: NativeFunction;
  private readonly errnoOf: () => number;

  constructor() {
    const k = koffi();
    const libc = k.load('libc.so.6');
    this.errnoOf = () => k.errno();
    this.ioctlCall = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
    this.readCall = libc.func('long read(int fd, void *bytes, unsigned long n)');
    this.writeCall = libc.func('long write(int fd, void *bytes, unsigned long n)');
    this.setnsCall = libc.func('int setns(int fd, int kind)');
    this.socketCall = libc.func('int socket(int domain, int type, int protocol)');
    this.eventfdCall = libc.func('int eventfd(unsigned int value, int flags)');
    this.closeCall = libc.func('int close(int fd)');
    this.poll = libc.func('int poll(void *fds, unsigned long n, int timeout)');
  }

  /** How many bytes, or −errno: an exception for each EAGAIN, as of `fs.readSync`, would cost ten times the read. */
  read(fd: number, bytes: Uint8Array): number {
    const n = this.readCall(fd, bytes, bytes.length) as number;
    return n < 0 ? -this.errnoOf() : n;
  }

  /** How many bytes, or −errno. */
  write(fd: number, bytes: Uint8Array): number {
    const n = this.writeCall(fd, bytes, bytes.length) as number;
    return n < 0 ? -this.errnoOf() : n;
  }

  /** The result, or −errno. @param argument null, a buffer, or the number itself */
  ioctl(fd: number, request: number, argument: Uint8Array | bigint | null): number {
    const r = this.ioctlCall(fd, request, argument) as number;
    return r < 0 ? -this.errnoOf() : r;
  }

  /** A socket of the kernel's, on which interfaces are asked about. @throws SystemError */
  socket(): number {
    return this.check('socket', this.socketCall(2, 2 | 0x80000, 0) as number);
  }

  /** A descriptor that becomes readable once eight bytes are written to it. @throws SystemError */
  eventfd(): number {
    return this.check('eventfd', this.eventfdCall(0, 0x80000 | 0x800) as number);
  }

  /** Closes what `socket` or `eventfd` gave, of which Node does not know. */
  close(fd: number): void {
    this.closeCall(fd);
  }

  /** Moves this thread to a network namespace. @throws SystemError */
  setns(fd: number): void {
    this.check('setns', this.setnsCall(fd, CLONE_NEWNET) as number);
  }

  private check(call: string, result: number): number {
    if (result < 0) throw new SystemError(call, this.errnoOf());
    return result;
  }
}
