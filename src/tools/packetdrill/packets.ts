import { MICROS_PER_SECOND, type Micros, NEVER } from '../../base/time.ts';
import type { EventTime, IcmpSpec, IpSpec, PacketSpec, TcpSpec, UdpSpec } from './ast.ts';
import type { Config } from './config.ts';
import type { Flow } from './flow.ts';
import type { Flows } from './flows.ts';
import { icmpNumbers } from './icmp-names.ts';
import type { Machine } from './machine.ts';
import { actualText, cannotJoin, compareIp, compareTcp, expectedText, join } from './match.ts';
import { buildIcmp, buildIp, buildTcp, buildUdp, type IpFields } from './packet-build.ts';
import { secondsText } from './packet-text.ts';
import type { LivePacket, LiveTcp } from './packet-view.ts';
import { Problem } from './problem.ts';

/** How much later than expected an outbound packet is waited for. */
const PATIENCE: Micros = 2 * MICROS_PER_SECOND;
const DEFAULT_TTL = 255;

/** The packets of a script: injects the inbound ones, waits for the outbound ones and compares them. */
export class Packets {
  private readonly config: Config;
  private readonly machine: Machine;
  private readonly flows: Flows;
  private readonly note: (text: string) => void;

  constructor(config: Config, machine: Machine, flows: Flows, note: (text: string) => void) {
    this.config = config;
    this.machine = machine;
    this.flows = flows;
    this.note = note;
  }

  // Inbound.

  inject(spec: PacketSpec, line: number): void {
    const { body } = spec;
    if (body.kind === 'other') throw new Problem(line, `packets of '${body.protocol}' cannot be made`);
    const flow = this.flows.inbound(body);
    const ip = this.ipFields(spec.ip);
    if (body.kind === 'tcp') this.injectTcp(spec, body, ip, flow, line);
    else if (body.kind === 'udp') {
      const [from, to] = body.ports ?? [flow.remotePort, flow.localPort];
      this.machine.inject(buildUdp(ip, from, to, body.length), 0);
    } else this.machine.inject(this.icmp(spec, body, ip, flow, line), 0);
  }

  private ipFields(ip: IpSpec): IpFields {
    const ecn = ip.ecn === 'ect01' ? 2 : (ip.ecn ?? 0);
    return {
      source: this.config.remoteIp,
      destination: this.config.localIp,
      tos: ip.tos ?? ecn,
      ttl: ip.ttl ?? DEFAULT_TTL,
      flowLabel: ip.flowLabel ?? 0,
    };
  }

  private injectTcp(spec: PacketSpec, body: TcpSpec, ip: IpFields, flow: Flow, line: number): void {
    const fields = flow.toLive(body, this.config.scaledEcho);
    if (typeof fields === 'string') throw new Problem(line, fields, { expected: spec.text });
    const { mss } = this.config;
    this.machine.inject(buildTcp(ip, fields), mss > 0 && body.length > mss ? mss : 0);
  }

  private icmp(spec: PacketSpec, body: IcmpSpec, ip: IpFields, flow: Flow, line: number): Uint8Array {
    const v4 = ip.destination.is4;
    const numbers = icmpNumbers(v4, body.type, body.code);
    if (numbers === null)
      throw new Problem(
        line,
        `${v4 ? 'IPv4' : 'IPv6'} has no ICMP '${[body.type, body.code].filter(x => x !== null).join(' ')}'`,
        { expected: spec.text },
      );
    const echo = /^echo_/.test(body.type);
    const rest = echo ? ((body.id ?? 0) << 16) >>> 0 : (body.mtu ?? 0);
    return buildIcmp(
      ip,
      numbers.type,
      numbers.code,
      rest,
      echo ? new Uint8Array(0) : this.quoted(body, flow),
    );
  }

  /** The start of the live packet that an error quotes: its IP header and 8 bytes. */
  private quoted(body: IcmpSpec, flow: Flow): Uint8Array {
    const ip: IpFields = {
      source: this.config.localIp,
      destination: this.config.remoteIp,
      tos: 0,
      ttl: 64,
      flowLabel: 0,
    };
    const { protocol, length } = body.echoed;
    const head = new Uint8Array((protocol === 'udp' ? 8 : 20) + length);
    const v = new DataView(head.buffer);
    v.setUint16(0, flow.localPort);
    v.setUint16(2, flow.remotePort);
    if (protocol === 'udp') v.setUint16(4, head.length);
    else v.setUint32(4, flow.quoted(body.echoed.seq));
    const whole = buildIp(ip, protocol === 'udp' ? 17 : 6, head);
    return whole.slice(0, whole.length - head.length + 8);
  }

  // Outbound.

  /**
   * Takes the next packet that the stack emits for the socket under test and compares it.
   * @param last scheduled time of the event before
   * @param each called after each step in time, to check calls that return meanwhile
   */
  expect(spec: PacketSpec, line: number, time: EventTime, last: Micros, each: () => void): void {
    const { body } = spec;
    if (body.kind === 'other') throw new Problem(line, `packets of '${body.protocol}' cannot be expected`);
    const limit = this.limit(time);
    const packet = this.next(body.kind, limit, each);
    if (packet === null) {
      const waited = limit === NEVER ? '' : ` until ${secondsText(limit)}`;
      this.wrong(line, `no packet came${waited}`, { expected: this.text(spec), actual: 'nothing' });
      return;
    }
    let at = packet.at;
    if (body.kind === 'tcp') at = this.expectTcp(spec, body, packet, line, limit, each);
    else this.expectOther(spec, body, packet, line);
    this.checkTime(spec, line, time, last, at);
  }

  private text(spec: PacketSpec): string {
    return spec.body.kind === 'tcp' ? expectedText(spec.body, spec.ip) : spec.text;
  }

  private limit(time: EventTime): Micros {
    if (time.kind === 'any' || time.until === NEVER) return NEVER;
    return Math.max(this.machine.now, time.until ?? time.at) + PATIENCE;
  }

  private next(kind: 'tcp' | 'udp' | 'icmp', limit: Micros, each: () => void): LivePacket | null {
    const { emitted } = this.machine;
    for (;;) {
      for (let p = emitted.shift(); p !== undefined; p = emitted.shift())
        if (p.body.kind === kind && this.flows.owns(p)) return p;
      const some = this.machine.advance(limit, () => emitted.length > 0 || this.machine.finished.length > 0);
      each();
      if (!some && emitted.length === 0) return null;
    }
  }

  private expectTcp(
    spec: PacketSpec,
    body: TcpSpec,
    first: LivePacket,
    line: number,
    limit: Micros,
    each: () => void,
  ): Micros {
    const flow = this.flows.current!;
    const pieces = [first.body as LiveTcp];
    this.flows.outbound(flow, body, pieces[0]!.seq, pieces[0]!.flags);
    let fault = first.fault;
    let length = pieces[0]!.length;
    while (!this.config.strictSegments && fault === '' && length > 0 && length < body.length) {
      const more = this.next('tcp', limit, each);
      if (more === null) break;
      const next = more.body as LiveTcp;
      const why = cannotJoin(pieces, next);
      if (why !== '') {
        const got = actualText(body, first, join(pieces), flow, spec.ip);
        this.wrong(
          line,
          `only ${length} of ${body.length} bytes came before a packet that cannot belong to them: ${why}`,
          {
            expected: this.text(spec),
            actual: `${got}, then ${actualText(null, more, next, flow, spec.ip)}`,
          },
        );
        return first.at;
      }
      pieces.push(next);
      length += next.length;
      fault = more.fault;
    }
    const whole = join(pieces);
    const options = { tickMicros: this.config.tickMicros, toleranceMicros: this.config.toleranceMicros };
    const differences = compareTcp(body, spec.ip, { ...first, fault }, whole, flow, options);
    if (differences.length > 0)
      this.wrong(line, differences.join('; '), {
        expected: this.text(spec),
        actual: actualText(body, first, whole, flow, spec.ip),
        time: first.at,
      });
    return first.at;
  }

  private expectOther(spec: PacketSpec, body: UdpSpec | IcmpSpec, packet: LivePacket, line: number): void {
    const wrong: string[] = packet.fault === '' ? [] : [packet.fault];
    const live = packet.body;
    compareIp(spec.ip, packet, this.flows.current ?? this.flows.inbound(body), wrong);
    let actual = '> udp';
    if (body.kind === 'udp' && live.kind === 'udp') {
      actual = `> udp (${live.length})`;
      if (live.length !== body.length) wrong.push(`payload length ${live.length} instead of ${body.length}`);
      if (
        body.ports !== null &&
        (body.ports[0] !== live.sourcePort || body.ports[1] !== live.destinationPort)
      )
        wrong.push(`ports ${live.sourcePort} > ${live.destinationPort} instead of ${body.ports.join(' > ')}`);
    } else if (body.kind === 'icmp' && live.kind === 'icmp') {
      actual = `> icmp type_${live.type} code_${live.code}`;
      const want = icmpNumbers(packet.version === 4, body.type, body.code);
      if (want === null || want.type !== live.type || want.code !== live.code)
        wrong.push('type or code differ');
    }
    if (wrong.length > 0) this.wrong(line, wrong.join('; '), { expected: spec.text, actual });
  }

  private checkTime(spec: PacketSpec, line: number, time: EventTime, last: Micros, at: Micros): void {
    if (time.kind === 'any') return;
    const until = time.until ?? time.at;
    const tolerance = Math.max(
      this.config.toleranceMicros,
      (this.config.tolerancePercent / 100) * (time.at - last),
    );
    if (at >= time.at - tolerance && at <= until + tolerance) return;
    const wanted =
      time.until === null ? secondsText(time.at) : `${secondsText(time.at)} to ${secondsText(until)}`;
    this.wrong(line, `the packet came at ${secondsText(at)} instead of ${wanted}`, {
      expected: `${wanted} ${this.text(spec)}`,
      actual: `${secondsText(at)}`,
    });
  }

  private wrong(
    line: number,
    message: string,
    more: { expected: string; actual: string; time?: Micros },
  ): void {
    if (this.config.lenientPackets) this.note(`line ${line}: ${message}`);
    else throw new Problem(line, message, { expected: more.expected, actual: more.actual });
  }
}
