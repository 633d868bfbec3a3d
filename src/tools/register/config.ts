import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NetHost } from '../../api/net/host.ts';
import type { ConditionOptions } from '../../link/conditions.ts';

/** What `lastack.config.json` or `lastack.config.mjs` may say. */
export interface Config {
  /** Addresses beside 127.0.0.0/8 and ::1, with prefix length: `10.1.0.1/24`. */
  readonly addresses?: readonly string[];
  /** Settings by Linux's names. */
  readonly sysctl?: Readonly<Record<string, string | number>>;
  /** Makes ports and sequence numbers the same in every run. */
  readonly seed?: number | string;
  /**
   * What happens to connections to addresses that are not the host's: `refuse` them with ENETUNREACH, or
   * hand them to the kernel through Node's own `net`. @default 'refuse'
   */
  readonly outside?: 'refuse' | 'node';
  /**
   * Puts a wire between clients (host A) and servers (host B) of the process. Conditions as numbers or with
   * units (`delay: '20ms'`, `loss: '2%'`, `rate: '10mbit'`), and rules such as `drop B FIN 1`.
   */
  readonly wire?: ConditionOptions & { readonly rules?: readonly string[]; readonly mtu?: number };
  /** Whether `lastack ss` finds the process. @default true */
  readonly control?: boolean;
  /** A host of one's own in place of all that: only in a module. */
  readonly host?: NetHost;
}

type Env = Readonly<Record<string, string | undefined>>;

const NAMES = ['lastack.config.json', 'lastack.config.mjs', 'lastack.config.js'];
const KEYS = ['addresses', 'sysctl', 'seed', 'outside', 'wire', 'control', 'host', '$schema'];

/**
 * The configuration: `LASTACK_CONFIG` (a file, or JSON that begins with a brace), else a file of the usual
 * names in the working directory, else nothing; `LASTACK_OUTSIDE` and `LASTACK_CONTROL` override it.
 * @throws Error that says what is wrong
 */
export async function loadConfig(env: Env, directory: string): Promise<Config> {
  const config = check(await read(env['LASTACK_CONFIG'], directory));
  const outside = env['LASTACK_OUTSIDE'];
  const control = env['LASTACK_CONTROL'];
  return check({
    ...config,
    ...(outside ? { outside } : {}),
    ...(control ? { control: !/^(?:0|off|no|false)$/i.test(control) } : {}),
  });
}

async function read(named: string | undefined, directory: string): Promise<unknown> {
  if (named?.trim().startsWith('{')) return parse(named, 'LASTACK_CONFIG');
  const file = named
    ? resolve(directory, named)
    : NAMES.map(n => join(directory, n)).find(path => existsSync(path));
  if (file === undefined) return {};
  if (file.endsWith('.json')) return parse(readFileSync(file, 'utf8'), file);
  const module: unknown = await import(pathToFileURL(file).href);
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : {};
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (e) {
    throw new Error(`lastack: ${where} is not JSON: ${(e as Error).message}`);
  }
}

function check(config: unknown): Config {
  const bad = (why: string): never => {
    throw new Error(`lastack: configuration: ${why}`);
  };
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    return bad('an object is expected');
  for (const key of Object.keys(config))
    if (!KEYS.includes(key)) bad(`'${key}' is unknown; there are ${KEYS.slice(0, -1).join(', ')}`);
  const c = config as Record<string, unknown>;
  if (c['outside'] !== undefined && c['outside'] !== 'refuse' && c['outside'] !== 'node')
    bad(`outside: '${String(c['outside'])}' is neither 'refuse' nor 'node'`);
  const { addresses } = c;
  if (addresses !== undefined && !(Array.isArray(addresses) && addresses.every(a => typeof a === 'string')))
    bad('addresses: a list of texts is expected');
  for (const key of ['wire', 'sysctl'])
    if (c[key] !== undefined && (typeof c[key] !== 'object' || c[key] === null))
      bad(`${key}: an object is expected`);
  return config as Config;
}
