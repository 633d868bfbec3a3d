import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCapture } from '../../src/wire/pcapng.ts';
import { run, scratch } from './kit.ts';

/** What tshark says about one frame. */
export interface FrameReport {
  readonly number: number;
  readonly protocols: string;
  readonly source: string;
  /** Flags of TCP by the letters of FSRPAU, '' for another protocol. */
  readonly flags: string;
  /** Number of its TCP connection in the file, −1 for another protocol. */
  readonly stream: number;
  readonly length: number;
  /** 'good', 'bad', 'unverified' or 'not present', outermost first. */
  readonly checksums: readonly string[];
  readonly remarks: readonly Remark[];
  readonly comment: string;
  readonly urgent: number;
  readonly sack: number;
}

export interface Remark {
  readonly severity: Severity;
  readonly group: string;
  readonly message: string;
}

export type Severity = 'comment' | 'chat' | 'note' | 'warning' | 'error';

// As epan/proto.h numbers them.
const SEVERITIES: Readonly<Record<number, Severity>> = {
  1048576: 'comment',
  2097152: 'chat',
  4194304: 'note',
  6291456: 'warning',
  8388608: 'error',
};
const GROUPS: Readonly<Record<number, string>> = {
  16777216: 'checksum',
  33554432: 'sequence',
  50331648: 'response code',
  83886080: 'undecoded',
  100663296: 'reassemble',
  117440512: 'malformed',
  150994944: 'protocol',
  167772160: 'security',
  184549376: 'comments',
};
const STATUS = ['bad', 'good', 'unverified', 'not present'];

const FIELDS = [
  'frame.number',
  'frame.protocols',
  '_ws.col.Source',
  'tcp.flags',
  'tcp.stream',
  'tcp.len',
  'ip.checksum.status',
  'tcp.checksum.status',
  'udp.checksum.status',
  'icmp.checksum.status',
  'icmpv6.checksum.status',
  '_ws.expert.severity',
  '_ws.expert.group',
  '_ws.expert.message',
  'frame.comment',
  'tcp.urgent_pointer',
  'tcp.options.sack.count',
];

/**
 * Wireshark 4 puts these two notes on the FINs of every connection; they say what happens, and nothing is
 * wrong with it.
 */
const OF_EVERY_FIN = /^This frame (initiates|undergoes) the connection closing/;

/** Every frame of a capture file, with checksums verified. */
export async function tsharkFile(file: string): Promise<FrameReport[]> {
  const prefs = ['tcp', 'ip', 'udp'].flatMap(p => ['-o', `${p}.check_checksum:TRUE`]);
  const r = await run('tshark', [
    '-r',
    file,
    '-n',
    ...prefs,
    '-T',
    'fields',
    '-E',
    'separator=/t',
    '-E',
    'occurrence=a',
    '-E',
    'aggregator=|',
    ...FIELDS.flatMap(f => ['-e', f]),
  ]);
  if (r.code !== 0) throw new Error(`tshark: ${r.err}`);
  return r.out
    .split('\n')
    .filter(line => line !== '')
    .map(reportOf);
}

/**
 * Many captures with one run of tshark: pcapng sections may follow each other in one file. Connections of
 * different captures must differ in their addresses.
 */
export async function tshark(captures: readonly Uint8Array[]): Promise<FrameReport[][]> {
  const file = join(scratch(), 'all.pcapng');
  writeFileSync(file, Buffer.concat(captures));
  const frames = await tsharkFile(file);
  let at = 0;
  const split = captures.map(c => {
    const n = readCapture(c).packets.length;
    at += n;
    return frames.slice(at - n, at);
  });
  if (at !== frames.length) throw new Error(`tshark saw ${frames.length} frames, we wrote ${at}`);
  return split;
}

function reportOf(line: string): FrameReport {
  const cells = line.split('\t');
  const list = (name: string): string[] => {
    const cell = cells[FIELDS.indexOf(name)] ?? '';
    return cell === '' ? [] : cell.split('|');
  };
  const first = (name: string): string => list(name)[0] ?? '';
  const groups = list('_ws.expert.group');
  const messages = list('_ws.expert.message');
  const bits = Number(first('tcp.flags') || 0);
  return {
    number: Number(first('frame.number')),
    protocols: first('frame.protocols'),
    source: first('_ws.col.Source'),
    flags: [...'FSRPAU'].filter((_, i) => bits & (1 << i)).join(''),
    stream: Number(first('tcp.stream') || -1),
    length: Number(first('tcp.len') || 0),
    checksums: FIELDS.filter(f => f.endsWith('checksum.status'))
      .flatMap(list)
      .map(s => STATUS[Number(s)] ?? s),
    remarks: list('_ws.expert.severity').map((s, i) => ({
      severity: SEVERITIES[Number(s)] ?? 'error',
      group: GROUPS[Number(groups[i])] ?? `group ${groups[i]}`,
      message: messages[i] ?? '',
    })),
    comment: first('frame.comment'),
    urgent: Number(first('tcp.urgent_pointer') || 0),
    sack: Number(first('tcp.options.sack.count') || 0),
  };
}

/** What would be wrong with our bytes, whatever the wire did to them: nothing here is expected, ever. */
export function faults(frames: readonly FrameReport[]): string[] {
  return frames.flatMap(f => [
    ...f.checksums.filter(s => s !== 'good').map(s => `frame ${f.number}: checksum ${s}`),
    ...(f.protocols.includes('malformed') ? [`frame ${f.number}: malformed`] : []),
    ...f.remarks
      .filter(r => !['sequence', 'comments'].includes(r.group) && r.severity !== 'chat')
      .map(r => `frame ${f.number}: ${r.group}, ${r.severity}: ${r.message}`),
  ]);
}

/** What tshark remarks above the level of chat. */
export function remarks(frames: readonly FrameReport[]): string[] {
  return frames.flatMap(f =>
    f.remarks
      .filter(r => !['comment', 'chat'].includes(r.severity) && !OF_EVERY_FIN.test(r.message))
      .map(r => `frame ${f.number}: ${r.severity}: ${r.message}`),
  );
}
