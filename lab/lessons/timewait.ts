import { CONNECT, type Lesson } from './lesson.ts';

const CLIENT = 'SYN_SENT ESTABLISHED';
const SERVER = 'SYN_RECV ESTABLISHED';
const A_FIRST = `${CLIENT} FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT`;
const B_LAST = `${SERVER} CLOSE_WAIT LAST_ACK CLOSED`;
/** Only one port, so that the next connection has the same four-tuple. */
const ONE_PORT = '0 A sysctl ip_local_port_range 40000 40000';
/** A copy of B's data comes 5 s late. */
const LATE_COPY = `0 wire rule duplicate 5s B DATA 1\n${CONNECT}\n100ms B write b 200\n200ms A read a\n300ms A close a\n500ms B close b`;

export const timeWait: readonly Lesson[] = [
  {
    id: 'tw-last-ack',
    group: 'timewait',
    title: { en: 'Why TIME_WAIT: the last ACK', zh: '为什么要 TIME_WAIT：最后的 ACK' },
    text: {
      en: 'A world without TIME_WAIT: tcp_max_tw_buckets = 0 leaves A no room for one, and with its last ACK A is CLOSED. That ACK is lost. B repeats its FIN; A’s host knows of no such connection and answers RST. B’s connection ends by a reset (SO_ERROR: ECONNRESET), although every byte had arrived.',
      zh: '没有 TIME_WAIT 的世界：tcp_max_tw_buckets = 0 不给 A 留任何位置，A 发出最后的 ACK 就 CLOSED 了。而这个 ACK 丢了。B 重发 FIN；A 的主机不认识这条连接，用 RST 回答。B 的连接以重置告终（SO_ERROR：ECONNRESET），尽管每个字节都已到达。',
    },
    question: { en: 'What does TIME_WAIT change?', zh: '有 TIME_WAIT 会怎样？' },
    answer: {
      en: 'A still knows the connection and answers the repeated FIN with an ACK: B ends in peace. Remove the line with tcp_max_tw_buckets and see.',
      zh: 'A 仍记得这条连接，会用 ACK 回答重发的 FIN：B 正常结束。删掉 tcp_max_tw_buckets 那一行看看。',
    },
    script: `end 70s\n0 A sysctl tcp_max_tw_buckets 0\n${CONNECT}\n300ms wire rule drop A pure-ACK 1\n300ms A shutdown a wr\n600ms B read b\n600ms B shutdown b wr`,
    path: { A: `${A_FIRST} CLOSED`, B: B_LAST },
  },
  {
    id: 'tw-old-duplicate',
    group: 'timewait',
    title: { en: 'Why TIME_WAIT: old duplicates', zh: '为什么要 TIME_WAIT：旧的重复报文段' },
    text: {
      en: 'A copy of A’s data wanders through the network for 3 s and arrives long after the close. A has one local port only, and TIME_WAIT keeps it: the connect() at 1 s fails with EADDRNOTAVAIL. So the copy meets no new connection with the same ports, whose bytes it could be taken for; B answers it with an RST that harms nobody.',
      zh: 'A 的数据有一个副本在网络里游荡了 3 秒，在关闭之后很久才到达。A 只有一个本地端口，而 TIME_WAIT 占着它：1 秒时的 connect() 以 EADDRNOTAVAIL 失败。因此副本不会遇到一条端口相同的新连接，也就不会被当成新连接的数据；B 用 RST 回答它，谁也没受影响。',
    },
    question: { en: 'How long must TIME_WAIT last to be safe?', zh: 'TIME_WAIT 要持续多久才安全？' },
    answer: {
      en: 'Two maximum segment lifetimes: one for the last ACK to die, one for the answer to it. The RFC says 2 × 2 minutes, Linux takes 60 s in all.',
      zh: '两个最大报文段寿命：一个让最后的 ACK 消亡，一个让对它的回答消亡。RFC 说 2 × 2 分钟，Linux 总共只取 60 秒。',
    },
    script: `end 70s\n${ONE_PORT}\n0 wire rule duplicate 3s A DATA 1\n${CONNECT}\n50ms A write a 100\n100ms B read b\n300ms A close a\n500ms B close b\n1s A connect c B:80\n65s A connect d B:80`,
    path: { A: `${A_FIRST} CLOSED ${CLIENT}`, B: `${B_LAST} ${SERVER}` },
  },
  {
    id: 'tw-reuse-off',
    group: 'timewait',
    title: { en: 'Port in TIME_WAIT, tw_reuse off', zh: '端口处于 TIME_WAIT，tw_reuse 关闭' },
    text: {
      en: 'One local port, tcp_tw_reuse = 0. After the close A wants to connect to the same place again, 1.5 s later: EADDRNOTAVAIL, and no segment is sent. To another port of B it could: only the four-tuple as a whole is taken.',
      zh: '只有一个本地端口，tcp_tw_reuse = 0。关闭 1.5 秒后，A 想再连到同一个地方：EADDRNOTAVAIL，一个报文段也没发出。连到 B 的另一个端口则可以：被占用的只是整个四元组。',
    },
    question: { en: 'Does SO_REUSEADDR on A help?', zh: '在 A 上设 SO_REUSEADDR 有用吗？' },
    answer: {
      en: 'It lets bind() succeed, but connect() to the same peer still meets the TIME_WAIT. It helps servers to restart, not clients to reconnect.',
      zh: '它让 bind() 成功，但 connect() 到同一对端仍会遇到 TIME_WAIT。它帮的是服务器重启，不是客户端重连。',
    },
    script: `hz 250\nend 5s\n${ONE_PORT}\n0 A sysctl tcp_tw_reuse 0\n${CONNECT}\n300ms A close a\n500ms B close b\n2s A connect c B:80`,
    path: { A: A_FIRST, B: B_LAST },
    golden: 'twreuse_0_3',
  },
  {
    id: 'tw-reuse-on',
    group: 'timewait',
    title: { en: 'Port in TIME_WAIT, tw_reuse on', zh: '端口处于 TIME_WAIT，tw_reuse 打开' },
    text: {
      en: 'The same with tcp_tw_reuse = 1. More than a second after the close the new connection takes the port over: timestamps tell its segments from older ones, so the old duplicates that TIME_WAIT guards against can not be confused with it.',
      zh: '同样的情形，但 tcp_tw_reuse = 1。关闭一秒多之后，新连接接管了这个端口：时间戳能把新旧报文段区分开，所以 TIME_WAIT 要防的旧重复报文段不会混进来。',
    },
    question: { en: 'Why must a second have passed?', zh: '为什么要过一秒？' },
    answer: {
      en: 'The timestamp of the new SYN must be greater than the last one that the peer has seen; Linux asks for a whole second to be sure. Its default is 2: only on the loopback.',
      zh: '新 SYN 的时间戳必须大于对端见过的最后一个；为保险起见，Linux 要求过满一秒。默认值是 2：只对本机回环生效。',
    },
    script: `hz 250\nend 5s\n${ONE_PORT}\n0 A sysctl tcp_tw_reuse 1\n${CONNECT}\n300ms A close a\n500ms B close b\n2s A connect c B:80`,
    path: { A: `${A_FIRST} ${CLIENT}`, B: `${B_LAST} ${SERVER}` },
    golden: 'twreuse_1_13',
    // Then the measuring script closed the listener.
    goldenUntil: 1.4,
  },
  {
    id: 'fin-timeout',
    group: 'timewait',
    title: { en: 'tcp_fin_timeout does not shorten TIME_WAIT', zh: 'tcp_fin_timeout 不缩短 TIME_WAIT' },
    text: {
      en: 'A sets tcp_fin_timeout to 5 s, as so many guides advise, and closes. Watch the timer: TIME_WAIT still runs 60 s. The knob is about FIN_WAIT_2 of sockets whose application has closed.',
      zh: '正如许多教程建议的，A 把 tcp_fin_timeout 设为 5 秒，然后关闭。请看定时器：TIME_WAIT 仍是 60 秒。这个参数管的是应用程序已关闭的套接字的 FIN_WAIT_2。',
    },
    question: { en: 'Which knob of Linux does shorten it?', zh: 'Linux 的哪个参数能缩短它？' },
    answer: {
      en: 'None: 60 s is compiled in. tcp_max_tw_buckets limits their number, tcp_tw_reuse lets new connections take them over.',
      zh: '没有：60 秒是编译进内核的。tcp_max_tw_buckets 限制数量，tcp_tw_reuse 让新连接接管它们。',
    },
    script: `hz 250\nend 70s\n0 A sysctl tcp_fin_timeout 5\n${CONNECT}\n300ms A close a\n600ms B close b`,
    path: { A: `${A_FIRST} CLOSED`, B: B_LAST },
    golden: 'base4',
  },
  {
    // In the measured timeline (tw_rst) a script makes the RST; here it comes about as the RFC tells.
    id: 'rfc1337',
    group: 'timewait',
    title: { en: 'TIME_WAIT assassination (RFC 1337)', zh: 'TIME_WAIT 被暗杀（RFC 1337）' },
    text: {
      en: 'A late copy of B’s data reaches A in TIME_WAIT at 5.1 s. A answers with an ACK; B has forgotten the connection and answers that with RST; and the RST ends A’s TIME_WAIT, 55 s too early.',
      zh: '5.1 秒时，B 的数据的一个迟到副本到达处于 TIME_WAIT 的 A。A 用 ACK 回答；B 已忘记这条连接，对 ACK 回以 RST；于是 RST 结束了 A 的 TIME_WAIT，早了 55 秒。',
    },
    question: { en: 'How can A be protected?', zh: '怎样保护 A？' },
    answer: {
      en: 'By tcp_rfc1337 = 1: a TIME_WAIT then ignores RSTs. The next lesson shows it.',
      zh: '设 tcp_rfc1337 = 1：这样 TIME_WAIT 会忽略 RST。见下一课。',
    },
    script: `end 70s\n${LATE_COPY}`,
    path: { A: `${A_FIRST} CLOSED`, B: B_LAST },
  },
  {
    // As above: tw_rst_1337.
    id: 'rfc1337-on',
    group: 'timewait',
    title: { en: 'The assassination fails: tcp_rfc1337 = 1', zh: '暗杀失败：tcp_rfc1337 = 1' },
    text: {
      en: 'The same late copy, the same ACK, the same RST, but A has tcp_rfc1337 = 1: TIME_WAIT takes no notice of the RST. Its 60 s, which began anew when it answered the copy, run to the end: it is gone at 65 s.',
      zh: '同样的迟到副本、同样的 ACK、同样的 RST，但 A 设了 tcp_rfc1337 = 1：TIME_WAIT 不理会这个 RST。回答副本时 60 秒重新开始计，走完为止：65 秒时才消失。',
    },
    question: { en: 'What does the knob cost?', zh: '打开这个参数有什么代价？' },
    answer: {
      en: 'A peer that has forgotten the connection, after a reboot say, can then no longer end the TIME_WAIT: the ports stay taken for the full 60 s. It is off by default.',
      zh: '已经忘记这条连接的对端（比如重启之后）就不能再提前结束 TIME_WAIT：这对端口要被占满 60 秒。它默认是关闭的。',
    },
    script: `end 70s\n0 A sysctl tcp_rfc1337 1\n${LATE_COPY}`,
    path: { A: `${A_FIRST} CLOSED`, B: B_LAST },
  },
  {
    id: 'pool',
    group: 'timewait',
    title: { en: 'A pool against one connection per request', zh: '连接池与每请求一条连接' },
    text: {
      en: 'Ten requests on one kept connection to port 80; two seconds later ten more to port 81, each on a connection of its own. Count: one handshake against ten, one TIME_WAIT against ten, 28 segments against 100, and twice the time for each request.',
      zh: '先用一条保持的连接向 80 端口发十个请求；两秒后向 81 端口再发十个，每个用自己的连接。数一数：一次握手对十次，一个 TIME_WAIT 对十个，28 个报文段对 100 个，而且每个请求的时间加倍。',
    },
    question: {
      en: 'At 1000 such requests a second, how many TIME_WAITs does A hold?',
      zh: '每秒 1000 个这样的请求，A 会有多少个 TIME_WAIT？',
    },
    answer: {
      en: 'With a connection each 60,000: more than the 28,232 ephemeral ports to one destination. With a pool next to none.',
      zh: '每请求一条连接时会有 60000 个：超过了对同一目的地可用的 28232 个临时端口。用连接池则几乎没有。',
    },
    script:
      'end 6s\n0 B listen p 80\n0 B serve p reply 200\n0 B listen e 81\n0 B serve e reply 200\n10ms A fetch 10 B:80 pool\n2s A fetch 10 B:81 each',
    path: { A: A_FIRST, B: B_LAST },
  },
];
