import { expect, test } from 'vitest';
import { Lab } from './kit.ts';

test('MUST-64: options are understood at any alignment, padded or not', () => {
  for (const before of [0, 1, 2, 3]) {
    const lab = new Lab();
    lab.listen();
    const c = lab.peer();
    const mss = [2, 4, 0x02, 0x58];
    const scale = [3, 3, 2];
    c.knock({ raw: Uint8Array.from([...new Array<number>(before).fill(1), ...mss, ...scale]) });
    expect(c.take().windowScale).not.toBeNull();
    c.say('.');
    c.fd = lab.accept(lab.listen());
    c.send(700);
    expect(c.heard().map(h => h.data.length)).toEqual([600, 100]);
  }
});

test('MUST-64: timestamps without padding are read from an odd place', () => {
  const lab = new Lab();
  const c = lab.accepted({ timestamps: true });
  const raw = Uint8Array.of(1, 8, 10, 0, 0, 0x30, 0x39, 0, 0, 0, 0, 0);
  c.say('P.', { data: 'x', options: { timestamps: undefined as never, raw } });
  lab.run(0.3);
  expect(c.heard().at(-1)?.timestamps?.[1]).toBe(0x3039);
});

test('MUST-65: the maximum segment size stands on SYN segments and no others', () => {
  const lab = new Lab();
  for (const c of [lab.accepted({ timestamps: true, sackOk: true }), lab.connected({ timestamps: true })]) {
    c.send(5000);
    c.drain();
    c.say('P.', { data: 5 });
    c.shutdown(1);
    c.drain();
    c.say('F.');
    c.drain();
  }
  expect(lab.all.length).toBeGreaterThan(10);
  for (const s of lab.all) expect(s.mss !== null, s.flags).toBe(s.flags.includes('S'));
});

test('MUST-65: a maximum segment size on a later segment is not taken for one', () => {
  const c = new Lab().accepted({ mss: 1000 });
  c.say('.', { options: { mss: 100 } });
  c.send(1000);
  expect(c.heard().map(h => h.data.length)).toEqual([1000]);
});
