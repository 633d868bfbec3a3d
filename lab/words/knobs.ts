import type { Knob } from '../engine/knobs.ts';
import { lang } from './words.ts';

/** Meanings in Chinese of the knobs that people meet; the others are told in English. */
const CHINESE: Readonly<Record<string, string>> = {
  tcp_fin_timeout: '应用程序已关闭的连接在 FIN_WAIT_2 停留多久',
  tcp_orphan_retries: '应用程序已关闭的连接最多重传几次；0 表示 8 次',
  tcp_tw_reuse: '主动连接可否使用处于 TIME_WAIT 的端口：0 不可，1 可以，2 仅限本机回环',
  tcp_tw_reuse_delay: 'TIME_WAIT 至少持续多久，其端口才可重用',
  tcp_max_tw_buckets: '最多保留多少个 TIME_WAIT；超出后连接不经 TIME_WAIT 直接结束',
  tcp_rfc1337: '在 TIME_WAIT 忽略 RST（RFC 1337）',
  tcp_syn_retries: 'connect() 失败前以加倍的间隔重传 SYN 的次数',
  tcp_syn_linear_timeouts: '间隔开始加倍之前，以初始间隔重传 SYN 的次数',
  tcp_synack_retries: '丢弃半连接之前重传 SYN+ACK 的次数',
  tcp_retries1: '重传几次之后怀疑路径有问题',
  tcp_retries2: '放弃连接之前的重传次数（按退避后的总时间计）',
  tcp_syncookies: 'SYN cookie：0 从不，1 SYN 队列满时，2 总是',
  tcp_max_syn_backlog: '不用 cookie 时，监听套接字最多记住的半连接数，超出后拒绝未经证实的客户端',
  'net.core.somaxconn': 'listen() 的 backlog 上限',
  tcp_abort_on_overflow: 'accept 队列满时，用 RST 回答握手的最后一个 ACK',
  ip_local_port_range: '临时端口的第一个和最后一个',
  ip_local_reserved_ports: '从不自动选用的端口，如 8080,9000-9100',
  tcp_keepalive_time: '空闲多久之后发第一个保活探测',
  tcp_keepalive_intvl: '保活探测的间隔',
  tcp_keepalive_probes: '多少个保活探测无应答后放弃连接',
  tcp_sack: '选择确认（RFC 2018）',
  tcp_dsack: '重复 SACK（RFC 2883）',
  tcp_timestamps: '时间戳：0 关，1 开且每条连接有随机偏移，2 开且无偏移',
  tcp_congestion_control: '新套接字的拥塞控制算法',
  tcp_window_scaling: '窗口扩大选项（RFC 7323）',
  tcp_ecn: 'ECN：0 关，1 请求并接受，2 只接受，3 至 5 相应地使用精确 ECN',
  tcp_rmem: '接收缓冲区：最小、初始、自动调整的上限',
  tcp_wmem: '发送缓冲区：最小、初始、自动调整的上限',
  tcp_moderate_rcvbuf: '自动调整接收缓冲区',
  tcp_slow_start_after_idle: '空闲一段时间后减小拥塞窗口',
  tcp_early_retrans: '尾部丢失探测：0 关，3 和 4 开',
  tcp_recovery: '按位：1 RACK，2 固定的乱序窗口，4 不用重复 ACK 阈值',
  tcp_reordering: '初始的乱序程度（报文段数）',
  tcp_max_orphans: '应用程序已关闭但尚未结束的连接数上限；超出的被重置',
  tcp_rto_max_ms: '最大的重传超时',
  tcp_rto_min_us: '重传超时中方差项的最小值',
  tcp_no_metrics_save: '不记住已关闭连接的度量',
  'lastack.msl': '最大报文段寿命；TIME_WAIT 持续其两倍（Linux 固定为 60 秒）',
};

export const knobMeaning = (knob: Knob): string =>
  lang.value === 'en' ? knob.meaning : (CHINESE[knob.short] ?? knob.meaning);
