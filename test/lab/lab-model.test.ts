import { afterEach, describe, expect, test, vi } from 'vitest';
import { MARK_INJECTED, SEGMENT, STATE } from '../../lab/engine/log.ts';
import { lessonOf } from '../../lab/lessons/index.ts';
import { Desk } from '../../lab/model/desk.ts';
import { Lab } from '../../lab/model/lab.ts';
import { lang } from '../../lab/words/words.ts';
import { SYN_SENT } from '../../src/tcp/state.ts';
import { DirectLine } from './line.ts';
import { rowsOf, runOf, segmentsOf } from './run.ts';

const CLOSE = lessonOf('close-four')!.script;

function labOf(script: string, seconds = 0): { lab: Lab; line: DirectLine } {
  const line = new DirectLine();
  const lab = new Lab(line);
  lab.open({ lesson: '', script, time: seconds * 1e6, lang: '' });
  return { lab, line };
}

/** What the page knows, as rows. */
const rows = ({ client }: Lab, until?: number): string[] => rowsOf(client, until);
/** Those before a moment. */
function past(lab: Lab, time: number): string[] {
  return rows(lab).slice(0, lab.client.log.lastOfTime(time) + 1);
}

/** The host of a moment that is shown, next to what it must be. */
function expectShown(lab: Lab): void {
  const run = runOf(lab.script.value);
  expect(lab.client.exact.value).toBe(true);
  expect(lab.client.moment.value).toEqual(run.moment(lab.clock.step.value));
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the lab', () => {
  test('opens an address: script, moment, hosts', () => {
    const { lab } = labOf(CLOSE, 0.35);
    expect(rows(lab)).toEqual(rowsOf(runOf(CLOSE)));
    expect(lab.clock.time.value).toBe(350_000);
    expect(lab.clock.playing.value).toBe(false);
    expectShown(lab);
    expect(lab.place).toEqual({ lesson: '', script: CLOSE, time: 350_000, lang: 'en' });
  });

  test('shows the hosts of whatever moment is looked at', () => {
    const { lab } = labOf(CLOSE);
    for (const go of [
      () => lab.clock.stepEvent(),
      () => lab.clock.goTime(321_000),
      () => lab.clock.back(),
      () => lab.clock.toEnd(),
      () => lab.clock.goRow(5),
      () => lab.clock.toStart(),
    ]) {
      go();
      expectShown(lab);
    }
  });

  test('a lesson plays when it is chosen, and when an address says nothing but its name', () => {
    const { lab } = labOf('end 1s');
    lab.teach('handshake');
    expect(lab.clock.playing.value).toBe(true);
    expect(lab.lesson.value?.id).toBe('handshake');
    const { script } = lessonOf('refused')!;
    lab.open({ lesson: 'refused', script, time: 0, lang: 'zh' });
    expect([lab.clock.playing.value, lab.lang.value]).toEqual([true, 'zh']);
    lab.open({ lesson: 'refused', script, time: 5000, lang: '' });
    expect([lab.clock.playing.value, lab.clock.time.value]).toEqual([false, 5000]);
    lab.open({ lesson: 'refused', script: `${script}\n0 A crash`, time: 0, lang: '' });
    expect(lab.clock.playing.value).toBe(false);
    lab.teach('nothing of the kind');
    expect(lab.lesson.value?.id).toBe('refused');
  });

  test('where movement is spared a chosen lesson is shown at its end, an opened one at its moment', () => {
    const { lab } = labOf('end 1s');
    lab.still = true;
    lab.teach('handshake');
    expect([lab.clock.playing.value, lab.clock.time.value]).toEqual([false, lab.clock.end]);
    lab.open({ lesson: 'refused', script: lessonOf('refused')!.script, time: 0, lang: '' });
    expect([lab.clock.playing.value, lab.clock.time.value]).toEqual([false, 0]);
  });

  test('what is done at a moment leaves the past as it was', () => {
    const { lab } = labOf(CLOSE, 0.2);
    const before = past(lab, 200_000);
    lab.act('A write a 7');
    expect(lab.script.value).toBe(`${CLOSE}\n200.001ms A write a 7`);
    expect(past(lab, 200_000)).toEqual(before);
    expect(lab.clock.time.value).toBe(200_001);
    expect(rows(lab)).not.toEqual(rowsOf(runOf(CLOSE)));
    const { log } = lab.client;
    expect(segmentsOf({ log } as ReturnType<typeof runOf>).some(i => log.columns.length[i] === 7)).toBe(true);
    expectShown(lab);
  });

  test('one act after the other keeps all of them', () => {
    const { lab } = labOf('end 100s');
    lab.act('B listen s 80 5');
    lab.act('A connect a B:80');
    lab.clock.goTime(100_000);
    lab.act('A close a');
    expect(lab.script.value.split('\n')).toEqual([
      'end 100s',
      '1us B listen s 80 5',
      '2us A connect a B:80',
      '100.001ms A close a',
    ]);
  });

  test('what is done at the end has a minute to happen, and is seen', () => {
    const { lab } = labOf(CLOSE);
    lab.clock.toEnd();
    lab.act('A connect z B:80');
    expect(lab.client.known.value).toBe(131e6);
    expect(lab.clock.playing.value).toBe(true);
    lab.still = true;
    lab.clock.toEnd();
    lab.act('A close z');
    expect(lab.clock.time.value).toBe(131e6 + 1);
    expect(lab.clock.playing.value).toBe(false);
  });

  test('who plays goes on playing after an act, who stands still does not', () => {
    const { lab } = labOf(CLOSE, 0.2);
    lab.act('A write a 7');
    expect(lab.clock.playing.value).toBe(false);
    lab.clock.toggle();
    lab.act('A write a 8');
    expect(lab.clock.playing.value).toBe(true);
  });

  test('a connection that someone opens is the one that is looked at', () => {
    const { lab } = labOf(CLOSE, 0.1);
    const first = lab.conn.value;
    lab.act('A connect z B:80');
    expect(lab.conn.value).not.toBe(first);
    const { kind, to, conn } = lab.client.log.columns;
    const row = kind.findIndex((k, i) => k === STATE && to[i] === SYN_SENT && conn[i] === lab.conn.value);
    expect(row).toBeGreaterThan(0);
    // What is done next is done to it.
    lab.act('A write z 1');
    expect(lab.conn.value).not.toBe(first);
    lab.choose(first);
    lab.act('A write a 1');
    expect(lab.conn.value).toBe(first);
  });

  test('a connection that is there no more is not looked at', () => {
    const { lab } = labOf(lessonOf('pool')!.script);
    lab.choose(7);
    lab.run(CLOSE, 0);
    expect(lab.conn.value).toBe(0);
  });

  test('a segment gets another fate, and its own again', () => {
    const { lab } = labOf(CLOSE);
    const [, synAck] = segmentsOf(runOf(CLOSE));
    const frame = lab.client.log.columns.frame[synAck!]!;
    lab.chosen.value = synAck!;
    lab.loseChosen();
    expect(lab.fateOf(frame)).toBe('drop');
    expect(lab.client.log.columns.arrival[synAck!]).toBe(-1);
    expect(lab.clock.time.value).toBe(20_000);
    expect(lab.clock.playing.value).toBe(true);
    lab.decide(synAck!, 'delay 300ms');
    expect(lab.fateOf(frame)).toBe('delay 300ms');
    expect(lab.script.value.match(/^frame /gm)).toHaveLength(1);
    lab.decide(synAck!, '');
    expect(lab.fateOf(frame)).toBe('');
    expect(rows(lab)).toEqual(rowsOf(runOf(CLOSE)));
  });

  test('what the script put on the wire itself, and what is no segment, is not lost', () => {
    const { lab } = labOf(lessonOf('flood')!.script);
    const { marks } = lab.client.log.columns;
    for (const row of [-1, 0, marks.findIndex(m => (m & MARK_INJECTED) !== 0)]) {
      lab.chosen.value = row;
      lab.loseChosen();
      expect(lab.script.value).toBe(lessonOf('flood')!.script);
    }
  });

  test('rows are chosen one after the other, segments only', () => {
    const { lab } = labOf(CLOSE, 70);
    const all = segmentsOf(runOf(CLOSE));
    const seen: number[] = [];
    for (let row = lab.chooseNext(-1); row >= 0; row = lab.chooseNext(-1)) seen.push(row);
    expect(seen).toEqual([...all].reverse());
    expect(lab.chosen.value).toBe(all[0]);
    expect(lab.chooseNext(1)).toBe(all[1]);
  });

  test('what if: what the script would do later is not done', () => {
    const { lab } = labOf(CLOSE, 0.35);
    const before = past(lab, 350_000);
    lab.whatIf();
    expect(past(lab, 350_000)).toEqual(before);
    expect(lab.clock.time.value).toBe(350_000);
    expect(lab.script.value).not.toMatch(/B close/);
    expect(lab.script.value).toMatch(/A close/);
    lab.clock.toStart();
    lab.whatIf();
    expect(lab.script.value.split('\n').every(l => /^(?:0|hz|end|seed) /.test(l))).toBe(true);
  });

  test('a minute more is a minute more each time, and stays where one is', () => {
    const { lab } = labOf('end 2s\n10ms A connect a B:80', 1);
    const before = past(lab, 2e6);
    for (const end of [62e6, 122e6]) {
      lab.extend();
      expect(lab.client.known.value).toBe(end);
      expect(lab.clock.time.value).toBe(1e6);
    }
    expect(lab.script.value.match(/^end/gm)).toHaveLength(1);
    expect(past(lab, 2e6)).toEqual(before);
  });

  test('a script that can not be read leaves what ran before', () => {
    const { lab } = labOf(CLOSE, 0.35);
    const before = rows(lab);
    lab.run('end 1s\n0 A dance', 0, true);
    expect(lab.client.error.value).toMatchObject({ line: 2, text: expect.stringMatching(/dance/) });
    expect(lab.refused.value).toBe('end 1s\n0 A dance');
    expect(lab.place.script).toBe('end 1s\n0 A dance');
    expect(lab.script.value).toBe(CLOSE);
    expect(rows(lab)).toEqual(before);
    // It can be looked at, and acted in.
    lab.clock.stepEvent();
    expectShown(lab);
    lab.act('A write a 1');
    expect(lab.script.value).toMatch(/A write a 1$/);
    expect([lab.refused.value, lab.client.error.value]).toEqual([null, null]);
  });

  test('files are those of the moment', async () => {
    const { lab } = labOf(CLOSE, 0.35);
    const [a, b] = await lab.client.captures(lab.clock.step.value);
    lab.clock.toEnd();
    const [whole] = await lab.client.captures(lab.clock.step.value);
    expect(a.length).toBeGreaterThan(b.length / 2);
    expect(whole.length).toBeGreaterThan(a.length);
    expect(await lab.client.file('qlog', 10, 0, 0)).toMatch(/^\{/);
    expect(await lab.client.file('packetdrill', 1000, 0, 0)).toMatch(/connect/);
    lab.client.lookAtBytes(0);
    expect(lab.client.bytes.value?.bytes?.[0]).toBe(0x45);
    lab.client.lookAtBytes(99_999);
    expect(lab.client.bytes.value).toEqual({ frame: 99_999, bytes: null });
  });

  test('asks nothing of the engine while nothing changes', () => {
    const { lab, line } = labOf(CLOSE, 0.35);
    const asked = line.asked.length;
    lab.conn.value = 0;
    lab.only.value = true;
    lab.clock.goTime(350_000.25);
    lab.clock.goTime(350_001);
    expect(line.asked.length).toBe(asked);
    lab.clock.goTime(600_000);
    expect(line.asked.length).toBe(asked + 1);
  });
});

describe('the desk', () => {
  let hungUp = 0;
  const deskOf = (): Desk =>
    new Desk(labOf(CLOSE, 1).lab, (_, say) => {
      say('open');
      return { close: () => void hungUp++ };
    });
  const capture = runOf(CLOSE).captures(1000)[0];
  const file = (name: string, bytes: Uint8Array): File => new File([Buffer.from(bytes)], name);

  test('what is wrong with a script is said beside it', () => {
    const desk = deskOf();
    expect(desk.tab.value).toBe('lesson');
    desk.lab.run('0 A dance', 0);
    expect(desk.tab.value).toBe('script');
  });

  test('a capture takes the place of the lab, until one goes back', async () => {
    const desk = deskOf();
    const { lab } = desk;
    await desk.openFile(file('a.pcapng', capture));
    expect(desk.capture.value?.name).toBe('a.pcapng');
    expect(lab.live.value).toBe(false);
    expect(segmentsOf({ log: lab.feed.value.log } as ReturnType<typeof runOf>).length).toBeGreaterThan(5);
    expect(lab.clock.time.value).toBe(lab.clock.end);
    expect(desk.host(0)).toBe(null);
    lab.chosen.value = lab.feed.value.log.columns.kind.indexOf(SEGMENT);
    lab.loseChosen();
    expect(lab.live.value).toBe(false);
    desk.leave();
    expect([desk.capture.value, lab.live.value]).toEqual([null, true]);
    expect(desk.host(0)?.name).toBe('A');
    expect(rows(lab)).toEqual(rowsOf(runOf(CLOSE)));
  });

  test('what is no capture is said to be none, for a while', async () => {
    vi.useFakeTimers();
    const desk = deskOf();
    await desk.openFile(file('notes.txt', Uint8Array.of(1, 2, 3)));
    expect(desk.notice.value).toMatch(/can’t be read as a capture/);
    expect(desk.capture.value).toBe(null);
    vi.advanceTimersByTime(7000);
    expect(desk.notice.value).toBe('');
  });

  test('live traffic is hung up by whoever goes back to the lab, or opens a lesson', () => {
    const desk = deskOf();
    for (const away of [() => desk.leave(), () => desk.lab.teach('handshake')]) {
      hungUp = 0;
      desk.watchLive();
      desk.watchLive();
      expect([desk.isLive, desk.line.value, hungUp]).toEqual([true, 'open', 0]);
      away();
      expect([desk.isLive, desk.line.value, hungUp]).toEqual([false, 'closed', 1]);
    }
  });

  test('speaks the language that is chosen', () => {
    const desk = deskOf();
    desk.setLang('zh');
    expect([lang.value, desk.lab.place.lang]).toEqual(['zh', 'zh']);
    desk.setLang('en');
  });
});
