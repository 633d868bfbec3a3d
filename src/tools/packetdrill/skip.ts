import { AE } from '../../wire/segment.ts';
import type { Expr, PacketSpec, Script } from './ast.ts';

/**
 * The fixed list of what is not run (docs/packetdrill.md): a script that needs one of these is skipped
 * with the reason; whatever else cannot be run fails.
 */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(SO_ZEROCOPY|MSG_ZEROCOPY|SO_EE_ORIGIN_ZEROCOPY|TCP_ZEROCOPY_RECEIVE)$/, 'zero copy'],
  [/^(splice|sendfile|tee|vmsplice)$/, 'splice and sendfile'],
  [/^(IPPROTO_MPTCP|MPTCP_\w+)$/, 'MPTCP'],
  [/^TCP_MD5SIG(_EXT)?$/, 'MD5'],
  [/^(TCP|SO|SOL)?_?PSP(_\w+)?$/, 'PSP'],
  [/^SOF_TIMESTAMPING_(RX|TX|RAW|SYS)_HARDWARE$/, 'hardware timestamps'],
];

/** Why a script is skipped, or null if it is to be run. */
export function skipReason(script: Script): string | null {
  let reason: string | null = null;
  const found = (name: string): void => {
    for (const [pattern, why] of NAMES) if (pattern.test(name)) reason ??= why;
  };
  const commands = [...script.init.map(c => c.text)];
  for (const e of script.events) {
    if (e.kind === 'call') {
      found(e.call.name);
      for (const a of e.call.args) walk(a, found);
    } else if (e.kind === 'packet') reason ??= packetReason(e.packet);
    else if (e.kind === 'command') commands.push(e.text);
  }
  for (const text of commands) reason ??= commandReason(text);
  return reason;
}

function walk(e: Expr, found: (name: string) => void): void {
  switch (e.kind) {
    case 'word':
      found(e.name);
      break;
    case 'list':
      for (const i of e.items) walk(i, found);
      break;
    case 'struct':
      for (const f of e.fields) walk(f.value, found);
      break;
    case 'apply':
      for (const a of e.args) walk(a, found);
      break;
    case 'unary':
      walk(e.operand, found);
      break;
    case 'binary':
      walk(e.left, found);
      walk(e.right, found);
  }
}

function packetReason(p: PacketSpec): string | null {
  const { body } = p;
  if (body.kind === 'other') return body.protocol === 'psp' ? 'PSP' : null;
  if (body.kind !== 'tcp') return null;
  if (body.flags & AE) return 'AccECN';
  for (const o of body.options ?? []) {
    if (o.kind === 'ECN') return 'AccECN';
    if (o.kind === 'md5') return 'MD5';
    if (o.kind === 'other' && /^(mp_|mptcp|add_addr|dss)/.test(o.name)) return 'MPTCP';
    if (o.kind === 'other' && /^psp/.test(o.name)) return 'PSP';
  }
  return null;
}

function commandReason(text: string): string | null {
  if (/tcp_ecn\s*=\s*["']?[345]/.test(text)) return 'AccECN';
  if (/\bpsp\b/.test(text)) return 'PSP';
  if (/mptcp/.test(text)) return 'MPTCP';
  return null;
}
