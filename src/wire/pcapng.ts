/** Capture files: `PcapngWriter` writes pcapng, `readCapture` reads pcapng and classic pcap. */
export * from './capture.ts';
export { readCapture } from './pcap-read.ts';
export { CaptureBuffer, PcapngWriter } from './pcapng-write.ts';
