import { Address } from '../../base/address.ts';

/** B's address, in 10.78/16. */
export const B_ADDRESS = Address.v4(0x0a4e0001);
/** Ports on B: the built-in page, and what comes through the proxy front. */
export const PAGE_PORT = 80;
export const PROXY_PORT = 1080;

/**
 * How many addresses A connects from. Each has 28,232 ephemeral ports to each of B's ports, and a closed
 * connection keeps its port for 60 s in TIME_WAIT: 64 addresses last for 30,000 connections per second.
 */
export const A_ADDRESSES = 64;

/** 10.77.0.1/16, 10.77.0.2/16, … */
export const aAddresses = (n = A_ADDRESSES): string[] =>
  Array.from({ length: n }, (_, i) => `10.77.${(i + 1) >>> 8}.${(i + 1) & 255}/16`);
