/** A capture file as a link: `lastack/link/replay`. */
export { ReplayLink, type ReplayOptions } from './link.ts';
