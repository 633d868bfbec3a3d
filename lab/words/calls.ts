const SOCKET: Readonly<Record<number, string>> = {
  2: 'SO_REUSEADDR',
  7: 'SO_SNDBUF',
  8: 'SO_RCVBUF',
  9: 'SO_KEEPALIVE',
  13: 'SO_LINGER',
};
const TCP: Readonly<Record<number, string>> = {
  1: 'TCP_NODELAY',
  4: 'TCP_KEEPIDLE',
  5: 'TCP_KEEPINTVL',
  6: 'TCP_KEEPCNT',
  8: 'TCP_LINGER2',
  9: 'TCP_DEFER_ACCEPT',
  18: 'TCP_USER_TIMEOUT',
};

/** A call as the log has it, with options by their names: nobody knows that 1, 2 is SO_REUSEADDR. */
export function callText(text: string): string {
  return text.replace(/^(setsockopt\([^,]*, )(\d+), (\d+)/, (all, head: string, level: string, n: string) => {
    const name = level === '1' ? SOCKET[Number(n)] : level === '6' ? TCP[Number(n)] : undefined;
    return name === undefined ? all : head + name;
  });
}
