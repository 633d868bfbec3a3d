import type { LookupAddress, LookupOptions } from 'node:dns';
import type { Address } from '../../base/address.ts';
import type { Pending } from '../../socket/pending.ts';
import type { Sockets } from '../../socket/sockets.ts';

/** A name lookup with the shape of `dns.lookup`. */
export type LookupFunction = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/** What `net` needs of a driver; `Driver` and `NodeDriver` have this shape. */
export interface NetDriver {
  /** The sockets, with the present time told to the stack; what the verbs lead to is arranged for. */
  enter(): Sockets;
  /** Calls back inside a turn once the call is done. @param lives whether the process should live for it */
  whenDone(pending: Pending, then: (result: number) => void, lives?: boolean): void;
  /** If it can: calls `watcher` at the end of each turn, which may call verbs and must not throw. */
  afterTurn?(watcher: () => void): void;
  /** If it can: does at once what `enter` has arranged for a turn soon. */
  flush?(): void;
}

/** How the addresses that programs use become those of hosts on a wire, and back. */
export interface Translation {
  /** For bind(). */
  own(address: Address): Address;
  /** For connect(). */
  peer(address: Address): Address;
  /** What a program sees. */
  seen(address: Address): Address;
}

/** Whose sockets a `net` opens. */
export interface NetHost {
  readonly driver: NetDriver;
  /** Resolves names; without it `localhost` is known and all others are asked of `dns.lookup`. */
  readonly lookup?: LookupFunction;
  /**
   * Whether a connection to this address goes through Node's own `net` and the machine's kernel instead of
   * this host. Without it none does.
   */
  readonly outside?: (address: Address) => boolean;
  /** Whether paths (Unix sockets) are handed to Node's own `net`. @default false: an error says what to do */
  readonly paths?: boolean;
  /** The host that servers listen on, if it is another: both then share a wire. */
  readonly servers?: NetHost;
  /** Other addresses than those that programs see. */
  readonly translate?: Translation;
  /** Told whom a descriptor belongs to, for `lastack ss`. */
  readonly opened?: (fd: number, owner: string) => void;
}
