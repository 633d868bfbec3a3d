import type { Address } from '../../src/base/address.ts';
import type { Network, Path } from '../../src/tcp/path.ts';
import { type Frame, FramePool, HEADROOM } from '../../src/wire/frame.ts';

/** A pool that knows how many frames are out. */
export class CountingPool extends FramePool {
  out = 0;

  override take(capacity: number): Frame {
    this.out++;
    return super.take(capacity);
  }

  override put(f: Frame): void {
    this.out--;
    super.put(f);
  }
}

/** The only path there is: to the other host, checksums left out. */
class OnlyPath implements Path {
  readonly source: Address;
  readonly destination: Address;
  readonly mtu = 1500;
  readonly linkMtu = 1500;
  readonly advmss = 0;
  readonly initcwnd = 0;
  readonly loopback = false;
  readonly gsoMax = 0;
  readonly checksumOffload = true;
  readonly scatter = false;
  readonly valid = true;
  readonly congested = false;
  readonly paced = false;

  constructor(source: Address, destination: Address) {
    this.source = source;
    this.destination = destination;
  }
}

/** Where a host's segments go. */
export interface Line {
  emit(side: 0 | 1, frame: Frame): void;
}

/** The layer below one of two hosts: no IP header, no checksum, just the segment handed to the wire. */
export class LeanNet implements Network {
  private only: OnlyPath | null = null;
  private readonly address: Address;
  private readonly pool: CountingPool;
  private readonly line: Line;
  private readonly side: 0 | 1;

  constructor(address: Address, side: 0 | 1, pool: CountingPool, line: Line) {
    this.address = address;
    this.side = side;
    this.pool = pool;
    this.line = line;
  }

  path(destination: Address): Path {
    this.only ??= new OnlyPath(this.address, destination.clone());
    return this.only;
  }

  frame(size: number): Frame {
    return this.pool.take(HEADROOM + size);
  }

  send(_path: Path, frame: Frame): boolean {
    this.line.emit(this.side, frame);
    return true;
  }

  lowerMtu(): void {}

  suspect(): void {}

  confirm(): void {}

  isLocal(address: Address): boolean {
    return address.equals(this.address);
  }

  isBroadcast(): boolean {
    return false;
  }
}
