/** Ethernet or IP in UDP datagrams, on Node: `lastack/link/udp`. */
export { openUdpLink, type UdpEnd, UdpLink, UdpLinkCounters, type UdpLinkOptions } from './link.ts';
