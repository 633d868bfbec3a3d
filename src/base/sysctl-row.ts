/** How the text of a sysctl that is not numeric is checked. */
export type TextForm = 'congestion' | 'fastopenKey' | 'ports';

/** What is known of one sysctl beside its value. */
export interface SysctlRow {
  /** The full name, dotted; absent where it is `net.ipv4.` and the field's own name. */
  readonly full?: string;
  /** Range of the number, or of each number of a pair or triple; absent for text. */
  readonly low?: number;
  readonly high?: number;
  readonly form?: TextForm;
  /** Unit of the number, empty for flags and counts. */
  readonly unit: string;
  /** Latched: read when a socket is made (or connects); else read whenever it is used. */
  readonly latched: boolean;
  readonly description: string;
}

export const INT_MAX = 2147483647;
export const UINT_MAX = 4294967295;
export const LONG_MAX = Number.MAX_SAFE_INTEGER;

export function number(
  low: number,
  high: number,
  unit: string,
  description: string,
  full?: string,
): SysctlRow {
  const row = { low, high, unit, latched: false, description };
  return full === undefined ? row : { ...row, full };
}

export function text(form: TextForm, description: string, full?: string): SysctlRow {
  const row = { form, unit: '', latched: false, description };
  return full === undefined ? row : { ...row, full };
}

export function latched(row: SysctlRow): SysctlRow {
  return { ...row, latched: true };
}
