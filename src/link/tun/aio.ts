import { BATCH, type Batch } from './batch.ts';
import { koffi, type NativeFunction } from './koffi.ts';

/** Numbers of io_setup, io_destroy and io_submit (asm/unistd.h). */
const CALLS: Readonly<Record<string, readonly [number, number, number]>> = {
  x64: [206, 207, 209],
  arm64: [0, 1, 2],
};

// linux/aio_abi.h: `struct iocb` of 64 bytes, and the ring of `struct io_event` that the kernel fills in.
const IOCB_WORDS = 16;
const PREAD = 0;
const PWRITE = 1;
const RING_MAGIC = 0xa10a10a1;
const RING_HEADER_WORDS = 8;
const EVENT_WORDS = 8;
const RING_NUMBER = 1;
const RING_HEAD = 2;
const RING_TAIL = 3;
const RING_MAGIC_AT = 4;

const HIGH = 2 ** 32;

/**
 * Many reads or writes in one system call: the kernel's AIO, which for a TUN device does each at once, before
 * io_submit(2) returns. A read(2) or write(2) from Node costs 2 µs for the way into the kernel and back on the
 * machine of BENCHMARKS.md, whatever it does there; in a batch a read of 1500 bytes costs 0.6 µs instead of 2.8,
 * a write 2.5 instead of 5.9, most of which is the kernel's own work on the packet.
 */
export class Aio implements Batch {
  readonly results = new Int32Array(2 * BATCH);
  private readonly call: NativeFunction;
  private readonly numbers: readonly [number, number, number];
  private readonly errnoOf: () => number;
  private readonly iocbs = new Uint32Array(2 * BATCH * IOCB_WORDS);
  private readonly pointers = new BigUint64Array(2 * BATCH);
  private readonly pointersAt: number;
  private readonly context: number;
  /** The kernel's ring of what is done. */
  private ring: Uint32Array;
  private readonly ringSize: number;
  private readonly addresses = new WeakMap<Uint8Array, number>();

  /** Null where the kernel, a sandbox or the processor does not have it. */
  static open(fd: number): Aio | null {
    const numbers = CALLS[process.arch];
    if (numbers === undefined) return null;
    try {
      return new Aio(fd, numbers);
    } catch {
      return null;
    }
  }

  private constructor(fd: number, numbers: readonly [number, number, number]) {
    const k = koffi();
    this.errnoOf = () => k.errno();
    this.numbers = numbers;
    const libc = k.load('libc.so.6');
    this.call = libc.func('long syscall(long number, intptr_t a, intptr_t b, intptr_t c)');
    const setup = libc.func('long syscall(long number, unsigned long n, void *context)');
    const context = new BigUint64Array(1);
    if ((setup(numbers[0], BATCH, context) as number) !== 0) throw new Error('no AIO');
    this.context = Number(context[0]);
    const header = new Uint32Array(k.view(context[0]!, 4 * RING_HEADER_WORDS));
    this.ringSize = header[RING_NUMBER]!;
    this.ring = header;
    if (header[RING_MAGIC_AT] !== RING_MAGIC) {
      this.close();
      throw new Error('an unknown kind of AIO ring');
    }
    const words = RING_HEADER_WORDS + EVENT_WORDS * this.ringSize;
    this.ring = new Uint32Array(k.view(context[0]!, 4 * words));
    const iocbsAt = Number(k.address(this.iocbs));
    this.pointersAt = Number(k.address(this.pointers));
    for (let i = 0; i < 2 * BATCH; i++) {
      const at = i * IOCB_WORDS;
      this.pointers[i] = BigInt(iocbsAt + 4 * at);
      this.iocbs[at] = i;
      this.iocbs[at + 4] = i < BATCH ? PREAD : PWRITE;
      this.iocbs[at + 5] = fd;
    }
  }

  set(i: number, bytes: Uint8Array, from: number, n: number): void {
    let address = this.addresses.get(bytes);
    if (address === undefined) {
      address = Number(koffi().address(bytes));
      this.addresses.set(bytes, address);
    }
    address += from;
    const { iocbs } = this;
    const at = i * IOCB_WORDS;
    // The low half: an array of 32 bits keeps no more.
    iocbs[at + 6] = address;
    iocbs[at + 7] = address / HIGH;
    iocbs[at + 8] = n;
  }

  submit(from: number, n: number): void {
    const end = from + n;
    let at = from;
    while (at < end) {
      const taken = this.call(this.numbers[2], this.context, end - at, this.pointersAt + 8 * at) as number;
      if (taken <= 0) {
        this.results.fill(-this.errnoOf(), at, end);
        return;
      }
      this.results.fill(0, at, at + taken);
      at += taken;
      this.reap();
    }
  }

  close(): void {
    this.ring = new Uint32Array(RING_HEADER_WORDS);
    this.call(this.numbers[1], this.context, 0, 0);
  }

  /** Takes the results out of the ring, which the kernel shares with us. */
  private reap(): void {
    const { ring, results, ringSize } = this;
    const tail = ring[RING_TAIL]!;
    let head = ring[RING_HEAD]!;
    while (head !== tail) {
      const at = RING_HEADER_WORDS + EVENT_WORDS * head;
      results[ring[at]!] = ring[at + 4]!;
      if (++head >= ringSize) head = 0;
    }
    ring[RING_HEAD] = head;
  }
}
