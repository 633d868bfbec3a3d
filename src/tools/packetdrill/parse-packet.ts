import { ACK, AE, CWR, ECE, FIN, PSH, RST, SYN, URG } from '../../wire/segment.ts';
import type { IcmpSpec, IpSpec, OtherSpec, PacketSpec, TcpOptionSpec, TcpSpec, UdpSpec } from './ast.ts';
import type { Cursor } from './cursor.ts';

/** Parses what follows an event's time when it begins with `<` (inbound) or `>` (outbound). */
export function parsePacket(c: Cursor): PacketSpec {
  const from = c.token;
  const direction = c.take().text === '<' ? 'in' : 'out';
  const ip = parseIp(c);
  const body = parseOther(c) ?? parseBody(c);
  return { direction, ip, body, text: c.textSince(from) };
}

/**
 * Prefixes of the tool's own tests (`ipv4 a > b:`, `gre …:`, `mpls …:`, `encap psp …`) and other protocols: taken
 * whole, up to the next event. What runs the script says that it cannot make or expect such a packet.
 */
function parseOther(c: Cursor): OtherSpec | null {
  const t = c.token;
  if (t.kind !== 'word' || /^(icmp|udp)$/.test(t.text) || /^[FSRPEWAU0-7]+$/.test(t.text)) return null;
  const psp = t.text === 'encap' && c.peek(1).text === 'psp';
  skipEvent(c);
  return { kind: 'other', protocol: psp ? 'psp' : t.text };
}

/** Takes everything to the next event, which begins on a line of its own with its time. */
function skipEvent(c: Cursor): void {
  while (!c.is('end') && !(c.token.first && beginsEvent(c))) c.take();
}

/** Whether the token under the cursor looks like the time of an event. */
export function beginsEvent(c: Cursor): boolean {
  const t = c.token;
  if (t.kind === 'integer' || t.kind === 'float' || t.kind === 'backquoted') return true;
  return t.kind === 'symbol' && (t.text === '+' || t.text === '*');
}

function parseIp(c: Cursor): IpSpec {
  let ecn: IpSpec['ecn'] = null;
  let tos: number | null = null;
  let ttl: number | null = null;
  let flowLabel: number | null = null;
  while (c.isSymbol('[') || c.isSymbol('(')) {
    const close = c.take().text === '[' ? ']' : ')';
    while (!c.accept(close)) {
      const word = c.expectKind('word', 'ect0, ect1, ce, noecn, tos, ttl or flowlabel').text;
      if (word === 'noecn') ecn = 0;
      else if (word === 'ect1') ecn = 1;
      else if (word === 'ect0') ecn = 2;
      else if (word === 'ce') ecn = 3;
      else if (word === 'ect01') ecn = 'ect01';
      else if (word === 'tos' || word === 'tc') tos = c.integer('a TOS byte') & 0xff;
      else if (word === 'ttl' || word === 'hl') ttl = c.integer('a time to live') & 0xff;
      else if (word === 'flowlabel') flowLabel = c.integer('a flow label') & 0xfffff;
      else c.fail(`'${word}' says nothing about an IP header; next`);
      c.accept(',');
    }
  }
  return { ecn, tos, ttl, flowLabel };
}

function parsePorts(c: Cursor): readonly [number, number] | null {
  const t = c.token;
  const far = c.peek(2);
  if (t.kind !== 'integer' || c.peek(1).text !== '>' || far.kind !== 'integer') return null;
  c.seek(c.position + 3);
  return [t.number & 0xffff, far.number & 0xffff];
}

function parseBody(c: Cursor): PacketSpec['body'] {
  if (c.accept('icmp')) return parseIcmp(c);
  if (c.accept('udp')) return parseUdp(c);
  return parseTcp(c);
}

/** `udp [sport > dport] (length)`, ports perhaps in brackets; followed by anything else it carries another protocol. */
function parseUdp(c: Cursor): UdpSpec | OtherSpec {
  let ports = parsePorts(c);
  if (ports === null && c.isSymbol('(') && c.peek(2).text === '>') {
    c.take();
    ports = parsePorts(c);
    c.expect(')');
  }
  if (c.isSymbol('(') && c.peek(2).text === ')') {
    c.take();
    const length = c.integer('the length of the UDP payload');
    c.expect(')');
    return { kind: 'udp', ports, length };
  }
  skipEvent(c);
  return { kind: 'other', protocol: 'udp' };
}

function parseIcmp(c: Cursor): IcmpSpec {
  const type = c.expectKind('word', 'an ICMP type').text;
  let code: string | null = null;
  let mtu: number | null = null;
  let id: number | null = null;
  let echoed: IcmpSpec['echoed'] = { protocol: 'tcp', seq: 0, length: 0 };
  for (;;) {
    if (c.token.first) break;
    if (c.accept('mtu')) mtu = c.integer('an MTU');
    else if (c.accept('id')) id = c.integer('an identifier');
    else if (c.accept('[')) {
      if (c.accept('udp')) {
        c.expect('(');
        echoed = { protocol: 'udp', seq: 0, length: c.integer('a length') };
        c.expect(')');
      } else echoed = { protocol: 'tcp', ...parseSequence(c) };
      c.expect(']');
    } else if (c.token.kind === 'word' && code === null) code = c.take().text;
    else break;
  }
  return { kind: 'icmp', type, code, mtu, id, echoed };
}

/** `seq:end(length)`; the end must be seq + length. */
function parseSequence(c: Cursor): { seq: number; length: number } {
  const seq = c.integer('a sequence number');
  c.expect(':');
  const endToken = c.token;
  const end = c.integer('the sequence number behind the payload');
  c.expect('(');
  const length = c.integer('the length of the payload');
  c.expect(')');
  if ((end | 0) !== ((seq + length) | 0)) {
    c.seek(c.position - 4);
    c.fail(`${endToken.text} is not ${seq} + ${length}; the sequence range is wrong`);
  }
  return { seq: seq >>> 0, length };
}

const FLAGS: Readonly<Record<string, number>> = {
  F: FIN,
  S: SYN,
  R: RST,
  P: PSH,
  '.': ACK,
  U: URG,
  E: ECE,
  W: CWR,
  A: AE,
  '-': 0,
};

/** Flags: the run of tokens without blanks between them, read letter by letter. */
function parseFlags(c: Cursor): number {
  const from = c.take();
  // A negative number swallowed the '-' of "no flags"; nothing published writes that without a blank.
  let end = from.end;
  while (c.token.start === end && !c.is('end') && !c.isSymbol('<')) end = c.take().end;
  let flags = 0;
  for (const letter of from.kind === 'word' && from.end === end
    ? from.text
    : c.source.slice(from.start, end)) {
    const bit = FLAGS[letter];
    if (bit !== undefined) flags |= bit;
    else if (letter >= '0' && letter <= '7') {
      const ace = Number(letter);
      flags |= (ace & 4 ? AE : 0) | (ace & 2 ? CWR : 0) | (ace & 1 ? ECE : 0);
    } else {
      c.seek(c.position - 1);
      c.fail(`'${letter}' is no TCP flag (F S R P . U E W A, a digit for ACE, or -)`);
    }
  }
  return flags;
}

function parseTcp(c: Cursor): TcpSpec | OtherSpec {
  const ports = parsePorts(c);
  const flags = parseFlags(c);
  const { seq, length } = parseSequence(c);
  let ack = 0;
  let window: number | null = null;
  let urgent = 0;
  for (;;) {
    if (c.accept('ack')) ack = c.integer('an acknowledgement number') >>> 0;
    else if (c.accept('win')) window = c.integer('a window') & 0xffff;
    else if (c.accept('urg')) urgent = c.integer('an urgent pointer') & 0xffff;
    else break;
  }
  let options: TcpOptionSpec[] | null = [];
  if (c.accept('<')) {
    options = c.token.kind === 'ellipsis' ? null : parseOptions(c);
    if (options === null) c.take();
    c.expect('>');
  }
  if (c.isSymbol('/')) {
    // FreeBSD's dialect: the segment travels inside UDP.
    skipEvent(c);
    return { kind: 'other', protocol: 'tcp in udp' };
  }
  return { kind: 'tcp', ports, flags, seq, length, ack, window, urgent, options };
}

function parseOptions(c: Cursor): TcpOptionSpec[] {
  const options: TcpOptionSpec[] = [];
  while (!c.isSymbol('>')) {
    options.push(parseOption(c));
    if (!c.accept(',') && !c.isSymbol('>')) c.fail("',' or '>' is expected here");
  }
  return options;
}

function parseOption(c: Cursor): TcpOptionSpec {
  const from = c.token;
  const name = c.expectKind('word', 'a TCP option').text;
  switch (name) {
    case 'eol':
    case 'nop':
    case 'sackOK':
      return { kind: name };
    case 'mss':
    case 'wscale':
      return { kind: name, value: c.integer('its value') };
    case 'TS': {
      c.expect('val');
      const val = c.integer('a timestamp') >>> 0;
      c.expect('ecr');
      return { kind: 'TS', val, ecr: c.integer('a timestamp echo') >>> 0 };
    }
    case 'sack': {
      const blocks: (readonly [number, number])[] = [];
      while (c.token.kind === 'integer') {
        const left = c.integer('the left edge of a SACK block') >>> 0;
        c.expect(':');
        blocks.push([left, c.integer('the right edge of a SACK block') >>> 0]);
      }
      return { kind: 'sack', blocks };
    }
    case 'FO':
    case 'FOEXP':
    case 'md5':
      return { kind: name, bytes: parseHex(c) };
    case 'ECN': {
      const fields: { name: 'e0b' | 'ceb' | 'e1b'; value: number }[] = [];
      while (c.isWord('e0b') || c.isWord('ceb') || c.isWord('e1b'))
        fields.push({ name: c.take().text as 'e0b' | 'ceb' | 'e1b', value: c.integer('a byte counter') });
      return { kind: 'ECN', fields };
    }
    default: {
      // An option of another dialect (multipath, experimental …): kept as written.
      for (let depth = 0; c.token.kind !== 'end'; c.take()) {
        if (depth === 0 && (c.isSymbol(',') || c.isSymbol('>'))) break;
        if (c.isSymbol('(') || c.isSymbol('[') || c.isSymbol('{')) depth++;
        else if (c.isSymbol(')') || c.isSymbol(']') || c.isSymbol('}')) depth--;
      }
      return { kind: 'other', name, text: c.textSince(from) };
    }
  }
}

/** Hexadecimal digits, perhaps cut into several tokens; null if none follow. */
function parseHex(c: Cursor): Uint8Array | null {
  let digits = '';
  while ((c.token.kind === 'word' || c.token.kind === 'integer') && /^(0x)?[0-9a-fA-F]+$/.test(c.token.text))
    digits += c.take().text.replace(/^0x/, '');
  if (digits === '') {
    if (c.token.kind === 'word') c.take(); // `md5 valid`, or a defined name without a value
    return null;
  }
  if (digits.length % 2) digits = `0${digits}`;
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}
