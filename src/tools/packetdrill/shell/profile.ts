/**
 * What the published `defaults.sh` sets: production values that scripts' packets and windows rely on
 * (a SYN's window of 65535 with scale 8, ten segments to begin with, no ECN, TLP and RACK on).
 */
export const DEFAULTS: readonly (readonly [name: string, value: string])[] = [
  ['tcp_rmem', '4096 540000 15728640'],
  ['tcp_wmem', '4096 262144 4194304'],
  ['tcp_timestamps', '1'],
  ['tcp_syn_retries', '5'],
  ['tcp_synack_retries', '5'],
  ['tcp_frto', '2'],
  ['tcp_sack', '1'],
  ['tcp_dsack', '1'],
  ['tcp_reordering', '3'],
  ['tcp_congestion_control', 'cubic'],
  ['tcp_slow_start_after_idle', '0'],
  ['tcp_early_retrans', '4'],
  ['tcp_recovery', '1'],
  ['tcp_tso_win_divisor', '3'],
  ['tcp_ecn', '0'],
  ['tcp_ecn_option', '2'],
  ['tcp_pacing_ss_ratio', '200'],
  ['tcp_pacing_ca_ratio', '120'],
  ['tcp_notsent_lowat', '4294967295'],
  ['tcp_fastopen', '0x70403'],
  ['tcp_fastopen_key', 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4'],
  ['tcp_syncookies', '1'],
];

/** FreeBSD's names for knobs that Linux has too, in its test suite's scripts. */
const FREEBSD: Readonly<Record<string, (value: string) => readonly (readonly [string, string])[]>> = {
  'net.inet.tcp.rfc1323': v => [
    ['tcp_timestamps', v === '0' || v === '2' ? '0' : '1'],
    ['tcp_window_scaling', v === '0' || v === '3' ? '0' : '1'],
  ],
  'net.inet.tcp.sack.enable': v => [['tcp_sack', v]],
  'net.inet.tcp.ecn.enable': v => [['tcp_ecn', v === '2' ? '2' : v === '1' ? '1' : '0']],
  'net.inet.tcp.syncookies': v => [['tcp_syncookies', v]],
  'net.inet.tcp.syncookies_only': v => [['tcp_syncookies', v === '1' ? '2' : '1']],
  'net.inet.tcp.cc.algorithm': v => [['tcp_congestion_control', v === 'newreno' ? 'reno' : v]],
  'net.inet.tcp.keepidle': v => [['tcp_keepalive_time', String(Math.ceil(Number(v) / 1000))]],
  'net.inet.tcp.keepintvl': v => [['tcp_keepalive_intvl', String(Math.ceil(Number(v) / 1000))]],
  'net.inet.tcp.keepcnt': v => [['tcp_keepalive_probes', v]],
  'net.inet.tcp.finwait2_timeout': v => [['tcp_fin_timeout', String(Math.ceil(Number(v) / 1000))]],
  'net.inet.tcp.msl': v => [['lastack.msl', String(Math.ceil(Number(v) / 1000))]],
};

/**
 * What to set for a sysctl of another system: an empty list for those of FreeBSD without a counterpart
 * (they have no effect), null for a name that is Linux's.
 */
export function foreignSysctl(name: string, value: string): readonly (readonly [string, string])[] | null {
  const n = name.replaceAll('/', '.');
  if (!/^(net\.inet6?\.|kern\.|vm\.|hw\.|security\.|debug\.)/.test(n) || /^kern\.el/.test(n)) return null;
  return FREEBSD[n]?.(value) ?? [];
}
