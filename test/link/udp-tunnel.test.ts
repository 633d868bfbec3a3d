import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, test } from 'vitest';
import { openUdpLink, type UdpLink } from '../../src/link/udp/link.ts';
import { FramePool } from '../../src/wire/frame.ts';
import { converse, Hosts, until } from './hosts.ts';

const pool = new FramePool();
const frame = (n = 60) => pool.from(new Uint8Array(n));
const local = { address: '127.0.0.1', port: 0 };

let hosts = new Hosts();
const links: UdpLink[] = [];
const open = async (...options: Parameters<typeof openUdpLink>): Promise<UdpLink> => {
  const link = await openUdpLink(...options);
  links.push(link);
  return link;
};
afterEach(async () => {
  await hosts.close();
  hosts = new Hosts();
  for (const l of links.splice(0)) l.close();
});

describe('a UDP tunnel', () => {
  for (const medium of ['ip', 'ethernet'] as const) {
    test(`joins two hosts over ${medium}: one knows the other, who learns`, async () => {
      const far = await open({ medium, local, learn: 'first' });
      const near = await open({ medium, local, peer: far.local });
      const a = hosts.add('A', '10.9.0.1/24', near);
      const b = hosts.add('B', '10.9.0.2/24', far);
      expect(near.mtu).toBe(medium === 'ip' ? 1472 : 1458);
      expect(await converse(a, b, '10.9.0.2')).toMatchObject({ question: 200_000, waits: 1 });
      expect(far.peer).toEqual(near.local);
    });
  }

  test('over IPv6 the outer header takes more room', async () => {
    const link = await open({ local: { address: '::1' }, learn: 'first' });
    expect(link.mtu).toBe(1452);
  });

  test('strangers are not heard; with learn last the peer may move', async () => {
    const peer = await open({ local, learn: 'last' });
    const a = await open({ local, peer: peer.local });
    const b = await open({ local, peer: peer.local });
    peer.onreceive = f => f.release();
    expect(peer.transmit(frame())).toBe(true);
    expect(peer.counters.noPeer).toBe(1);
    a.transmit(frame());
    await until(() => peer.counters.received === 1);
    expect(peer.peer).toEqual(a.local);
    b.transmit(frame());
    await until(() => peer.counters.received === 2);
    expect(peer.peer).toEqual(b.local);
    const stranger = await open({ local, peer: a.local });
    stranger.transmit(frame());
    await until(() => a.counters.stranger === 1);
  });

  test('garbage is dropped and counted, and makes nobody a peer', async () => {
    const link = await open({ local, learn: 'first', mtu: 1000 });
    link.onreceive = f => f.release();
    const socket = createSocket('udp4');
    const send = (n: number) => socket.send(new Uint8Array(n), link.local.port, '127.0.0.1');
    send(0);
    send(19);
    send(1001);
    await until(() => link.counters.tooShort + link.counters.tooLong === 3);
    expect(link.peer).toBeNull();
    send(1000);
    await until(() => link.counters.received === 1);
    socket.close();
  });

  test('refuses when too many wait, and says when there is room', async () => {
    const far = await open({ local, learn: 'first' });
    const near = await open({ local, peer: far.local, queue: 2 });
    let writable = 0;
    near.onwritable = () => writable++;
    expect([1, 2, 3].map(() => near.transmit(frame()))).toEqual([true, true, false]);
    await until(() => writable === 1);
    expect(near.transmit(frame(5000))).toBe(true);
    expect(near.counters).toMatchObject({ sent: 2, unsent: 1 });
    near.close();
    expect(near.transmit(frame())).toBe(false);
  });

  test('says what is wrong', async () => {
    await expect(open({ local })).rejects.toThrow('needs a peer');
    await expect(open({ peer: { address: 'localhost', port: 1 } })).rejects.toThrow('not a name');
    await expect(open({ peer: { address: '127.0.0.1', port: 0 } })).rejects.toThrow('1..65535');
    await expect(open({ local, learn: 'first', mtu: 1 })).rejects.toThrow('68..65535');
    const first = await open({ local, learn: 'first' });
    await expect(open({ local: first.local, learn: 'first' })).rejects.toThrow('EADDRINUSE');
  });
});
