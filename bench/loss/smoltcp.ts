/**
 * Throughput that smoltcp publishes of itself, by its `netsim` test: 10 MiB one way between two of it in virtual
 * time, MTU 1500 on an IP medium (an MSS of 1460), a round trip of 100 ms, independent random loss in both directions,
 * equal send and receive buffers, no congestion control, no timestamps. Bytes per second.
 */
export const LOSSES = [0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3] as const;
export const BUFFERS = [4096, 8192, 16_384, 32_768] as const;
export const SMOLTCP: Readonly<Record<number, readonly number[]>> = {
  4096: [35_062, 33_860, 26_937, 21_887, 14_074, 7871, 1604, 402],
  8192: [77_374, 72_992, 58_491, 46_528, 29_421, 15_515, 3737, 711],
  16384: [161_842, 159_311, 127_091, 104_233, 55_319, 27_269, 7655, 1277],
  32768: [322_945, 314_780, 219_671, 166_588, 76_626, 37_775, 6079, 1156],
};
export const RTT = 100_000;
export const BYTES = 10 * 2 ** 20;
/** Of a segment of 1500 bytes over IPv4 without options. */
export const MSS = 1460;
