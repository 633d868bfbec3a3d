import type { OptionSpec } from '../cli/command.ts';

/** Options that every command about a running instance has. */
export const INSTANCE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  instance: {
    type: 'string',
    value: 'PID',
    help: 'which running instance, if there are several (its process id; LASTACK_INSTANCE does the same)',
  },
  host: { type: 'string', value: 'NAME', help: "only this host's, such as A or B" },
};
