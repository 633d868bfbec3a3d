import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** What a stack on an open network must survive; each by its number in the tests beside this file. */
const ROWS = [
  'blind RST (CVE-2004-0230, RFC 5961 §3)',
  'blind SYN (RFC 5961 §4)',
  'blind data injection (RFC 5961 §5)',
  'ghost ACK',
  'challenge-ACK counter (CVE-2016-5696)',
  'ACK storm, desynchronization',
  'ICMP hard error (CVE-2004-0790, RFC 5927)',
  'ICMP fragmentation needed, packet too big (CVE-2004-1060)',
  'ICMP source quench (CVE-2004-0791, RFC 6633)',
  'timestamp poisoning (CVE-2005-0356)',
  'PAWS wrap, old duplicates',
  'ISN prediction (CVE-1999-0077, RFC 6528)',
  'source-port prediction (CVE-2022-1012, RFC 6056)',
  'IP-ID side channels (CVE-2020-36516)',
  'timestamp clock leak (RFC 7323 §5.4)',
  'inconsistent retransmission',
  'SYN flood',
  'cookie ACK guessing',
  'LAND (CVE-1999-0016)',
  'odd sets of flags (CVE-2012-6638)',
  'SYN to broadcast or multicast (MUST-57)',
  'split handshake',
  'SYN-ACK with bad ack',
  'RST in SYN_SENT',
  'data on SYN',
  'Fast Open cookie abuse (RFC 7413 §5)',
  'backlog overflow',
  'SYN-ACK amplification',
  'RST to RST',
  'listener closed in mid-handshake',
  'sockstress (CVE-2008-4609)',
  'FIN_WAIT_1 and FIN_WAIT_2 hold',
  'TIME_WAIT exhaustion',
  'SegmentSmack (CVE-2018-5390)',
  'SACK panic (CVE-2019-11477)',
  'SACK slowness (CVE-2019-11478)',
  'low MSS (CVE-2019-11479)',
  'bogus SACK',
  'optimistic ACK',
  'ACK division, duplicate ACK spoofing',
  'shrew',
  'window games',
  'keepalive and idle hold',
  'receive buffer overcommit',
  'duplicate flood',
  'data offset',
  'IP total length lies (CVE-2021-31401)',
  'option lengths (CVE-2020-24337)',
  'options repeated, unknown, out of place',
  'window scale beyond 14',
  'MSS 0 and 65535',
  'urgent pointers (CVE-1999-0153, CVE-2019-12255)',
  'bad checksum',
  'reserved bits',
  'sequence wrap',
  'sizes of segments',
  'port 0',
  'TIME-WAIT assassination (RFC 1337)',
  'SYN in TIME_WAIT (RFC 6191)',
  'data or FIN in TIME_WAIT',
  'half-open recovery',
  'overlapping fragments (CVE-1999-0015, RFC 5722)',
  'ping of death (CVE-1999-0128)',
  'FragmentSmack (CVE-2018-5391)',
  'tiny fragments (RFC 1858, RFC 3128)',
  'IP options (CVE-2019-12256)',
  'IPv6 extension headers (CVE-2020-17442)',
  'ICMP payload too short (CVE-2020-17443)',
  'martians',
  'bad pointers and lengths',
  'TCP_MAXSEG (CVE-2010-4165)',
  'calls in the wrong order (CVE-2017-8890)',
  'closes that reset',
] as const;

test('every one of the attacks has a test that names it by its number', () => {
  const folder = import.meta.dirname;
  const covered = new Set<number>();
  for (const file of readdirSync(folder).filter(f => f.endsWith('.test.ts'))) {
    const source = readFileSync(join(folder, file), 'utf8');
    for (const m of source.matchAll(/test\(\s*[`'"]attacks? (\d+(?:, \d+)*)/g))
      for (const n of m[1]!.split(', ')) covered.add(Number(n));
  }
  const missing = ROWS.map((name, i) => `${i + 1} ${name}`).filter((_, i) => !covered.has(i + 1));
  expect(missing).toEqual([]);
  expect(ROWS).toHaveLength(73);
});
