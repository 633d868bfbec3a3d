import { type DropReason, Drops } from './drops.ts';

/**
 * The counters of one host under the names that `nstat -az` prints (Linux 6.18). Counting is a plain
 * `mib.TcpActiveOpens++`; numbers are exact up to 2^53.
 */
export class Mib {
  // IPv4 (RFC 4293).
  IpInReceives = 0;
  IpInHdrErrors = 0;
  IpInAddrErrors = 0;
  IpForwDatagrams = 0;
  IpInUnknownProtos = 0;
  IpInDiscards = 0;
  IpInDelivers = 0;
  IpOutRequests = 0;
  IpOutDiscards = 0;
  IpOutNoRoutes = 0;
  IpReasmTimeout = 0;
  IpReasmReqds = 0;
  IpReasmOKs = 0;
  IpReasmFails = 0;
  IpFragOKs = 0;
  IpFragFails = 0;
  IpFragCreates = 0;
  IpOutTransmits = 0;

  // ICMP for IPv4 (RFC 2011, RFC 4293).
  IcmpInMsgs = 0;
  IcmpInErrors = 0;
  IcmpInCsumErrors = 0;
  IcmpInDestUnreachs = 0;
  IcmpInTimeExcds = 0;
  IcmpInParmProbs = 0;
  IcmpInSrcQuenchs = 0;
  IcmpInRedirects = 0;
  IcmpInEchos = 0;
  IcmpInEchoReps = 0;
  IcmpInTimestamps = 0;
  IcmpInTimestampReps = 0;
  IcmpInAddrMasks = 0;
  IcmpInAddrMaskReps = 0;
  IcmpOutMsgs = 0;
  IcmpOutErrors = 0;
  IcmpOutRateLimitGlobal = 0;
  IcmpOutRateLimitHost = 0;
  IcmpOutDestUnreachs = 0;
  IcmpOutTimeExcds = 0;
  IcmpOutParmProbs = 0;
  IcmpOutSrcQuenchs = 0;
  IcmpOutRedirects = 0;
  IcmpOutEchos = 0;
  IcmpOutEchoReps = 0;
  IcmpOutTimestamps = 0;
  IcmpOutTimestampReps = 0;
  IcmpOutAddrMasks = 0;
  IcmpOutAddrMaskReps = 0;

  // TCP (RFC 4022). `TcpCurrEstab` is a gauge and is asked of the TCP host, not counted here.
  TcpActiveOpens = 0;
  TcpPassiveOpens = 0;
  TcpAttemptFails = 0;
  TcpEstabResets = 0;
  TcpInSegs = 0;
  TcpOutSegs = 0;
  TcpRetransSegs = 0;
  TcpInErrs = 0;
  TcpOutRsts = 0;
  TcpInCsumErrors = 0;

  // UDP over IPv4 (RFC 4113).
  UdpInDatagrams = 0;
  UdpNoPorts = 0;
  UdpInErrors = 0;
  UdpOutDatagrams = 0;
  UdpRcvbufErrors = 0;
  UdpSndbufErrors = 0;
  UdpInCsumErrors = 0;
  UdpIgnoredMulti = 0;
  UdpMemErrors = 0;

  // IPv6.
  Ip6InReceives = 0;
  Ip6InHdrErrors = 0;
  Ip6InTooBigErrors = 0;
  Ip6InNoRoutes = 0;
  Ip6InAddrErrors = 0;
  Ip6InUnknownProtos = 0;
  Ip6InTruncatedPkts = 0;
  Ip6InDiscards = 0;
  Ip6InDelivers = 0;
  Ip6OutForwDatagrams = 0;
  Ip6OutRequests = 0;
  Ip6OutDiscards = 0;
  Ip6OutNoRoutes = 0;
  Ip6ReasmTimeout = 0;
  Ip6ReasmReqds = 0;
  Ip6ReasmOKs = 0;
  Ip6ReasmFails = 0;
  Ip6FragOKs = 0;
  Ip6FragFails = 0;
  Ip6FragCreates = 0;
  Ip6InMcastPkts = 0;
  Ip6OutMcastPkts = 0;
  Ip6InOctets = 0;
  Ip6OutOctets = 0;
  Ip6InMcastOctets = 0;
  Ip6OutMcastOctets = 0;
  Ip6InBcastOctets = 0;
  Ip6OutBcastOctets = 0;
  Ip6InNoECTPkts = 0;
  Ip6InECT1Pkts = 0;
  Ip6InECT0Pkts = 0;
  Ip6InCEPkts = 0;
  Ip6OutTransmits = 0;

  // ICMPv6.
  Icmp6InMsgs = 0;
  Icmp6InErrors = 0;
  Icmp6OutMsgs = 0;
  Icmp6OutErrors = 0;
  Icmp6InCsumErrors = 0;
  Icmp6OutRateLimitHost = 0;
  Icmp6InDestUnreachs = 0;
  Icmp6InPktTooBigs = 0;
  Icmp6InTimeExcds = 0;
  Icmp6InParmProblems = 0;
  Icmp6InEchos = 0;
  Icmp6InEchoReplies = 0;
  Icmp6InGroupMembQueries = 0;
  Icmp6InGroupMembResponses = 0;
  Icmp6InGroupMembReductions = 0;
  Icmp6InRouterSolicits = 0;
  Icmp6InRouterAdvertisements = 0;
  Icmp6InNeighborSolicits = 0;
  Icmp6InNeighborAdvertisements = 0;
  Icmp6InRedirects = 0;
  Icmp6InMLDv2Reports = 0;
  Icmp6OutDestUnreachs = 0;
  Icmp6OutPktTooBigs = 0;
  Icmp6OutTimeExcds = 0;
  Icmp6OutParmProblems = 0;
  Icmp6OutEchos = 0;
  Icmp6OutEchoReplies = 0;
  Icmp6OutGroupMembQueries = 0;
  Icmp6OutGroupMembResponses = 0;
  Icmp6OutGroupMembReductions = 0;
  Icmp6OutRouterSolicits = 0;
  Icmp6OutRouterAdvertisements = 0;
  Icmp6OutNeighborSolicits = 0;
  Icmp6OutNeighborAdvertisements = 0;
  Icmp6OutRedirects = 0;
  Icmp6OutMLDv2Reports = 0;

  // UDP over IPv6.
  Udp6InDatagrams = 0;
  Udp6NoPorts = 0;
  Udp6InErrors = 0;
  Udp6OutDatagrams = 0;
  Udp6RcvbufErrors = 0;
  Udp6SndbufErrors = 0;
  Udp6InCsumErrors = 0;
  Udp6IgnoredMulti = 0;
  Udp6MemErrors = 0;

  // Linux's extensions for IPv4.
  IpExtInNoRoutes = 0;
  IpExtInTruncatedPkts = 0;
  IpExtInMcastPkts = 0;
  IpExtOutMcastPkts = 0;
  IpExtInBcastPkts = 0;
  IpExtOutBcastPkts = 0;
  IpExtInOctets = 0;
  IpExtOutOctets = 0;
  IpExtInMcastOctets = 0;
  IpExtOutMcastOctets = 0;
  IpExtInBcastOctets = 0;
  IpExtOutBcastOctets = 0;
  IpExtInCsumErrors = 0;
  IpExtInNoECTPkts = 0;
  IpExtInECT1Pkts = 0;
  IpExtInECT0Pkts = 0;
  IpExtInCEPkts = 0;
  IpExtReasmOverlaps = 0;

  // Linux's extensions for TCP.
  TcpExtSyncookiesSent = 0;
  TcpExtSyncookiesRecv = 0;
  TcpExtSyncookiesFailed = 0;
  TcpExtEmbryonicRsts = 0;
  TcpExtPruneCalled = 0;
  TcpExtRcvPruned = 0;
  TcpExtOfoPruned = 0;
  TcpExtOutOfWindowIcmps = 0;
  TcpExtLockDroppedIcmps = 0;
  TcpExtArpFilter = 0;
  TcpExtTW = 0;
  TcpExtTWRecycled = 0;
  TcpExtTWKilled = 0;
  TcpExtPAWSActive = 0;
  TcpExtPAWSEstab = 0;
  TcpExtBeyondWindow = 0;
  TcpExtTSEcrRejected = 0;
  TcpExtPAWSOldAck = 0;
  TcpExtPAWSTimewait = 0;
  TcpExtDelayedACKs = 0;
  TcpExtDelayedACKLocked = 0;
  TcpExtDelayedACKLost = 0;
  TcpExtListenOverflows = 0;
  TcpExtListenDrops = 0;
  TcpExtTCPHPHits = 0;
  TcpExtTCPPureAcks = 0;
  TcpExtTCPHPAcks = 0;
  TcpExtTCPRenoRecovery = 0;
  TcpExtTCPSackRecovery = 0;
  TcpExtTCPSACKReneging = 0;
  TcpExtTCPSACKReorder = 0;
  TcpExtTCPRenoReorder = 0;
  TcpExtTCPTSReorder = 0;
  TcpExtTCPFullUndo = 0;
  TcpExtTCPPartialUndo = 0;
  TcpExtTCPDSACKUndo = 0;
  TcpExtTCPLossUndo = 0;
  TcpExtTCPLostRetransmit = 0;
  TcpExtTCPRenoFailures = 0;
  TcpExtTCPSackFailures = 0;
  TcpExtTCPLossFailures = 0;
  TcpExtTCPFastRetrans = 0;
  TcpExtTCPSlowStartRetrans = 0;
  TcpExtTCPTimeouts = 0;
  TcpExtTCPLossProbes = 0;
  TcpExtTCPLossProbeRecovery = 0;
  TcpExtTCPRenoRecoveryFail = 0;
  TcpExtTCPSackRecoveryFail = 0;
  TcpExtTCPRcvCollapsed = 0;
  TcpExtTCPBacklogCoalesce = 0;
  TcpExtTCPDSACKOldSent = 0;
  TcpExtTCPDSACKOfoSent = 0;
  TcpExtTCPDSACKRecv = 0;
  TcpExtTCPDSACKOfoRecv = 0;
  TcpExtTCPAbortOnData = 0;
  TcpExtTCPAbortOnClose = 0;
  TcpExtTCPAbortOnMemory = 0;
  TcpExtTCPAbortOnTimeout = 0;
  TcpExtTCPAbortOnLinger = 0;
  TcpExtTCPAbortFailed = 0;
  TcpExtTCPMemoryPressures = 0;
  TcpExtTCPMemoryPressuresChrono = 0;
  TcpExtTCPSACKDiscard = 0;
  TcpExtTCPDSACKIgnoredOld = 0;
  TcpExtTCPDSACKIgnoredNoUndo = 0;
  TcpExtTCPSpuriousRTOs = 0;
  TcpExtTCPMD5NotFound = 0;
  TcpExtTCPMD5Unexpected = 0;
  TcpExtTCPMD5Failure = 0;
  TcpExtTCPSackShifted = 0;
  TcpExtTCPSackMerged = 0;
  TcpExtTCPSackShiftFallback = 0;
  TcpExtTCPBacklogDrop = 0;
  TcpExtPFMemallocDrop = 0;
  TcpExtTCPMinTTLDrop = 0;
  TcpExtTCPDeferAcceptDrop = 0;
  TcpExtIPReversePathFilter = 0;
  TcpExtTCPTimeWaitOverflow = 0;
  TcpExtTCPReqQFullDoCookies = 0;
  TcpExtTCPReqQFullDrop = 0;
  TcpExtTCPRetransFail = 0;
  TcpExtTCPRcvCoalesce = 0;
  TcpExtTCPOFOQueue = 0;
  TcpExtTCPOFODrop = 0;
  TcpExtTCPOFOMerge = 0;
  TcpExtTCPChallengeACK = 0;
  TcpExtTCPSYNChallenge = 0;
  TcpExtTCPFastOpenActive = 0;
  TcpExtTCPFastOpenActiveFail = 0;
  TcpExtTCPFastOpenPassive = 0;
  TcpExtTCPFastOpenPassiveFail = 0;
  TcpExtTCPFastOpenListenOverflow = 0;
  TcpExtTCPFastOpenCookieReqd = 0;
  TcpExtTCPFastOpenBlackhole = 0;
  TcpExtTCPSpuriousRtxHostQueues = 0;
  TcpExtBusyPollRxPackets = 0;
  TcpExtTCPAutoCorking = 0;
  TcpExtTCPFromZeroWindowAdv = 0;
  TcpExtTCPToZeroWindowAdv = 0;
  TcpExtTCPWantZeroWindowAdv = 0;
  TcpExtTCPSynRetrans = 0;
  TcpExtTCPOrigDataSent = 0;
  TcpExtTCPHystartTrainDetect = 0;
  TcpExtTCPHystartTrainCwnd = 0;
  TcpExtTCPHystartDelayDetect = 0;
  TcpExtTCPHystartDelayCwnd = 0;
  TcpExtTCPACKSkippedSynRecv = 0;
  TcpExtTCPACKSkippedPAWS = 0;
  TcpExtTCPACKSkippedSeq = 0;
  TcpExtTCPACKSkippedFinWait2 = 0;
  TcpExtTCPACKSkippedTimeWait = 0;
  TcpExtTCPACKSkippedChallenge = 0;
  TcpExtTCPWinProbe = 0;
  TcpExtTCPKeepAlive = 0;
  TcpExtTCPMTUPFail = 0;
  TcpExtTCPMTUPSuccess = 0;
  TcpExtTCPDelivered = 0;
  TcpExtTCPDeliveredCE = 0;
  TcpExtTCPAckCompressed = 0;
  TcpExtTCPZeroWindowDrop = 0;
  TcpExtTCPRcvQDrop = 0;
  TcpExtTCPWqueueTooBig = 0;
  TcpExtTCPFastOpenPassiveAltKey = 0;
  TcpExtTcpTimeoutRehash = 0;
  TcpExtTcpDuplicateDataRehash = 0;
  TcpExtTCPDSACKRecvSegs = 0;
  TcpExtTCPDSACKIgnoredDubious = 0;
  TcpExtTCPMigrateReqSuccess = 0;
  TcpExtTCPMigrateReqFailure = 0;
  TcpExtTCPPLBRehash = 0;
  TcpExtTCPAORequired = 0;
  TcpExtTCPAOBad = 0;
  TcpExtTCPAOKeyNotFound = 0;
  TcpExtTCPAOGood = 0;
  TcpExtTCPAODroppedIcmps = 0;

  /** Why packets were dropped, by our own names. */
  readonly drops = new Drops();

  /** Counts one packet dropped for `reason`. */
  countDrop(reason: DropReason): void {
    this.drops.countDrop(reason);
  }

  /** All counters in the order above, zeros included, followed by nothing else. */
  entries(): [string, number][] {
    return Object.entries(this).filter((e): e is [string, number] => typeof e[1] === 'number');
  }

  /** One counter by name; null if there is none of that name. `TcpExt` may be left out, as nstat allows. */
  get(name: string): number | null {
    const own =
      Object.getOwnPropertyDescriptor(this, name) ?? Object.getOwnPropertyDescriptor(this, `TcpExt${name}`);
    return typeof own?.value === 'number' ? own.value : null;
  }
}
