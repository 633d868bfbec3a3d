import { describe, expect, test } from 'vitest';
import { IPPROTO_TCP, TCP_NODELAY } from '../../src/socket/constants.ts';
import { Lab } from './kit.ts';

describe('maximum segment size', () => {
  test('MUST-14: the option is sent with a SYN and with a SYN-ACK', () => {
    const lab = new Lab();
    lab.accepted();
    lab.connected();
    expect(lab.all.filter(s => s.flags === 'S').map(s => s.mss)).toEqual([1460]);
    expect(lab.all.filter(s => s.flags === 'S.').map(s => s.mss)).toEqual([1460]);
  });

  test.each(['accepted', 'connected'] as const)('MUST-14: the one received is honoured (%s)', how => {
    const c = new Lab()[how]({ mss: 700 });
    c.send(3000);
    expect(Math.max(...c.drain().map(h => h.data.length))).toBe(700);
  });

  test.each([
    [4, 536],
    [6, 1220],
  ] as const)(
    'MUST-15: without the option an IPv%i peer is sent segments of at most %i bytes',
    (family, most) => {
      for (const how of ['accepted', 'connected'] as const) {
        const c = new Lab({ family })[how]({ mss: null });
        c.send(5000);
        expect(Math.max(...c.drain().map(h => h.data.length))).toBe(most);
      }
    },
  );

  test('MUST-16: the options of a segment are taken off its size', () => {
    const c = new Lab().accepted({ mss: 1000, timestamps: true });
    c.send(3000);
    expect(Math.max(...c.drain().map(h => h.data.length))).toBe(1000 - 12);
  });

  test('MUST-16: what our own network can carry bounds it, whatever the peer can take', () => {
    for (const family of [4, 6] as const) {
      const c = new Lab({ family, mtu: 1300 }).accepted({ mss: 9000 });
      c.send(5000);
      expect(Math.max(...c.drain().map(h => h.datagram.length))).toBe(1300);
    }
  });

  test.each([
    [4, 1500, 1460],
    [4, 576, 536],
    [4, 9000, 8960],
    [6, 1500, 1440],
    [6, 1280, 1220],
  ] as const)('MUST-67: what is announced fits the interface (IPv%i, MTU %i: %i)', (family, mtu, mss) => {
    const lab = new Lab({ family, mtu });
    lab.accepted();
    lab.connected();
    expect(lab.all.filter(s => s.flags.includes('S')).map(s => s.mss)).toEqual([mss, mss]);
  });

  test('SHLD-5, MAY-3: the option stands on every SYN, on repeated ones and where it is the default', () => {
    const lab = new Lab({ mtu: 576 });
    lab.dialled();
    lab.listen();
    lab.peer().knock();
    lab.run(8);
    const syns = lab.all.filter(s => s.flags.includes('S'));
    expect(syns.length).toBeGreaterThan(5);
    expect(new Set(syns.map(s => s.mss))).toEqual(new Set([536]));
  });
});

describe('Nagle', () => {
  test('SHLD-7: a small segment waits while another is unacknowledged', () => {
    const c = new Lab().accepted();
    c.send('a');
    c.send('b');
    c.send('c');
    expect(c.lines()).toEqual(['P. 1:2(1) ack 1']);
    c.say('.');
    expect(c.lines()).toEqual(['P. 2:4(2) ack 1']);
  });

  test('SHLD-7: a full segment does not wait', () => {
    const c = new Lab().accepted({ mss: 100 });
    c.send('a');
    c.send(250);
    expect(c.heard().map(h => h.data.length)).toEqual([1, 100, 100]);
  });

  test('MUST-17: TCP_NODELAY turns it off for one connection, at any time', () => {
    const lab = new Lab();
    const c = lab.accepted();
    c.send('a');
    c.send('b');
    expect(c.heard()).toHaveLength(1);
    c.set(IPPROTO_TCP, TCP_NODELAY, 1);
    expect(c.lines()).toEqual(['P. 2:3(1) ack 1']);
    c.send('c');
    expect(c.lines()).toEqual(['P. 3:4(1) ack 1']);
    const other = lab.accepted();
    other.send('a');
    other.send('b');
    expect(other.heard()).toHaveLength(1);
  });
});
