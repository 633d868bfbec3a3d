import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Micros } from '../../base/time.ts';
import { CapturePoint } from '../../link/capture.ts';
import type { Frame } from '../../wire/frame.ts';
import { PcapngWriter } from '../../wire/pcapng.ts';
import { CliError, EXIT_MACHINE, errorText } from '../cli/error.ts';
import { HOSTS } from './options.ts';

/** Bytes that may wait for the disk; packets beyond are left out and counted. */
const MAX_WAITING = 64 * 1024 * 1024;

/** Writes what each host sees to DIR/A.pcapng and DIR/B.pcapng. */
export class CaptureFiles {
  /** Packets left out because the disk did not keep up. */
  omitted = 0;
  /** The first error of the disk, or ''. */
  error = '';
  readonly paths: readonly string[];
  private readonly streams: WriteStream[] = [];
  private readonly points: CapturePoint[] = [];
  private readonly wall: (at: Micros) => Micros;

  /** @throws CliError if the directory or the files can't be made */
  constructor(directory: string, wall: (at: Micros) => Micros) {
    this.wall = wall;
    try {
      mkdirSync(directory, { recursive: true });
    } catch (e) {
      throw new CliError(
        EXIT_MACHINE,
        `--capture ${directory}: ${errorText(e)}`,
        'name a directory that you may write to',
      );
    }
    this.paths = HOSTS.map(name => join(directory, `${name}.pcapng`));
    for (const [i, path] of this.paths.entries()) {
      const stream = createWriteStream(path);
      stream.on('error', e => (this.error ||= `${path}: ${e.message}`));
      this.streams.push(stream);
      const writer = new PcapngWriter(block => this.write(stream, block));
      this.points.push(new CapturePoint(writer, `host ${HOSTS[i]}`, 'ip'));
    }
  }

  /** @param host 0 for A, 1 for B */
  sent(host: 0 | 1, frame: Frame, at: Micros, comment: string): void {
    this.points[host]!.record(frame, this.wall(at), true, comment);
  }

  received(host: 0 | 1, frame: Frame, at: Micros): void {
    this.points[host]!.record(frame, this.wall(at), false);
  }

  /** Writes what waits and closes the files. */
  async close(): Promise<void> {
    await Promise.all(
      this.streams.map(s => new Promise<void>(resolve => (s.destroyed ? resolve() : s.end(() => resolve())))),
    );
  }

  private write(stream: WriteStream, block: Uint8Array): void {
    if (this.error !== '') return;
    if (stream.writableLength > MAX_WAITING) this.omitted++;
    else stream.write(block);
  }
}
