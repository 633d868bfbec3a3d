import { CONNECT, type Lesson } from './lesson.ts';

const CLIENT = 'SYN_SENT ESTABLISHED';
const SERVER = 'SYN_RECV ESTABLISHED';

export const servers: readonly Lesson[] = [
  {
    // One connection leaks in the measured timeline (closewait_forever); three show better that it is a leak.
    id: 'close-wait-leak',
    group: 'server',
    title: { en: 'The CLOSE_WAIT leak', zh: 'CLOSE_WAIT 泄漏' },
    text: {
      en: 'Three clients close. The server program reads the end of the stream and forgets to close() its sockets. B’s connections stay in CLOSE_WAIT, without any timer, until the program ends; A’s leave FIN_WAIT_2 after 60 s.',
      zh: '三个客户端关闭了。服务器程序读到流的结尾，却忘了 close() 自己的套接字。B 的连接停在 CLOSE_WAIT，没有任何定时器，直到程序结束；A 的连接 60 秒后离开 FIN_WAIT_2。',
    },
    question: { en: 'Which sysctl removes CLOSE_WAITs?', zh: '哪个 sysctl 能清除 CLOSE_WAIT？' },
    answer: {
      en: 'None. CLOSE_WAIT always means: this program has not called close(). Mend the program.',
      zh: '没有。CLOSE_WAIT 永远意味着：这个程序没有调用 close()。修程序。',
    },
    script:
      'end 70s\n0 B listen s 80\n0 B serve s leak\n10ms A connect a*3 B:80\n500ms A close a1\n1s A close a2\n1.5s A close a3',
    path: { A: `${CLIENT} FIN_WAIT_1 FIN_WAIT_2 CLOSED`, B: `${SERVER} CLOSE_WAIT` },
  },
  {
    id: 'fw2-close',
    group: 'server',
    title: { en: 'Stuck FIN_WAIT_2, after close()', zh: '卡住的 FIN_WAIT_2，close() 之后' },
    text: {
      en: 'A has closed, B never will. Nobody could read what still might come, so Linux gives FIN_WAIT_2 only tcp_fin_timeout, 60 s. Watch the timer count down.',
      zh: 'A 已关闭，B 永远不关。没有人能读还可能到来的数据，所以 Linux 只给 FIN_WAIT_2 tcp_fin_timeout，60 秒。请看定时器倒数。',
    },
    question: { en: 'What happens if B sends at 30 s?', zh: '如果 B 在 30 秒时发送数据呢？' },
    answer: {
      en: 'A answers with RST: its application is gone. Add "30s B write b 10".',
      zh: 'A 用 RST 回答：它的应用程序已经不在。加上“30s B write b 10”。',
    },
    script: `hz 250\nend 66s\n${CONNECT}\n300ms A close a`,
    path: { A: `${CLIENT} FIN_WAIT_1 FIN_WAIT_2 CLOSED`, B: `${SERVER} CLOSE_WAIT` },
    golden: 'fw2_orphan',
    // Then B sent and met a reset, as the answer says, and was closed.
    goldenUntil: 66,
  },
  {
    id: 'fw2-shutdown',
    group: 'server',
    title: { en: 'Stuck FIN_WAIT_2, after shutdown()', zh: '卡住的 FIN_WAIT_2，shutdown() 之后' },
    text: {
      en: 'The same with shutdown(SHUT_WR): A’s application still holds the socket and may read. FIN_WAIT_2 then has no timer at all, as the RFC wants it.',
      zh: '同样的情形，但用 shutdown(SHUT_WR)：A 的应用程序仍持有套接字并可读取。这时 FIN_WAIT_2 没有任何定时器，正如 RFC 所要求。',
    },
    question: { en: 'How long does it stay?', zh: '它会停留多久？' },
    answer: {
      en: 'As long as both programs live. An application that half-closes needs a time limit of its own.',
      zh: '两个程序活多久就多久。半关闭的应用程序需要自己的时间限制。',
    },
    script: `hz 250\nend 600s\n${CONNECT}\n300ms A shutdown a wr`,
    path: { A: `${CLIENT} FIN_WAIT_1 FIN_WAIT_2`, B: `${SERVER} CLOSE_WAIT` },
    golden: 'fw2_nonorphan',
  },
  {
    // The measured timeline (ports) asks a peer that answers nothing for 31 connections.
    id: 'ports-exhausted',
    group: 'server',
    title: { en: 'Ports exhausted', zh: '端口耗尽' },
    text: {
      en: 'A has only four ephemeral ports (ip_local_port_range) and opens five connections to the same place. The fifth connect() fails at once with EADDRNOTAVAIL; no segment is sent. A connection to B’s other port is still possible.',
      zh: 'A 只有四个临时端口（ip_local_port_range），却向同一个地方打开五条连接。第五个 connect() 立即以 EADDRNOTAVAIL 失败；没有发出任何报文段。连到 B 的另一个端口仍然可以。',
    },
    question: { en: 'Why does the connect() to port 81 succeed?', zh: '为什么连到 81 端口能成功？' },
    answer: {
      en: 'A connection is named by four numbers: two addresses and two ports. With another remote port each of the four local ports can be used again.',
      zh: '一条连接由四个数标识：两个地址和两个端口。远端端口不同，四个本地端口就都可以再用。',
    },
    script:
      'end 3s\n0 A sysctl ip_local_port_range 40000 40003\n0 B listen s 80\n0 B serve s\n0 B listen t 81\n10ms A connect a*5 B:80\n1s A connect b B:81',
    path: { A: CLIENT, B: SERVER },
  },
  {
    id: 'backlog',
    group: 'server',
    title: { en: 'Backlog overflow', zh: 'backlog 溢出' },
    text: {
      en: 'listen(backlog = 1) admits two finished connections to the accept queue (Linux counts one more). Five clients come, nobody accepts: from the third on their SYNs are ignored and repeated each second. At 3 s the program takes two and closes them; two more get in; the fifth finds the queue full again and waits ever longer.',
      zh: 'listen(backlog = 1) 允许两条已完成的连接进入 accept 队列（Linux 会多收一条）。来了五个客户端，没有人 accept：从第三个起 SYN 被忽略，每秒重发一次。3 秒时程序取走两条并关闭；于是又进来两个；第五个发现队列又满了，等得越来越久。',
    },
    question: { en: 'What did backlog mean before Linux 2.2?', zh: '在 Linux 2.2 之前 backlog 是什么意思？' },
    answer: {
      en: 'The length of the queue of half-open connections (the SYN queue), so a flood of SYNs filled it. Since then backlog counts finished ones that wait for accept().',
      zh: '是半开连接队列（SYN 队列）的长度，所以 SYN 洪水会把它填满。此后 backlog 数的是等待 accept() 的已完成连接。',
    },
    script:
      'hz 250\nend 40s\n0 B listen s 80 1\n10ms A connect a B:80\n110ms A connect b B:80\n210ms A connect c B:80\n310ms A connect d B:80\n410ms A connect e B:80\n3s B accept s x\n3s B close x\n3s B accept s y\n3s B close y',
    path: { A: `${CLIENT} CLOSE_WAIT`, B: `${SERVER} FIN_WAIT_1 FIN_WAIT_2` },
    golden: 'backlog1',
    // Then two more were accepted.
    goldenUntil: 40,
  },
  {
    // The measured timeline (synflood_nocookies) has no honest client that suffers from it.
    id: 'flood',
    group: 'server',
    title: { en: 'SYN flood without cookies', zh: 'SYN 洪水，没有 cookie' },
    text: {
      en: 'Forty SYNs from addresses where nobody answers; tcp_syncookies = 0. Nine of them fill the SYN queue of a listener with backlog 8. An honest SYN of A at 0.5 s is dropped, again and again, while B repeats its SYN+ACKs to nobody.',
      zh: '四十个 SYN 来自无人应答的地址；tcp_syncookies = 0。其中九个就填满了 backlog 为 8 的监听套接字的 SYN 队列。A 在 0.5 秒发出的正当 SYN 一次次被丢弃，而 B 在徒劳地重发 SYN+ACK。',
    },
    question: { en: 'When does A get in?', zh: 'A 什么时候能进来？' },
    answer: {
      en: 'When entries of the queue expire: after tcp_synack_retries (5: 63 s). But while the queue is more than half full, Linux gives old entries fewer tries: here five of them go after 7 s, and A gets in at 7.5 s. A flood that goes on would keep it out.',
      zh: '等队列里的条目过期：按 tcp_synack_retries（5 次）要 63 秒。但队列超过半满时，Linux 让旧条目少试几次：这里有五个在 7 秒后消失，A 在 7.5 秒进来。如果洪水不停，A 就一直进不来。',
    },
    script:
      'end 20s\n0 B sysctl tcp_syncookies 0\n0 B listen s 80 8\n0 B serve s\n50ms wire flood B 80 40\n500ms A connect a B:80',
    path: { A: CLIENT, B: SERVER },
  },
  {
    // As above: syncookies_flood.
    id: 'flood-cookies',
    group: 'server',
    title: { en: 'SYN flood with cookies', zh: 'SYN 洪水，有 cookie' },
    text: {
      en: 'The same flood with tcp_syncookies = 1. When the queue is full, B keeps nothing of a SYN: it hides what it must know in the sequence number of its SYN+ACK. Who answers that with an ACK proves to be real, and the connection is made from the ACK alone: A is in at once.',
      zh: '同样的洪水，tcp_syncookies = 1。队列满了以后，B 对新的 SYN 什么都不保存：它把需要知道的东西藏进 SYN+ACK 的序列号。能用 ACK 回答的就证明自己是真的，连接仅凭这个 ACK 建立：A 立刻就进来了。',
    },
    question: { en: 'What is lost with a cookie?', zh: '用 cookie 会失去什么？' },
    answer: {
      en: 'There is room for one of four values of MSS only; window scale and SACK have to hide in the timestamp. And nothing is repeated: if the client’s ACK is lost and the server is to speak first, the client waits for words of a server that knows of no connection.',
      zh: 'MSS 只能从四个值中选一个，窗口扩大和 SACK 得藏进时间戳。而且什么都不会重发：如果客户端的 ACK 丢了，又该由服务器先说话，客户端就只能干等，而服务器根本不知道有这条连接。',
    },
    script:
      'end 20s\n0 B sysctl tcp_syncookies 1\n0 B listen s 80 8\n0 B serve s\n50ms wire flood B 80 40\n500ms A connect a B:80',
    path: { A: CLIENT, B: SERVER },
  },
];
