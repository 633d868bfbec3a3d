import type { Address } from '../../base/address.ts';
import { ACK, SYN } from '../../wire/segment.ts';
import type { IcmpSpec, TcpSpec, UdpSpec } from './ast.ts';
import type { Config } from './config.ts';
import { Flow } from './flow.ts';
import type { LivePacket } from './packet-view.ts';

/** First port of the remote end's connections; each next one adds one. */
const FIRST_REMOTE_PORT = 40_000;

/**
 * The sockets of a script, of which one is under test: the latest that `socket()` made, or the child that a
 * packet to a listener makes. Scripted packets belong to it, and of the live ones only its own are seen.
 */
export class Flows {
  private readonly config: Config;
  private readonly all: Flow[] = [];
  private remotePorts = FIRST_REMOTE_PORT;
  /** The socket under test; null until there is one. */
  current: Flow | null = null;

  constructor(config: Config) {
    this.config = config;
  }

  private add(fd: number, remotePort: number): Flow {
    const flow = new Flow(this.config.bindPort, remotePort);
    flow.fd = fd;
    this.all.push(flow);
    this.current = flow;
    return flow;
  }

  made(fd: number): void {
    this.add(fd, this.config.connectPort);
  }

  private byFd(fd: number): Flow | undefined {
    return this.all.findLast(f => f.fd === fd);
  }

  listening(fd: number): void {
    const flow = this.byFd(fd);
    if (flow !== undefined) flow.state = 'listening';
  }

  /** A connect() begins: its SYN will tell the local port and sequence number. */
  connecting(fd: number): void {
    const flow = this.byFd(fd);
    if (flow?.state === 'new') flow.state = 'connecting';
  }

  disconnected(fd: number): void {
    const flow = this.byFd(fd);
    if (flow !== undefined && flow.state !== 'listening') flow.state = 'new';
  }

  closed(fd: number): void {
    const flow = this.byFd(fd);
    if (flow !== undefined) flow.fd = -1;
  }

  /** accept() has given a connection from this port of the peer: false if no scripted packet began it. */
  accepted(fd: number, remotePort: number | null): boolean {
    const flow =
      remotePort === null
        ? this.all.findLast(f => f.fd < 0 && f.remotePort >= FIRST_REMOTE_PORT)
        : this.all.findLast(f => f.remotePort === remotePort && f.remotePort >= FIRST_REMOTE_PORT);
    if (flow === undefined) return false;
    flow.fd = fd;
    return true;
  }

  /** The flow of an inbound packet: on a listener, or before any socket, it begins a connection. */
  inbound(spec: TcpSpec | UdpSpec | IcmpSpec): Flow {
    let flow = this.current;
    if (spec.kind === 'tcp' && (flow === null || flow.state === 'listening')) {
      flow = this.add(-1, this.remotePorts++);
      flow.state = 'syn-received';
      flow.learnRemote(spec.seq);
    } else flow ??= this.add(-1, this.remotePorts++);
    if (spec.kind !== 'tcp') return flow;
    if ((flow.state === 'syn-sent' || flow.state === 'connecting') && spec.flags & SYN) {
      flow.learnRemote(spec.seq);
      flow.state = 'known';
    }
    return flow;
  }

  /** Whether a live packet belongs to the socket under test. */
  owns(packet: LivePacket): boolean {
    const { body } = packet;
    if (body.kind !== 'tcp' && body.kind !== 'udp') return body.kind === 'icmp';
    const flow = this.current;
    if (flow === null || !this.between(packet)) return false;
    if (body.kind === 'udp') return body.destinationPort === flow.remotePort || flow.state === 'new';
    if (flow.state === 'connecting' && body.flags & SYN && body.destinationPort === flow.remotePort) {
      flow.localPort = body.sourcePort;
      return true;
    }
    return body.sourcePort === flow.localPort && body.destinationPort === flow.remotePort;
  }

  private between(packet: LivePacket): boolean {
    const same = (a: Address, b: Address): boolean =>
      a.a === b.a && a.b === b.b && a.c === b.c && a.d === b.d;
    return same(packet.source, this.config.localIp) && same(packet.destination, this.config.remoteIp);
  }

  /** An outbound packet is about to be compared: the first with SYN tells the local sequence number. */
  outbound(flow: Flow, spec: TcpSpec, seq: number, flags: number): void {
    if (!(flags & SYN) || !(spec.flags & SYN)) return;
    if (flow.state === 'connecting' && !(flags & ACK)) {
      flow.learnLocal(spec.seq, seq);
      flow.state = 'syn-sent';
    } else if (flow.state === 'syn-received' && flags & ACK) {
      flow.learnLocal(spec.seq, seq);
      flow.state = 'known';
    }
  }
}
