import { CONNECT, type Lesson } from './lesson.ts';

const CLIENT = 'SYN_SENT ESTABLISHED';
const SERVER = 'SYN_RECV ESTABLISHED';

export const opening: readonly Lesson[] = [
  {
    id: 'handshake',
    group: 'open',
    title: { en: 'Three-way handshake', zh: '三次握手' },
    text: {
      en: 'Three segments: SYN, SYN+ACK, ACK. Watch the calls beside them: connect() on A returns when the second segment arrives, accept() on B only when the third does. Each side must hear its own sequence number acknowledged, so two segments can not be enough.',
      zh: '三个报文段：SYN、SYN+ACK、ACK。请看旁边的系统调用：A 的 connect() 在第二个报文段到达时返回，B 的 accept() 要等第三个到达。每一方都必须收到对自己序列号的确认，所以两个报文段不够。',
    },
    question: {
      en: 'Which side is ESTABLISHED first, and for how long is it alone there?',
      zh: '哪一方先进入 ESTABLISHED？它比另一方早多久？',
    },
    answer: {
      en: 'The client, by the time that its ACK is on the way: half a round trip, 10 ms here. If that ACK is lost it is alone for longer: see the lesson about the lost third segment.',
      zh: '客户端，早的就是它的 ACK 在路上的时间：半个往返，这里是 10 毫秒。如果这个 ACK 丢了，就会早得更久：见“第三个报文段丢失”一课。',
    },
    script: `hz 250\nend 2s\n${CONNECT}`,
    path: { A: CLIENT, B: SERVER },
    golden: 'base4',
    // Before anything is closed.
    goldenUntil: -0.1,
  },
  {
    id: 'third-lost',
    group: 'open',
    title: { en: 'The third segment is lost', zh: '第三个报文段丢失' },
    text: {
      en: 'A’s ACK is lost. A is ESTABLISHED and its connect() has returned; on B the connection is still an entry in the SYN queue, in SYN_RECV, and accept() would find nothing. A’s data at 110 ms carries the same acknowledgement and completes the handshake.',
      zh: 'A 的 ACK 丢了。A 已是 ESTABLISHED，connect() 也已返回；而在 B 上，这条连接还只是 SYN 队列里的一个条目，状态为 SYN_RECV，accept() 取不到它。110 毫秒时 A 发出的数据带着同样的确认，握手就此完成。',
    },
    question: {
      en: 'What if A has nothing to say and waits for B to speak first?',
      zh: '如果 A 没有数据要发，而是等 B 先说话呢？',
    },
    answer: {
      en: 'B repeats its SYN+ACK after 1 s, and A answers that with an ACK. Remove the line "A write" and see.',
      zh: 'B 在 1 秒后重发 SYN+ACK，A 再用 ACK 回答。删掉“A write”那一行看看。',
    },
    script:
      'hz 250\nend 4s\n0 B listen s 80 5\n0 wire rule drop A pure-ACK 1\n10ms A connect a B:80\n110ms A write a 4\n300ms B accept s b',
    path: { A: CLIENT, B: SERVER },
    golden: 'ack3_lost_data',
    // There the accepted socket was closed, with its data unread.
    goldenUntil: 0.2,
  },
  {
    id: 'refused',
    group: 'open',
    title: { en: 'Connection refused', zh: '连接被拒绝' },
    text: {
      en: 'Nobody listens on port 81. The host itself answers with RST, no application is asked, and connect() fails with ECONNREFUSED after one round trip. A second try fares the same: B keeps no state about any of this.',
      zh: '81 端口没有人监听。主机自己用 RST 回答，不经过任何应用程序，connect() 在一个往返之后以 ECONNREFUSED 失败。再试一次也一样：B 对此不保存任何状态。',
    },
    question: {
      en: 'How does a firewall that silently drops look different?',
      zh: '如果是防火墙悄悄丢弃，看起来有什么不同？',
    },
    answer: {
      en: 'Nothing comes back. The SYN is repeated, each second at first, then at doubling distances, and connect() fails with ETIMEDOUT after a little more than two minutes. Add the line "0 wire rule drop A SYN" and see.',
      zh: '没有任何回应。SYN 不断重发，起初每秒一次，随后间隔加倍，两分多钟后 connect() 以 ETIMEDOUT 失败。加上一行“0 wire rule drop A SYN”就能看到。',
    },
    script: 'hz 250\nend 1s\n10ms A connect a B:81\n300ms A connect a B:81',
    path: { A: 'SYN_SENT CLOSED', B: '' },
    golden: 'refused',
  },
  {
    id: 'before-accept',
    group: 'open',
    title: { en: 'Established before anyone accepts', zh: '无人 accept 也已建立' },
    text: {
      en: 'The application on B is busy for two seconds. The handshake completes without it: the kernel makes the connection and puts it into the accept queue (Recv-Q of the listener). A can even send, and B acknowledges. accept() only takes out what is ready.',
      zh: 'B 上的应用程序忙了两秒，但握手不需要它：内核自己建立连接，放进 accept 队列（监听套接字的 Recv-Q）。A 甚至可以发送数据，B 也会确认。accept() 只是把就绪的连接取出来。',
    },
    question: {
      en: 'A sends 1000 bytes and gets the ACK. Has the server program received them?',
      zh: 'A 发送了 1000 字节并收到 ACK。服务器程序收到它们了吗？',
    },
    answer: {
      en: 'No. An ACK says that the peer’s TCP has them. Only an answer of the application says that the application has.',
      zh: '没有。ACK 只说明对方的 TCP 收到了；只有应用程序自己的回答才说明应用程序收到了。',
    },
    script:
      'end 4s\n0 B listen s 80 5\n10ms A connect a B:80\n500ms A write a 1000\n2s B accept s b\n2.5s B read b',
    path: { A: CLIENT, B: SERVER },
  },
  {
    // In the measured timeline (simopen) a script plays B and sends what a Linux host would not.
    id: 'simultaneous-open',
    group: 'open',
    title: { en: 'Simultaneous open', zh: '同时打开' },
    text: {
      en: 'Both ends connect() to each other’s bound port at the same moment. The SYNs cross; each side goes from SYN_SENT to SYN_RECV and answers SYN+ACK. One connection comes of it, not two, and nobody listened.',
      zh: '两端在同一时刻 connect() 到对方已绑定的端口。两个 SYN 交错；双方都从 SYN_SENT 进入 SYN_RECV 并回答 SYN+ACK。结果是一条连接而不是两条，而且没有谁在监听。',
    },
    question: {
      en: 'How many segments does the RFC need for this, and how many does the run show?',
      zh: '按照 RFC 这需要几个报文段？这次运行里又有几个？',
    },
    answer: {
      en: 'Four: two SYNs and two SYN+ACKs. Linux adds two: each SYN+ACK repeats a SYN that had already arrived, and what arrives twice is answered with an ACK. This is also how TCP can get through two NATs (hole punching).',
      zh: '四个：两个 SYN 和两个 SYN+ACK。Linux 还多出两个：每个 SYN+ACK 都重复了一个早已到达的 SYN，而重复到达的东西要用 ACK 回答。TCP 穿越两个 NAT（打洞）靠的也是同时打开。',
    },
    script: 'end 2s\n0 A bind a 5000\n0 B bind b 5000\n10ms A connect a B:5000\n10ms B connect b A:5000',
    path: { A: 'SYN_SENT SYN_RECV ESTABLISHED', B: 'SYN_SENT SYN_RECV ESTABLISHED' },
  },
  {
    // The measured timeline (selfconnect) has no segments: none went over the wire that was watched.
    id: 'self-connect',
    group: 'open',
    title: { en: 'A socket connects to itself', zh: '套接字连接到自己' },
    text: {
      en: 'A binds port 5000 and connects to its own address and port. Its SYN comes back to itself: a simultaneous open with one participant. What it writes it reads. This happens by accident when a client keeps retrying a local port of the ephemeral range where no server runs.',
      zh: 'A 绑定 5000 端口，然后连接到自己的地址和端口。它的 SYN 回到自己手里：只有一个参与者的同时打开。它写什么就读到什么。如果客户端不断重试一个落在临时端口范围内、又没有服务器的本地端口，就会碰巧发生这种事。',
    },
    question: {
      en: 'Why is that bad for the server that wants to start later?',
      zh: '为什么这对稍后想启动的服务器不利？',
    },
    answer: {
      en: 'Its port is taken: bind() fails with EADDRINUSE, and the client is happy with its own echo. Keep server ports out of ip_local_port_range.',
      zh: '它的端口被占了：bind() 以 EADDRINUSE 失败，而客户端正满足于自己的回声。服务器端口应避开 ip_local_port_range。',
    },
    script:
      'end 2s\n0 A bind a 5000\n10ms A connect a A:5000\n100ms A write a 100\n200ms A read a\n400ms A shutdown a wr\n600ms A close a',
    path: { A: 'SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT_1 CLOSING TIME_WAIT', B: '' },
  },
];
