import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NEVER, seconds } from '../../src/base/time.ts';
import {
  buildSegment,
  checkEnded,
  type Host,
  InvariantError,
  Timeline,
  World,
  type WorldOptions,
} from '../../src/sim/index.ts';
import { readCapture } from '../../src/wire/pcapng.ts';

/** A client that says hello to a server, which closes first. */
function make(options: WorldOptions = {}, rules: string[] = []): { world: World; a: Host; b: Host } {
  const world = new World(options);
  const a = world.host('A', { addresses: ['10.9.0.1/24'] });
  const b = world.host('B', { addresses: ['10.9.0.2/24'] });
  world.wire(a, b, { delay: 250, rules });
  b.spawn(function* (os) {
    const listener = os.socket();
    os.bind(listener, '10.9.0.2', 80);
    os.listen(listener);
    const fd = yield* os.accept(listener);
    yield* os.recv(fd, 10);
    yield* os.close(fd);
    yield* os.close(listener);
  });
  a.spawn(function* (os) {
    const fd = os.socket();
    yield* os.connect(fd, '10.9.0.2', 80);
    yield* os.send(fd, 'hello');
    yield* os.recv(fd, 10);
    yield* os.close(fd);
  });
  return { world, a, b };
}

const hasTshark = ((): boolean => {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('captures', () => {
  test('each host keeps one, in which a frame dropped on its way has a comment', () => {
    const { world, a, b } = make({ capture: true }, ['drop A SYN 1']);
    world.run();
    const [atA, atB] = [readCapture(a.capture), readCapture(b.capture)];
    expect([...atA.errors, ...atB.errors]).toEqual([]);
    expect(atA.interfaces[0]?.name).toBe('A:A-B');
    expect(atA.packets.length).toBe(atB.packets.length + 1);
    expect(atA.packets[0]?.comment).toBe('dropped: drop A SYN 1');
    expect(atB.packets[0]!.micros).toBe(atA.packets[1]!.micros + 250);
  });

  test('without the option there is none', () => {
    const { world, a } = make();
    world.run();
    expect(a.capture).toHaveLength(0);
  });

  test('tshark finds nothing malformed and no bad checksum', ctx => {
    if (!hasTshark) ctx.skip('tshark is not installed (package tshark)');
    const { world, a } = make({ capture: true });
    world.run();
    const file = join(mkdtempSync(join(tmpdir(), 'sim-')), 'a.pcapng');
    writeFileSync(file, a.capture);
    const args = [
      '-r',
      file,
      '-o',
      'tcp.check_checksum:TRUE',
      '-o',
      'ip.check_checksum:TRUE',
      '-T',
      'fields',
    ];
    const out = execFileSync('tshark', [
      ...args,
      '-e',
      'tcp.flags.str',
      '-e',
      '_ws.expert.severity',
      '-e',
      'tcp.checksum.status',
    ]).toString();
    const rows = out
      .trim()
      .split('\n')
      .map(l => l.split('\t'));
    expect(rows.length).toBeGreaterThanOrEqual(7);
    // Chat is 0x200000; Wireshark 4 makes a Note (0x400000) of every FIN.
    for (const [, severity = '', status] of rows) {
      for (const s of severity.split(',').filter(x => x !== ''))
        expect(Number(s)).toBeLessThanOrEqual(0x400000);
      expect(status).toBe('1');
    }
  });
});

describe('invariants', () => {
  test('a connection that waits without a timer is found, with the moment and the command that shows it again', () => {
    const { world, a } = make({ invariants: true, seed: 42, replay: 'lastack sim hello --seed {seed}' });
    world.runUntil(() => [...a.stack.tcp.connections()].length > 0);
    const [c] = [...a.stack.tcp.connections()];
    c!.xmitAt = NEVER;
    a.os.fcntl(99, 1);
    let error: unknown;
    try {
      world.run();
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(InvariantError);
    expect(String(error)).toContain('A: 10.9.0.1:');
    expect(String(error)).toContain('in SYN_SENT has unacknowledged data and no timer');
    expect(String(error)).toContain('again: lastack sim hello --seed 42');
  });

  test('bytes that were not written are found when they are read', () => {
    const { world, b } = make({ invariants: true }, ['drop A DATA 1']);
    world.runUntil(() => [...b.stack.tcp.connections()].length > 0);
    const [c] = [...b.stack.tcp.connections()];
    // Somebody on the way knows all numbers and speaks in A's name.
    const { local, localPort, remote, remotePort, rcvNxt, sndNxt } = c!;
    const forged = buildSegment({
      source: remote,
      destination: local,
      sourcePort: remotePort,
      destinationPort: localPort,
      seq: rcvNxt,
      ack: sndNxt,
      flags: 'P.',
      data: 'jello',
    });
    world.wires[0]!.inject('B', forged);
    expect(() => world.run()).toThrow(/B: byte 0 that was read on .* is not what was written \(5 written\)/);
  });

  test('what is left at the end is named', () => {
    const { world, a } = make({ invariants: true });
    world.run({ until: seconds(0.01) });
    const fd = a.os.socket();
    a.os.bind(fd, '10.9.0.1', 90);
    a.os.listen(fd);
    world.run();
    expect(() => checkEnded(a)).toThrow('A is left with listener 10.9.0.1:90');
    expect(() => checkEnded(a, true)).not.toThrow();
  });
});

describe('going back in time', () => {
  const timeline = new Timeline(() => make({ seed: 3 }).world);

  test('a moment of a world is reached again by running it again', () => {
    const { world } = make({ seed: 3 });
    world.runSteps(7);
    const moment = Timeline.moment(world);
    const then = world.formatLog();
    world.run();
    const again = timeline.at(moment);
    expect([again.now, again.formatLog()]).toEqual([moment.time, then]);
    again.run();
    expect(again.formatLog()).toBe(world.formatLog());
  });

  test('the first moment at which something holds is found', () => {
    const closing = (w: World): boolean => w.log.some(e => e.kind === 'state' && e.to === 'FIN_WAIT_1');
    const moment = timeline.firstMoment(closing);
    expect(closing(timeline.at(moment!))).toBe(true);
    expect(closing(timeline.at(moment!.steps - 1))).toBe(false);
    expect(timeline.firstMoment(() => false)).toBeNull();
  });
});
