/** Ethernet or IP between threads, pages and workers: `lastack/link/message-port`. */
export { MessagePortLink, type MessagePortLinkOptions, type PortLike } from './link.ts';
