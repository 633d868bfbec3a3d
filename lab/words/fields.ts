import type { Field } from './header.ts';
import { lang } from './words.ts';

/** Header fields as Chinese textbooks call them; names that are not here stay as they are. */
const CHINESE: Readonly<Record<string, string>> = {
  'version, header length': '版本、首部长度',
  version: '版本',
  'DSCP, ECN': 'DSCP、ECN',
  'total length': '总长度',
  identification: '标识',
  'flags, offset': '标志、片偏移',
  protocol: '协议',
  checksum: '校验和',
  source: '源地址',
  destination: '目的地址',
  'flow label': '流标签',
  'payload length': '有效载荷长度',
  'next header': '下一个首部',
  'hop limit': '跳数限制',
  'source port': '源端口',
  'destination port': '目的端口',
  'sequence number': '序列号',
  'acknowledgment number': '确认号',
  'data offset': '数据偏移',
  flags: '标志',
  window: '窗口',
  'urgent pointer': '紧急指针',
  'window scale': '窗口扩大',
  'SACK permitted': '允许 SACK',
  timestamps: '时间戳',
  payload: '数据',
  options: '选项',
};

export const fieldName = ({ name }: Field): string =>
  lang.value === 'en' ? name : (CHINESE[name] ?? name.replace(/^option (\d+)$/, '选项 $1'));

export const layerName = ({ layer }: Field): string =>
  layer === 'data' && lang.value === 'zh' ? '数据' : layer;

export const fieldValue = ({ value }: Field): string =>
  lang.value === 'en' ? value : value.replace(/(\d+) bytes$/, '$1 字节').replace(', echo ', '，回显 ');
