import { type Signal, signal } from '@preact/signals';
import type { Words } from '../lessons/index.ts';

/** The language of the page. */
export const lang: Signal<'en' | 'zh'> = signal('en');

export const say = (words: Words): string => words[lang.value];

const w = (en: string, zh: string): Words => ({ en, zh });

/** Every word of the page that is not a lesson's. */
export const WORDS = {
  title: w('lastack lab', 'lastack 实验室'),
  skip: w('Skip to the ladder', '跳到时序图'),
  lessons: w('Lessons', '课程'),
  chooseLesson: w('Choose a lesson', '选择课程'),
  previous: w('Previous', '上一课'),
  next: w('Next', '下一课'),
  question: w('Question', '问题'),
  reveal: w('Show the answer', '看答案'),
  ownScript: w('Your own scenario', '你自己的场景'),
  badAddress: w('The script in this address can’t be read.', '无法读取地址中的脚本。'),
  theme: w('Light or dark', '浅色或深色'),
  language: w('中文', 'English'),
  close: w('Close', '关闭'),
  help: w('Keys', '快捷键'),
  colon: w(': ', '：'),
  comma: w(', ', '，'),
  stop: w('. ', '。'),
  tabLesson: w('Lesson', '课程'),
  tabWire: w('Wire', '线路'),
  tabScript: w('Script', '脚本'),
  tabKnobs: w('sysctl', 'sysctl'),
  tabLadder: w('Ladder', '时序图'),
  host: w('Host', '主机'),

  // Time.
  play: w('Play', '播放'),
  pause: w('Pause', '暂停'),
  toStart: w('To the start', '回到开头'),
  toEnd: w('To the end', '到结尾'),
  back: w('One event back', '后退一个事件'),
  stepEvent: w('Next event', '下一个事件'),
  stepSegment: w('Next segment', '下一个报文段'),
  stepState: w('Next change of state', '下一次状态变化'),
  speed: w('Speed', '速度'),
  evenly: w('steady', '匀速'),
  moment: w('Moment', '时刻'),
  more: w('One minute more', '再运行一分钟'),
  moreShort: w('+1 min', '+1 分钟'),
  whatIf: w('What if: forget what comes after this moment', '假设：忘掉此刻之后的一切'),
  whatIfShort: w('What if…', '假设……'),
  follow: w('Follow', '跟随'),

  // The ladder.
  ladder: w('Ladder of segments', '报文段时序图'),
  ladderHelp: w(
    'Arrow keys choose a row, Enter opens it, D loses the segment.',
    '方向键选择一行，回车打开，D 丢弃该报文段。',
  ),
  time: w('Time', '时间'),
  from: w('From', '来自'),
  what: w('What', '内容'),
  fate: w('Fate', '结果'),
  onlyThis: w('only this connection', '只看这条连接'),
  connection: w('Connection', '连接'),
  connections: w('Connections', '连接数'),
  rowsShown: w('rows on the screen', '屏幕上的行'),
  again: w('again', '重传'),
  copy: w('copy', '副本'),
  repeats: w('repeats the segment of', '重传的是这一时刻的报文段：'),
  because: w('because of ', '原因：'),

  // Fates and what can be done to a segment.
  delivered: w('arrives', '到达'),
  dropped: w('lost', '丢失'),
  delayed: w('delayed', '被延迟'),
  duplicated: w('duplicated', '被复制'),
  corrupted: w('corrupted', '被损坏'),
  reordered: w('overtaken', '乱序'),
  marked: w('marked', '被标记'),
  lose: w('Lose it', '丢掉它'),
  delay: w('Delay it', '延迟它'),
  duplicate: w('Double it', '复制它'),
  reorder: w('Let others overtake it', '让别的先到'),
  corrupt: w('Flip a bit', '翻转一个比特'),
  undo: w('As it was', '恢复原样'),
  loopback: w('goes to the host itself and never reaches the wire', '发给主机自己，不经过线路'),
  injected: w('forged: put on the wire by the script', '伪造：由脚本放到线路上'),
  bytes: w('Bytes', '字节'),
  header: w('Header', '首部'),
  noBytes: w('The bytes were not kept.', '没有保留字节。'),
  goThere: w('Go to this moment', '跳到这一时刻'),
  arrives: w('arrives at', '到达于'),
  sentAt: w('sent at', '发送于'),

  // Hosts.
  states: w('States of the connection', '连接的状态'),
  noConnection: w('no connection', '没有连接'),
  sockets: w('Sockets', '套接字'),
  noSockets: w('no sockets', '没有套接字'),
  moreSockets: w('more', '更多'),
  orphan: w('closed by its program', '程序已关闭它'),
  down: w('No power. Its memory is gone.', '已断电，内存全失。'),
  windows: w('Sequence space and windows', '序列空间与窗口'),
  sendSide: w('Sends', '发送'),
  receiveSide: w('Receives', '接收'),
  timers: w('Timers', '定时器'),
  noTimers: w(
    'no timer runs: nothing will happen here by itself',
    '没有定时器在运行：这里不会自行发生任何事',
  ),
  queues: w('Queues of the listener', '监听套接字的队列'),
  synQueue: w('SYN queue', 'SYN 队列'),
  acceptQueue: w('accept queue', 'accept 队列'),
  acts: w('The program on this host', '这台主机上的程序'),
  onSocket: w('socket', '套接字'),
  newSocket: w('new', '新建'),
  port: w('port', '端口'),
  backlog: w('backlog', 'backlog'),
  bytesUnit: w('bytes', '字节'),
  crash: w('Cut the power', '断电'),
  restart: w('Start again', '重新启动'),
  acked: w('acknowledged', '已确认'),
  sentUnacked: w('sent, not acknowledged', '已发未确认'),
  waiting: w('written, not sent', '已写未发'),
  windowLeft: w('window', '窗口'),
  unread: w('not read yet', '尚未读取'),
  readOut: w('read by the program', '程序已读取'),
  noHosts: w('Hosts are seen here when the page runs them itself.', '只有页面自己运行主机时，这里才有内容。'),

  // The wire.
  wireNow: w('What the wire does', '线路的行为'),
  rules: w('Rules', '规则'),
  addRule: w('Add', '添加'),
  rulePlaceholder: w('lose A’s 1st FIN', '丢 A 的第 1 个 FIN'),
  ruleHelp: w(
    'In words: “lose A’s 1st FIN”, “lose every ACK from B”, “delay B’s data by 300ms”, “duplicate A’s 2nd SYN”, “lose 5% of everything”. Or in the grammar of rules: drop B FIN 1..2',
    '可以用文字：“丢 A 的第 1 个 FIN”、“丢 B 的所有 ACK”、“B 的数据延迟 300ms”、“丢 5% 的报文段”。也可以用规则语法：drop B FIN 1..2',
  ),
  understood: w('understood as', '理解为'),
  ruleNoAction: w(
    'What shall happen to the segment? Begin with lose, delay, duplicate, reorder or corrupt.',
    '要对报文段做什么？先写丢、延迟、复制、乱序或损坏。',
  ),
  ruleLast: w(
    'Which one is the last is not known beforehand. Click it on the ladder, and lose it there.',
    '事先无法知道哪个是最后一个。请在时序图上点击它，在那里丢掉它。',
  ),
  fromNow: w('from this moment on', '从此刻起'),
  fromStart: w('from the start', '从头开始'),
  lossLabel: w('Loss', '丢包'),
  delayLabel: w('Delay, one way', '单向延迟'),
  rateLabel: w('Rate', '速率'),
  partition: w('Cut the wire', '剪断线路'),
  mend: w('Join it again', '接上线路'),
  clearRules: w('Remove all rules', '取消所有规则'),
  noRules: w('The wire does nothing to segments.', '线路原样传送报文段。'),

  // The script.
  scriptHelp: w(
    'The whole scenario, a line for each thing that is done: time, who (A, B, wire), what. It is also in the address of this page.',
    '整个场景：每件事一行，依次写时间、谁（A、B 或 wire）、做什么。本页的地址里也有它。',
  ),
  runScript: w('Run', '运行'),
  scriptText: w('Script', '脚本'),

  // Knobs.
  knobHelp: w(
    'Linux’s own names. A value set here holds from this moment on; what comes after it happens anew.',
    '名字与 Linux 相同。在这里设置的值从此刻起生效，此后的事重新发生。',
  ),
  search: w('Search', '搜索'),
  set: w('Set', '设置'),
  defaultValue: w('default', '默认'),

  // Charts.
  charts: w('Charts', '图表'),
  cwnd: w('cwnd, segments', 'cwnd（报文段）'),
  flight: w('in flight, segments', '在途（报文段）'),
  ssthresh: w('ssthresh', 'ssthresh'),
  srtt: w('smoothed RTT, ms', '平滑 RTT（毫秒）'),
  sender: w('Sender', '发送方'),

  // Traffic that the page did not make.
  liveShort: w('Live', '实时'),
  liveText: w(
    'Connections of the running gateway, as they happen. Try it in a terminal:',
    '运行中的网关的连接，实时显示。在终端里试试：',
  ),
  liveGone: w('The gateway does not answer; trying again.', '网关没有应答，正在重试。'),
  liveOn: w('connected to the gateway', '已连接到网关'),
  openCapture: w('Open a capture', '打开抓包文件'),
  captureText: w('From the file', '来自文件'),
  notTcp: w('packets that are not TCP', '个非 TCP 数据包'),
  missed: w('events were missed', '个事件被遗漏'),
  backToLab: w('Back to the lab', '回到实验室'),
  cantRead: w('This file can’t be read as a capture', '无法作为抓包文件读取'),
  inferred: w('States are inferred from the segments.', '状态由报文段推断而来。'),

  // Taking away.
  takeAway: w('Take away', '导出'),
  shareLink: w('Copy the link to this moment', '复制此刻的链接'),
  copied: w('Copied', '已复制'),
  linkTooLong: w('The script is too long for a link.', '脚本太长，放不进链接。'),
  pcapA: w('Capture at A, pcapng', 'A 处的抓包 (pcapng)'),
  pcapB: w('Capture at B, pcapng', 'B 处的抓包 (pcapng)'),
  qlog: w('qlog', 'qlog'),
  ladderSvg: w('Ladder, SVG', '时序图 (SVG)'),
  ladderPng: w('Ladder, PNG', '时序图 (PNG)'),
  statesSvg: w('State diagram, SVG', '状态图 (SVG)'),
  statesPng: w('State diagram, PNG', '状态图 (PNG)'),
  pktA: w('packetdrill script of A', 'A 的 packetdrill 脚本'),
  pktB: w('packetdrill script of B', 'B 的 packetdrill 脚本'),

  // Keys.
  keyPlay: w('play or pause', '播放或暂停'),
  keyBack: w('one event back', '后退一个事件'),
  keyEvent: w('next event', '下一个事件'),
  keySegment: w('next segment', '下一个报文段'),
  keyState: w(
    'next change of state (the 60 s of TIME_WAIT are one key)',
    '下一次状态变化（TIME_WAIT 的 60 秒只需一键）',
  ),
  keyEnds: w('start, end', '开头、结尾'),
  keySpeed: w('slower, faster', '减速、加速'),
  keyRows: w('choose the row above or below', '选择上一行或下一行'),
  keyOpen: w('what is in the chosen segment', '查看选中的报文段'),
  keyLose: w('lose the chosen segment', '丢掉选中的报文段'),
  keyLessons: w('lessons', '课程'),
  keyHelp: w('this list', '本列表'),
} as const satisfies Readonly<Record<string, Words>>;

export const t = (key: keyof typeof WORDS): string => say(WORDS[key]);
