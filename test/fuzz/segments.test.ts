import { expect, test } from 'vitest';
import { ACK, FIN, PSH, SYN } from '../../src/wire/segment.ts';
import type { Deed } from './generate.ts';
import { type Shot, shot } from './lone.ts';
import { fuzz, relive, shrink } from './run.ts';
import { IRS, reach, SITUATIONS } from './states.ts';

// LASTACK_FUZZ=N runs N cases of each situation, from seed LASTACK_FUZZ_SEED on.
const CASES = Number(process.env['LASTACK_FUZZ'] ?? 400);
const FIRST = Number(process.env['LASTACK_FUZZ_SEED'] ?? 1);
const DEEDS = 30;

for (const situation of SITUATIONS) {
  test(`${situation}: whatever arrives, nothing throws, all invariants hold, and it ends only as the rules allow`, () => {
    for (let i = 0; i < CASES; i++) {
      const seed = FIRST + i;
      const r = fuzz(`fuzz ${situation} ${seed}`, situation, (seed & 1) !== 0, (seed & 2) !== 0, DEEDS);
      if (r.wrong === null) continue;
      const small = shrink(r.case);
      expect.fail(`seed ${seed}: ${r.wrong}\nmade smaller: ${JSON.stringify(small)}`);
    }
  }, 3_600_000);
}

test('every situation is what its name says', () => {
  for (const situation of SITUATIONS) {
    const { host } = reach(situation, true, true);
    const counts = [...host.counts()]
      .map((n, state) => (n > 0 && state !== 10 ? state : 0))
      .filter(n => n > 0);
    const [name] = situation.split(' ');
    const names = [
      '',
      'ESTABLISHED',
      'SYN_SENT',
      'SYN_RECV',
      'FIN_WAIT_1',
      'FIN_WAIT_2',
      'TIME_WAIT',
      'CLOSED',
      'CLOSE_WAIT',
      'LAST_ACK',
      'LISTEN',
      'CLOSING',
    ];
    expect(
      counts.map(n => names[n]),
      situation,
    ).toEqual(name === 'CLOSED' || name === 'LISTEN' ? [] : [name]);
  }
});

/** What once went wrong, made small. `ack` is relative to what the host sends next. */
const send = (
  situation: Parameters<typeof reach>[0],
  flags: number,
  seq: number,
  ack: number,
  more: Partial<Shot> = {},
): Deed => ({
  kind: 'segment',
  shot: shot(flags, IRS + seq, reach(situation, true, false).next + ack, more),
});

test('a second FIN beyond the first does not make a byte to read that nobody sent', () => {
  const deeds: Deed[] = [send('CLOSE_WAIT', ACK | FIN, 1, 0, { length: 1 }), { kind: 'call', call: 'recv' }];
  expect(relive({ situation: 'CLOSE_WAIT', sack: true, timestamps: false, deeds })).toBeNull();
});

test('a SYN-ACK with data does not complete a request: the connection would have no timer', () => {
  const deeds = [send('SYN_RECV request', SYN | ACK | PSH, 0, 0, { length: 2 })];
  expect(relive({ situation: 'SYN_RECV request', sack: true, timestamps: false, deeds })).toBeNull();
  const lone = reach('SYN_RECV request', true, false);
  lone.fire((deeds[0] as Deed & { kind: 'segment' }).shot);
  expect([...lone.host.requests()]).toHaveLength(1);
  expect(lone.lastFlags).toBe(ACK);
});
