import type { SocketView } from '../engine/view.ts';

/** A name for a socket that neither the script nor the host uses: a1, a2 … on A. */
export function freshName(script: string, host: string, sockets: readonly SocketView[]): string {
  const used = new Set([...script.split(/\s+/), ...sockets.map(s => s.name)]);
  const letter = host.toLowerCase();
  let n = 1;
  while (used.has(`${letter}${n}`)) n++;
  return `${letter}${n}`;
}
