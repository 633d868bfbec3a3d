import { describe, expect, test } from 'vitest';
import { EAGAIN, EHOSTUNREACH, ETIMEDOUT } from '../../src/base/errno.ts';
import { IP_TOS, MSG_OOB, POLLERR, POLLPRI, SOL_IP } from '../../src/socket/constants.ts';
import { Lab } from './kit.ts';

describe('asynchronous reports', () => {
  test('MUST-47: an ICMP error that is not fatal can be asked for, once', () => {
    const c = new Lab().accepted();
    c.send('x');
    const [sent] = c.heard();
    c.lab.icmp(3, 1, sent!.datagram);
    expect(c.error()).toBe(EHOSTUNREACH);
    expect(c.error()).toBe(0);
    expect(c.state()).toBe('ESTABLISHED');
  });

  test('MUST-47: it takes the place of ETIMEDOUT if the connection ends for want of answers', () => {
    const c = new Lab({ sysctl: { tcp_retries2: 3 } }).accepted();
    c.send('x');
    const [sent] = c.heard();
    c.lab.icmp(3, 1, sent!.datagram);
    c.lab.run(60);
    expect(c.state()).toBe('CLOSED');
    expect(c.recv(1)).toBe(-EHOSTUNREACH);
  });

  test('MUST-47: excessive retransmission shows, and ends in ETIMEDOUT', () => {
    const c = new Lab({ sysctl: { tcp_retries2: 3 } }).accepted();
    c.send('x');
    c.lab.run(1);
    expect(c.info().retransmits).toBeGreaterThan(0);
    c.lab.run(60);
    expect(c.recv(1)).toBe(-ETIMEDOUT);
  });

  test('MUST-47: the advance of the urgent pointer is reported', () => {
    const c = new Lab().accepted();
    c.say('PU.', { data: 'a', urgent: 1 });
    expect(c.poll() & POLLPRI).toBe(POLLPRI);
    expect(c.recv(1, MSG_OOB)).toHaveLength(1);
  });

  test('SHLD-20: an application that does not ask is not disturbed', () => {
    const c = new Lab().accepted();
    c.send('x');
    const [sent] = c.heard();
    c.lab.icmp(3, 1, sent!.datagram);
    expect(c.poll() & POLLERR).toBe(0);
    expect(c.recv(1)).toBe(-EAGAIN);
    expect(c.send('y')).toBe(1);
  });
});

describe('the differentiated services field', () => {
  test('MUST-48, SHLD-22: IP_TOS is what the segments carry, unchanged', () => {
    const lab = new Lab();
    for (const tos of [0x10, 0xb8, 0xfc]) {
      const c = lab.connected({}, fd => {
        expect(lab.setsockopt(fd, SOL_IP, IP_TOS, tos)).toBe(0);
      });
      c.send(3000);
      const sent = c.drain();
      expect(sent.length).toBeGreaterThan(1);
      for (const h of sent) expect(h.tos).toBe(tos);
      c.close();
    }
    expect(lab.all.filter(s => s.flags === 'S').map(s => s.tos)).toEqual([0x10, 0xb8, 0xfc]);
  });

  test('SHLD-21: it can be changed while the connection is open', () => {
    const c = new Lab().accepted();
    c.send('a');
    expect(c.take().tos).toBe(0);
    c.say('.');
    c.set(SOL_IP, IP_TOS, 0x20);
    c.send('b');
    expect(c.take().tos).toBe(0x20);
  });
});
