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
      en: 'A has sent 100 bytes which B’s program never reads before it calls close(). B’s kernel sends RST instead of FIN: A must learn that its bytes were thrown away.',
      zh: 'A 发送了 100 字节，B 的程序没有读就调用了 close()。B 的内核发送 RST 而不是 FIN：必须让 A 知道它的字节被丢弃了。',
    },
    question: { en: 'How does this break web servers?', zh: '这怎样影响 Web 服务器？' },
    answer: {
      en: 'A server that answers an upload with an error and closes at once resets the connection, and the RST may destroy the answer before the client reads it. It should shutdown(SHUT_WR) and read on for a while.',
      zh: '服务器用错误回答一次上传并立即关闭，就会重置连接，RST 可能在客户端读到回答之前毁掉它。它应该 shutdown(SHUT_WR)，再继续读一会儿。',
    },
    script: `end 2s\n${CONNECT}\n300ms A write a 100\n600ms B close b\n900ms A read a`,
    path: { A: `${CLIENT} CLOSED`, B: `${SERVER} CLOSED` },
    golden: 'close_unread',
  },
  {
    id: 'orphan-retries',
    group: 'failure',
    title: { en: 'tcp_orphan_retries', zh: 'tcp_orphan_retries' },
    text: {
      en: 'A closes towards a peer that has fallen silent. With tcp_orphan_retries = 1 A’s kernel gives the orphan up within a second or so; with the default (0, which means 8) it tries for minutes.',
      zh: 'A 向一个已沉默的对端关闭。tcp_orphan_retries = 1 时，A 的内核大约一秒内就放弃这个孤儿；默认（0，意为 8）时会尝试好几分钟。',
    },
    question: { en: 'Does it apply to sockets that are still open?', zh: '它适用于仍打开的套接字吗？' },
    answer: {
      en: 'No: those follow tcp_retries2, about a quarter of an hour.',
      zh: '不适用：那些遵循 tcp_retries2，大约一刻钟。',
    },
    script: `end 20s\n0 A sysctl tcp_orphan_retries 1\n${CONNECT}\n300ms wire partition on\n400ms A close a`,
    path: { A: `${CLIENT} FIN_WAIT_1 CLOSED`, B: SERVER },
    golden: 'orphan_retries_1',
  },
  {
    id: 'keepalive',
    group: 'failure',
    title: { en: 'Keepalive on a dead peer', zh: '对已死对端的 keepalive' },
    text: {
      en: 'A turns SO_KEEPALIVE on: after 10 s of silence a probe, then every 5 s, three times. B lost its power at 12 s. The probe at 10 s is answered; those after it are not, and the connection ends with ETIMEDOUT.',
      zh: 'A 打开 SO_KEEPALIVE：沉默 10 秒后探测一次，之后每 5 秒一次，共三次。B 在 12 秒时断电。10 秒的探测得到回答，之后的没有，连接以 ETIMEDOUT 结束。',
    },
    question: { en: 'What does a probe look like?', zh: '探测报文段是什么样的？' },
    answer: {
      en: 'An ACK whose sequence number is one below what the peer expects: unacceptable, so that it must be answered.',
      zh: '一个 ACK，其序列号比对端期望的小一：不可接受，所以必须回答。',
    },
    script: `end 40s\n${CONNECT}\n40ms A set a keepidle 10\n40ms A set a keepintvl 5\n40ms A set a keepcnt 3\n50ms A set a keepalive 1\n60ms A read a\n12s B crash`,
    path: { A: `${CLIENT} CLOSED`, B: SERVER },
  },
];

export const flow: readonly Lesson[] = [
  {
    id: 'zero-window',
    group: 'flow',
    title: { en: 'Zero window and persist', zh: '零窗口与坚持定时器' },
    text: {
      en: 'B’s program does not read. Its buffer fills, its window shrinks to 0, and A stops. The window update could be lost, so A asks: a probe when the persist timer goes off, at doubling distances. At 10 s B reads, and the rest flows.',
      zh: 'B 的程序不读数据。缓冲区填满，窗口缩到 0，A 停下。窗口更新可能丢失，所以 A 会询问：坚持定时器到期时探测，间隔加倍。10 秒时 B 读取，其余数据随之流动。',
    },
    question: {
      en: 'How long does A probe a window that stays shut?',
      zh: '如果窗口一直关着，A 探测多久？',
    },
    answer: {
      en: 'For ever, as long as the probes are answered: a peer that is alive may take its time.',
      zh: '只要探测得到回答就永远探测：活着的对端可以慢慢来。',
    },
    script: `end 20s\n0 B listen s 80 5 rcvbuf=8192\n0 B accept s b\n10ms A connect a B:80\n300ms A write a 40000\n10s B drain b`,
    path: { A: CLIENT, B: SERVER },
  },
  {
    id: 'slow-start',
    group: 'flow',
    title: { en: 'Slow start and congestion avoidance', zh: '慢启动与拥塞避免' },
    text: {
      en: 'A sends 600 kB over a path of 4 Mbit/s with a short queue, 80 ms round trip. The congestion window begins at 10 segments and doubles each round trip, until the queue overflows; from there it is halved or so and grows slowly. Watch the chart.',
      zh: 'A 在 4 Mbit/s、队列很短、往返 80 毫秒的路径上发送 600 kB。拥塞窗口从 10 个报文段开始，每个往返加倍，直到队列溢出；此后降低，再缓慢增长。请看图表。',
    },
    question: { en: 'What would be the ideal window here?', zh: '这里理想的窗口是多少？' },
    answer: {
      en: 'Bandwidth times delay: 4 Mbit/s × 80 ms = 40 kB, 28 segments; more only waits in the queue.',
      zh: '带宽乘以延迟：4 Mbit/s × 80 毫秒 = 40 kB，28 个报文段；再多只是在队列里等。',
    },
    script: `end 8s\n0 wire delay 40ms\n0 wire rate 4mbit\n0 wire queue 20\n${CONNECT}\n200ms A write a 600000\n200ms B drain b`,
    path: { A: CLIENT, B: SERVER },
  },
  {
    id: 'fast-retransmit',
    group: 'flow',
    title: { en: 'Fast retransmit and RACK', zh: '快速重传与 RACK' },
    text: {
      en: 'One segment of many is lost. B acknowledges what follows with SACK blocks; A concludes from them that what was sent before has been lost, and repeats that segment one round trip later, long before the timer.',
      zh: '许多报文段中丢了一个。B 用 SACK 块确认其后的报文段；A 据此断定更早发送的已丢失，在一个往返之后就重发它，远早于定时器。',
    },
    question: {
      en: 'Why does A wait a quarter of a round trip after the first SACK?',
      zh: '为什么 A 在第一个 SACK 之后可能还要等四分之一个往返？',
    },
    answer: {
      en: 'The segment may only have been overtaken. RACK gives it that much time, unless three others have been acknowledged past it.',
      zh: '报文段可能只是被超车。RACK 给它这点时间，除非已有三个之后的报文段被确认。',
    },
    script: `end 3s\n0 wire delay 20ms\n0 wire rule drop A DATA 5\n${CONNECT}\n200ms A write a 30000\n200ms B drain b`,
    path: { A: CLIENT, B: SERVER },
  },
];
