import { describe, expect, it } from 'vitest';
import { type Outcome, runShell } from '../../src/tools/packetdrill/shell/interpret.ts';
import {
  Commands,
  type Knobs,
  type RouteChange,
} from '../../src/tools/packetdrill/shell/machine-commands.ts';

class FakeKnobs implements Knobs {
  readonly values = new Map<string, string>();
  readonly routes: RouteChange[] = [];
  readonly log: string[] = [];
  drops = 0;
  getSysctl(name: string): string | null {
    return this.values.get(name.replace(/^.*[./]/, '')) ?? null;
  }
  setSysctl(name: string, value: string): string | null {
    if (name.includes('nonsense')) return `unknown sysctl '${name}'`;
    this.values.set(name.replace(/^.*[./]/, ''), value);
    return null;
  }
  forgetServers(): void {}

  counters(): [string, number][] {
    return [
      ['TcpExtTCPRcvQDrop', this.drops],
      ['TcpExtListenDrops', 0],
    ];
  }
  socketTable(): string {
    return '  sl  local_address rem_address   st\n   0: 0100A8C0:1F90 00000000:0000 0A 00000000:00000000\n';
  }
  setMtu(mtu: number): void {
    this.log.push(`mtu ${mtu}`);
  }
  setAddress(text: string): void {
    this.log.push(`address ${text}`);
  }
  route(change: RouteChange): null {
    this.routes.push(change);
    return null;
  }
  setQueue(discipline: string, limit: number | null): void {
    this.log.push(`${discipline} ${limit}`);
  }
  setOffload(on: boolean): void {
    this.log.push(`offload ${on}`);
  }
}

const knobs = new FakeKnobs();
const commands = new Commands(knobs);
const run = (text: string): Outcome => runShell(text, commands.run, commands, new Map([['PPID', '42']]));

describe('the shell commands of scripts', () => {
  it('loads the profile for defaults.sh, wherever it lies', () => {
    expect(run('../../common/defaults.sh').status).toBe(0);
    expect(knobs.values.get('tcp_rmem')).toBe('4096 540000 15728640');
    expect(knobs.values.get('tcp_ecn')).toBe('0');
  });

  it.each([
    ['sysctl -q net.ipv4.tcp_ecn=1', 'tcp_ecn', '1'],
    ['sysctl -q -w net.ipv4.tcp_rmem="4096 8192 $((16*1024))"', 'tcp_rmem', '4096 8192 16384'],
    [
      '../common/set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0 /proc/sys/net/ipv4/tcp_sack=0',
      'tcp_sack',
      '0',
    ],
    ['echo 7 > /proc/sys/net/ipv4/tcp_reordering', 'tcp_reordering', '7'],
    ['sysctl -w net.inet.tcp.sack.enable=1', 'tcp_sack', '1'],
    ['./defaults.sh\n# a comment\nsysctl -q net.ipv4.tcp_early_retrans=0', 'tcp_early_retrans', '0'],
  ])('understands %s', (text, name, value) => {
    expect(run(text)).toMatchObject({ status: 0 });
    expect(knobs.values.get(name)).toBe(value);
  });

  it('fails on a name that no kernel has, and says which', () => {
    expect(run('sysctl -q net.ipv4.nonsense=1')).toMatchObject({
      status: 1,
      error: expect.stringContaining('nonsense'),
    });
  });

  it('counts like nstat: since it last looked', () => {
    knobs.drops = 3;
    expect(run('nstat | grep TcpExtTCPRcvQDrop | grep -q " 3 "').status).toBe(0);
    expect(run('nstat | grep TcpExtTCPRcvQDrop').status).toBe(1);
    knobs.drops = 4;
    expect(run('nstat | grep TcpExtTCPRcvQDrop | grep -q " 1 "').status).toBe(0);
    expect(run('nstat -az TcpExtListenDrops | grep -q "ListenDrops  *0 "').status).toBe(0);
  });

  it('reads the socket table', () => {
    expect(run('grep " 0A " /proc/net/tcp /proc/net/tcp6 | grep -q ":1F90"').status).toBe(0);
    expect(run('grep " 0A " /proc/net/tcp | grep ":1F91"').status).toBe(1);
  });

  it('knows routes, queues, offload and what needs nothing', () => {
    expect(run('ip route change 192.0.2.0/24 dev tun0 advmss 1000 mtu lock 1500 initcwnd 3').status).toBe(0);
    expect(knobs.routes.at(-1)).toEqual({
      verb: 'change',
      v6: false,
      destination: '192.0.2.0/24',
      mtu: 1500,
      advmss: 1000,
      initcwnd: 3,
    });
    run('tc qdisc replace dev tun0 root pfifo limit 0; tc qdisc replace dev tun0 root fq');
    run('ethtool -K tun0 tso off gso off; ip link set dev tun0 mtu 1280');
    expect(knobs.log).toEqual(['pfifo 0', 'fq null', 'offload false', 'offload false', 'mtu 1280']);
    expect(run('ip tcp_metrics flush all > /dev/null 2>&1').status).toBe(0);
    expect(run('/tmp/sysctl_restore_${PPID}.sh').status).toBe(0);
  });

  it('has conditions, loops, substitution and pretended files', () => {
    expect(run('if [ "$(echo hi)" = hi ]; then exit 3; else exit 4; fi').status).toBe(3);
    expect(run('for i in 1 2 3; do echo $i; done').out).toBe('1\n2\n3\n');
    expect(run('echo a b > /tmp/f && cat /tmp/f | wc -l').out.trim()).toBe('1');
    expect(run('dd if=/dev/zero of=/tmp/z bs=1 count=5 status=none && rm -f /tmp/z').status).toBe(0);
    expect(run('false || true && ! false').status).toBe(0);
    expect(run('echo \'a  $X\' "b"').out).toBe('a  $X b\n');
    expect(run("printf '%s=%d\\n' x 5").out).toBe('x=5\n');
    expect(run("echo 'one two' | awk '{print $2}'").out).toBe('two\n');
  });

  it('fails on a command it does not know, and on broken syntax, without running anything', () => {
    expect(run('touch_me --hard')).toMatchObject({ status: 127, error: expect.stringContaining('touch_me') });
    expect(run('echo "x').status).toBe(2);
    expect(run('if true; then').status).toBe(2);
    expect(run(')').status).toBe(2);
  });
});
