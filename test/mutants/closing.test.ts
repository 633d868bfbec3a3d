import { describe, expect, test } from 'vitest';
import { EADDRNOTAVAIL, ECONNRESET, EINPROGRESS, ENOTCONN } from '../../src/base/errno.ts';
import { MSG_EOR, SHUT_WR, SO_RCVBUF, SO_REUSEADDR, SOL_SOCKET } from '../../src/socket/constants.ts';
import { type Conn, Lab, type PeerOptions } from '../rfc/kit.ts';
import { block } from './seam.ts';

describe('the FIN', () => {
  test('leaves at the end of the stream, not at the end of a record', () => {
    const c = new Lab().accepted();
    c.say('.', { window: 0 });
    c.send('abc', MSG_EOR);
    c.send('def');
    c.close();
    c.say('.', { window: 1000 });
    const sent = c.heard();
    expect(sent.map(h => h.flags)).toEqual(['P.', 'FP.']);
    expect(sent.map(h => h.data.length)).toEqual([3, 3]);
  });

  test('stays with the last segment when a burst is cut to be sent again', () => {
    const c = new Lab().accepted({ mss: 1000 });
    c.say('.', { window: 0 });
    c.send(3000);
    c.close();
    c.say('.', { window: 65535 });
    expect(c.heard().map(h => h.flags.includes('F'))).toEqual([false, false, true]);
    c.lab.run(0.5);
    const again = c.heard();
    expect(again[0]).toMatchObject({ seq: 1 });
    expect(again[0]?.flags).not.toContain('F');
  });

  test('waits for a place in the window', () => {
    const c = new Lab().accepted({ window: 3 });
    c.send('abc');
    c.close();
    c.lab.run(5);
    for (const h of c.heard())
      expect(h.seq + h.data.length + (h.flags.includes('F') ? 1 : 0)).toBeLessThanOrEqual(4);
  });

  test('leaves after a close() with nothing unsent, and after one with data', () => {
    const c = new Lab().accepted();
    c.close();
    expect(c.lines()).toEqual(['F. 1:1(0) ack 1']);
    const d = new Lab().accepted();
    d.send('a');
    d.close();
    expect(d.heard().some(h => h.flags.includes('F'))).toBe(true);
  });

  test('of the peer is covered by our ACK', () => {
    const c = new Lab().accepted();
    c.say('F.');
    c.lab.run(0.3);
    expect(c.heard()).toMatchObject([{ flags: '.', ack: 2 }]);
  });

  test('of the peer is taken though our window is shut', () => {
    const c = new Lab().accepted();
    c.set(SOL_SOCKET, SO_RCVBUF, 4096);
    for (let i = 0; i < 100; i++) {
      c.say('P.', { data: 500 });
      c.lab.run(0.3);
      const last = c.heard().at(-1);
      if (last !== undefined) c.seq = last.ack;
      if (last?.window === 0) break;
    }
    expect(block(c).receiveWindow).toBe(0);
    c.say('F.');
    expect(c.state()).toBe('CLOSE_WAIT');
  });

  test('that was lost in CLOSING is sent again', () => {
    const c = new Lab().accepted();
    c.shutdown(SHUT_WR);
    c.heard();
    c.say('F.', { ack: 1 });
    expect(c.state()).toBe('CLOSING');
    c.heard();
    c.lab.run(3);
    expect(c.heard().filter(h => h.flags.includes('F')).length).toBeGreaterThanOrEqual(3);
  });
});

describe('FIN_WAIT_2', () => {
  const half = (): Conn => {
    const c = new Lab().accepted();
    c.shutdown(SHUT_WR);
    c.heard();
    c.say('.');
    expect(c.state()).toBe('FIN_WAIT_2');
    return c;
  };

  test('of a socket that is held becomes TIME_WAIT with the FIN of the peer', () => {
    const c = half();
    c.say('F.');
    expect(c.state()).toBe('TIME_WAIT');
    expect(c.lines()).toEqual(['. 2:2(0) ack 2']);
  });

  test('of a socket that is closed in it ends after tcp_fin_timeout', () => {
    const c = half();
    c.lab.run(100);
    expect(c.state()).toBe('FIN_WAIT_2');
    c.close();
    c.lab.run(59);
    expect(c.state()).toBe('FIN_WAIT_2');
    c.lab.run(2);
    expect(c.state()).toBe('CLOSED');
  });

  const orphan = (): Conn => {
    const c = new Lab().accepted();
    c.close();
    c.heard();
    c.say('.');
    expect(c.state()).toBe('FIN_WAIT_2');
    return c;
  };

  test('of an orphan becomes TIME_WAIT with the FIN of the peer, which is acknowledged', () => {
    const c = orphan();
    c.say('F.');
    expect(c.lines()).toEqual(['. 2:2(0) ack 2']);
    expect(c.state()).toBe('TIME_WAIT');
  });

  test('of an orphan ends with a RST when data comes', () => {
    const c = orphan();
    c.say('P.', { data: 'for nobody' });
    expect(c.take().flags).toBe('R');
    expect(c.state()).toBe('CLOSED');
  });

  test('of an orphan ends with a RST when a SYN comes', () => {
    const c = orphan();
    c.say('S', { seq: c.seq + 10 });
    expect(c.heard().map(h => h.flags)).toEqual(['R.']);
    expect(c.state()).toBe('CLOSED');
  });
});

describe('orphans', () => {
  test('data that comes with the ACK of an orphan’s FIN is answered with a RST', () => {
    const c = new Lab().accepted();
    c.close();
    c.heard();
    c.say('P.', { data: 'for nobody' });
    expect(c.heard().map(h => h.flags)).toEqual(['R']);
    expect(c.state()).toBe('CLOSED');
  });

  test('data for an orphan whose FIN is not acknowledged is answered with a RST', () => {
    const c = new Lab().accepted();
    c.close();
    c.heard();
    c.say('P.', { data: 'for nobody', ack: 1 });
    expect(c.heard().map(h => h.flags)).toEqual(['R']);
    expect(c.state()).toBe('CLOSED');
  });

  test('tcp_max_orphans is how many there may be: the next is reset', () => {
    const lab = new Lab({ sysctl: { tcp_max_orphans: 2 } });
    const flags = [0, 1, 2]
      .map(() => lab.accepted())
      .map(c => {
        c.close();
        return c.heard().map(h => h.flags);
      });
    expect(flags[0]).toEqual(['F.']);
    expect(flags[1]).toEqual(['F.']);
    expect(flags[2]).toContain('R.');
  });

  test('one that has ended does not count any more', () => {
    const c = new Lab().accepted();
    const { tcp } = c.lab.host.stack;
    c.close();
    expect(tcp.orphans).toBe(1);
    c.heard();
    c.say('F.');
    expect(tcp.orphans).toBe(0);
  });
});

describe('TIME_WAIT', () => {
  const timeWait = (options: PeerOptions = {}): Conn => {
    const c = new Lab().accepted(options);
    c.close();
    c.heard();
    c.say('F.');
    c.heard();
    expect(c.state()).toBe('TIME_WAIT');
    return c;
  };

  test('answers every FIN that comes again, however soon', () => {
    const c = timeWait();
    for (let i = 0; i < 3; i++) c.say('F.', { seq: 1 });
    expect(c.lines()).toEqual(Array(3).fill('. 2:2(0) ack 2'));
  });

  test('answers stray ACKs once in half a second', () => {
    const c = timeWait();
    for (let i = 0; i < 3; i++) c.say('.', { seq: 500_000 });
    expect(c.heard()).toHaveLength(1);
    c.lab.run(0.6);
    c.say('.', { seq: 500_000 });
    expect(c.heard()).toHaveLength(1);
  });

  test('ends with a RST at exactly RCV.NXT and no other', () => {
    const c = timeWait();
    for (const seq of [1, 3, 100]) c.say('R', { seq });
    expect(c.state()).toBe('TIME_WAIT');
    c.say('R', { seq: 2 });
    expect(c.state()).toBe('CLOSED');
  });

  test('begins anew with an ACK', () => {
    const c = timeWait();
    c.lab.run(40);
    c.say('.');
    c.lab.run(40);
    expect(c.state()).toBe('TIME_WAIT');
  });

  test('is not opened by a SYN at exactly RCV.NXT', () => {
    const c = timeWait();
    const again = c.lab.peer({ port: c.port, isn: c.isn + c.seq });
    again.knock();
    expect(c.lab.segments.filter(s => s.flags.includes('S'))).toEqual([]);
    expect(c.state()).toBe('TIME_WAIT');
  });

  test('gives its port back when it ends', () => {
    const c = new Lab().connected();
    const { ports } = c.lab.host.stack.tcp;
    c.close();
    c.heard();
    c.say('F.');
    expect(c.state()).toBe('TIME_WAIT');
    expect(ports.inUse).toBe(1);
    c.lab.run(61);
    expect(ports.inUse).toBe(0);
  });

  const fromPort = (l: Lab): number => {
    const fd = l.socket();
    expect(l.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1)).toBe(0);
    expect(l.bind(fd, l.hostAddress, 5555)).toBe(0);
    return fd;
  };

  /** A connection from the host's port 5555, explicitly bound. */
  const bound = (options: PeerOptions): Conn => {
    const l = new Lab();
    return l.connected(options, fd => {
      l.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      l.bind(fd, l.hostAddress, 5555);
    });
  };

  test('is taken over by connect() from the same bound port if timestamps protect it', () => {
    const c = bound({ timestamps: true });
    c.close();
    c.heard();
    c.say('F.');
    expect(c.lab.host.stack.tcp.timeWaitCount).toBe(1);
    expect(c.lab.connect(fromPort(c.lab), c.lab.peerAddress, c.port)).toBe(-EINPROGRESS);
    expect(c.lab.host.stack.tcp.timeWaitCount).toBe(0);
  });

  test('is not taken over without timestamps', () => {
    const c = bound({});
    c.close();
    c.heard();
    c.say('F.');
    expect(c.lab.connect(fromPort(c.lab), c.lab.peerAddress, c.port)).toBe(-EADDRNOTAVAIL);
  });

  test('an orphan in FIN_WAIT_2 is not taken over', () => {
    const c = bound({ timestamps: true });
    c.close();
    c.heard();
    c.say('.');
    expect(c.state()).toBe('FIN_WAIT_2');
    expect(c.lab.connect(fromPort(c.lab), c.lab.peerAddress, c.port)).toBe(-EADDRNOTAVAIL);
  });
});

describe('calls on what has ended', () => {
  test('shutdown() of a connection that was reset is ENOTCONN', () => {
    const c = new Lab().accepted();
    c.say('R', { seq: 1 });
    expect(c.state()).toBe('CLOSED');
    expect(c.shutdown(SHUT_WR)).toBe(-ENOTCONN);
  });

  test('shutdown() in SYN_SENT gives the attempt up', () => {
    const c = new Lab().dialled();
    expect(c.shutdown(SHUT_WR)).toBe(0);
    expect(c.state()).toBe('CLOSED');
    c.lab.run(10);
    expect(c.heard()).toEqual([]);
  });

  test('an error is told once', () => {
    const c = new Lab().accepted();
    c.say('R', { seq: 1 });
    expect(c.recv(1)).toBe(-ECONNRESET);
    expect(c.recv(1)).toHaveLength(0);
  });

  test('a FIN behind a gap tells an orphan that data was lost', () => {
    const c = new Lab().accepted();
    c.shutdown(SHUT_WR);
    c.heard();
    c.close();
    c.say('F.', { seq: 11 });
    expect(c.heard().map(h => h.flags)).toEqual(['R']);
  });
});

describe('nothing is left of a connection that has ended', () => {
  test('no timer, no port, no entry in a table', () => {
    const c = new Lab().connected();
    const { tcp } = c.lab.host.stack;
    c.send('x');
    c.heard();
    c.say('F.');
    c.close();
    c.heard();
    c.say('.');
    expect(c.state()).toBe('CLOSED');
    expect(tcp.timersArmed).toBe(0);
    expect(tcp.ports.inUse).toBe(0);
    expect([...tcp.connections()]).toEqual([]);
  });

  test('nor of a stack that was closed: no TIME_WAIT, no timer', () => {
    const c = new Lab().accepted();
    const { stack } = c.lab.host;
    c.close();
    c.heard();
    c.say('F.');
    expect(stack.tcp.timeWaitCount).toBe(1);
    stack.close();
    expect(stack.tcp.timeWaitCount).toBe(0);
    expect(stack.tcp.timersArmed).toBe(0);
  });

  test('data that was acknowledged is kept no longer', () => {
    const c = new Lab().accepted();
    for (let i = 0; i < 10; i++) {
      c.send(30_000);
      c.drain();
    }
    expect(block(c).sendRing?.blocks ?? 0).toBeLessThanOrEqual(2);
  });
});
