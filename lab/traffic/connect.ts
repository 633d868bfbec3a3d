import { LIVE_INFO_PATH, LIVE_MARK, LIVE_PATH, type LiveHello } from '../../src/tools/lab-server/protocol.ts';
import { type Connection, follow, type LineState } from './connection.ts';
import type { LiveTraffic } from './live.ts';
import { isHello } from './message.ts';

/** What serves this page, if that is a running `lastack up`; null if it is an ordinary file server. */
export async function gatewayBehindPage(base: string = document.baseURI): Promise<LiveHello | null> {
  if (document.querySelector(`meta[name="${LIVE_MARK}"]`) === null) return null;
  try {
    const response = await fetch(new URL(`.${LIVE_INFO_PATH}`, base), { cache: 'no-store' });
    const said: unknown = response.ok ? await response.json() : null;
    return isHello(said) ? said : null;
  } catch {
    return null;
  }
}

/** Follows the gateway that serves this page until it is closed; connects again when the line breaks. */
export function connect(
  traffic: LiveTraffic,
  onstate: (state: LineState) => void = () => {},
  base: string = document.baseURI,
): Connection {
  const url = new URL(`.${LIVE_PATH}`, base).href;
  return follow(
    traffic,
    ears => {
      const source = new EventSource(url);
      source.onopen = () => ears.opened();
      source.onmessage = e => ears.said(String(e.data));
      source.onerror = () => ears.broken();
      return () => source.close();
    },
    onstate,
  );
}
