import * as errno from '../../base/errno.ts';
import * as socket from '../../socket/constants.ts';
import type { Expr } from './ast.ts';

/** Names that scripts use beyond those of the socket layer: Linux's numbers, and what other systems' scripts write. */
const MORE: Readonly<Record<string, number>> = {
  AF_INET6: 10,
  SOCK_RAW: 3,
  SOCK_SEQPACKET: 5,
  IPPROTO_UDPLITE: 136,
  IPPROTO_MPTCP: 262,
  IPPROTO_SCTP: 132,
  INADDR_ANY: 0,
  SO_ACCEPTFILTER: 0x1000,
  SO_TIMESTAMP_OLD: 29,
  SO_TIMESTAMPING_NEW: 65,
  SO_TIMESTAMPING_OLD: 37,
  SCM_TIMESTAMPING_PKTINFO: 58,
  TCP_COOKIE_TRANSACTIONS: 15,
  TCP_REPAIR_QUEUE: 20,
  TCP_QUEUE_SEQ: 21,
  TCP_REPAIR_OPTIONS: 22,
  TCP_MD5SIG_EXT: 32,
  TCP_REPAIR_WINDOW: 29,
  TCP_CM_INQ: 36,
  TCP_MAXRT: 18,
  IP_RECVTOS: 13,
  IP_RECVTTL: 12,
  IP_RETOPTS: 7,
  IPV6_RECVTCLASS: 66,
  IPV6_FLOWINFO: 11,
  MSG_PROXY: 0x10,
  MSG_SYN: 0x400,
  MSG_FIN: 0x200,
  MSG_RST: 0x1000,
  MSG_BATCH: 0x40000,
  MSG_SPLICE_PAGES: 0x8000000,
  MSG_WAITFORONE: 0x10000,
  O_APPEND: 0o2000,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_TRUNC: 0o1000,
  O_ASYNC: 0o20000,
  O_DIRECT: 0o40000,
  F_DUPFD: 0,
  F_GETLK: 5,
  F_SETLK: 6,
  F_SETOWN: 8,
  F_GETOWN: 9,
  TIOCINQ: 0x541b,
  TIOCOUTQ: 0x5411,
  SPLICE_F_MOVE: 1,
  SPLICE_F_NONBLOCK: 2,
  SPLICE_F_MORE: 4,
  SPLICE_F_GIFT: 8,
  SCM_TSTAMP_SND: 0,
  SCM_TSTAMP_SCHED: 1,
  SCM_TSTAMP_ACK: 2,
  SCM_TSTAMP_COMPLETION: 3,
  EPOLL_NONBLOCK: 0o4000,
  POLLREMOVE: 0x1000,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_EFFECTIVE: 0,
  CAP_PERMITTED: 1,
  CAP_INHERITABLE: 2,
  CAP_CLEAR: 0,
  CAP_SET: 1,
  SOF_TIMESTAMPING_OPT_PKTINFO: 1 << 13,
  SOF_TIMESTAMPING_OPT_TX_SWHW: 1 << 14,
  SOF_TIMESTAMPING_BIND_PHC: 1 << 15,
  SOF_TIMESTAMPING_OPT_ID_TCP: 1 << 16,
  SOF_TIMESTAMPING_TX_COMPLETION: 1 << 18,
  SO_EE_CODE_TXTIME_MISSED: 2,
  TCP_NLA_PAD: 0,
  TCP_NLA_BUSY: 1,
  TCP_NLA_RWND_LIMITED: 2,
  TCP_NLA_SNDBUF_LIMITED: 3,
  TCP_NLA_DATA_SEGS_OUT: 4,
  TCP_NLA_TOTAL_RETRANS: 5,
  TCP_NLA_PACING_RATE: 6,
  TCP_NLA_DELIVERY_RATE: 7,
  TCP_NLA_SND_CWND: 8,
  TCP_NLA_REORDERING: 9,
  TCP_NLA_MIN_RTT: 10,
  TCP_NLA_RECUR_RETRANS: 11,
  TCP_NLA_DELIVERY_RATE_APP_LMT: 12,
  TCP_NLA_SNDQ_SIZE: 13,
  TCP_NLA_CA_STATE: 14,
  TCP_NLA_SND_SSTHRESH: 15,
  TCP_NLA_DELIVERED: 16,
  TCP_NLA_DELIVERED_CE: 17,
  TCP_NLA_BYTES_SENT: 18,
  TCP_NLA_BYTES_RETRANS: 19,
  TCP_NLA_DSACK_DUPS: 20,
  TCP_NLA_REORD_SEEN: 21,
  TCP_NLA_SRTT: 22,
  TCP_NLA_TIMEOUT_REHASH: 23,
  TCP_NLA_BYTES_NOTSENT: 24,
  TCP_NLA_EDT: 25,
  TCP_NLA_TTL: 26,
  TCP_NLA_REHASH: 27,
};

/** The number that a name in a script stands for, undefined if it is unknown. */
export function symbol(name: string): number | undefined {
  if (Object.hasOwn(MORE, name)) return MORE[name];
  for (const table of [socket, errno] as readonly Readonly<Record<string, unknown>>[]) {
    const v = Object.hasOwn(table, name) ? table[name] : undefined;
    if (typeof v === 'number') return v;
  }
  return undefined;
}

const byteSwap16 = (n: number): number => ((n & 0xff) << 8) | ((n >>> 8) & 0xff);

/**
 * An expression as a number, by C's rules on 32-bit masks where bits are combined.
 * @returns undefined if it is no number (a string, a list, `...`), or a message if a name is unknown
 */
export function numberOf(e: Expr): number | string | undefined {
  switch (e.kind) {
    case 'integer':
    case 'float':
      return e.value;
    case 'word':
      return e.name === 'NULL' ? 0 : (symbol(e.name) ?? `'${e.name}' is not a name that the runner knows`);
    case 'apply': {
      const inner = e.args[0] === undefined ? undefined : numberOf(e.args[0]);
      if (e.name === 'htons' && typeof inner === 'number') return byteSwap16(inner);
      return undefined;
    }
    case 'unary': {
      const n = numberOf(e.operand);
      if (typeof n !== 'number') return n;
      return e.operator === '-' ? -n : e.operator === '~' ? ~n : e.operator === '!' ? Number(n === 0) : n;
    }
    case 'binary': {
      const left = numberOf(e.left);
      const right = numberOf(e.right);
      if (typeof left !== 'number') return left;
      return typeof right === 'number' ? combine(e.operator, left, right) : right;
    }
    default:
      return undefined;
  }
}

function combine(operator: string, a: number, b: number): number {
  switch (operator) {
    case '|':
      return a | b;
    case '&':
      return a & b;
    case '^':
      return a ^ b;
    case '<<':
      return a << b;
    case '>>':
      return a >> b;
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? 0 : Math.trunc(a / b);
    default:
      return b === 0 ? 0 : a % b;
  }
}
