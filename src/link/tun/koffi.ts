import { createRequire } from 'node:module';

/** A C function as koffi gives it. `async` runs it in Node's thread pool. */
export interface NativeFunction {
  (...args: unknown[]): unknown;
  async(...args: unknown[]): void;
}

interface Library {
  func(definition: string): NativeFunction;
  func(name: string, result: unknown, parameters: readonly unknown[]): NativeFunction;
}

/** The part of koffi that is used here. */
export interface Koffi {
  load(path: string | null): Library;
  errno(): number;
  /** Where the bytes lie in memory. */
  address(bytes: Uint8Array | Uint32Array | BigUint64Array): bigint;
  /** Memory that is not JavaScript's. */
  view(address: bigint, bytes: number): ArrayBuffer;
  proto(result: unknown, parameters: readonly unknown[]): unknown;
  pointer(type: unknown): unknown;
  register(callback: (...args: number[]) => void, type: unknown): bigint;
  unregister(callback: bigint): void;
}

let loaded: Koffi | null = null;

/**
 * koffi, which Node needs for ioctl(2): an optional peer of this package.
 * @throws Error that says what to install
 */
export function koffi(): Koffi {
  if (loaded !== null) return loaded;
  try {
    loaded = createRequire(import.meta.url)('koffi') as Koffi;
    return loaded;
  } catch (cause) {
    throw new Error(
      "TUN and TAP devices need the package 'koffi', by which Node calls ioctl(2): npm install koffi",
      { cause },
    );
  }
}
