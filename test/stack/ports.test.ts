import { describe, expect, it } from 'vitest';
import { type Address, parseAddress } from '../../src/base/address.ts';
import { EADDRINUSE } from '../../src/base/errno.ts';
import { randomKey, seededRandom } from '../../src/base/random.ts';
import { SysctlValues } from '../../src/base/sysctl-values.ts';
import { type BindOptions, Bound, Ports } from '../../src/stack/ports.ts';

const OPTIONS: BindOptions = { reuseAddr: false, reusePort: false, v6only: false, owner: null };

const address = (text: string): Address => parseAddress(text)!;

function portsOf(range: [number, number], flowAt = ''): Ports {
  const random = seededRandom(1);
  const sysctl = new SysctlValues();
  sysctl.ip_local_port_range = range;
  const users = { flowConflicts: (a: { toString(): string }) => a.toString() === flowAt };
  return new Ports(sysctl, random, randomKey(random), users, () => true);
}

describe('bind to port 0', () => {
  it('takes a port that only another local address uses', () => {
    const ports = portsOf([40000, 40000]);
    expect(ports.bind(address('10.0.0.1'), 0, OPTIONS)).toBeInstanceOf(Bound);
    expect(ports.bind(address('10.0.0.2'), 0, OPTIONS)).toBeInstanceOf(Bound);
    expect(ports.bind(address('10.0.0.1'), 0, OPTIONS)).toBe(-EADDRINUSE);
    expect(ports.bind(address('0.0.0.0'), 0, OPTIONS)).toBe(-EADDRINUSE);
  });

  it('does not choose what SO_REUSEADDR alone would allow', () => {
    const ports = portsOf([40000, 40000]);
    const reuse = { ...OPTIONS, reuseAddr: true };
    expect(ports.bind(address('10.0.0.1'), 40000, reuse)).toBeInstanceOf(Bound);
    expect(ports.bind(address('10.0.0.1'), 0, reuse)).toBe(-EADDRINUSE);
    expect(ports.bind(address('10.0.0.1'), 40000, reuse)).toBeInstanceOf(Bound);
  });

  it('passes by a port with connections at the address', () => {
    const ports = portsOf([40000, 40000], '10.0.0.1');
    ports.addFlow(40000);
    expect(ports.bind(address('10.0.0.1'), 0, OPTIONS)).toBe(-EADDRINUSE);
    expect(ports.bind(address('10.0.0.2'), 0, OPTIONS)).toBeInstanceOf(Bound);
  });
});
