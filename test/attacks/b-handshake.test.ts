import { describe, expect, test } from 'vitest';
import { EAGAIN, ECONNREFUSED, ECONNRESET } from '../../src/base/errno.ts';
import { everything, fill, footprint, forget, Lab, line, quietLab, spoof, text } from './kit.ts';

test('attack 17: SYN flood: 100,000 spoofed SYNs leave a bounded queue, and a real client connects', () => {
  const lab = quietLab();
  const listener = lab.listen(80, () => {}, 128);
  let answers = 0;
  const { world } = lab;
  for (let i = 0; i < 100_000; i++) {
    const c = lab.peer({ port: 1024 + (i % 60_000), isn: i * 7919 });
    c.say('S', { seq: 0, source: `10.9.${1 + (i % 200)}.${1 + ((i >> 8) % 250)}` });
    if (i % 1000 === 999) {
      world.runFor(1000);
      answers += forget(lab);
    }
  }
  expect(answers, 'one answer each, cookies where the queue was full').toBeLessThanOrEqual(100_000);
  const before = footprint(lab);
  expect(before['requests']).toBeLessThanOrEqual(129);
  expect(before).toMatchObject({ connections: 0, rows: 0, blocks: 0 });
  expect(before['timers']).toBe(before['requests']);
  const c = lab.accepted({ port: 65_000 });
  c.say('P.', { data: 'real' });
  expect(text(c.recv(10))).toBe('real');
  lab.close(listener);
  c.say('R');
  lab.run(200);
  expect(lab.host.stack.tcp.timersArmed).toBe(0);
}, 120_000);

test('attack 17: without cookies the flood fills the queue, SYN-ACKs are repeated a few times, then it is empty', () => {
  const lab = quietLab({ sysctl: { tcp_syncookies: 0 } });
  lab.listen(80, () => {}, 16);
  for (let i = 0; i < 1000; i++) {
    lab.peer({ port: 1024 + i }).knock();
  }
  expect(footprint(lab)['requests']).toBeLessThanOrEqual(17);
  expect(forget(lab)).toBeLessThanOrEqual(17);
  lab.run(140);
  expect(forget(lab)).toBeLessThanOrEqual(17 * 5);
  expect(footprint(lab)).toMatchObject({ requests: 0, timers: 0 });
});

describe('attack 18: cookie ACK guessing', () => {
  test('attack 18: where no cookie is out, any ACK to a listener is answered by a reset', () => {
    const lab = new Lab();
    lab.listen();
    for (let i = 0; i < 50; i++) {
      const c = lab.peer();
      c.hostIsn = 0;
      c.say('.', { seq: 1, ack: i * 0x1234567 });
      expect(c.heard()).toMatchObject([{ flags: 'R', seq: (i * 0x1234567) | 0 }]);
    }
    expect(footprint(lab)).toMatchObject({ connections: 0, requests: 0 });
  });

  test('attack 18: while cookies are out a guessed one is refused and its data delivered to nobody', () => {
    const lab = new Lab({ sysctl: { tcp_syncookies: 2 } });
    const listener = lab.listen();
    const real = lab.peer();
    real.knock();
    const { seq } = real.take();
    expect(seq).toBe(0);
    for (let i = 1; i < 500; i++) {
      const c = lab.peer();
      c.hostIsn = real.hostIsn;
      c.say('P.', { seq: 1, ack: 1 + i * 8_388_617, data: 'evil' });
      expect(c.heard().map(h => h.flags)).toEqual(['R']);
    }
    expect(lab.accept(listener)).toBe(-EAGAIN);
    expect(lab.mib.TcpExtSyncookiesFailed).toBe(499);
    real.say('P.', { data: 'good' });
    real.fd = lab.accept(listener);
    expect(text(real.recv(10))).toBe('good');
  });
});

test('attack 19: LAND: a SYN from the host itself, from loopback or from a group is dropped', () => {
  const lab = new Lab();
  lab.listen(80);
  const before = footprint(lab);
  for (const source of [lab.hostAddress, '127.0.0.1', '10.9.0.255', '255.255.255.255', '224.0.0.1']) {
    const c = lab.peer({ port: 80 });
    c.say('S', { seq: 0, source });
    expect(everything(lab), source).toEqual([]);
  }
  lab.run(5);
  expect(everything(lab)).toEqual([]);
  expect(footprint(lab)).toEqual(before);
});

describe('attack 20: odd sets of flags', () => {
  const odd = ['SF', 'SR', '', 'FPU', 'SFRPU', 'F', 'P', 'U', 'SFPU'];

  test('attack 20: to a listener: dropped, or reset where they carry an ACK', () => {
    const lab = new Lab();
    lab.listen();
    for (const flags of odd) {
      const c = lab.peer();
      c.say(flags, { seq: 0 });
      expect(c.lines(), `'${flags}'`).toEqual([]);
      const d = lab.peer();
      d.hostIsn = 0;
      d.say(`${flags}.`, { seq: 0, ack: 77 });
      const answers = d.heard().map(h => h.flags);
      expect(answers, `'${flags}.'`).toEqual(flags.includes('R') ? [] : ['R']);
    }
    expect(footprint(lab)).toMatchObject({ connections: 0, requests: 0 });
  });

  test('attack 20: to a connection: what has no ACK changes nothing', () => {
    const c = new Lab().accepted();
    for (const flags of odd.filter(f => !f.includes('R'))) {
      spoof(c, flags, { data: 'x' });
      c.lab.run(0.6);
    }
    c.heard();
    expect(c.state()).toBe('ESTABLISHED');
    expect(c.recv(10)).toBe(-EAGAIN);
  });

  test('attack 20: to a closed port: a reset to each that is none itself', () => {
    const lab = new Lab();
    for (const flags of odd) {
      const c = lab.peer({}, 81);
      c.say(flags, { seq: 5 });
      expect(
        c.heard().map(h => h.flags),
        `'${flags}'`,
      ).toEqual(flags.includes('R') ? [] : ['R.']);
    }
  });
});

test('attack 21: a SYN to a broadcast, multicast or any address is dropped in silence', () => {
  const lab = new Lab();
  const fd = lab.socket();
  lab.bind(fd, '0.0.0.0', 80);
  lab.call(s => s.listen(fd, 5));
  for (const destination of ['255.255.255.255', '224.0.0.1', '10.9.0.255', '0.0.0.0', '239.1.2.3']) {
    const c = lab.peer();
    c.say('S', { seq: 0, destination });
    expect(everything(lab), destination).toEqual([]);
  }
  expect(lab.datagrams).toEqual([]);
  expect(footprint(lab)).toMatchObject({ requests: 0 });
});

describe('attack 22: split handshake', () => {
  test('attack 22: a bare ACK does not open, a SYN after it is a simultaneous open with the same ISS', () => {
    const c = new Lab().dialled();
    c.say('.', { seq: 0, ack: 1 });
    expect(c.lines()).toEqual([]);
    expect(c.state()).toBe('SYN_SENT');
    c.say('S', { seq: 0 });
    expect(c.lines()).toEqual(['S. 0:0(0) ack 1']);
    expect(c.state()).toBe('SYN_RECV');
    c.say('.', { ack: 1 });
    expect(c.state()).toBe('ESTABLISHED');
    expect(footprint(c.lab)).toMatchObject({ connections: 1, requests: 0 });
  });

  test('attack 22: a bare ACK of something else is reset', () => {
    const c = new Lab().dialled();
    c.say('.', { seq: 0, ack: 2 });
    expect(c.heard()).toMatchObject([{ flags: 'R', seq: 2 }]);
    expect(c.state()).toBe('SYN_SENT');
  });
});

test('attack 23: a SYN-ACK with a bad ack is reset with that number, a RST with one is ignored', () => {
  const c = new Lab().dialled();
  for (const ack of [0, 2, 1_000_000, -7]) {
    spoof(c, 'S.', { seq: 0, ack });
    expect(c.heard().filter(h => h.flags === 'R')).toMatchObject([{ seq: ack }]);
    spoof(c, 'R.', { seq: 0, ack });
    expect(c.lines().filter(l => l.startsWith('R'))).toEqual([]);
    expect(c.state()).toBe('SYN_SENT');
    c.lab.run(0.05);
    c.heard();
  }
  c.answer();
  expect(c.state()).toBe('ESTABLISHED');
});

test('attack 24: in SYN_SENT only a RST that acknowledges the SYN refuses', () => {
  const c = new Lab().dialled();
  spoof(c, 'R', { seq: 0 });
  spoof(c, 'R', { seq: 1 });
  spoof(c, 'R.', { seq: 0, ack: 0 });
  spoof(c, 'R.', { seq: 0, ack: 2 });
  expect(c.state()).toBe('SYN_SENT');
  expect(c.lines()).toEqual([]);
  spoof(c, 'R.', { seq: 0, ack: 1 });
  expect(c.state()).toBe('CLOSED');
  expect(c.error()).toBe(ECONNREFUSED);
});

test('attack 25: data on a SYN is neither acknowledged nor delivered before the handshake; sent again it is', () => {
  const lab = new Lab();
  const listener = lab.listen();
  const c = lab.peer();
  c.say('S', { seq: 0, data: 100, options: c.synOptions });
  expect(c.lines()).toEqual(['S. 0:0(0) ack 1']);
  expect(lab.accept(listener)).toBe(-EAGAIN);
  c.say('.', { seq: 1 });
  c.fd = lab.accept(listener);
  expect(c.recv(1000)).toBe(-EAGAIN);
  c.say('P.', { seq: 1, data: 100 });
  expect(c.recv(1000)).toEqual(fill(100));
});

test('attack 26: Fast Open cookies of any length: an ordinary handshake, and no data before it', () => {
  const lab = new Lab();
  const listener = lab.listen(80, () => {}, 100);
  for (const length of [0, 1, 4, 7, 8, 16, 18]) {
    for (const kind of [[34], [254, 0xf9, 0x89]] as const) {
      const cookie = [kind[0], kind.length + 1 + length, ...kind.slice(1), ...fill(length)];
      const c = lab.peer();
      c.say('S', { seq: 0, data: 'early', options: { mss: 1460, raw: Uint8Array.from(cookie) } });
      expect(c.lines(), `cookie of ${length}`).toEqual(['S. 0:0(0) ack 1']);
      expect(lab.accept(listener)).toBe(-EAGAIN);
      c.say('R', { seq: 1 });
    }
  }
  expect(footprint(lab)).toMatchObject({ connections: 0, requests: 0, blocks: 0 });
});

describe('attack 27: backlog overflow', () => {
  const crowd = (sysctl: Record<string, number>): { lab: Lab; listener: number; third: () => string[] } => {
    const lab = new Lab({ sysctl: { tcp_syncookies: 0, ...sysctl } });
    const listener = lab.listen(80, () => {}, 1);
    // All knock before any has completed: the SYN queue takes two, the accept queue two.
    const [a, b] = [lab.peer(), lab.peer()];
    for (const c of [a, b]) {
      c.knock();
      c.take();
    }
    a.say('.');
    const d = lab.peer();
    d.knock();
    d.take();
    b.say('.');
    return {
      lab,
      listener,
      third: () => {
        d.say('.', { seq: 1 });
        return d.lines();
      },
    };
  };

  test('attack 27: the final ACK is dropped, the SYN-ACK sent again, and after accept() it works', () => {
    const { lab, listener, third } = crowd({});
    expect(third()).toEqual([]);
    expect(lab.mib.TcpExtListenOverflows).toBe(1);
    lab.run(1.1);
    expect(everything(lab).map(h => h.flags)).toEqual(['S.']);
    expect(lab.accept(listener)).toBeGreaterThanOrEqual(0);
    third();
    expect(lab.accept(listener)).toBeGreaterThanOrEqual(0);
    expect(lab.accept(listener)).toBeGreaterThanOrEqual(0);
  });

  test('attack 27: with tcp_abort_on_overflow it is reset', () => {
    const { lab, third } = crowd({ tcp_abort_on_overflow: 1 });
    expect(third().map(l => l[0])).toEqual(['R']);
    expect(footprint(lab)).toMatchObject({ requests: 0, connections: 2 });
  });
});

test('attack 28: one spoofed SYN draws six SYN-ACKs at most, without data, ever further apart', () => {
  const lab = new Lab();
  lab.listen();
  const c = lab.peer();
  c.knock();
  const begin = lab.world.now;
  lab.run(200);
  const all = c.heard();
  expect(all.map(line)).toEqual(new Array(6).fill('S. 0:0(0) ack 1'));
  expect(all.map(h => Math.round((h.time - begin) / 1e6))).toEqual([0, 1, 3, 7, 15, 31]);
  expect(footprint(lab)).toMatchObject({ requests: 0, timers: 0 });
});

test('attack 29: a RST is never answered, wherever it arrives', () => {
  const lab = new Lab();
  lab.listen();
  const established = lab.accepted();
  for (const port of [80, 81]) {
    for (const flags of ['R', 'R.', 'RF.', 'RP']) {
      const c = lab.peer({}, port);
      c.hostIsn = 0;
      c.say(flags, { seq: 5, ack: 9, data: 'x' });
    }
  }
  spoof(established, 'R', { seq: 500_000 });
  const dialled = lab.dialled();
  spoof(dialled, 'R.', { seq: 0, ack: 99 });
  expect(everything(lab)).toEqual([]);
});

test('attack 30: a listener closed in mid-handshake resets its children and forgets its requests', () => {
  const lab = new Lab();
  const listener = lab.listen();
  const done = lab.peer();
  done.knock();
  done.take();
  done.say('.');
  done.say('P.', { data: 'unread' });
  done.heard();
  const half = lab.peer();
  half.knock();
  half.take();
  lab.close(listener);
  expect(done.heard().map(h => h.flags)).toEqual(['R.']);
  half.say('.', { seq: 1 });
  expect(half.heard()).toMatchObject([{ flags: 'R', seq: 1 }]);
  expect(footprint(lab)).toEqual({ connections: 0, requests: 0, rows: 0, timers: 0, blocks: 0 });
  const late = lab.connected();
  late.say('R.', { seq: 1 });
  expect(late.recv(1)).toBe(-ECONNRESET);
});
