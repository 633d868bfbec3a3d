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
      zh: '三个报文段：SYN、SYN+ACK、ACK。请看旁边的系统调用：A 的 connect() 在第二个报文段到达时返回，B 的 accept() 要等第三个到达。每一方都必须听到自己的序列号被确认，所以两个报文段是不够的。',
    },
    question: {
      en: 'Which side is ESTABLISHED first, and for how long is it alone there?',
      zh: '哪一方先进入 ESTABLISHED？它独自处于该状态多久？',
    },
    answer: {
      en: 'The client, for the time that its ACK is on the way: half a round trip, 10 ms here. If that ACK is lost, it is alone until it sends data, which acknowledges as well.',
      zh: '客户端，时长为它的 ACK 在途的时间：半个往返，这里是 10 毫秒。如果这个 ACK 丢失，在客户端发送数据（数据同样带确认）之前，它一直是独自处于该状态。',
    },
    script: `end 2s\n${CONNECT}`,
    path: { A: CLIENT, B: SERVER },
  },
  {
    id: 'refused',
    group: 'open',
    title: { en: 'Connection refused', zh: '连接被拒绝' },
    text: {
      en: 'Nobody listens on port 81. The host itself answers with RST, no application is asked, and connect() fails with ECONNREFUSED after one round trip. B has no state for this, before or after.',
      zh: '81 端口没有人监听。主机自己用 RST 回答，不询问任何应用程序，connect() 在一个往返之后以 ECONNREFUSED 失败。B 在此前后都没有任何状态。',
    },
    question: {
      en: 'How does a firewall that silently drops look different?',
      zh: '如果是防火墙悄悄丢弃，看起来有什么不同？',
    },
    answer: {
      en: 'Nothing comes back: the SYN is repeated after 1, 2, 4 … seconds and connect() fails with ETIMEDOUT after about two minutes. Add the rule "drop A SYN" and see.',
      zh: '没有任何回答：SYN 在 1、2、4……秒后重发，大约两分钟后 connect() 以 ETIMEDOUT 失败。加上规则“drop A SYN”就能看到。',
    },
    script: 'end 1s\n0 B listen s 80 5\n10ms A connect a B:81',
    path: { A: 'SYN_SENT CLOSED', B: '' },
    golden: 'closed_port',
  },
  {
    id: 'before-accept',
    group: 'open',
    title: { en: 'Established before anyone accepts', zh: '无人 accept 也已建立' },
    text: {
      en: 'The application on B is busy for two seconds. The handshake completes without it: the kernel makes the connection and puts it into the accept queue (Recv-Q of the listener). A can even send, and B acknowledges. accept() only takes out what is ready.',
      zh: 'B 上的应用程序忙了两秒。握手不需要它就完成了：内核建立连接并放入 accept 队列（监听套接字的 Recv-Q）。A 甚至可以发送数据，B 会确认。accept() 只是取出已经就绪的连接。',
    },
    question: {
      en: 'A sends 1000 bytes and gets the ACK. Has the server program received them?',
      zh: 'A 发送了 1000 字节并收到 ACK。服务器程序收到它们了吗？',
    },
    answer: {
      en: 'No. An ACK says that the peer’s TCP has them. Only an answer of the application says that the application has.',
      zh: '没有。ACK 只说明对方的 TCP 收到了。只有应用程序的回答才说明应用程序收到了。',
    },
    script:
      'end 4s\n0 B listen s 80 5\n10ms A connect a B:80\n500ms A write a 1000\n2s B accept s b\n2.5s B read b',
    path: { A: CLIENT, B: SERVER },
  },
  {
    id: 'simultaneous-open',
    group: 'open',
    title: { en: 'Simultaneous open', zh: '同时打开' },
    text: {
      en: 'Both ends connect() to each other’s bound port at the same moment. The SYNs cross; each side goes from SYN_SENT to SYN_RECV and answers SYN+ACK. One connection comes of it, not two, and nobody listened.',
      zh: '两端在同一时刻 connect() 到对方已绑定的端口。两个 SYN 交错；双方都从 SYN_SENT 进入 SYN_RECV 并回答 SYN+ACK。结果是一条连接而不是两条，而且没有人监听。',
    },
    question: { en: 'How many segments did it take?', zh: '一共用了几个报文段？' },
    answer: {
      en: 'Four: two SYNs and two SYN+ACKs. This is how hole punching through NATs can work with TCP.',
      zh: '四个：两个 SYN 和两个 SYN+ACK。用 TCP 穿透 NAT 打洞就是靠它。',
    },
    script: 'end 2s\n0 A bind a 5000\n0 B bind b 5000\n10ms A connect a B:5000\n10ms B connect b A:5000',
    path: { A: 'SYN_SENT SYN_RECV ESTABLISHED', B: 'SYN_SENT SYN_RECV ESTABLISHED' },
  },
  {
    id: 'self-connect',
    group: 'open',
    title: { en: 'A socket connects to itself', zh: '套接字连接到自己' },
    text: {
      en: 'A binds port 5000 and connects to its own address and port. Its SYN comes back to itself: a simultaneous open with one participant. What it writes it reads. This happens by accident when a client keeps retrying a local port of the ephemeral range where no server runs.',
      zh: 'A 绑定 5000 端口，然后连接到自己的地址和端口。它的 SYN 回到自己：只有一个参与者的同时打开。它写什么就读到什么。当客户端不断重试一个落在临时端口范围内、又没有服务器运行的本地端口时，会意外发生这种事。',
    },
    question: {
      en: 'Why is that bad for the server that wants to start later?',
      zh: '为什么这对稍后想启动的服务器不利？',
    },
    answer: {
      en: 'Its port is taken: bind() fails with EADDRINUSE, and the client is happy with its own echo. Keep server ports out of ip_local_port_range.',
      zh: '它的端口被占用：bind() 以 EADDRINUSE 失败，而客户端满足于自己的回声。服务器端口应避开 ip_local_port_range。',
    },
    script:
      'end 2s\n0 A bind a 5000\n10ms A connect a A:5000\n100ms A write a 100\n200ms A read a\n400ms A shutdown a wr\n600ms A close a',
    path: { A: 'SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT_1 CLOSING TIME_WAIT', B: '' },
    golden: 'selfconnect',
  },
];
