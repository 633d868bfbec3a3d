import { CONNECT, type Lesson } from './lesson.ts';

const CLIENT = 'SYN_SENT ESTABLISHED';
const SERVER = 'SYN_RECV ESTABLISHED';

export const failures: readonly Lesson[] = [
  {
    id: 'reboot',
    group: 'failure',
    title: { en: 'Half-open after a reboot', zh: '重启后的半开连接' },
    text: {
      en: 'B’s power is cut at 1 s: no FIN, no RST, nothing. A stays ESTABLISHED and does not know. B is up again at 2 s, without memory; when A writes at 3 s, B answers RST, and A’s connection ends with ECONNRESET.',
      zh: 'B 在 1 秒时断电：没有 FIN，没有 RST，什么都没有。A 仍是 ESTABLISHED，毫不知情。2 秒时 B 重新启动，没有记忆；A 在 3 秒写数据时，B 用 RST 回答，A 的连接以 ECONNRESET 结束。',
    },
    question: { en: 'And if A never writes?', zh: '如果 A 从不写数据呢？' },
    answer: {
      en: 'It stays ESTABLISHED for ever, unless keepalive is on. Silence and death look the same in TCP.',
      zh: '除非打开 keepalive，它会永远停在 ESTABLISHED。在 TCP 里，沉默和死亡看起来一样。',
    },
    script: `end 6s\n${CONNECT}\n1s B crash\n2s B restart\n3s A write a 100\n4s A read a`,
    path: { A: `${CLIENT} CLOSED`, B: SERVER },
  },
  {
    id: 'rst-unread',
    group: 'failure',
    title: { en: 'RST on unread data', zh: '有未读数据时的 RST' },
    text: {
      en: 'B has sent 4 bytes. A’s program calls close() without reading them, so A’s kernel sends RST instead of FIN: B must learn that its bytes were thrown away. B’s recv() fails with ECONNRESET.',
      zh: 'B 发来 4 字节。A 的程序没有读就调用了 close()，于是 A 的内核发送 RST 而不是 FIN：必须让 B 知道它的字节被丢弃了。B 的 recv() 以 ECONNRESET 失败。',
    },
    question: { en: 'How does this break web servers?', zh: '这怎样影响 Web 服务器？' },
    answer: {
      en: 'A server that answers an upload with an error and closes at once leaves the rest of the upload unread: it resets the connection. What of the answer was not sent yet is dropped, and the client, still writing, gets ECONNRESET and may never read what has arrived. The server should shutdown(SHUT_WR) and read on for a while.',
      zh: '服务器对一次上传回答错误并立即关闭，上传的其余部分就没有读：连接被重置。回答里还没发出的部分被丢弃，而还在写的客户端得到 ECONNRESET，可能再也不去读已到的部分。服务器应该先 shutdown(SHUT_WR)，再继续读一会儿。',
    },
    script: `hz 250\nend 2s\n${CONNECT}\n300ms B write b 4\n400ms A close a\n600ms B read b`,
    path: { A: `${CLIENT} CLOSED`, B: `${SERVER} CLOSED` },
    golden: 'close_unread',
  },
  {
    id: 'orphan-retries',
    group: 'failure',
    title: { en: 'tcp_orphan_retries', zh: 'tcp_orphan_retries' },
    text: {
      en: 'A closes towards a peer that has fallen silent. With tcp_orphan_retries = 1 A’s kernel gives the orphan up after 1.8 s; with the default (0, which means 8) it tries for almost two minutes, as in "1st wave lost for ever".',
      zh: '对端已经沉默，A 关闭连接。tcp_orphan_retries = 1 时，A 的内核 1.8 秒后就放弃这个孤儿；默认（0，意为 8）时会尝试将近两分钟，见“第一次挥手永远丢失”。',
    },
    question: { en: 'Does it apply to sockets that are still open?', zh: '它适用于仍打开的套接字吗？' },
    answer: {
      en: 'No: those follow tcp_retries2, about a quarter of an hour.',
      zh: '不适用：那些遵循 tcp_retries2，大约一刻钟。',
    },
    script: `hz 250\nend 20s\n0 A sysctl tcp_orphan_retries 1\n${CONNECT}\n300ms wire partition on\n400ms A close a`,
    path: { A: `${CLIENT} FIN_WAIT_1 CLOSED`, B: SERVER },
    golden: 'orphan_retries_1',
    // Then the wire was whole again, and B wrote.
    goldenUntil: 20,
  },
  {
    id: 'keepalive',
    group: 'failure',
    title: { en: 'Keepalive on a dead peer', zh: '对已死对端的 keepalive' },
    text: {
      en: 'A turns SO_KEEPALIVE on: after 2 s of silence a probe, then each second, three times (by default it is 2 hours, 75 s and nine times). Two probes are answered. At 5.3 s B loses its power; three probes meet nobody, and at 9 s A sends an RST and recv() fails with ETIMEDOUT.',
      zh: 'A 打开 SO_KEEPALIVE：沉默 2 秒后探测一次，之后每秒一次，共三次（默认是 2 小时、75 秒、九次）。前两次探测得到了回答。5.3 秒时 B 断电；此后三次探测无人应答，9 秒时 A 发出 RST，recv() 以 ETIMEDOUT 失败。',
    },
    question: { en: 'What does a probe look like?', zh: '探测报文段是什么样的？' },
    answer: {
      en: 'An ACK whose sequence number is one below what the peer expects: unacceptable, so that it must be answered.',
      zh: '一个 ACK，其序列号比对端期望的小一：不可接受，所以对端必须回答。',
    },
    script: `hz 250\nend 12s\n${CONNECT}\n20ms A set a keepidle 2\n20ms A set a keepintvl 1\n20ms A set a keepcnt 3\n20ms A set a keepalive 1\n60ms A read a\n5.3s B crash\n5.3s wire partition on`,
    path: { A: `${CLIENT} CLOSED`, B: SERVER },
    golden: 'keepalive',
  },
];

export const flow: readonly Lesson[] = [
  {
    id: 'zero-window',
    group: 'flow',
    title: { en: 'Zero window and persist', zh: '零窗口与坚持定时器' },
    text: {
      en: 'B’s receive buffer is tiny (SO_RCVBUF 4096), and its program does not read. After 4344 bytes the window is 0, and A stops, with 35 kB left. An update of the window could be lost, so A asks: a probe when the persist timer goes off, at doubling distances. (The second probe gets no answer: Linux answers such segments once in half a second at most. And the segment that A sends twice is a tail loss probe: B took its time with the ACK.) At 60 s B reads 1500 bytes, and A sends one segment more.',
      zh: 'B 的接收缓冲区很小（SO_RCVBUF 4096），而它的程序不读数据。4344 字节之后窗口为 0，A 还剩 35 kB，只能停下。窗口更新可能丢失，所以 A 要问：坚持定时器到期就探测，间隔加倍。（第二次探测没有得到回答：Linux 对这类报文段最多半秒回答一次。A 发了两遍的那个报文段是尾部丢失探测：B 的 ACK 来得太慢。）60 秒时 B 读走 1500 字节，A 又发出一个报文段。',
    },
    question: {
      en: 'How long does A probe a window that stays shut?',
      zh: '如果窗口一直关着，A 探测多久？',
    },
    answer: {
      en: 'For ever, as long as the probes are answered: a peer that is alive may take its time.',
      zh: '只要探测得到回答就一直探测下去：活着的对端可以慢慢来。',
    },
    script:
      'hz 250\nend 61s\n0 wire delay 250us\n0 B listen s 80 5 rcvbuf=4096\n0 B accept s b\n10ms A connect a B:80\n250ms A write a 40000\n60s B read b 1500',
    path: { A: CLIENT, B: SERVER },
    golden: 'zero_window_probe',
    goldenUntil: 61,
  },
  {
    id: 'slow-start',
    group: 'flow',
    title: { en: 'Slow start and congestion avoidance', zh: '慢启动与拥塞避免' },
    text: {
      en: 'A sends 600 kB over a path of 4 Mbit/s with a short queue, 80 ms round trip. The congestion window begins at 10 segments and doubles each round trip: 20, 40, 79; then the queue overflows. CUBIC takes it down to 0.7 of that and lets it grow slowly, until the next loss. Watch the chart.',
      zh: 'A 在一条 4 Mbit/s、队列很短、往返 80 毫秒的路径上发送 600 kB。拥塞窗口从 10 个报文段开始，每个往返加倍：20、40、79；然后队列溢出。CUBIC 把它降到七成，再让它慢慢增长，直到下一次丢失。请看图表。',
    },
    question: { en: 'What would be the ideal window here?', zh: '这里理想的窗口是多少？' },
    answer: {
      en: 'Bandwidth times delay: 4 Mbit/s × 80 ms = 40 kB, 28 segments; more only waits in the queue.',
      zh: '带宽乘以往返时间：4 Mbit/s × 80 毫秒 = 40 kB，28 个报文段；再多只是在队列里等。',
    },
    script: `end 8s\n0 wire delay 40ms\n0 wire rate 4mbit\n0 wire queue 20\n${CONNECT}\n200ms A write a 600000\n200ms B drain b`,
    path: { A: CLIENT, B: SERVER },
  },
  {
    id: 'fast-retransmit',
    group: 'flow',
    title: { en: 'Fast retransmit and RACK', zh: '快速重传与 RACK' },
    text: {
      en: 'The fifth segment of many is lost. B acknowledges what follows with SACK blocks, and as soon as they name three segments A repeats the lost one, a round trip after it was sent and long before the timer. At 1 s the last but one of six is lost: a single SACK tells of it. A now waits a good quarter of a round trip before it repeats.',
      zh: '许多报文段中的第五个丢了。B 用 SACK 块确认其后的报文段，一旦其中有了三个，A 就重发丢失的那个：离它发出只过了一个往返，远早于定时器。1 秒时，六个报文段中的倒数第二个丢了：只有一个 SACK 能说明这一点。这次 A 先等了四分之一个往返多一点才重发。',
    },
    question: {
      en: 'What is the quarter of a round trip good for?',
      zh: '等这四分之一个往返有什么用？',
    },
    answer: {
      en: 'The segment may only have been overtaken on the way. RACK gives it that much time, unless three others have been acknowledged past it.',
      zh: '那个报文段可能只是在路上被超过了。RACK 给它这点时间，除非排在它后面的已有三个得到确认。',
    },
    script: `end 3s\n0 wire delay 20ms\n0 wire rate 20mbit\n0 wire rule drop A DATA 5\n${CONNECT}\n200ms A write a 30000\n200ms B drain b\n1s wire rule drop A DATA 5\n1s A write a 8500`,
    path: { A: CLIENT, B: SERVER },
  },
];
