import { Sysctl } from '../../src/base/sysctl.ts';
import { listSysctls } from '../../src/base/sysctl-list.ts';

/** A sysctl of a host, with Linux's name and meaning. */
export interface Knob {
  /** In full: `net.ipv4.tcp_fin_timeout`. */
  readonly name: string;
  /** As a script may write it: `tcp_fin_timeout`. */
  readonly short: string;
  readonly initial: string;
  /** '' for flags and counts. */
  readonly unit: string;
  /** `1..127`, or what a text must look like. */
  readonly range: string;
  readonly meaning: string;
  /** A connection takes it when it is made; a change holds for later ones only. */
  readonly latched: boolean;
}

/** A sysctl that was set. */
export interface Setting {
  readonly name: string;
  readonly value: string;
}

/** All sysctls of a host, by name. */
export const KNOBS: readonly Knob[] = listSysctls(new Sysctl()).map(e => ({
  name: e.name,
  short: e.name.replace(/^net\.ipv4\.(?=\w+$)/, ''),
  initial: e.default,
  unit: e.unit,
  range: e.range,
  meaning: e.description,
  latched: e.latched,
}));

/** Those that differ from their defaults. */
export function settingsOf(sysctl: Sysctl): readonly Setting[] {
  return listSysctls(sysctl)
    .filter(e => e.value !== e.default)
    .map(({ name, value }) => ({ name, value }));
}
