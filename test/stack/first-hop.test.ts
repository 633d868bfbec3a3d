import { expect, test } from 'vitest';
import { fill, Lab } from '../rfc/kit.ts';

test('a window larger than the queue of the first hop fills that queue again and again, and drops nothing', () => {
  const lab = new Lab();
  const c = lab.accepted({ sackOk: true, window: 65_535, windowScale: 7 });
  let sent = 0;
  // Grow the congestion window beyond the queue's 1000 frames.
  for (let i = 0; i < 8; i++) {
    for (let n = 0; (n = c.send(fill(65_536))) > 0; ) sent += n;
    c.drain();
    expect(c.ack).toBe(sent + 1);
  }
  expect(c.info().snd_cwnd).toBeGreaterThan(1000);
  expect(lab.host.interfaces[0]!.counters.txDropped).toBe(0);
  expect(c.info().total_retrans).toBe(0);
});
