import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Outcome, parseRequest, runPaths, runSource } from '../../src/tools/packetdrill/index.ts';

const options = { families: null, defines: new Map<string, string>(), overrides: new Map<string, string>() };
const run = (source: string, more: Partial<typeof options> = {}): Outcome =>
  runSource('a.pkt', source, { ...options, ...more, families: ['ipv4'] })[0]!;
const LISTEN = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
`;
const SERVER = `${LISTEN}
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`;
const ok = { status: 'ok' };
const fails = (message: RegExp, line?: number): object => ({
  status: 'failed',
  failure: expect.objectContaining({
    message: expect.stringMatching(message),
    ...(line === undefined ? {} : { line }),
  }),
});

describe('the runner: outbound packets', () => {
  it('joins segments into the packet that the script has', () => {
    expect(run(`${SERVER}+0 write(4, ..., 5000) = 5000\n+0 > P. 1:5001(5000) ack 1`)).toMatchObject(ok);
    expect(
      run(`${SERVER}+0 write(4, ..., 5000) = 5000\n+0 > . 1:1001(1000) ack 1\n+0 > P. 1001:5001(4000) ack 1`),
    ).toMatchObject(ok);
  });

  it('does not take more bytes in one packet than the script has', () => {
    expect(run(`${SERVER}+0 write(4, ..., 5000) = 5000\n+0 > P. 1:501(500) ack 1`)).toMatchObject(
      fails(/payload length 1000 instead of 500/),
    );
  });

  it('wants exactly the segments of the script with --strict_segments', () => {
    const script = `${SERVER}+0 write(4, ..., 3000) = 3000\n+0 > P. 1:3001(3000) ack 1`;
    expect(run(script)).toMatchObject(ok);
    expect(run(`--strict_segments\n${script}`)).toMatchObject(fails(/payload length 2000 instead of 3000/));
  });

  it('says what came before the rest of a packet', () => {
    const e = run(`${SERVER}+0 write(4, ..., 2500) = 2500\n+0 > P. 1:4001(4000) ack 1`);
    expect(e).toMatchObject(fails(/only 2500 of 4000 bytes came/));
  });

  it('checks flags, numbers, window, options and time, and says all that is wrong', () => {
    const script = `${SERVER}+0 write(4, ..., 1000) = 1000\n`;
    expect(run(`${script}+0 > . 1:1001(1000) ack 1`)).toMatchObject(fails(/flags P\. instead of \./, 11));
    expect(run(`${script}+0 > P. 2:1002(1000) ack 3`)).toMatchObject(
      fails(/sequence number 1 instead of 2; acknowledgement 1 instead of 3/),
    );
    expect(run(`${script}+0 > P. 1:1001(1000) ack 1 win 7`)).toMatchObject(fails(/window \d+ instead of 7/));
    expect(run(`${script}+0 > P. 1:1001(1000) ack 1 <nop,nop,sackOK>`)).toMatchObject(
      fails(/options none instead of/),
    );
    expect(run(`${script}+.1 > P. 1:1001(1000) ack 1`)).toMatchObject(
      fails(/came at 0\.10\d+ instead of 0\.20\d+/),
    );
    expect(run(`${script}+0 > [ect0] P. 1:1001(1000) ack 1`)).toMatchObject(fails(/ECN bits 0 instead of 2/));
    expect(run(`${script}* > P. 1:1001(1000) ack 1`)).toMatchObject(ok);
    expect(run(`${script}+0~+.2 > P. 1:1001(1000) ack 1`)).toMatchObject(ok);
  });

  it('notices an unexpected packet when the next one is expected, and silence by its time', () => {
    const script = `${SERVER}+0 write(4, ..., 1000) = 1000\n+0 < P. 1:11(10) ack 1 win 257\n`;
    expect(run(`${script}+0 > . 1001:1001(0) ack 11`)).toMatchObject(fails(/flags P\. instead of \./));
    expect(run(script)).toMatchObject(ok);
  });

  it('gives up two seconds after the packet was due', () => {
    const e = run(`${SERVER}+1 > . 1:1(0) ack 1`);
    expect(e).toMatchObject(fails(/no packet came until 3\.1/));
    expect(e.failure?.expected).toBe('> . 1:1(0) ack 1');
  });

  it('takes its time from the larger of the absolute and the relative tolerance', () => {
    const fin = `${SERVER}+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n`;
    expect(run(`${fin}+.303 > F. 1:1(0) ack 1`)).toMatchObject(ok);
    expect(run(`${fin}+.33 > F. 1:1(0) ack 1`)).toMatchObject(ok); // within 12.5 %
    expect(run(`--tolerance_percent=1\n${fin}+.33 > F. 1:1(0) ack 1`)).toMatchObject(fails(/came at/));
    expect(run(`--tolerance_usecs=50000\n--tolerance_percent=1\n${fin}+.33 > F. 1:1(0) ack 1`)).toMatchObject(
      ok,
    );
  });

  it('only notes mismatches with --non_fatal=packet', () => {
    const o = run(`--non_fatal=packet\n${SERVER}+0 write(4, ..., 9) = 9\n+0 > . 1:10(9) ack 1`);
    expect(o).toMatchObject({ status: 'ok', notes: [expect.stringContaining('flags P. instead of .')] });
  });
});

describe('the runner: numbers', () => {
  const ts = (echo: number, more = ''): string => `${more}\`./defaults.sh\`
${LISTEN}
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,TS val 7 ecr 0,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 1000 ecr 7,nop,wscale 8>
+.1 < . 1:1(0) ack 1 win 257 <nop,nop,TS val 107 ecr ${echo}>
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 9) = 9
+0 > P. 1:10(9) ack 1 <nop,nop,TS val 1100 ecr 107>`;

  it('keeps the peer’s numbers as written on SYN and relative afterwards, around the wrap too', () => {
    const script = SERVER.replace('< S 0:0(0)', '< S 4294967295:4294967295(0)').replace(
      'ack 1 <...>',
      'ack 0 <...>',
    );
    expect(run(`${script}+0 < P. 1:101(100) ack 1 win 257\n+0 > . 1:1(0) ack 101`)).toMatchObject(ok);
  });

  it('maps timestamps to those that the script wrote first', () => {
    expect(run(ts(1000))).toMatchObject(ok);
    expect(run(ts(999))).toMatchObject(fails(/no packet of the stack carried the timestamp 999/));
    expect(run(ts(999, '--tcp_ts_ecr_scaled\n'))).toMatchObject(ok);
  });

  it('compares outbound timestamps when it knows their tick', () => {
    expect(run(ts(1000, '--tcp_ts_tick_usecs=1000\n'))).toMatchObject(ok);
    const late = ts(1000, '--tcp_ts_tick_usecs=1000\n').replace('val 1100', 'val 1150');
    expect(run(late)).toMatchObject(fails(/timestamp 1100 instead of 1150/));
  });

  it('gives each connection a port of its own, and lets a packet name others', () => {
    expect(run('0 < 1234 > 99 S 0:0(0) win 9 <mss 1000>\n+0 > 99 > 1234 R. 0:0(0) ack 1')).toMatchObject(
      fails(/no packet came/),
    );
    expect(run('0 < S 0:0(0) win 9 <mss 1000>\n+0 > R. 0:0(0) ack 1')).toMatchObject(ok);
  });

  it('quotes the live tuple in ICMP errors', () => {
    expect(
      run(`0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.1 connect(3, ..., ...) = -1 EHOSTUNREACH (No route to host)
+0 > S 0:0(0) <...>
+.1 < icmp unreachable host_unreachable [0:0(0)]`),
    ).toMatchObject(ok);
  });
});

describe('the runner: calls', () => {
  it('compares results and errno, and takes descriptors as labels', () => {
    expect(run('0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 77\n+0 bind(77, ..., ...) = 0')).toMatchObject(ok);
    expect(run(`${LISTEN}+0 listen(3, 1) = 5`)).toMatchObject(fails(/listen\(\) returned 0 instead of 5/, 5));
    expect(run(`${LISTEN}+0 accept(9, ..., ...) = -1 EINVAL (x)`)).toMatchObject(
      fails(/-1 EBADF instead of -1 EINVAL/),
    );
    expect(run(`${LISTEN}+0 close(9) = -1 EBADF (Bad file descriptor)`)).toMatchObject(ok);
  });

  it('lets the script go on while a call waits, and wants it back in time', () => {
    const accept = (end: string): string => `${LISTEN}
+0...${end} accept(3, ..., ...) = 4
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.2 < . 1:1(0) ack 1 win 257`;
    expect(run(accept('0.200'))).toMatchObject(ok);
    expect(run(accept('0.300'))).toMatchObject(fails(/accept\(\) returned at 0\.20\d+ instead of 0\.30/));
  });

  it('wants a waiting call to be over at the next call and at the end', () => {
    expect(run(`${SERVER}+0...9 read(4, ..., 10) = 10`)).toMatchObject(
      fails(/read\(\) still waits at the end/),
    );
    expect(run(`${SERVER}+0...9 read(4, ..., 10) = 10\n+1 write(4, ..., 10) = 10`)).toMatchObject(
      fails(/still waits when the next one begins/),
    );
  });

  it('reports a call that should return at once and never does', () => {
    expect(run(`${SERVER}+0 read(4, ..., 10) = 10`)).toMatchObject(
      fails(/read\(\) has not returned after 600 s/),
    );
  });

  it('checks what calls write: options, poll, epoll, ioctl', () => {
    const has = (call: string): Outcome => run(`${SERVER}+0 < P. 1:11(10) ack 1 win 257\n+0 ${call}`);
    expect(has('getsockopt(4, SOL_TCP, TCP_MAXSEG, [1000], [4]) = 0')).toMatchObject(ok);
    expect(has('getsockopt(4, SOL_TCP, TCP_MAXSEG, [1001], [4]) = 0')).toMatchObject(
      fails(/the value is 1000 instead of 1001/),
    );
    expect(has('getsockopt(4, SOL_TCP, TCP_CONGESTION, "cubic", [16]) = 0')).toMatchObject(ok);
    expect(has('poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1')).toMatchObject(ok);
    expect(has('poll([{fd=4, events=POLLIN, revents=POLLOUT}], 1, 0) = 1')).toMatchObject(
      fails(/revents of entry 1 are 0x1 instead of 0x4/),
    );
    expect(has('ioctl(4, SIOCINQ, [10]) = 0')).toMatchObject(ok);
    expect(has('ioctl(4, SIOCINQ, [11]) = 0')).toMatchObject(fails(/the int is 10 instead of 11/));
    expect(
      has(
        'epoll_create(1) = 5\n+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, u32=42}) = 0\n+0 epoll_wait(5, {events=EPOLLIN, u32=42}, 1, 0) = 1',
      ),
    ).toMatchObject(ok);
    expect(has('setsockopt(4, SOL_SOCKET, SO_SNDBUF, NULL, 4) = -1 EFAULT (Bad address)')).toMatchObject(ok);
    expect(has('recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 20}], msg_flags=0}, 0) = 10')).toMatchObject(
      ok,
    );
    expect(has('readv(4, [{..., 4}, {..., 4}], 2) = 8')).toMatchObject(ok);
  });

  it('knows names that it has not, and calls that it has not', () => {
    expect(run(`${LISTEN}+0 setsockopt(3, SOL_TCP, TCP_WISHES, [1], 4) = 0`)).toMatchObject(
      fails(/'TCP_WISHES' is not a name/),
    );
    expect(run(`${LISTEN}+0 fork() = 0`)).toMatchObject(fails(/no system call 'fork'/));
  });
});

describe('the runner: commands, code and options', () => {
  it('fails a script whose command fails, with what it complained about', () => {
    expect(run(`\`sysctl -q net.ipv4.tcp_nonsense=1\`\n${LISTEN}`)).toMatchObject(fails(/unknown sysctl/));
    expect(run(`${LISTEN}+0 \`false\``)).toMatchObject(fails(/status 1/));
    expect(run(`${LISTEN}\`exit 3\``)).toMatchObject(fails(/status 3/));
  });

  it('sees the sockets of the stack in /proc/net/tcp, and its counters in nstat', () => {
    expect(run(`${LISTEN}+0 \`grep " 0A " /proc/net/tcp | grep -q ":1F90"\``)).toMatchObject(ok);
    expect(run(`${SERVER}+0 \`nstat | grep -q "TcpPassiveOpens *1 "\``)).toMatchObject(ok);
  });

  it('evaluates snippets on the socket under test', () => {
    expect(
      run(`${SERVER}+0 %{ assert tcpi_state == TCP_ESTABLISHED and tcpi_snd_cwnd == 10 }%`),
    ).toMatchObject(ok);
    expect(run(`${SERVER}+0 %{ old = tcpi_rtt }%\n+1 %{ assert old == tcpi_rtt }%`)).toMatchObject(ok);
    expect(run(`${SERVER}+0 %{\n\nassert tcpi_snd_cwnd == 11, tcpi_snd_cwnd }%`)).toMatchObject(
      fails(/AssertionError: .*10.*tcpi_snd_cwnd = 10/, 12),
    );
    expect(run(`${SERVER}+0 %{ assert tcpi_snd_cwnd == ) }%`)).toMatchObject(fails(/SyntaxError/));
  });

  it('keeps a script to the family of its option or its name', () => {
    const families = (path: string, source: string): string[] =>
      runSource(path, source, options).map(o => o.family);
    expect(families('a.pkt', LISTEN)).toEqual(['ipv4', 'ipv6', 'ipv4-mapped-ipv6']);
    expect(families('a.pkt', `--ip_version=ipv6\n${LISTEN}`)).toEqual(['ipv6']);
    expect(families('basic-v4.pkt', LISTEN)).toEqual(['ipv4']);
    expect(families('basic-v6.pkt', LISTEN)).toEqual(['ipv6']);
  });

  it('says which option has a value that cannot be', () => {
    expect(run(`--mtu=nine\n${LISTEN}`)).toMatchObject(fails(/--mtu=nine: a number from 68/, 1));
    expect(run(`--local_ip=::1\n${LISTEN}`)).toMatchObject(fails(/an IPv4 address is wanted/));
  });

  it('reports syntax errors as failures', () => {
    expect(run('0 socket(\n')).toMatchObject(fails(/is expected here/));
  });

  it.each([
    ['setsockopt(3, SOL_SOCKET, SO_ZEROCOPY, [1], 4) = 0', 'zero copy'],
    ['sendfile(4, 5, [0], 5) = 5', 'splice and sendfile'],
    ['< S 0:0(0) win 9 <md5 valid>', 'MD5'],
    ['< SWA 0:0(0) win 9', 'AccECN'],
  ])('skips what is on the list: %s', (event, reason) => {
    expect(run(`0 ${event}`)).toMatchObject({ status: 'skipped', reason });
  });
});

describe('lastack packetdrill', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pkt-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const text = async (...words: string[]): Promise<[number, string, string]> => {
    let out = '';
    let err = '';
    const code = await runPaths(
      words,
      t => void (out += t),
      t => void (err += t),
    );
    return [code, out, err];
  };
  writeFileSync(join(folder, 'b.pkt'), `--ip_version=ipv4\n${LISTEN}`);
  writeFileSync(join(folder, 'a.pkt'), `--ip_version=ipv6\n${LISTEN}+0 listen(3, 1) = "x" (note)`);
  writeFileSync(join(folder, 'c.pkt'), `--ip_version=ipv4\n0 splice(1, NULL, 2, NULL, 3, 0) = 3`);
  writeFileSync(join(folder, 'not-a-script.txt'), 'hello');

  it('walks folders in order of names and prints TAP 14', async () => {
    const [code, out] = await text(folder);
    expect(code).toBe(1);
    expect(out).toMatch(
      /^TAP version 14\nnot ok 1 - .*a\.pkt \(ipv6\)\n {2}---\n {2}line: 6\n {2}message: ".*"\n/,
    );
    expect(out).toMatch(
      /\n {2}\.\.\.\nok 2 - .*b\.pkt \(ipv4\)\nok 3 - .*c\.pkt \(ipv4\) # SKIP splice and sendfile\n1\.\.3\n# 1 passed, 1 failed, 1 skipped\n$/,
    );
  });

  it('exits 0 when nothing failed, 2 when it cannot begin', async () => {
    expect((await text(join(folder, 'b.pkt')))[0]).toBe(0);
    expect(await text(join(folder, 'none.pkt'))).toEqual([
      2,
      '',
      expect.stringContaining('there is nothing at'),
    ]);
    expect((await text())[0]).toBe(2);
    expect(parseRequest(['--ip_version', 'ipx', 'a'])).toMatch(/--ip_version is one of/);
    expect(parseRequest(['-D', 'x', 'a'])).toMatch(/NAME=VALUE/);
  });

  it('prints one JSON document with --json', async () => {
    const [code, out] = await text('--json', '--ip_version', 'ipv4,ipv6', folder);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      passed: 1,
      failed: 1,
      skipped: 1,
      tests: [{ status: 'failed' }, {}, {}],
    });
  });

  it('defines words and overrides options', () => {
    const r = parseRequest([
      '-DX=1',
      '-D',
      'Y=2',
      '--define=Z=3',
      '--tolerance_usecs=9',
      '--ip_version=ipv6',
      'p',
    ]);
    if (typeof r === 'string') throw new Error(r);
    expect([...r.options.defines]).toEqual([
      ['X', '1'],
      ['Y', '2'],
      ['Z', '3'],
    ]);
    expect([...r.options.overrides]).toEqual([['tolerance_usecs', '9']]);
    expect(r.options.families).toEqual(['ipv6']);
  });
});
