import { describe, expect, test } from 'vitest';
import { IPPROTO_TCP, TCP_QUICKACK } from '../../src/socket/constants.ts';
import { type Conn, Lab } from '../rfc/kit.ts';

/** What Linux counts in jiffies is counted so here: moments are known by their jiffy, not by the microsecond. */

/** Time passes until `micros` into a jiffy, `jiffies` of a millisecond from this one. */
function until(lab: Lab, jiffies: number, micros: number): void {
  const { now } = lab.host.stack.tcp;
  const at = (Math.floor(now / 1000) + jiffies) * 1000 + micros;
  lab.run((at - now) / 1e6);
}

/** A question at the end of a jiffy, and an answer so many jiffies later: does that count as a conversation? */
function interactive(jiffies: number, micros: number): boolean {
  const lab = new Lab();
  const c: Conn = lab.accepted();
  until(lab, 1, 900);
  c.say('P.', { data: 10 });
  until(lab, jiffies, micros);
  c.send('x');
  return c.get(IPPROTO_TCP, TCP_QUICKACK) === 0;
}

describe('delayed acknowledgements', () => {
  test('an answer within the delay makes the connection interactive: 40 jiffies are too late, whatever the microseconds', () => {
    expect(interactive(39, 999)).toBe(true);
    // 39.2 ms, but 40 jiffies.
    expect(interactive(40, 100)).toBe(false);
    expect(interactive(41, 0)).toBe(false);
  });

  test('the delay adapts to gaps in whole jiffies', () => {
    const lab = new Lab();
    const c = lab.accepted();
    until(lab, 1, 900);
    c.say('P.', { data: 10 });
    // 29.2 ms are 30 jiffies: half of 40, and 30.
    until(lab, 30, 100);
    c.say('P.', { data: 10 });
    expect(c.info().ato).toBe(50_000);
    // 20 jiffies or fewer count as no gap: half of 50, and 20.
    until(lab, 20, 50);
    c.say('P.', { data: 10 });
    expect(c.info().ato).toBe(45_000);
  });
});
