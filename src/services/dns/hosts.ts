import { type Address, LOOPBACK4, LOOPBACK6, parseAddress } from '../../base/address.ts';
import { hostName } from './name.ts';

/** Names that are known without asking: as a record, or as the text of a hosts(5) file. */
export type HostsInput = Readonly<Record<string, string | readonly string[]>> | string;

/** Lines of a file that are read, and names that a table may have. */
const MAX_NAMES = 100_000;

/** A hosts table. `localhost` and everything below it is this host, whatever the table says (RFC 6761 §6.3). */
export class Hosts {
  private readonly table = new Map<string, Address[]>();

  /** @throws TypeError for a name or an address of a record that is none; a file's bad lines are passed over */
  constructor(input: HostsInput) {
    if (typeof input === 'string') this.read(input);
    else {
      for (const [name, value] of Object.entries(input)) {
        for (const text of typeof value === 'string' ? [value] : value) {
          const [known, address] = [hostName(name), parseAddress(text)];
          if (known === null) throw new TypeError(`hosts: '${name}' is no host name`);
          if (address === null) throw new TypeError(`hosts: '${text}' is no address`);
          this.add(known, address);
        }
      }
    }
  }

  /** The addresses of a name, null if the table does not know it. @param name passed by `hostName` */
  find(name: string): readonly Address[] | null {
    if (name === 'localhost' || name.endsWith('.localhost')) return [LOOPBACK6, LOOPBACK4];
    return this.table.get(name) ?? null;
  }

  private read(text: string): void {
    for (const line of text.split('\n', MAX_NAMES)) {
      const [first = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
      const address = parseAddress(first);
      if (address === null) continue;
      for (const n of names) {
        const name = hostName(n);
        if (name !== null) this.add(name, address);
      }
    }
  }

  private add(name: string, address: Address): void {
    const known = this.table.get(name);
    if (known !== undefined) known.push(address);
    else if (this.table.size < MAX_NAMES) this.table.set(name, [address]);
  }
}
