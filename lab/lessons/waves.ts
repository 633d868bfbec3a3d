import { CONNECT, type Lesson, type Words } from './lesson.ts';

const CLIENT = 'SYN_SENT ESTABLISHED';
const SERVER = 'SYN_RECV ESTABLISHED';
const FULL: Lesson['path'] = {
  A: `${CLIENT} FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT CLOSED`,
  B: `${SERVER} CLOSE_WAIT LAST_ACK CLOSED`,
};

/** One of the eight: which wave is lost, how often, and what comes of it. */
type Wave = Omit<Lesson, 'group' | 'script' | 'golden'> & {
  readonly golden: string;
  /** After the connection has been made. */
  readonly closes: string;
  readonly end: string;
};

const wave = ({ closes, end, ...lesson }: Wave): Lesson => ({
  ...lesson,
  group: 'waves',
  script: `hz 250\nend ${end}\n${CONNECT}\n${closes}`,
});

const title = (n: number, en: string, zh: string): Words => ({
  en: `${['1st', '2nd', '3rd', '4th'][n - 1]} wave lost ${en}`,
  zh: `第${'一二三四'[n - 1]}次挥手${zh}`,
});

export const waves: readonly Lesson[] = [
  wave({
    id: 'wave1-once',
    title: title(1, 'once: FIN of A', '丢失一次：A 的 FIN'),
    text: {
      en: 'A’s FIN is lost. A stays in FIN_WAIT_1 with a timer; B knows nothing and stays ESTABLISHED. After about 220 ms the FIN is sent again, by the tail loss probe, and all goes on as if nothing had been.',
      zh: 'A 的 FIN 丢失。A 停在 FIN_WAIT_1，带着定时器；B 一无所知，仍是 ESTABLISHED。约 220 毫秒后，尾部丢失探测（TLP）把 FIN 再发一次，之后一切照常。',
    },
    question: { en: 'Does close() on A notice?', zh: 'A 的 close() 会察觉吗？' },
    answer: {
      en: 'No: it returned long before. What is left is the kernel’s work.',
      zh: '不会：它早已返回。剩下的是内核的工作。',
    },
    end: '70s',
    closes: '300ms wire rule drop A FIN 1\n300ms A close a\n600ms B close b',
    path: FULL,
    golden: 'w1_once',
  }),
  wave({
    id: 'wave1-forever',
    title: title(1, 'for ever', '永远丢失'),
    text: {
      en: 'No FIN of A ever arrives. A sends it ten times, the last ones at doubling distances. Nobody holds the socket, it is an orphan, so tcp_orphan_retries applies (0, which means 8): after 113 s A gives up and is gone without a word. B stays ESTABLISHED for ever: it has no timer.',
      zh: 'A 的 FIN 永远到不了。A 一共发了十次，后来的间隔每次加倍。没有程序再持有这个套接字，它成了孤儿，因此受 tcp_orphan_retries 约束（0，意为 8）：113 秒后 A 放弃，无声地消失。B 永远停在 ESTABLISHED：它没有定时器。',
    },
    question: { en: 'What would rescue B?', zh: '什么能救 B？' },
    answer: {
      en: 'Keepalive, or a write: the answer would be an RST, because A has forgotten the connection. Add "230s B write b 1".',
      zh: 'keepalive，或者一次写操作：得到的回答会是 RST，因为 A 已经忘了这条连接。加上“230s B write b 1”看看。',
    },
    end: '240s',
    closes: '300ms wire rule drop A FIN\n300ms A close a',
    path: { A: `${CLIENT} FIN_WAIT_1 CLOSED`, B: SERVER },
    golden: 'w1_forever',
    // Then B wrote and met a reset, as the answer says.
    goldenUntil: 230,
  }),
  wave({
    id: 'wave2-once',
    title: title(2, 'once: ACK of B', '丢失一次：B 的 ACK'),
    text: {
      en: 'B has the FIN, but its ACK is lost. A repeats its FIN; B sees an old FIN and answers with an ACK again. ACKs are never repeated by themselves: what they answer is.',
      zh: 'B 收到了 FIN，但它的 ACK 丢失。A 重发 FIN；B 看到旧的 FIN，再次用 ACK 回答。ACK 自己从不重发：重发的是它所回答的报文段。',
    },
    question: {
      en: 'Does B leave CLOSE_WAIT because of the second FIN?',
      zh: '第二个 FIN 会让 B 离开 CLOSE_WAIT 吗？',
    },
    answer: {
      en: 'No. Only its application can do that, by close() or shutdown(); here at 2.3 s.',
      zh: '不会。只有它的应用程序可以，通过 close() 或 shutdown()；这里是在 2.3 秒。',
    },
    end: '70s',
    closes: '300ms wire rule drop B pure-ACK 1\n300ms A close a\n2.3s B close b',
    path: FULL,
    golden: 'w2_once',
  }),
  wave({
    id: 'wave2-forever',
    title: title(2, 'for ever', '永远丢失'),
    text: {
      en: 'Every pure ACK of B is lost. A repeats its FIN four times, as if the FIN itself were lost. Two seconds after A’s close B closes: its FIN carries an acknowledgement, too. Watch A leave FIN_WAIT_1 and reach TIME_WAIT with that one segment.',
      zh: 'B 的所有纯 ACK 都丢失。A 把 FIN 重发了四次，就好像丢的是 FIN 本身。A 关闭两秒之后 B 关闭：它的 FIN 也带着确认。请看 A 凭这一个报文段离开 FIN_WAIT_1，到达 TIME_WAIT。',
    },
    question: { en: 'And if B never closes?', zh: '如果 B 一直不关闭呢？' },
    answer: {
      en: 'Then A repeats its FIN until it gives up: it can not tell a lost FIN from a lost ACK.',
      zh: '那么 A 会一直重发 FIN 直到放弃：它分不清丢的是 FIN 还是 ACK。',
    },
    end: '70s',
    closes: '300ms wire rule drop B pure-ACK\n300ms A close a\n2.3s B close b',
    path: FULL,
    golden: 'w2_forever_Bclose2s',
  }),
  wave({
    id: 'wave3-once',
    title: title(3, 'once: FIN of B', '丢失一次：B 的 FIN'),
    text: {
      en: 'B’s FIN is lost. B, in LAST_ACK, repeats it after about 220 ms; A waits in FIN_WAIT_2, where it has nothing to repeat.',
      zh: 'B 的 FIN 丢失。处于 LAST_ACK 的 B 在约 220 毫秒后重发；A 在 FIN_WAIT_2 等待，没有什么可重发的。',
    },
    question: { en: 'Which timer does A have meanwhile?', zh: '这段时间 A 有什么定时器？' },
    answer: {
      en: 'The FIN_WAIT_2 timer: its application has closed, so it will not wait longer than tcp_fin_timeout, 60 s.',
      zh: 'FIN_WAIT_2 定时器：它的应用程序已关闭，所以最多等 tcp_fin_timeout，即 60 秒。',
    },
    end: '70s',
    closes: '300ms wire rule drop B FIN 1\n300ms A close a\n600ms B close b',
    path: FULL,
    golden: 'w3_once',
  }),
  wave({
    id: 'wave3-forever',
    title: title(3, 'for ever', '永远丢失'),
    text: {
      en: 'No FIN of B arrives. A’s FIN_WAIT_2 ends after tcp_fin_timeout (60 s), without TIME_WAIT. B is an orphan in LAST_ACK: it sends its FIN ten times and is gone 113 s after its close.',
      zh: 'B 的 FIN 永远到不了。A 的 FIN_WAIT_2 在 tcp_fin_timeout（60 秒）后结束，不经过 TIME_WAIT。B 是处于 LAST_ACK 的孤儿：它把 FIN 发了十次，在关闭 113 秒之后消失。',
    },
    question: { en: 'Where does tcp_fin_timeout apply, then?', zh: '那么 tcp_fin_timeout 用在哪里？' },
    answer: {
      en: 'To FIN_WAIT_2 of closed sockets. Not to TIME_WAIT, whatever many guides say.',
      zh: '用于已关闭套接字的 FIN_WAIT_2。不用于 TIME_WAIT，尽管许多教程那样说。',
    },
    end: '120s',
    closes: '300ms wire rule drop B FIN\n300ms A close a\n600ms B close b',
    path: { A: `${CLIENT} FIN_WAIT_1 FIN_WAIT_2 CLOSED`, B: `${SERVER} CLOSE_WAIT LAST_ACK CLOSED` },
    golden: 'w3_forever',
  }),
  wave({
    id: 'wave4-once',
    title: title(4, 'once: the last ACK', '丢失一次：最后的 ACK'),
    text: {
      en: 'A’s last ACK is lost. B, in LAST_ACK, repeats its FIN, and A must be there to answer: this is what TIME_WAIT is for. Each FIN that A answers starts its 60 s anew.',
      zh: 'A 的最后一个 ACK 丢失。LAST_ACK 中的 B 重发 FIN，A 必须还在那里回答：这正是 TIME_WAIT 的作用。A 每回答一次 FIN，60 秒就重新开始。',
    },
    question: {
      en: 'What would B get if A had gone straight to CLOSED?',
      zh: '如果 A 直接进入 CLOSED，B 会得到什么？',
    },
    answer: {
      en: 'An RST to its repeated FIN: an error at the end of a connection in which all bytes arrived. The lesson "Why TIME_WAIT: the last ACK" shows it.',
      zh: '重发的 FIN 会换来 RST：所有字节都已到达，连接却以错误结束。“为什么要 TIME_WAIT：最后的 ACK”一课演示了这一点。',
    },
    end: '70s',
    closes: '300ms wire rule drop A pure-ACK 1\n300ms A close a\n600ms B close b',
    path: FULL,
    golden: 'w4_once',
  }),
  wave({
    id: 'wave4-forever',
    title: title(4, 'for ever', '永远丢失'),
    text: {
      en: 'A answers every FIN of B, ten in all, and every answer is lost. B gives up 113 s after its close; A leaves TIME_WAIT 60 s after the last FIN that it saw. Both are CLOSED in the end, by timers alone.',
      zh: 'A 回答了 B 的每个 FIN，一共十个，而每个回答都丢了。B 在关闭 113 秒之后放弃；A 在最后一次看到 FIN 之后 60 秒离开 TIME_WAIT。最后双方都 CLOSED，全靠定时器。',
    },
    question: { en: 'Is any data lost?', zh: '有数据丢失吗？' },
    answer: {
      en: 'None. B’s application closed long ago; only its kernel never learns that A had everything.',
      zh: '没有。B 的应用程序早已关闭；只是它的内核永远不知道 A 已收到一切。',
    },
    end: '120s',
    closes: '300ms wire rule drop A pure-ACK\n300ms A close a\n600ms B close b',
    path: FULL,
    golden: 'w4_forever',
  }),
];
