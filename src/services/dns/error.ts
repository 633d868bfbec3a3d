/**
 * | code | meaning |
 * |---|---|
 * | ENOTFOUND | there is no such name, or it has no address |
 * | EAI_AGAIN | no server has answered in time, or all failed: later it may be different |
 * | EBADNAME | no host name can look like this |
 * | ECANCELLED | the resolver was closed |
 */
export type DnsErrorCode = 'ENOTFOUND' | 'EAI_AGAIN' | 'EBADNAME' | 'ECANCELLED';

/** A name that could not be resolved; the shape of the errors of `node:dns`. */
export class DnsError extends Error {
  override readonly name = 'DnsError';
  readonly code: DnsErrorCode;
  readonly syscall = 'getaddrinfo';
  readonly hostname: string;

  /** @param why what led to it, for people */
  constructor(code: DnsErrorCode, hostname: string, why = '') {
    super(`getaddrinfo ${code} ${hostname}${why === '' ? '' : ` (${why})`}`);
    this.code = code;
    this.hostname = hostname;
  }
}
