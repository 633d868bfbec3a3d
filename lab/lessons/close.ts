import { CONNECT, type Lesson } from './lesson.ts';

const CLIENT = 'SYN_SENT ESTABLISHED';
const SERVER = 'SYN_RECV ESTABLISHED';

/** Four short requests, 60 ms apart: a connection that has been in use. */
const TALK = [60, 120, 180, 240].map(t => `${t}ms A write a 3\n${t}ms A read a`).join('\n');

export const closing: readonly Lesson[] = [
  {
    id: 'close-four',
    group: 'close',
    title: { en: 'Four-segment close', zh: '四次挥手' },
    text: {
      en: 'A closes, B 300 ms later. FIN, ACK, FIN, ACK: each direction is ended by itself, because B may still have something to say. A, who closed first, waits 60 s in TIME_WAIT; B is gone as soon as its FIN is acknowledged.',
      zh: 'A 先关闭，300 毫秒后 B 才关闭。FIN、ACK、FIN、ACK：两个方向各自结束，因为 B 可能还有话要说。先关闭的 A 在 TIME_WAIT 等 60 秒；B 的 FIN 一被确认，B 就消失。',
    },
    question: { en: 'Who gets the TIME_WAIT?', zh: '谁进入 TIME_WAIT？' },
    answer: {
      en: 'The side that closes first. A server that closes first collects them all; this is why many protocols let the client close.',
      zh: '先关闭的一方。如果总是服务器先关闭，所有的 TIME_WAIT 都会堆在服务器上，所以许多协议让客户端先关闭。',
    },
    script: `hz 250\nend 70s\n${CONNECT}\n300ms A close a\n600ms B close b`,
    path: {
      A: `${CLIENT} FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT CLOSED`,
      B: `${SERVER} CLOSE_WAIT LAST_ACK CLOSED`,
    },
    golden: 'base4',
  },
  {
    id: 'close-three',
    group: 'close',
    title: { en: 'Three-segment close', zh: '三次挥手' },
    text: {
      en: 'After four requests and answers both sides hold their ACKs back a little, hoping to send them along with data. So A’s FIN is not acknowledged at once; B reads the end of the stream and closes, and its ACK and FIN travel in one segment. A passes through FIN_WAIT_2 into TIME_WAIT within one moment. Most closes on the Internet look like this.',
      zh: '经过四次请求和应答，双方都会把 ACK 压一小会儿，好和数据一起发出。所以 A 的 FIN 没有立刻得到确认；B 读到流的结尾就关闭，它的 ACK 和 FIN 合在一个报文段里。A 在同一瞬间经过 FIN_WAIT_2 进入 TIME_WAIT。互联网上的大多数关闭都是这样。',
    },
    question: { en: 'What decides between three segments and four?', zh: '三个还是四个，由什么决定？' },
    answer: {
      en: 'Only timing: whether B’s FIN is there when the ACK leaves. Nothing in the protocol asks for one or the other.',
      zh: '只看时机：ACK 发出时 B 的 FIN 是否已经准备好。协议并不要求是哪一种。',
    },
    script: `hz 250\nend 70s\n0 B listen s 80 5\n0 B serve s reply 4\n10ms A connect a B:80\n${TALK}\n300ms A close a`,
    path: {
      A: `${CLIENT} FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT CLOSED`,
      B: `${SERVER} CLOSE_WAIT LAST_ACK CLOSED`,
    },
    golden: 'base3_pingpong',
  },
  {
    id: 'half-close',
    group: 'close',
    title: { en: 'Half-close, and data after FIN', zh: '半关闭，FIN 之后的数据' },
    text: {
      en: 'A says shutdown(SHUT_WR): "I have said everything, but I still listen." A tenth of a second later B sends 5000 bytes; A acknowledges and reads them in FIN_WAIT_2. A itself can write no more: its send() fails with EPIPE. Only B’s close ends it.',
      zh: 'A 调用 shutdown(SHUT_WR)：“我说完了，但还在听。”0.1 秒后 B 发来 5000 字节；A 在 FIN_WAIT_2 中确认并读取。A 自己不能再写：它的 send() 以 EPIPE 失败。直到 B 关闭，连接才结束。',
    },
    question: {
      en: 'What would happen to the same data if A had called close() instead?',
      zh: '如果 A 调用的是 close()，同样的数据会怎样？',
    },
    answer: {
      en: 'A’s kernel would answer it with RST: nobody is left to read it. Replace "A shutdown a wr" by "A close a" and see.',
      zh: 'A 的内核会用 RST 回答：已经没有人来读它了。把“A shutdown a wr”改成“A close a”看看。',
    },
    script: `hz 250\nend 70s\n${CONNECT}\n300ms A shutdown a wr\n400ms B write b 5000\n500ms A read a\n500ms A write a 1\n500ms B close b\n600ms A read a\n600ms A close a`,
    path: {
      A: `${CLIENT} FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT CLOSED`,
      B: `${SERVER} CLOSE_WAIT LAST_ACK CLOSED`,
    },
    golden: 'half_close_transfer',
  },
  {
    id: 'simultaneous-close',
    group: 'close',
    title: { en: 'Simultaneous close', zh: '同时关闭' },
    text: {
      en: 'Both close before they have heard of the other’s FIN. The FINs cross; both go through CLOSING, and both end in TIME_WAIT: each closed "first".',
      zh: '双方在收到对方的 FIN 之前都关闭了。两个 FIN 交错；双方都经过 CLOSING，最后都进入 TIME_WAIT：每一方都算“先”关闭的。',
    },
    question: { en: 'What does CLOSING wait for?', zh: 'CLOSING 在等什么？' },
    answer: {
      en: 'For the ACK of its own FIN. The peer’s FIN is already here, so there is no FIN_WAIT_2 on this way.',
      zh: '等自己的 FIN 被确认。对方的 FIN 已经到了，所以这条路上没有 FIN_WAIT_2。',
    },
    script: `hz 250\nend 70s\n${CONNECT}\n300ms A close a\n300ms B close b`,
    path: {
      A: `${CLIENT} FIN_WAIT_1 CLOSING TIME_WAIT CLOSED`,
      B: `${SERVER} FIN_WAIT_1 CLOSING TIME_WAIT CLOSED`,
    },
    golden: 'simclose',
  },
];
