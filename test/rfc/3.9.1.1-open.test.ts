import { describe, expect, test } from 'vitest';
import { EADDRINUSE, EADDRNOTAVAIL, EINPROGRESS, ENETUNREACH } from '../../src/base/errno.ts';
import { World } from '../../src/sim/world.ts';
import { SO_REUSEADDR, SOL_SOCKET } from '../../src/socket/constants.ts';
import { Conn, Lab } from './kit.ts';

describe('passive open', () => {
  test('MUST-41: a second LISTEN on the same port fails and disturbs nothing', () => {
    const lab = new Lab();
    const first = lab.listen(80);
    const c = lab.accepted();
    const second = lab.socket();
    expect(lab.bind(second, lab.hostAddress, 80)).toBe(-EADDRINUSE);
    lab.setsockopt(first, SOL_SOCKET, SO_REUSEADDR, 1);
    const third = lab.socket();
    lab.setsockopt(third, SOL_SOCKET, SO_REUSEADDR, 1);
    const bound = lab.bind(third, lab.hostAddress, 80);
    expect(bound === 0 ? lab.call(s => s.listen(third, 5)) : bound).toBe(-EADDRINUSE);
    expect(c.state()).toBe('ESTABLISHED');
    c.say('P.', { data: 'x' });
    expect(c.readAll()).toHaveLength(1);
    lab.accepted();
  });

  test('MUST-41: several listeners are several records', () => {
    const lab = new Lab();
    const fds = [81, 82, 83].map(port => lab.listen(port));
    expect(new Set(fds).size).toBe(3);
    expect([...lab.host.stack.tcp.listeners()]).toHaveLength(3);
  });

  test.each(['SYN_SENT', 'SYN_RECV'])(
    'MUST-42: one may LISTEN on a port that a connection in %s uses',
    state => {
      const lab = new Lab();
      const c = lab.dialled({}, fd => {
        lab.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        expect(lab.bind(fd, lab.hostAddress, 80)).toBe(0);
      });
      if (state === 'SYN_RECV') c.say('S', { seq: 0, options: c.synOptions });
      c.heard();
      expect(c.state()).toBe(state);
      lab.listen(80, fd => {
        lab.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      });
      const other = lab.accepted();
      expect(other.state()).toBe('ESTABLISHED');
      c.say(state === 'SYN_RECV' ? '.' : 'S.', { seq: state === 'SYN_RECV' ? 1 : 0, ack: 1 });
      expect(c.state()).toBe('ESTABLISHED');
    },
  );
});

describe('the local address', () => {
  test('MUST-43: an active open takes the one that is given', () => {
    const lab = new Lab({ addresses: ['10.9.0.77/24'] });
    for (const address of ['10.9.0.2', '10.9.0.77']) {
      lab.segments = [];
      const fd = lab.socket();
      expect(lab.bind(fd, address, 0)).toBe(0);
      expect(lab.connect(fd, lab.peerAddress, 7)).toBe(-EINPROGRESS);
      expect(lab.segments[0]?.source).toBe(address);
    }
  });

  test('MUST-43: so does a passive one, which hears nothing on the others', () => {
    const lab = new Lab({ addresses: ['10.9.0.77/24'] });
    lab.listen(80);
    const c = lab.peer();
    c.say('S', { seq: 0, destination: '10.9.0.77' });
    expect(lab.segments.map(s => [s.flags, s.source])).toEqual([['R.', '10.9.0.77']]);
    lab.segments = [];
    c.say('S', { seq: 0 });
    expect(lab.segments.map(s => s.flags)).toEqual(['S.']);
  });

  test('MUST-43: a foreign one is refused', () => {
    const lab = new Lab();
    expect(lab.bind(lab.socket(), '10.9.0.99', 0)).toBe(-EADDRNOTAVAIL);
  });

  test('MUST-44: if none is given, the one that suits the way to the peer is taken', () => {
    const world = new World({ seed: 1 });
    const host = world.host('H', { addresses: ['10.1.0.1/24'] });
    const left = world.host('L', { addresses: ['10.1.0.2/24'] });
    const right = world.host('R', { addresses: ['10.2.0.2/24'] });
    const sources: string[] = [];
    for (const [peer, addresses] of [
      [left, ['10.1.0.1/24']],
      [right, ['10.2.0.1/24']],
    ] as const) {
      world.wire(host, peer, { addresses: { H: addresses } }).tap(event => {
        if (event.kind === 'segment' && event.flags === 'S')
          sources.push(`${event.source}>${event.destination}`);
      });
    }
    for (const address of ['10.1.0.2', '10.2.0.2']) {
      host.spawn(function* (os) {
        yield* os.connect(os.socket(), address, 7);
      });
    }
    world.run({ until: 1e6 });
    expect(sources).toEqual(['10.1.0.1>10.1.0.2', '10.2.0.1>10.2.0.2']);
  });

  test('MUST-45: later segments keep the address that the connection has', () => {
    const lab = new Lab({ addresses: ['10.9.0.77/24'] });
    const fd = lab.socket();
    lab.bind(fd, '0.0.0.0', 80);
    lab.call(s => s.listen(fd, 5));
    const c = new Conn(lab, {}, 80, 4000);
    const destination = '10.9.0.77';
    c.say('S', { seq: 0, destination, options: { mss: 1460 } });
    c.take();
    c.say('.', { destination });
    c.fd = lab.accept(fd);
    c.send(5000);
    c.heard();
    c.say('.', { destination });
    lab.run(3);
    c.close();
    lab.run(3);
    expect(lab.all.length).toBeGreaterThan(5);
    expect(new Set(lab.all.map(s => s.source))).toEqual(new Set([destination]));
  });
});

test.each(['255.255.255.255', '10.9.0.255', '224.0.0.1'])(
  'MUST-46: an active open to %s is an error',
  address => {
    const lab = new Lab();
    expect(lab.connect(lab.socket(), address, 7)).toBe(-ENETUNREACH);
    expect(lab.all).toEqual([]);
  },
);

test('MUST-46: an active open to an IPv6 multicast address is an error', () => {
  const lab = new Lab({ family: 6 });
  expect(lab.connect(lab.socket(), 'ff02::1', 7)).toBeLessThan(0);
  expect(lab.connect(lab.socket(), 'ff0e::1', 7)).toBe(-ENETUNREACH);
  expect(lab.all).toEqual([]);
});
