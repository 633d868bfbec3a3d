import { expect, test } from 'vitest';
import { SO_MAX_PACING_RATE, SOL_SOCKET, TCP_CORK } from '../../src/socket/constants.ts';
import { encodeTcpInfo, TCP_INFO_SIZE, type TcpInfo } from '../../src/socket/tcp-info.ts';
import { type Conn, Lab } from '../rfc/kit.ts';
import { ack, ROUND, sender, sent, tcb, timeout, write } from '../rfc/recovery/kit.ts';

/**
 * Every field of Linux 6.18's struct tcp_info. `live` ones must change in what is lived through here; each that
 * does not has its reason.
 */
const CONSTANT: Record<string, string> = {
  fackets: 'Linux: forward acknowledgements are gone since 4.15, always 0',
  last_ack_sent: 'Linux: "Not remembered, sorry", always 0',
  delivered_e1_bytes: 'accurate ECN option, not built: 0, as on Linux for a peer without it',
  delivered_e0_bytes: 'accurate ECN option, not built: 0, as on Linux for a peer without it',
  delivered_ce_bytes: 'accurate ECN option, not built: 0, as on Linux for a peer without it',
  accecn_fail_mode: 'accurate ECN, not built: 0, as on Linux without it',
  accecn_opt_seen: 'accurate ECN, not built: 0, as on Linux without it',
};

/** In the order of include/uapi/linux/tcp.h, with widths in bytes; the two of bit fields apart. */
const LAYOUT: readonly (readonly [string, number])[] = [
  ...['state', 'ca_state', 'retransmits', 'probes', 'backoff', 'options'].map(n => [n, 1] as const),
  ['snd_wscale:4 rcv_wscale:4', 1],
  ['delivery_rate_app_limited:1 fastopen_client_fail:2', 1],
  ...(
    'rto ato snd_mss rcv_mss unacked sacked lost retrans fackets last_data_sent last_ack_sent last_data_recv ' +
    'last_ack_recv pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans'
  )
    .split(' ')
    .map(n => [n, 4] as const),
  ...['pacing_rate', 'max_pacing_rate', 'bytes_acked', 'bytes_received'].map(n => [n, 8] as const),
  ...['segs_out', 'segs_in', 'notsent_bytes', 'min_rtt', 'data_segs_in', 'data_segs_out'].map(
    n => [n, 4] as const,
  ),
  ...['delivery_rate', 'busy_time', 'rwnd_limited', 'sndbuf_limited'].map(n => [n, 8] as const),
  ...['delivered', 'delivered_ce'].map(n => [n, 4] as const),
  ...['bytes_sent', 'bytes_retrans'].map(n => [n, 8] as const),
  ...['dsack_dups', 'reord_seen', 'rcv_ooopack', 'snd_wnd', 'rcv_wnd', 'rehash'].map(n => [n, 4] as const),
  ...['total_rto', 'total_rto_recoveries'].map(n => [n, 2] as const),
  ['total_rto_time', 4],
  ...(
    'received_ce delivered_e1_bytes delivered_e0_bytes delivered_ce_bytes received_e1_bytes received_e0_bytes ' +
    'received_ce_bytes'
  )
    .split(' ')
    .map(n => [n, 4] as const),
  ...['accecn_fail_mode', 'accecn_opt_seen'].map(n => [n, 2] as const),
];

const names = LAYOUT.flatMap(([n]) => n.split(' ').map(part => part.split(':')[0]!));

test('the structure has Linux 6.18’s fields, each at its place', () => {
  const info = new Lab().accepted().info();
  expect(Object.keys(info).sort()).toEqual([...names].sort());
  // Every field gets a value of its own, which must stand where the header has it.
  const values: Record<string, number> = {};
  names.forEach((name, i) => {
    values[name] = i + 3;
  });
  Object.assign(values, {
    snd_wscale: 9,
    rcv_wscale: 6,
    delivery_rate_app_limited: 1,
    fastopen_client_fail: 2,
  });
  const bytes = encodeTcpInfo(values as unknown as TcpInfo);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [name, width] of LAYOUT) {
    const got =
      width === 1
        ? view.getUint8(at)
        : width === 2
          ? view.getUint16(at, true)
          : width === 4
            ? view.getUint32(at, true)
            : Number(view.getBigUint64(at, true));
    if (name.startsWith('snd_wscale:')) expect(got).toBe(0x69);
    else if (name.startsWith('delivery_rate_app')) expect(got).toBe(1 | (2 << 1));
    else expect(got, `${name} at ${at}`).toBe(values[name]);
    at += width;
  }
  expect(at).toBe(TCP_INFO_SIZE);
  expect(bytes.length).toBe(280);
});

test('each field is live, or constant for a reason that is written down', () => {
  const seen = new Map<string, Set<number>>();
  const look = (c: Conn): TcpInfo => {
    const info = c.info();
    for (const [name, value] of Object.entries(info)) {
      const values = seen.get(name) ?? new Set();
      seen.set(name, values.add(value as number));
    }
    return info;
  };

  // A sender: round trips, limits, loss, repetitions.
  const c = sender({ sysctl: { tcp_early_retrans: 0 } });
  look(c);
  write(c, 15);
  look(c);
  sent(c);
  c.lab.run(ROUND + 0.013);
  ack(c, 0, [[4, 6]]);
  ack(c, 6);
  look(c);
  ack(c, 10);
  sent(c);
  c.lab.run(ROUND);
  ack(c, 10, [[12, 15]]);
  c.lab.run(0.05);
  look(c);
  timeout(c);
  look(c);
  timeout(c);
  look(c);
  c.lab.run(ROUND);
  ack(c, 15);
  c.lab.run(0.01);
  ack(c, 15, [[10, 11]]);
  look(c);
  c.set(SOL_SOCKET, SO_MAX_PACING_RATE, 1000);
  look(c);
  c.set(SOL_SOCKET, SO_MAX_PACING_RATE, -1);
  // A window of nothing, probed; a buffer that is full.
  c.window = 0;
  c.say('.');
  c.feed(6_000_000);
  c.lab.run(3);
  look(c);
  c.window = 65535;
  c.say('.');
  for (let i = 0; i < 3; i++) {
    c.lab.run(ROUND);
    look(c);
    c.drain();
  }
  look(c);

  // A writer that waits for buffer space: all there is has been sent, and the window would take more.
  const w = sender({ sysctl: { tcp_wmem: '4096 20000 20000' } });
  w.send(50_000);
  expect(sent(w).length).toBe(10);
  Object.assign(tcb(w), { cwnd: 100, ssthresh: 8 });
  ack(w, 10);
  expect(sent(w).length).toBeGreaterThan(0);
  w.lab.run(ROUND);
  expect(look(w).sndbuf_limited).toBe(ROUND * 1e6);
  // Corked: something waits unsent.
  const k = sender();
  k.set(6, TCP_CORK, 1);
  k.send(100);
  look(k);

  // A receiver: marks, early data, a slow reader, options of all kinds.
  const lab = new Lab();
  const r = lab.accepted({ mss: 1400, windowScale: 3, sackOk: true, timestamps: true, synFlags: 'EW' });
  look(r);
  let at = 1;
  for (let i = 0; i < 40; i++) {
    r.say('P.', { seq: at, data: 1388, tos: 1 + (i % 3) });
    at += 1388;
    r.heard();
    if (i % 4 === 0) {
      lab.run(0.05);
      r.recv(100_000);
    }
  }
  r.say('.', { seq: at + 2000, data: 1000 });
  r.drain();
  look(r);
  r.send('x'.repeat(3000));
  r.heard();
  lab.run(ROUND);
  r.say('E.');
  look(r);

  // Fast Open that found no cookie, and a smaller path.
  const f = sender({ prepare: (l, fd) => void l.setsockopt(fd, 6, 30, 1) });
  look(f);
  const small = new Lab({ mtu: 600 }).accepted({ timestamps: true });
  look(small);
  small.shutdown(1);
  look(small);
  const refused = new Lab({ sysctl: { tcp_fastopen_blackhole_timeout_sec: 0 } });
  look(refused.accepted());

  const still = names.filter(n => (seen.get(n)?.size ?? 0) < 2 && !(n in CONSTANT));
  expect(still, 'neither live nor explained').toEqual([]);
  for (const [name, why] of Object.entries(CONSTANT)) expect([...seen.get(name)!], why).toEqual([0]);
});
