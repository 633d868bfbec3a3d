import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IcmpSpec, Script, ScriptEvent, TcpSpec } from '../../src/tools/packetdrill/ast.ts';
import { tokenize } from '../../src/tools/packetdrill/lexer.ts';
import { parseScript } from '../../src/tools/packetdrill/parse.ts';
import { ACK, AE, CWR, ECE, FIN, PSH, SYN } from '../../src/wire/segment.ts';

const parse = (source: string, defines: Record<string, string> = {}): Script => {
  const r = parseScript(source, new Map(Object.entries(defines)));
  if (!r.ok) throw new Error(`${r.problem.line}:${r.problem.column}: ${r.problem.message}`);
  return r.script;
};
const problem = (source: string): string => {
  const r = parseScript(source);
  if (r.ok) throw new Error('it parsed');
  return `${r.problem.line}:${r.problem.column}: ${r.problem.message}`;
};
const first = (source: string): ScriptEvent => parse(source).events[0]!;
const tcp = (source: string, defines: Record<string, string> = {}): TcpSpec => {
  const e = parse(`0 ${source}`, defines).events[0]!;
  if (e.kind !== 'packet' || e.packet.body.kind !== 'tcp') throw new Error('no TCP packet');
  return e.packet.body;
};

describe('the lexer', () => {
  const kinds = (s: string): string =>
    tokenize(s, new Map())
      .map(t => `${t.kind}:${t.text}`)
      .slice(0, -1)
      .join(' ');

  it('takes the longest match', () => {
    expect(kinds('1:1(0)')).toBe('integer:1 symbol:: integer:1 symbol:( integer:0 symbol:)');
    expect(kinds('P.5')).toBe('word:P float:.5');
    expect(kinds('0...0.010')).toBe('integer:0 ellipsis:... float:0.010');
    expect(kinds('+.1~+.2')).toBe('symbol:+ float:.1 symbol:~ symbol:+ float:.2');
    expect(kinds('3021b9d8 0x1f 192.168.0.1 ::1 fd3d:a0b::1')).toBe(
      'word:3021b9d8 integer:0x1f address:192.168.0.1 address:::1 address:fd3d:a0b::1',
    );
    expect(kinds('-1 ... *')).toBe('integer:-1 ellipsis:... symbol:*');
  });

  it('drops comments wherever they stand and counts lines through them', () => {
    const tokens = tokenize('a // b `\n/* c\n d */ e', new Map());
    expect(tokens.map(t => [t.text, t.line])).toEqual([
      ['a', 1],
      ['e', 3],
      ['', 3],
    ]);
  });

  it('decodes strings and back-quotes', () => {
    expect(tokenize('"a\\x41\\n\\"" `x \\` # y\nz`', new Map()).map(t => t.value)).toEqual([
      'aA\n"',
      'x ` # y\nz',
      '',
    ]);
  });

  it('replaces defined words by what they stand for, and nothing inside strings', () => {
    const defines = new Map([
      ['A', '"s"'],
      ['B', '7'],
      ['C', 'w'],
      ['D', '`cmd`'],
    ]);
    expect(
      tokenize('A B C D "A" AB', defines)
        .map(t => t.kind)
        .slice(0, -1),
    ).toEqual(['string', 'integer', 'word', 'backquoted', 'string', 'word']);
  });

  it("obeys the preprocessor lines of FreeBSD's dialect", () => {
    const text = '#define X 1\n#ifdef X\na\n#else\nb\n#endif\n#ifndef X\nc\n#endif\nd';
    expect(tokenize(text, new Map()).map(t => t.text)).toEqual(['a', 'd', '']);
  });

  it('says where an open quote, comment or code block began', () => {
    expect(problem('0 `echo')).toMatch(/^1:3: .*no end/);
    expect(problem('\n\n  "abc')).toMatch(/^3:3: .*no end/);
    expect(problem('/* x')).toMatch(/no end/);
    expect(problem('0 %{ x')).toMatch(/no end/);
  });
});

describe('the parser', () => {
  it('reads options, the init command, events and the cleanup command', () => {
    const s = parse(`
--tolerance_usecs=10000
--local_ip=192.168.0.1   // comment
--mss=1000 --strict_segments
\`./defaults.sh
 sysctl -q net.ipv4.tcp_ecn=0\`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
\`/tmp/sysctl_restore_\${PPID}.sh\`
`);
    expect(s.options.map(o => [o.name, o.value])).toEqual([
      ['tolerance_usecs', '10000'],
      ['local_ip', '192.168.0.1'],
      ['mss', '1000'],
      ['strict_segments', ''],
    ]);
    expect(s.init[0]?.text).toContain('tcp_ecn=0');
    expect(s.events).toHaveLength(1);
    expect(s.cleanup?.text).toContain('sysctl_restore');
  });

  it.each([
    ['0 `x`', { kind: 'absolute', at: 0, until: null, end: null }],
    ['1.5 `x`', { kind: 'absolute', at: 1_500_000, until: null, end: null }],
    ['+.01 `x`', { kind: 'relative', at: 10_000, until: null, end: null }],
    ['* > . 1:1(0) ack 1', { kind: 'any', at: 0, until: null, end: null }],
    ['0.1~0.2 > . 1:1(0) ack 1', { kind: 'absolute', at: 100_000, until: 200_000, end: null }],
    ['+.1~+.2 > . 1:1(0) ack 1', { kind: 'relative', at: 100_000, until: 200_000, end: null }],
    ['0...0.2 read(4, ..., 9) = 9', { kind: 'absolute', at: 0, until: null, end: 200_000 }],
    ['+0...0.010 connect(3, ..., ...) = 0', { kind: 'relative', at: 0, until: null, end: 10_000 }],
  ])('reads the time of %s', (source, time) => {
    expect(first(source).time).toEqual(time);
  });

  it('does not need line ends between events', () => {
    expect(parse('0 `a` +1 `b` +0 < . 1:1(0) ack 1 win 5 +0 > . 1:1(0) ack 1').events).toHaveLength(4);
  });

  it.each([
    ['S', SYN],
    ['S.', SYN | ACK],
    ['FP.', FIN | PSH | ACK],
    ['SEW', SYN | ECE | CWR],
    ['SEWA', SYN | ECE | CWR | AE],
    ['SWA.', SYN | CWR | AE | ACK],
    ['P.5', PSH | ACK | AE | ECE],
    ['.5', ACK | AE | ECE],
    ['5.', ACK | AE | ECE],
    ['.', ACK],
    ['-', 0],
    ['F5.', FIN | ACK | AE | ECE],
    ['P7.', PSH | ACK | AE | CWR | ECE],
  ])('reads the flags %s', (flags, value) => {
    expect(tcp(`< ${flags} 1:1(0) win 5`).flags).toBe(value);
  });

  it('reads every option', () => {
    const t = tcp(
      '> S. 0:0(0) ack 1 win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 8,TS val 10 ecr 20,sack 1:2 3:4,eol,FO 0a0b,FOEXP 11223344,md5 00112233445566778899aabbccddeeff,ECN e1b 1 ceb 0 e0b 1>',
    );
    expect(t.options?.map(o => o.kind)).toEqual(
      'mss nop nop sackOK nop wscale TS sack eol FO FOEXP md5 ECN'.split(' '),
    );
    expect(t.options?.[7]).toEqual({
      kind: 'sack',
      blocks: [
        [1, 2],
        [3, 4],
      ],
    }); // prettier-ignore
    expect(t.options?.[9]).toEqual({ kind: 'FO', bytes: Uint8Array.of(10, 11) });
    expect(t.options?.[12]).toEqual({
      kind: 'ECN',
      fields: [
        { name: 'e1b', value: 1 },
        { name: 'ceb', value: 0 },
        { name: 'e0b', value: 1 },
      ],
    });
  });

  it('reads cookies from defined words, empty ones, and numbers', () => {
    expect(
      tcp('< S 0:0(0) win 5 <FO COOKIE,nop>', { COOKIE: '3021b9d889017eeb' }).options?.[0],
    ).toMatchObject({
      bytes: Uint8Array.of(0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb),
    });
    expect(tcp('< S 0:0(0) win 5 <FO,nop,nop>').options?.[0]).toEqual({ kind: 'FO', bytes: null });
    expect(tcp('< S 0:0(0) win 5 <FO 12345678>').options?.[0]).toMatchObject({
      bytes: Uint8Array.of(0x12, 0x34, 0x56, 0x78),
    });
    expect(tcp('< S 0:0(0) win 5 <md5 valid>').options?.[0]).toEqual({ kind: 'md5', bytes: null });
  });

  it('tells no options from unchecked ones', () => {
    expect(tcp('> . 1:1(0) ack 1').options).toEqual([]);
    expect(tcp('> . 1:1(0) ack 1 <...>').options).toBeNull();
    expect(tcp('> . 1:1(0) ack 1\n      <nop,nop,sack 1:2>').options).toHaveLength(3);
  });

  it('keeps an option of another dialect as written', () => {
    expect(tcp('< S 0:0(0) win 5 <mp_capable[flag=1, a(2)] key=3,nop>').options?.[0]).toMatchObject({
      kind: 'other',
      name: 'mp_capable',
    });
  });

  it('reads ports, urgent pointer and IP fields', () => {
    const e = first('0 < [ect0, ttl 64] 1234 > 80 P. 1:11(10) ack 2 win 3 urg 4');
    if (e.kind !== 'packet') throw new Error();
    expect(e.packet.ip).toEqual({ ecn: 2, tos: null, ttl: 64, flowLabel: null });
    expect(e.packet.body).toMatchObject({ ports: [1234, 80], window: 3, urgent: 4, length: 10 });
    const f = first('0 > (tos 0x12, flowlabel 0x3) . 1:1(0) ack 1');
    if (f.kind !== 'packet') throw new Error();
    expect(f.packet.ip).toMatchObject({ tos: 0x12, flowLabel: 3 });
  });

  it('takes sequence numbers around the wrap', () => {
    expect(tcp('< P. 4294967290:4(10) ack 1 win 5')).toMatchObject({ seq: 4294967290, length: 10 });
    expect(tcp('< P. 4294967290:4294967300(10) ack 1 win 5').seq).toBe(4294967290);
  });

  it('refuses a range that does not add up', () => {
    expect(problem('0 < P. 1:1000(1000) ack 1 win 5')).toMatch(/1000 is not 1 \+ 1000/);
  });

  it('reads ICMP and UDP', () => {
    const icmp = (s: string): IcmpSpec => {
      const e = first(`0 ${s}`);
      if (e.kind !== 'packet' || e.packet.body.kind !== 'icmp') throw new Error();
      return e.packet.body;
    };
    expect(icmp('< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]')).toMatchObject({
      type: 'unreachable',
      code: 'frag_needed',
      mtu: 1200,
      echoed: { protocol: 'tcp', seq: 1, length: 1460 },
    });
    expect(icmp('< icmp packet_too_big mtu 1280')).toMatchObject({
      type: 'packet_too_big',
      code: null,
      mtu: 1280,
    });
    expect(icmp('< icmp unreachable port_unreachable [udp (8)]').echoed).toMatchObject({
      protocol: 'udp',
      length: 8,
    });
    expect(icmp('< icmp type_3 code_1').code).toBe('code_1');
    expect(first('0 > udp 1 > 2 (1000)')).toMatchObject({
      packet: { body: { kind: 'udp', ports: [1, 2], length: 1000 } },
    });
    expect(first('0 < udp (4)')).toMatchObject({ packet: { body: { kind: 'udp', ports: null, length: 4 } } });
  });

  it('passes over packets of protocols that the engine does not speak', () => {
    const s = parse(`
0 > ipv4 1.2.3.4 > 5.6.7.8: gre flags [c], proto 0x800: udp (4)
+0 < sctp: INIT[flgs=0, tag=1, a_rwnd=1500, os=1, is=1, tsn=0]
+0 > mpls (label 0, tc 0, ttl 0) [s]: udp (4)
+0 < udp(9899 > 9899) S 0:0(0) win 65535 <mss 1460>
+0 < S 0:0(0) win 65535 <mss 1460> /udp(9899 > 9899)
+0 close(3) = 0`);
    expect(s.events.map(e => (e.kind === 'packet' ? e.packet.body.kind : e.kind))).toEqual([
      'other',
      'other',
      'other',
      'other',
      'other',
      'call',
    ]);
  });

  it.each([
    'socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3',
    'connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)',
    'fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)',
    'fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0',
    'setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0',
    'getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0',
    'setsockopt(3, SOL_TCP, TCP_CONGESTION, "cubic", 5) = 0',
    'setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, "\\xaa\\xbb" "\\xcc", 16) = 0',
    'writev(4, [{..., 1000}, {..., 2000}], 2) = 3000',
    'sendto(3, ..., 1000, MSG_FASTOPEN, ..., ...) = 1000',
    'sendto(3, ..., 0, 0, AF_UNSPEC, ...) = -1 EINVAL (Invalid argument)',
    'sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 400}], msg_flags=0}, MSG_EOR) = 400',
    `recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{...,0}], msg_flags=MSG_ERRQUEUE,
       msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0,scm_nsec=10000000}},
                    {cmsg_level=CMSG_LEVEL_IP, cmsg_type=CMSG_TYPE_RECVERR,
                     cmsg_data={ee_errno=ENOMSG, ee_origin=SO_EE_ORIGIN_TIMESTAMPING, ee_type=0, ee_code=0, ee_info=0, ee_data=999}}]},
       MSG_ERRQUEUE) = 0`,
    'poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1',
    'epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, fd=4}) = 0',
    'epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1',
    'epoll_wait(5, {events=0x0, ptr=0}, 1, 100) = 0',
    'ioctl(4, SIOCINQ, [1000]) = 0',
    'splice(4, NULL, 6, NULL, 5, SPLICE_F_MOVE) = 5',
    'pipe([5, 6]) = 0',
    'open("/tmp/x", O_RDWR) = 5',
    'sendfile(4, 5, [0], 5) = 5',
    'cap_set(CAP_NET_ADMIN, CAP_EFFECTIVE, CAP_CLEAR) = 0',
    'write(4, NULL, 1000) = -1 EFAULT (Bad address)',
    'setsockopt(3, IPPROTO_TCP, TCP_FUNCTION_BLK, {function_set_name="rack", pcbcnt=0}, 36) = 0',
    'getsockopt(3, IPPROTO_TCP, TCP_INFO, {tcpi_state=_, tcpi_rto=1000000}, [...]) = 0',
    'getsockopt(3, IPPROTO_TCP, TCP_INFO, {tcpi_state=TCPS_ESTABLISHED}, [sizeof(struct tcp_info)]) = 0',
    'sctp_sendmsg(3, ..., 1000, ..., ..., htonl(1234), SCTP_UNORDERED, 0, 0, 0) = 1000',
    'read(4, ..., 100) = ?',
  ])('reads the call %s', source => {
    const e = first(`0 ${source}`);
    expect(e.kind).toBe('call');
  });

  it('keeps errno and note apart from the next event', () => {
    const s = parse('0 read(4, ..., 9) = -1 EAGAIN (Resource (temporarily) unavailable)\n+0 close(4) = 0');
    const e = s.events[0]!;
    if (e.kind !== 'call') throw new Error();
    expect(e.call).toMatchObject({ errno: 'EAGAIN', note: 'Resource (temporarily) unavailable' });
    expect(s.events).toHaveLength(2);
  });

  it('gives code as written, over several lines', () => {
    const e = first('0 %{\nassert tcpi_snd_cwnd == 10\nassert 1 < 2 }%');
    expect(e).toMatchObject({ kind: 'code', line: 1 });
  });

  it('points at what it cannot read', () => {
    expect(problem('0 socket(..., SOCK_STREAM = 3')).toMatch(/^1:\d+: .*expected/);
    expect(problem('0 < S! 1:1(0)')).toMatch(/'!' is no TCP flag/);
    expect(problem('0 = 3')).toMatch(/is expected here/);
    expect(problem('-1 `x`')).toMatch(/negative/);
    expect(problem('hello')).toMatch(/time in seconds/);
  });

  it('never throws or hangs, whatever it is given', () => {
    const piece = fc.constantFrom(
      ...'0 +0 +.1 * ~ ... < > S. P. 1:1(0) ack win 5 <mss 1460> < nop , sack 1:2 read( ) = [ ] { } "x" `y` %{ }% -1 EAGAIN ( // /* */ # :: a|b icmp udp gre \\ ` " -- --x=y \n'.split(
        ' ',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
        parseScript(pieces.join(' '));
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), s => void parseScript(s)),
      { numRuns: 1000 },
    );
  });
});
