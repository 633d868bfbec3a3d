import { CliError, errorText } from '../cli/error.ts';
import type { Instance } from '../up/instance.ts';
import { type LabServer, serveLab } from './server.ts';
import { labDirectory, readSite } from './site.ts';

/** The lab's server, or the sentence that says why there is none. */
export interface Opened {
  readonly server: LabServer | null;
  readonly why: string;
}

/**
 * Serves the lab as the options say; without it everything else works.
 * @throws CliError if just this port was asked for and is not to be had
 */
export async function openLab(instance: Instance, directory = labDirectory()): Promise<Opened> {
  const wanted = instance.gateway.options.lab;
  if (wanted === null) return { server: null, why: '' };
  try {
    const site = await readSite(directory);
    if (site === null) return { server: null, why: `its page is not built: no ${directory}` };
    return { server: await serveLab(instance, site, wanted.port), why: '' };
  } catch (e) {
    if (wanted.asked && e instanceof CliError) throw e;
    return {
      server: null,
      why: e instanceof CliError ? `${e.message}; --lab chooses another` : errorText(e),
    };
  }
}
