import { describe, expect, test } from 'vitest';
import { CliError } from '../../src/tools/cli/error.ts';
import { PLAIN } from '../../src/tools/cli/paint.ts';
import { parseFilter } from '../../src/tools/ss/filter.ts';
import { infoText, ssText, timerText } from '../../src/tools/ss/format.ts';
import { SS_ALL, SS_DEFAULT, STATE_FILTERS } from '../../src/tools/ss/names.ts';
import { inNetstat, netstatText } from '../../src/tools/ss/netstat.ts';
import type { RowInfo, SocketRow } from '../../src/tools/ss/row.ts';
import { summaryText } from '../../src/tools/ss/summary.ts';
import { type FrameFacts, frameLines, size } from '../../src/tools/up/frame.ts';
import { examine } from '../../src/tools/watch/examine.ts';
import type { HostFacts } from '../../src/tools/watch/finding.ts';
import { metricsText } from '../../src/tools/watch/metrics.ts';
import { wholeLife } from './trace-fixture.ts';

const row = (over: Partial<SocketRow>): SocketRow => ({
  host: 'A',
  state: 1,
  recvQ: 0,
  sendQ: 0,
  local: '10.9.0.1',
  localPort: 35268,
  peer: '10.9.0.2',
  peerPort: 5000,
  family: 4,
  owner: 'socket',
  fd: 3,
  orphan: false,
  shutdown: 0,
  age: -1,
  timer: null,
  info: null,
  memory: null,
  ...over,
});

const INFO: RowInfo = {
  timestamps: true,
  sack: true,
  ecn: false,
  congestion: 'cubic',
  wscale: [7, 10],
  rto: 208_000,
  backoff: 2,
  rtt: 5649,
  rttvar: 10_777,
  ato: 40_000,
  mss: 1448,
  pmtu: 1500,
  rcvmss: 536,
  advmss: 1448,
  cwnd: 17,
  ssthresh: -1,
  bytesSent: 215_525,
  bytesRetrans: 19_968,
  bytesAcked: 195_558,
  bytesReceived: 0,
  segsOut: 11,
  segsIn: 5,
  dataSegsOut: 7,
  dataSegsIn: 0,
  send: 34_860_329.2,
  lastSnd: 852,
  lastRcv: 864,
  lastAck: 604,
  pacingRate: 8_715_082,
  deliveryRate: 0,
  delivered: 8,
  appLimited: true,
  busy: 860_000,
  rwndLimited: 430_000,
  sndbufLimited: 0,
  unacked: 3,
  retrans: 0,
  totalRetrans: 1,
  lost: 1,
  sacked: 0,
  dsackDups: 1,
  reordering: 3,
  rcvRtt: 0,
  rcvSpace: 14_480,
  rcvSsthresh: 64_088,
  notsent: 0,
  minRtt: 137,
  rcvOoopack: 0,
  sndWnd: 65_536,
  rcvWnd: 64_256,
};

describe('ss', () => {
  test('writes the lines that were measured on Linux, stage by stage of a close', () => {
    const stages: [Partial<SocketRow>, string][] = [
      [{}, 'ESTAB 0 0 10.9.0.1:35268 10.9.0.2:5000'],
      [
        { state: 4, sendQ: 1, timer: { name: 'on', ms: 148, retrans: 0 } },
        'FIN-WAIT-1 0 1 10.9.0.1:35268 10.9.0.2:5000 timer:(on,148ms,0)',
      ],
      [{ state: 8, recvQ: 1 }, 'CLOSE-WAIT 1 0 10.9.0.1:35268 10.9.0.2:5000'],
      [
        { state: 5, timer: { name: 'timewait', ms: 59_839, retrans: 0 } },
        'FIN-WAIT-2 0 0 10.9.0.1:35268 10.9.0.2:5000 timer:(timewait,59sec,0)',
      ],
      [
        { state: 6, timer: { name: 'timewait', ms: 59_996, retrans: 0 } },
        'TIME-WAIT 0 0 10.9.0.1:35268 10.9.0.2:5000 timer:(timewait,59sec,0)',
      ],
      [
        { state: 9, recvQ: 1, sendQ: 1, timer: { name: 'on', ms: 144, retrans: 0 } },
        'LAST-ACK 1 1 10.9.0.1:35268 10.9.0.2:5000 timer:(on,144ms,0)',
      ],
      [{ state: 10, sendQ: 128, peer: '0.0.0.0', peerPort: 0 }, 'LISTEN 0 128 10.9.0.1:35268 0.0.0.0:*'],
    ];
    for (const [over, line] of stages) {
      const [, text] = ssText([row(over)], { timers: true });
      expect(text!.trim().replace(/\s+/g, ' ')).toBe(line);
    }
  });

  test('aligns its columns under the heading', () => {
    const lines = ssText([
      row({ local: '127.0.0.1', recvQ: 130_021 }),
      row({ state: 5, peer: '255.255.255.255', sendQ: 3_723_910 }),
      row({ family: 6, local: '2001:db8::1', peer: '::1' }),
    ]);
    const at = lines[0]!.indexOf('Local Address:') + 'Local Address:'.length;
    for (const l of lines) expect(l[at - 1]).toBe(':');
    expect(lines[3]).toContain('[2001:db8::1]:35268');
    expect(ssText([row({})], { noHeader: true })).toHaveLength(1);
  });

  test('writes timers as ss does, seconds as seconds', () => {
    const t = (ms: number): string => timerText({ name: 'on', ms, retrans: 0 }).slice(10, -3);
    expect([0, 64, 148, 1000, 9584, 29_999, 60_000, 90_500, 7_200_000].map(t)).toEqual([
      '000ms',
      '064ms',
      '148ms',
      '1sec',
      '9.584sec',
      '29sec',
      '1min',
      '1min30sec',
      '120min',
    ]);
  });

  test("-i writes TCP's numbers in ss's order and words", () => {
    expect(infoText(INFO)).toBe(
      'ts sack cubic wscale:7,10 rto:208 backoff:2 rtt:5.649/10.777 ato:40 mss:1448 pmtu:1500 rcvmss:536 advmss:1448 ' +
        'cwnd:17 bytes_sent:215525 bytes_retrans:19968 bytes_acked:195558 segs_out:11 segs_in:5 data_segs_out:7 ' +
        'send 34860329bps lastsnd:852 lastrcv:864 lastack:604 pacing_rate 69720656bps delivered:8 app_limited busy:860ms ' +
        'rwnd_limited:430ms(50.0%) unacked:3 retrans:0/1 lost:1 dsack_dups:1 rcv_space:14480 rcv_ssthresh:64088 ' +
        'minrtt:0.137 snd_wnd:65536 rcv_wnd:64256',
    );
    const one = ssText([row({ info: INFO })], { info: true, oneLine: true });
    expect(one).toHaveLength(2);
    expect(ssText([row({ info: INFO })], { info: true })[2]).toMatch(/^\t ts sack/);
  });

  test('-m, -p and -e add memory, owner and halves', () => {
    const memory = { r: 1, rb: 2, w: 3, tb: 4 };
    expect(ssText([row({ memory })], { memory: true })[2]).toBe('\t skmem:(r1,rb2,t0,tb4,f0,w3,o0,bl0,d0)');
    expect(ssText([row({})], { processes: true, pid: 7 })[1]).toContain('users:(("A/socket",pid=7,fd=3))');
    expect(
      ssText([row({ orphan: true, owner: null, fd: -1, shutdown: 2 })], { extended: true })[1],
    ).toContain('host:A orphan <--');
  });
});

describe("ss's filters", () => {
  const passes = (text: string, over: Partial<SocketRow> = {}): boolean => {
    const f = parseFilter(text.split(' ').filter(Boolean));
    const r = row(over);
    return (f.states === null || (f.states & (1 << r.state)) !== 0) && f.test(r);
  };

  test('states', () => {
    expect(passes('state established')).toBe(true);
    expect(passes('state time-wait')).toBe(false);
    expect(passes('state time-wait state established')).toBe(true);
    expect(passes('exclude established')).toBe(false);
    expect(passes('state TIME_WAIT', { state: 6 })).toBe(true);
    expect(SS_DEFAULT & (1 << 6)).toBe(0);
    expect(STATE_FILTERS['all']).toBe(SS_ALL);
    expect(STATE_FILTERS['bucket']! | STATE_FILTERS['big']!).toBe(SS_ALL);
  });

  test('ports and addresses', () => {
    for (const yes of [
      'sport = :35268',
      'sport = 35268',
      'sport=:35268',
      'dport != :80',
      'dport >= :5000',
      'dport lt 5001',
      'src 10.9.0.1',
      'src 10.9.0.1:35268',
      'src 10.0.0.0/8',
      'dst 10.9.0.2:*',
      'dst :5000',
      'not dst 10.9.0.3',
      '! dst 10.9.0.3',
      '( sport = :1 or dport = :5000 ) and src 10.9.0.1',
      '(sport = :1 or dport = :5000) src 10.9.0.1',
      'not ( sport = :1 or sport = :2 )',
    ]) {
      expect(passes(yes), yes).toBe(true);
    }
    for (const no of [
      'sport = :1',
      'src 10.9.0.1:1',
      'src 11.0.0.0/8',
      'dst 10.9.0.2 and dst 10.9.0.3',
      'sport = :1 or dst 10.9.0.9',
    ]) {
      expect(passes(no), no).toBe(false);
    }
    const six = { family: 6, local: '2001:db8::1', peer: '2001:db8::2' } as const;
    expect(passes('src 2001:db8::/32', six)).toBe(true);
    expect(passes('src [2001:db8::1]:35268', six)).toBe(true);
    expect(passes('src 10.0.0.0/8', six)).toBe(false);
  });

  test('what is wrong is said', () => {
    for (const bad of [
      'state established-ish',
      'state',
      'sport 80',
      'sport = http',
      'src',
      'src nowhere',
      'src 10.0.0.0/33',
      '( sport = :1',
      'sport = :1 )',
      'frobnicate',
      `not ${'not '.repeat(300)}`,
    ]) {
      expect(() => parseFilter(bad.split(' ').filter(Boolean)), bad).toThrow(CliError);
    }
    try {
      parseFilter(['state', 'time-wat']);
    } catch (e) {
      expect((e as CliError).hint).toBe("did you mean 'time-wait'?");
    }
  });
});

describe('netstat', () => {
  test('writes its columns and names', () => {
    const rows = [
      row({ state: 10, recvQ: 1, sendQ: 128, local: '0.0.0.0', localPort: 80, peer: '0.0.0.0', peerPort: 0 }),
      row({}),
      row({ state: 5, timer: { name: 'timewait', ms: 42_100, retrans: 0 } }),
      row({ state: 1, sendQ: 3_723_910, timer: { name: 'persist', ms: 240, retrans: 2 } }),
    ];
    expect(netstatText(rows, { all: true, timers: true })).toEqual([
      'Active Internet connections (servers and established)',
      'Proto Recv-Q Send-Q Local Address           Foreign Address         State       Timer',
      'tcp        1      0 0.0.0.0:80              0.0.0.0:*               LISTEN      off (0.00/0/0)',
      'tcp        0      0 10.9.0.1:35268          10.9.0.2:5000           ESTABLISHED off (0.00/0/0)',
      'tcp        0      0 10.9.0.1:35268          10.9.0.2:5000           FIN_WAIT2   timewait (42.10/0/0)',
      'tcp        0 3723910 10.9.0.1:35268          10.9.0.2:5000           ESTABLISHED probe (0.24/0/2)',
    ]);
    expect(rows.map(r => inNetstat(r, {}))).toEqual([false, true, true, true]);
    expect(rows.map(r => inNetstat(r, { listening: true }))).toEqual([true, false, false, false]);
  });
});

const facts = (over: Partial<HostFacts>): HostFacts => ({
  host: 'B',
  rows: [],
  timeWaits: [],
  portRange: [32_768, 60_999],
  listenOverflows: 0,
  synDrops: 0,
  ...over,
});

describe('the watch', () => {
  test('says nothing of a healthy host', () => {
    expect(
      examine(
        facts({ rows: [row({}), row({ state: 8, age: 59 }), row({ state: 5, age: 500, orphan: true })] }),
      ),
    ).toEqual([]);
  });

  test('names sockets in CLOSE_WAIT, whose they are and since when, with cause and remedy', () => {
    const leaks = Array.from({ length: 5 }, (_, i) =>
      row({ state: 8, age: 61 + i, fd: 10 + i, peerPort: 6000 + i, owner: 'leaky' }),
    );
    const [f] = examine(facts({ rows: leaks }));
    expect(f).toMatchObject({ kind: 'close-wait', count: 5, host: 'B' });
    expect(f!.what).toContain('10.9.0.1:35268 ← 10.9.0.2:6004 (leaky, fd 14) for 65 s');
    expect(f!.what).toContain('and 2 more');
    expect(f!.cause).toContain('the application here has not');
    expect(f!.remedy).toContain('close the socket when read() returns 0');
  });

  test('FIN_WAIT_2 without limit is told from that of an orphan', () => {
    const [f, ...rest] = examine(
      facts({
        rows: [
          row({ state: 5, age: 61, shutdown: 2 }),
          row({ state: 5, age: 61, timer: { name: 'timewait', ms: 1, retrans: 0 } }),
        ],
      }),
    );
    expect(f).toMatchObject({ kind: 'fin-wait-2', count: 1 });
    expect(f!.cause).toContain('shutdown(), not close()');
    expect(rest).toEqual([]);
  });

  test('counts the ephemeral ports that TIME_WAIT holds per destination', () => {
    const to = (count: number) => ({ local: '10.0.0.1', peer: '10.0.0.2', peerPort: 80, count });
    expect(examine(facts({ timeWaits: [to(20_000)] }))).toEqual([]);
    const [f] = examine(facts({ timeWaits: [to(25_000)] }));
    expect(f!.what).toContain('25000 of 28232 ephemeral ports to 10.0.0.2:80');
    expect(f!.remedy).toContain('ip_local_port_range');
  });

  test('speaks of full queues', () => {
    const found = examine(
      facts({ listenOverflows: 7, synDrops: 3, rows: [row({ state: 10, recvQ: 129, sendQ: 128 })] }),
    );
    expect(found.map(f => [f.kind, f.count])).toEqual([
      ['accept-overflow', 7],
      ['syn-overflow', 3],
    ]);
    expect(found[0]!.what).toContain('holds 129 with a backlog of 128');
  });

  test('stands in ss -s', () => {
    const states = [0, 3, 0, 0, 0, 0, 7, 0, 2, 0, 1, 0];
    const findings = examine(facts({ rows: [row({ state: 8, age: 70 })] }));
    const text = summaryText([{ host: 'B', states, ipv6: 0, orphans: 1 }], findings).join('\n');
    expect(text).toContain('Total: 6\nTCP:   13 (estab 3, closed 7, orphaned 1, timewait 7)');
    expect(text).toContain('warning: host B: one socket is in CLOSE_WAIT');
    expect(text).toContain('  cause: ');
    expect(text).toContain('  what to do: ');
  });
});

test('metrics are Prometheus text', () => {
  const text = metricsText({
    version: '1.2.3',
    uptime: 5,
    hosts: [
      {
        host: 'A',
        states: [0, 1, 0, 0, 0, 0, 9],
        counters: [
          ['TcpRetransSegs', 4],
          ['TcpExtTW', 9],
          ['TcpExtTCPLossProbes', 0],
        ],
        drops: [['tcp-checksum', 2]],
        orphans: 0,
      },
    ],
    wires: [{ from: 'A', to: 'B', carried: 100, lost: [['drop "B FIN 1"\\', 1]] }],
    findings: examine(facts({ synDrops: 3 })),
    gateway: null,
  });
  for (const line of [
    'lastack_info{version="1.2.3"} 1',
    'lastack_tcp_sockets{host="A",state="TIME-WAIT"} 9',
    'lastack_tcp_retransmitted_segments_total{host="A"} 4',
    'lastack_mib_total{host="A",name="TcpExtTW"} 9',
    'lastack_malformed_total{host="A",reason="tcp-checksum"} 2',
    'lastack_wire_lost_total{from="A",to="B",reason="drop \\"B FIN 1\\"\\\\"} 1',
    'lastack_warnings{host="B",kind="syn-overflow"} 3',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).not.toContain('TCPLossProbes');
  expect(text).not.toContain('gateway');
  expect(text.endsWith('\n')).toBe(true);
});

describe('the live picture', () => {
  const picture = (over: Partial<FrameFacts> = {}): FrameFacts => ({
    fronts: ['http://127.0.0.1:8080/'],
    wire: 'a perfect wire',
    uptime: 3725,
    open: 1,
    accepted: 12,
    failed: 0,
    in: 1234,
    out: 5_600_000,
    hosts: [
      { name: 'A', states: [0, 1] },
      { name: 'B', states: [0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 1] },
    ],
    directions: [{ name: 'A→B', carried: 100, lost: 2, reasons: [['drop B FIN 1', 2]] }],
    connections: [
      {
        id: 11,
        from: '127.0.0.1:50000',
        inner: '10.77.0.1:40000',
        target: 'page',
        a: 1,
        b: 1,
        in: 78,
        out: 512,
        age: 0.5,
        outcome: '',
      },
      {
        id: 10,
        from: '127.0.0.1:49999',
        inner: '10.77.0.2:40000',
        target: 'page',
        a: 7,
        b: 6,
        in: 78,
        out: 512,
        age: 0.1,
        outcome: 'ECONNRESET',
      },
    ],
    newest: wholeLife('drop B FIN 1').log,
    findings: [],
    ...over,
  });

  test('has the table, the states, the drops and the ladder of the newest', () => {
    const text = frameLines(picture(), 120, 50, PLAIN).join('\n');
    for (const part of [
      'http://127.0.0.1:8080/',
      'up 1:02:05',
      '1 open  12 so far',
      '1.2 kB in  5.6 MB out',
      '2 lost (2 drop B FIN 1)',
      'B ESTAB 1 TIME-WAIT 3 LISTEN 1',
      '#12',
      'ECONNRESET',
      'TIME_WAIT',
      'SYN_SENT │',
      'Ctrl-C ends',
    ]) {
      expect(text).toContain(part);
    }
  });

  test('fits any terminal', () => {
    const findings = examine(facts({ synDrops: 3, rows: [row({ state: 8, age: 70 })] }));
    for (const [w, h] of [
      [20, 4],
      [40, 10],
      [80, 24],
      [100, 15],
      [200, 60],
    ] as const) {
      const lines = frameLines(picture({ findings }), w, h, PLAIN);
      expect(lines.length).toBeLessThanOrEqual(h);
      for (const l of lines) expect([...l].length).toBeLessThanOrEqual(w);
    }
  });

  test('sizes are short', () => {
    expect([0, 999, 1000, 12_345, 999_999_999, 5e12].map(size)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '12 kB',
      '1000 MB',
      '5.0 TB',
    ]);
  });
});
