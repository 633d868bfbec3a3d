import { expect, test } from 'vitest';
import { DROP as WIRE_DROP, DUPLICATE as WIRE_DUPLICATE } from '../../src/link/rule.ts';
import { checkEnded, type SimEvent, World } from '../../src/sim/index.ts';
import { DROP, DUPLICATE, fault, type Life } from './life.ts';
import { again } from './search.ts';

/** The same life in a whole world: sockets, IP, checksums, a wire with a plan. `A> S 0` for each segment. */
function inWorld(segment: number, action: number, how: 'close' | 'shutdown'): string[] {
  const world = new World({ seed: 7, invariants: true });
  const a = world.host('A', { addresses: ['10.0.0.1/24'], uptime: 1e9 });
  const b = world.host('B', { addresses: ['10.0.0.2/24'], uptime: 1e9 });
  const wire = world.wire(a, b, { delay: 250 });
  wire.plan(index => (index !== segment ? 0 : action === DROP ? WIRE_DROP : WIRE_DUPLICATE));
  world.spawn(b, function* (os) {
    const listener = os.socket();
    os.bind(listener, '10.0.0.2', 80);
    os.listen(listener, 8);
    const fd = yield* os.accept(listener);
    yield* os.recv(fd, 1);
    yield* os.send(fd, 'B');
    while (((yield* os.recv(fd, 1)) as Uint8Array).length > 0);
    if (how === 'shutdown') os.shutdown(fd, 'wr');
    yield* os.close(fd);
    yield* os.close(listener);
  });
  world.spawn(a, function* (os) {
    const fd = os.socket();
    yield* os.connect(fd, '10.0.0.2', 80);
    yield* os.send(fd, 'A');
    yield* os.recv(fd, 1);
    if (how === 'shutdown') {
      os.shutdown(fd, 'wr');
      yield* os.recv(fd, 1);
    }
    yield* os.close(fd);
  });
  world.run();
  for (const host of [a, b]) checkEnded(host);
  return world.log
    .filter((e: SimEvent) => e.kind === 'segment')
    .map(e => `${e.from}> ${e.flags.replaceAll('P', '')} ${e.length}`);
}

/** What the lean driver shows of it, in the same form. */
function lean(segment: number, action: number, how: 'close' | 'shutdown'): string[] {
  const life: Life = {
    order: 'A-first',
    how,
    sack: true,
    timestamps: true,
    rtt: 500,
    when: 'turn',
    faults: segment < 0 ? [] : [fault(segment, action)],
  };
  const lines: string[] = [];
  expect(again(life, 5, line => lines.push(line))).toBeNull();
  return lines.flatMap(line => {
    const m = /^ *\S+ ([AB]) +\d+ (\S+) +seq -?\d+ len (\d+)/.exec(line);
    if (m === null) return [];
    const flags = m[2]!.replaceAll('P', '');
    return [`${m[1]}> ${flags} ${Number(m[3]) - (/F/.test(flags) ? 1 : 0)}`];
  });
}

for (const how of ['close', 'shutdown'] as const) {
  test(`${how}: a life in the lean driver has the segments of one in a whole world, whatever is lost or doubled`, () => {
    const clean = lean(-1, DROP, how);
    expect(clean.length).toBeGreaterThan(8);
    expect(inWorld(-1, DROP, how)).toEqual(clean);
    for (let i = 0; i < clean.length; i++) {
      for (const action of [DROP, DUPLICATE]) {
        expect(inWorld(i, action, how), `segment ${i}, fault ${action}`).toEqual(lean(i, action, how));
      }
    }
  });
}
