import { CONNECT, type Lesson } from './lesson.ts';

const CLIENT = 'SYN_SENT ESTABLISHED';
const SERVER = 'SYN_RECV ESTABLISHED';

export const closing: readonly Lesson[] = [
  {
    id: 'close-four',
    group: 'close',
    title: { en: 'Four-segment close', zh: '四次挥手' },
    text: {
      en: 'A closes, B a little later. FIN, ACK, FIN, ACK: each direction is ended by itself, because B may still have something to say. A, who closed first, waits 60 s in TIME_WAIT; B is gone at once.',
      zh: 'A 先关闭，B 稍后关闭。FIN、ACK、FIN、ACK：每个方向单独结束，因为 B 可能还有话要说。先关闭的 A 在 TIME_WAIT 等 60 秒；B 立刻消失。',
    },
    question: { en: 'Who gets the TIME_WAIT?', zh: '谁进入 TIME_WAIT？' },
    answer: {
      en: 'The side that closes first. A server that closes first collects them all, which is why protocols like to let the client close.',
      zh: '先关闭的一方。先关闭的服务器会积累所有的 TIME_WAIT，所以协议喜欢让客户端先关闭。',
    },
    script: `end 70s\n${CONNECT}\n300ms A close a\n800ms B close b`,
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
      en: 'B closes as soon as it reads the end of the stream, before its delayed ACK has gone: ACK and FIN travel in one segment. A passes through FIN_WAIT_2 into TIME_WAIT within one moment. Most closes on the Internet look like this.',
      zh: 'B 一读到流的结尾就关闭，它的延迟 ACK 还没发出：ACK 和 FIN 合在一个报文段里。A 在同一瞬间经 FIN_WAIT_2 进入 TIME_WAIT。互联网上的大多数关闭都是这样。',
    },
    question: { en: 'What decides between three segments and four?', zh: '三个还是四个，由什么决定？' },
    answer: {
      en: 'Only timing: whether B’s FIN is there when the ACK leaves. Nothing in the protocol asks for one or the other.',
      zh: '只有时机：ACK 发出时 B 的 FIN 是否已经准备好。协议并不要求是哪一种。',
    },
    script: `end 70s\n0 B listen s 80 5\n0 B serve s\n10ms A connect a B:80\n300ms A close a`,
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
      en: 'A says shutdown(SHUT_WR): "I have said everything, but I still listen." B reads the end of the stream and goes on sending for a second; A acknowledges in FIN_WAIT_2. Only B’s close ends it.',
      zh: 'A 调用 shutdown(SHUT_WR)：“我说完了，但还在听。”B 读到流的结尾，又继续发送了一秒；A 在 FIN_WAIT_2 中确认。直到 B 关闭才结束。',
    },
    question: {
      en: 'What would happen to the same data if A had called close() instead?',
      zh: '如果 A 调用的是 close()，同样的数据会怎样？',
    },
    answer: {
      en: 'A’s kernel would answer it with RST: nobody is left to read it. Replace the line "A shutdown a wr" by "A close a" and run it.',
      zh: 'A 的内核会用 RST 回答：没有人来读它了。把“A shutdown a wr”改成“A close a”再运行看看。',
    },
    script: `end 70s\n${CONNECT}\n300ms A shutdown a wr\n500ms B write b 3000\n1s B write b 500\n1.2s A drain a\n1.5s B close b`,
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
      zh: '双方在听到对方的 FIN 之前都关闭了。两个 FIN 交错；双方都经过 CLOSING，最后都在 TIME_WAIT：每一方都是“先”关闭的。',
    },
    question: { en: 'What does CLOSING wait for?', zh: 'CLOSING 在等什么？' },
    answer: {
      en: 'For the ACK of its own FIN. The peer’s FIN is already here, so there is no FIN_WAIT_2 on this way.',
      zh: '等自己的 FIN 被确认。对方的 FIN 已经到了，所以这条路上没有 FIN_WAIT_2。',
    },
    script: `end 70s\n${CONNECT}\n300ms A close a\n300ms B close b`,
    path: {
      A: `${CLIENT} FIN_WAIT_1 CLOSING TIME_WAIT CLOSED`,
      B: `${SERVER} FIN_WAIT_1 CLOSING TIME_WAIT CLOSED`,
    },
    golden: 'simclose',
  },
];

/** One of the eight: which wave is lost, how often, and what comes of it. */
function wave(
  id: string,
  title: Lesson['title'],
  text: Lesson['text'],
  question: Lesson['question'],
  answer: Lesson['answer'],
  script: string,
  path: Lesson['path'],
  golden: string,
): Lesson {
  return { id, group: 'waves', title, text, question, answer, script, path, golden };
}

const FULL: Lesson['path'] = {
  A: `${CLIENT} FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT CLOSED`,
  B: `${SERVER} CLOSE_WAIT LAST_ACK CLOSED`,
};

export const waves: readonly Lesson[] = [
  wave(
    'wave1-once',
    { en: '1st wave lost once: FIN of A', zh: '第一次挥手丢失一次：A 的 FIN' },
    {
      en: 'A’s FIN is lost. A stays in FIN_WAIT_1 with a timer; B knows nothing and stays ESTABLISHED. The FIN is sent again, first by the tail loss probe, and all goes on as if nothing had been.',
      zh: 'A 的 FIN 丢失。A 带着定时器停在 FIN_WAIT_1；B 一无所知，仍是 ESTABLISHED。FIN 被重发（先由尾部丢失探测触发），之后一切照常。',
    },
    { en: 'Does close() on A notice?', zh: 'A 的 close() 会察觉吗？' },
    {
      en: 'No: it returned long before. What is left is the kernel’s work.',
      zh: '不会：它早已返回。剩下的是内核的工作。',
    },
    `end 70s\n${CONNECT}\n300ms wire rule drop A FIN 1\n300ms A close a\n900ms B close b`,
    FULL,
    'w1_once',
  ),
  wave(
    'wave1-forever',
    { en: '1st wave lost for ever', zh: '第一次挥手永远丢失' },
    {
      en: 'No FIN of A ever arrives. A repeats it at doubling distances; as an orphan (nobody holds the socket) it gives up after tcp_orphan_retries, 8 by default, and is gone without a word. B stays ESTABLISHED for ever: it has no timer.',
      zh: 'A 的 FIN 永远到不了。A 以加倍的间隔重发；作为孤儿连接（没有人持有套接字），它在 tcp_orphan_retries（默认 8 次）之后放弃，无声地消失。B 永远停在 ESTABLISHED：它没有定时器。',
    },
    { en: 'What would rescue B?', zh: '什么能救 B？' },
    {
      en: 'Keepalive, or a write: the answer would be an RST, because A has forgotten the connection.',
      zh: 'keepalive，或者一次写操作：回答会是 RST，因为 A 已经忘了这条连接。',
    },
    `end 300s\n${CONNECT}\n300ms wire rule drop A FIN\n300ms A close a`,
    { A: `${CLIENT} FIN_WAIT_1 CLOSED`, B: SERVER },
    'w1_forever',
  ),
  wave(
    'wave2-once',
    { en: '2nd wave lost once: ACK of B', zh: '第二次挥手丢失一次：B 的 ACK' },
    {
      en: 'B has the FIN, but its ACK is lost. A repeats its FIN; B sees an old FIN and answers with an ACK again. ACKs are never repeated by themselves: what they answer is.',
      zh: 'B 收到了 FIN，但它的 ACK 丢失。A 重发 FIN；B 看到旧的 FIN，再次用 ACK 回答。ACK 自己从不重发：重发的是它所回答的报文段。',
    },
    {
      en: 'Does B leave CLOSE_WAIT because of the second FIN?',
      zh: '第二个 FIN 会让 B 离开 CLOSE_WAIT 吗？',
    },
    {
      en: 'No. Only its application can do that, by close() or shutdown().',
      zh: '不会。只有它的应用程序可以，通过 close() 或 shutdown()。',
    },
    `end 70s\n${CONNECT}\n300ms wire rule drop B pure-ACK 1\n300ms A close a\n2s B close b`,
    FULL,
    'w2_once',
  ),
  wave(
    'wave2-forever',
    { en: '2nd wave lost for ever', zh: '第二次挥手永远丢失' },
    {
      en: 'Every pure ACK of B is lost, and B closes after 2 s: its FIN carries an acknowledgement, too. Watch A leave FIN_WAIT_1 and reach TIME_WAIT with that one segment.',
      zh: 'B 的所有纯 ACK 都丢失，2 秒后 B 关闭：它的 FIN 也带着确认。请看 A 凭这一个报文段离开 FIN_WAIT_1，到达 TIME_WAIT。',
    },
    { en: 'And if B never closes?', zh: '如果 B 一直不关闭呢？' },
    {
      en: 'Then A repeats its FIN until it gives up, as if the FIN itself were lost: it can not tell the two apart.',
      zh: '那么 A 会重发 FIN 直到放弃，就像 FIN 本身丢失一样：它分不清这两种情况。',
    },
    `end 70s\n${CONNECT}\n300ms wire rule drop B pure-ACK\n300ms A close a\n2s B close b`,
    FULL,
    'w2_forever_Bclose2s',
  ),
  wave(
    'wave3-once',
    { en: '3rd wave lost once: FIN of B', zh: '第三次挥手丢失一次：B 的 FIN' },
    {
      en: 'B’s FIN is lost. B in LAST_ACK repeats it; A waits in FIN_WAIT_2, where it has nothing to repeat.',
      zh: 'B 的 FIN 丢失。处于 LAST_ACK 的 B 重发它；A 在 FIN_WAIT_2 等待，没有什么可重发的。',
    },
    { en: 'Which timer does A have meanwhile?', zh: '这段时间 A 有什么定时器？' },
    {
      en: 'The FIN_WAIT_2 timer: its application has closed, so it will not wait longer than tcp_fin_timeout, 60 s.',
      zh: 'FIN_WAIT_2 定时器：它的应用程序已关闭，所以最多等 tcp_fin_timeout，即 60 秒。',
    },
    `end 70s\n${CONNECT}\n300ms wire rule drop B FIN 1\n300ms A close a\n600ms B close b`,
    FULL,
    'w3_once',
  ),
  wave(
    'wave3-forever',
    { en: '3rd wave lost for ever', zh: '第三次挥手永远丢失' },
    {
      en: 'No FIN of B arrives. A’s FIN_WAIT_2 ends after tcp_fin_timeout (60 s), without TIME_WAIT. B repeats its FIN until tcp_orphan_retries is used up. The same rule is in force the whole time.',
      zh: 'B 的 FIN 永远到不了。A 的 FIN_WAIT_2 在 tcp_fin_timeout（60 秒）后结束，不经过 TIME_WAIT。B 重发 FIN 直到 tcp_orphan_retries 用完。',
    },
    { en: 'Where does tcp_fin_timeout apply, then?', zh: '那么 tcp_fin_timeout 用在哪里？' },
    {
      en: 'To FIN_WAIT_2 of closed sockets. Not to TIME_WAIT, whatever many guides say.',
      zh: '用于已关闭套接字的 FIN_WAIT_2。不用于 TIME_WAIT，不管多少教程那样说。',
    },
    `end 300s\n${CONNECT}\n300ms wire rule drop B FIN\n300ms A close a\n600ms B close b`,
    { A: `${CLIENT} FIN_WAIT_1 FIN_WAIT_2 CLOSED`, B: `${SERVER} CLOSE_WAIT LAST_ACK CLOSED` },
    'w3_forever',
  ),
  wave(
    'wave4-once',
    { en: '4th wave lost once: the last ACK', zh: '第四次挥手丢失一次：最后的 ACK' },
    {
      en: 'A’s last ACK is lost. B, in LAST_ACK, repeats its FIN, and A must be there to answer: this is what TIME_WAIT is for. Each FIN that A answers starts its 60 s anew.',
      zh: 'A 的最后一个 ACK 丢失。LAST_ACK 中的 B 重发 FIN，A 必须还在那里回答：这正是 TIME_WAIT 的作用。A 每回答一次 FIN，60 秒就重新开始。',
    },
    {
      en: 'What would B get if A had gone straight to CLOSED?',
      zh: '如果 A 直接进入 CLOSED，B 会得到什么？',
    },
    {
      en: 'An RST to its repeated FIN: an error at the end of a connection in which all bytes arrived.',
      zh: '它重发的 FIN 会得到 RST：所有字节都到达了的连接，却以错误结束。',
    },
    `end 70s\n${CONNECT}\n300ms wire rule drop A pure-ACK ack>=2\n300ms A close a\n600ms B close b\n700ms wire clear`,
    FULL,
    'w4_once',
  ),
  wave(
    'wave4-forever',
    { en: '4th wave lost for ever', zh: '第四次挥手永远丢失' },
    {
      en: 'A answers every FIN of B, and every answer is lost. B gives up after tcp_orphan_retries; A leaves TIME_WAIT 60 s after the last FIN that it saw. Both are CLOSED in the end, by timers alone.',
      zh: 'A 回答 B 的每个 FIN，而每个回答都丢失。B 在 tcp_orphan_retries 之后放弃；A 在最后看到 FIN 之后 60 秒离开 TIME_WAIT。最后双方都 CLOSED，全靠定时器。',
    },
    { en: 'Is any data lost?', zh: '有数据丢失吗？' },
    {
      en: 'None. B’s application closed long ago; only its kernel never learns that A had everything.',
      zh: '没有。B 的应用程序早已关闭；只是它的内核永远不知道 A 已收到一切。',
    },
    `end 300s\n${CONNECT}\n300ms wire rule drop A pure-ACK ack>=2\n300ms A close a\n600ms B close b`,
    FULL,
    'w4_forever',
  ),
];
