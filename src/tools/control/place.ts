import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { CliError, EXIT_MACHINE, errorText } from '../cli/error.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Longest path a Unix socket may have on Linux and macOS. */
const MAX_PATH = 100;

/**
 * Where running instances of this user put their control sockets: `$LASTACK_RUNTIME_DIR`, else
 * `$XDG_RUNTIME_DIR/lastack`, else `lastack-UID` in the directory for temporary files.
 */
export function runtimeDirectory(env: Env): string {
  if (env['LASTACK_RUNTIME_DIR']) return env['LASTACK_RUNTIME_DIR'];
  const xdg = env['XDG_RUNTIME_DIR'];
  if (xdg?.startsWith('/')) {
    try {
      if (lstatSync(xdg).isDirectory()) return join(xdg, 'lastack');
    } catch {
      // Named but missing, as in many containers: the other place will do.
    }
  }
  return join(tmpdir(), `lastack-${userInfo().uid}`);
}

/** Makes the directory if need be and makes sure that nobody else can look or write into it. */
export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (e) {
    throw new CliError(EXIT_MACHINE, `cannot make ${directory}: ${errorText(e)}`, OTHER_PLACE);
  }
  const s = lstatSync(directory);
  const mine = s.uid === userInfo().uid;
  if (!s.isDirectory() || !mine) {
    throw new CliError(EXIT_MACHINE, `${directory} is not a directory of yours`, OTHER_PLACE);
  }
  if ((s.mode & 0o077) !== 0) chmodSync(directory, 0o700);
}

const OTHER_PLACE = 'set LASTACK_RUNTIME_DIR to a directory of your own';

export function socketPath(directory: string, pid: number): string {
  const path = join(directory, `${pid}.sock`);
  if (Buffer.byteLength(path) > MAX_PATH) {
    throw new CliError(
      EXIT_MACHINE,
      `${path} is too long for a Unix socket`,
      'set LASTACK_RUNTIME_DIR to a shorter path',
    );
  }
  return path;
}

/** Process ids that have a control socket here, running or not. */
export function instancesIn(directory: string): number[] {
  try {
    const mine = lstatSync(directory);
    if (!mine.isDirectory() || mine.uid !== userInfo().uid) return [];
    return readdirSync(directory)
      .map(name => Number(/^(\d{1,10})\.sock$/.exec(name)?.[1] ?? Number.NaN))
      .filter(Number.isInteger)
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}
