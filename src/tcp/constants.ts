/** Linux's constants for TCP, in microseconds where they are times (include/net/tcp.h, 6.18). */
import { MICROS_PER_MS, MICROS_PER_SECOND } from '../base/time.ts';

/** Retransmission timeout before any sample (RFC 6298 §2.1). */
export const TIMEOUT_INIT = MICROS_PER_SECOND;
/** The same after a SYN that had to be repeated and gave no sample. */
export const TIMEOUT_FALLBACK = 3 * MICROS_PER_SECOND;
/** Longest a delayed ACK may wait, and shortest (TCP_DELACK_MAX, TCP_ATO_MIN). */
export const DELACK_MAX = 200 * MICROS_PER_MS;
export const ATO_MIN = 40 * MICROS_PER_MS;
/** How many segments are acknowledged at once when quick-ack mode is entered. */
export const MAX_QUICKACKS = 16;
/** Alternations of data and answer after which a connection counts as interactive. */
export const PINGPONG_THRESH = 1;
/** Slack of the loss probe and reordering timers, in microseconds; in jiffies it is 2. */
export const TIMEOUT_MIN_US = 2 * MICROS_PER_MS;
export const TIMEOUT_MIN_JIFFIES = 2;
/** Pause after a local transmission failure. */
export const RESOURCE_PROBE_INTERVAL = MICROS_PER_SECOND / 2;

export const INIT_CWND = 10;
export const INFINITE_SSTHRESH = 0x7fffffff;
export const MSS_DEFAULT_4 = 536;
export const MSS_DEFAULT_6 = 1220;
export const MIN_MSS = 88;
/** Room for options in a TCP header. */
export const MAX_OPTION_SPACE = 40;
export const HEADER = 20;
export const TIMESTAMPS_ALIGNED = 12;

/** RFC 7323 §5.5: after this many seconds of silence TS.Recent is no longer trusted. */
export const PAWS_24_DAYS = 60 * 60 * 24 * 24;
/** Linux tolerates timestamps that go back by this many ticks when the segment is otherwise new. */
export const PAWS_WINDOW = 1;

/** RACK: recoveries for which a widened reordering window is kept (RFC 8985 §6.2). */
export const RACK_RECOVERY_THRESH = 16;

/** Congestion states, as `tcpi_ca_state` reports them. */
export const CA_OPEN = 0;
export const CA_DISORDER = 1;
export const CA_CWR = 2;
export const CA_RECOVERY = 3;
export const CA_LOSS = 4;

/** Which of the mutually exclusive transmit timers a connection runs. */
export const XMIT_NONE = 0;
export const XMIT_RTO = 1;
export const XMIT_PROBE0 = 3;
export const XMIT_TLP = 5;
export const XMIT_REO = 6;

/** Halves of a connection that have been shut down. */
export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;

/** Readiness bits (poll(2)). */
export const POLLIN = 0x001;
export const POLLPRI = 0x002;
export const POLLOUT = 0x004;
export const POLLERR = 0x008;
export const POLLHUP = 0x010;
export const POLLRDHUP = 0x2000;

/** send(2) and recv(2) flags that TCP itself acts on. */
export const MSG_OOB = 0x1;
export const MSG_PEEK = 0x2;
export const MSG_TRUNC = 0x20;
export const MSG_EOR = 0x80;
export const MSG_MORE = 0x8000;

/** What loss recovery asks of the next output. */
export const REXMIT_NONE = 0;
export const REXMIT_LOST = 1;
export const REXMIT_NEW = 2;
