import { describe, expect, test } from 'vitest';
import { EBADF, ECONNRESET, EPIPE } from '../../src/base/errno.ts';
import { SHUT_WR, SO_LINGER, SOL_SOCKET } from '../../src/socket/constants.ts';
import { type Conn, Lab, type LabOptions, type PeerOptions } from './kit.ts';

describe('which end it was', () => {
  test('MUST-12: an orderly end reads as end of file, after the data', () => {
    const c = new Lab().accepted();
    c.say('FP.', { data: 'bye' });
    expect(c.readAll()).toHaveLength(3);
    expect(c.recv(1)).toHaveLength(0);
    expect(c.error()).toBe(0);
  });

  test('MUST-12: an abort reads as ECONNRESET, after the data that was there', () => {
    const c = new Lab().accepted();
    c.say('P.', { data: 'bye' });
    c.say('R');
    expect(c.recv(3)).toHaveLength(3);
    expect(c.recv(1)).toBe(-ECONNRESET);
  });

  test('MUST-12: an abort after the end of file shows when one writes', () => {
    const c = new Lab().accepted();
    c.say('F.');
    c.say('R');
    expect(c.recv(1)).toHaveLength(0);
    expect(c.send('x')).toBe(-EPIPE);
  });
});

/** The host has closed first and is in TIME_WAIT. */
function timeWait(lab: LabOptions = {}, peer: PeerOptions = {}): Conn {
  const c = new Lab(lab).accepted(peer);
  c.close();
  c.heard();
  c.say('F.');
  c.heard();
  expect(c.state()).toBe('TIME_WAIT');
  return c;
}

describe('TIME_WAIT', () => {
  test('MUST-13: the active closer stays in TIME_WAIT for twice the MSL of 30 s, to the second', () => {
    const c = timeWait();
    c.lab.run(59.9);
    expect(c.state()).toBe('TIME_WAIT');
    c.lab.run(0.2);
    expect(c.state()).toBe('CLOSED');
  });

  test.each([60, 120])('MUST-13: with lastack.msl %i s it stays twice that', msl => {
    const c = timeWait({ sysctl: { 'lastack.msl': msl } });
    c.lab.run(2 * msl - 0.1);
    expect(c.state()).toBe('TIME_WAIT');
    c.lab.run(0.2);
    expect(c.state()).toBe('CLOSED');
  });

  test('MUST-13: a FIN that comes again is acknowledged and starts the time anew', () => {
    const c = timeWait();
    c.lab.run(50);
    c.say('F.', { seq: 1 });
    expect(c.lines()).toEqual(['. 2:2(0) ack 2']);
    c.lab.run(50);
    expect(c.state()).toBe('TIME_WAIT');
    c.lab.run(10.1);
    expect(c.state()).toBe('CLOSED');
  });

  test('MUST-13: a simultaneous close takes both through CLOSING to TIME_WAIT', () => {
    const c = new Lab().accepted();
    c.close();
    c.heard();
    c.say('F.', { ack: 1 });
    expect(c.state()).toBe('CLOSING');
    expect(c.lines()).toEqual(['. 2:2(0) ack 2']);
    c.say('.', { ack: 2 });
    expect(c.state()).toBe('TIME_WAIT');
  });

  test('the passive closer has no TIME_WAIT', () => {
    const c = new Lab().accepted();
    c.say('F.');
    expect(c.state()).toBe('CLOSE_WAIT');
    c.heard();
    c.close();
    expect(c.state()).toBe('LAST_ACK');
    c.heard();
    c.say('.');
    expect(c.state()).toBe('CLOSED');
  });

  test('MAY-2: a SYN beyond the old numbers opens a new connection, and its ISN lies beyond ours', () => {
    const c = timeWait();
    const oldNext = c.hostIsn + c.ack;
    const again = c.lab.peer({ port: c.port, isn: c.isn + 100_000 });
    again.knock();
    const reply = again.take();
    expect(reply.flags).toBe('S.');
    expect((again.hostIsn - oldNext) | 0).toBeGreaterThan(0);
    again.say('.');
    expect(c.lab.accept(c.lab.listen())).toBeGreaterThanOrEqual(0);
  });

  test('MAY-2: an old SYN opens nothing', () => {
    const c = timeWait();
    const again = c.lab.peer({ port: c.port, isn: c.isn - 100_000 });
    again.knock();
    expect(c.lines()).toEqual(['. 2:2(0) ack 2']);
    expect(c.state()).toBe('TIME_WAIT');
  });

  test('SHLD-4: with timestamps a newer one opens a new connection though its number is lower', () => {
    const c = timeWait({}, { timestamps: true });
    c.lab.run(1);
    const again = c.lab.peer({ port: c.port, isn: c.isn - 100_000, timestamps: true });
    again.knock();
    expect(again.take().flags).toBe('S.');
  });

  test('SHLD-4: an older timestamp opens nothing', () => {
    const c = timeWait({}, { timestamps: true });
    const again = c.lab.peer({ port: c.port, isn: c.isn + 100_000, timestamps: true });
    again.knock({ mss: 1460, timestamps: [4000, 0] });
    expect(c.state()).toBe('TIME_WAIT');
    expect(c.lab.segments.filter(s => s.flags.includes('S'))).toEqual([]);
  });
});

describe('half-duplex close', () => {
  test('SHLD-3: closing with data unread sends a RST', () => {
    const c = new Lab().accepted();
    c.say('P.', { data: 'unread' });
    c.heard();
    c.close();
    expect(c.lines()).toEqual(['R. 1:1(0) ack 7']);
    expect(c.state()).toBe('CLOSED');
  });

  test('SHLD-3: data that comes after the close is answered with a RST', () => {
    const c = new Lab().accepted();
    c.close();
    expect(c.lines()).toEqual(['F. 1:1(0) ack 1']);
    c.say('P.', { data: 'late' });
    expect(c.heard().map(h => h.flags)).toEqual(['R']);
    expect(c.state()).toBe('CLOSED');
  });

  test('MAY-1: after close the application cannot read any more', () => {
    const c = new Lab().accepted();
    c.close();
    expect(c.recv(1)).toBe(-EBADF);
  });

  test('after shutdown for writing it can', () => {
    const c = new Lab().accepted();
    c.shutdown(SHUT_WR);
    c.heard();
    c.say('P.', { data: 'still' });
    expect(c.readAll()).toHaveLength(5);
    expect(c.send('x')).toBe(-EPIPE);
  });
});

describe('the calls CLOSE and ABORT', () => {
  test('CLOSE sends what is queued before the FIN, and a second one no second FIN', () => {
    const c = new Lab().accepted({ window: 3 });
    c.send('abcdef');
    c.shutdown(SHUT_WR);
    c.shutdown(SHUT_WR);
    const sent = c.heard();
    c.window = 100;
    for (let i = 0; i < 5; i++) {
      c.lab.run(i === 0 ? 0.25 : 0.1);
      sent.push(...c.heard());
      c.say('.');
    }
    sent.push(...c.heard());
    expect(sent.reduce((n, h) => Math.max(n, h.seq + h.data.length - 1), 0)).toBe(6);
    expect(sent.filter(h => h.flags.includes('F'))).toHaveLength(1);
    expect(c.state()).toBe('FIN_WAIT_2');
  });

  test('CLOSE in SYN_SENT deletes the connection', () => {
    const c = new Lab().dialled();
    c.close();
    expect(c.state()).toBe('CLOSED');
    expect(c.lines()).toEqual([]);
  });

  test.each(['ESTABLISHED', 'CLOSE_WAIT', 'FIN_WAIT_2'])('ABORT in %s sends <SEQ=SND.NXT><RST>', state => {
    const c = new Lab().accepted();
    c.set(SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 0 });
    if (state === 'CLOSE_WAIT') c.say('F.');
    if (state === 'FIN_WAIT_2') {
      c.shutdown(SHUT_WR);
      c.heard();
      c.say('.');
    }
    c.heard();
    expect(c.state()).toBe(state);
    c.close();
    const rst = c.take();
    expect(rst.flags).toBe('R.');
    expect(rst.seq).toBe(state === 'FIN_WAIT_2' ? 2 : 1);
    expect(c.state()).toBe('CLOSED');
  });
});
