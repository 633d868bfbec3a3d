import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Sysctl, SysctlValues } from '../../src/base/sysctl.ts';
import { listSysctls } from '../../src/base/sysctl-list.ts';

const ok = { ok: true };

describe('Sysctl', () => {
  test("begins at Linux's defaults", () => {
    const { values } = new Sysctl();
    expect(values.tcp_fin_timeout).toBe(60);
    expect(values.tcp_syn_retries).toBe(6);
    expect(values.tcp_syn_linear_timeouts).toBe(4);
    expect(values.tcp_retries2).toBe(15);
    expect(values.tcp_orphan_retries).toBe(0);
    expect(values.somaxconn).toBe(4096);
    expect(values.tcp_max_tw_buckets).toBe(131072);
    expect(values.ip_local_port_range).toEqual([32768, 60999]);
    expect(values.tcp_notsent_lowat).toBe(4294967295);
    expect(values.lastack_msl).toBe(30);
  });

  test('accepts a name short, full, with slashes and with its path', () => {
    const s = new Sysctl();
    for (const [i, name] of [
      'tcp_fin_timeout',
      'net.ipv4.tcp_fin_timeout',
      'net/ipv4/tcp_fin_timeout',
      '/proc/sys/net/ipv4/tcp_fin_timeout',
    ].entries()) {
      expect(s.set(name, String(i + 1))).toEqual(ok);
      expect(s.values.tcp_fin_timeout).toBe(i + 1);
      expect(s.get(name)).toBe(String(i + 1));
    }
    expect(s.set('net.core.somaxconn', '7')).toEqual(ok);
    expect(s.values.somaxconn).toBe(7);
    expect(s.set('lastack.msl', '60')).toEqual(ok);
    expect(s.values.lastack_msl).toBe(60);
    expect(s.set('net.ipv6.neigh.default.gc_thresh1', '9')).toEqual(ok);
    expect(s.values.neigh_gc_thresh1).toBe(9);
  });

  test('reads triples, pairs, hexadecimal and text as sysctl -w takes them', () => {
    const s = new Sysctl();
    expect(s.set('tcp_rmem', '4096 540000\t15728640')).toEqual(ok);
    expect(s.values.tcp_rmem).toEqual([4096, 540000, 15728640]);
    expect(s.get('tcp_rmem')).toBe('4096\t540000\t15728640');
    expect(s.set('ip_local_port_range', '1000 2000')).toEqual(ok);
    expect(s.set('tcp_fastopen', '0x70403')).toEqual(ok);
    expect(s.values.tcp_fastopen).toBe(0x70403);
    expect(s.set('tcp_congestion_control', 'reno')).toEqual(ok);
    expect(s.set('tcp_fastopen_key', 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4')).toEqual(ok);
    expect(s.set('ip_local_reserved_ports', '80,90-99')).toEqual(ok);
  });

  test('an unknown name is an error that names what may have been meant', () => {
    const s = new Sysctl();
    expect(s.get('tcp_fin_timeot')).toBeNull();
    const r = s.set('net.ipv4.tcp_fin_timeot', '5');
    expect(r).toEqual({
      ok: false,
      error: "unknown sysctl 'net.ipv4.tcp_fin_timeot', did you mean net.ipv4.tcp_fin_timeout?",
    });
    expect(s.set('constructor', '1').ok).toBe(false);
    expect(s.set('completely.other', '1')).toEqual({ ok: false, error: "unknown sysctl 'completely.other'" });
  });

  test('a bad value is an error that says the range, and changes nothing', () => {
    const s = new Sysctl();
    expect(s.set('tcp_syn_retries', '0')).toEqual({
      ok: false,
      error: "net.ipv4.tcp_syn_retries: bad value '0', expected a whole number 1..127",
    });
    for (const bad of ['', 'x', '1.5', '128', '-1', '1 2', '0x', '1e3', 'NaN', ' ']) {
      expect(s.set('tcp_syn_retries', bad).ok).toBe(false);
    }
    expect(s.set('tcp_rmem', '1 2').ok).toBe(false);
    expect(s.set('ip_local_port_range', '2000 1000').ok).toBe(false);
    expect(s.set('tcp_congestion_control', 'vegas').ok).toBe(false);
    expect(s.values).toEqual(new SysctlValues());
  });

  test('wrong initial settings are listed and leave the default', () => {
    const s = new Sysctl({ tcp_fin_timeout: 5, tcp_sakc: 1, tcp_tw_reuse: 9 });
    expect(s.values.tcp_fin_timeout).toBe(5);
    expect(s.values.tcp_tw_reuse).toBe(2);
    expect(s.errors).toHaveLength(2);
    expect(s.errors[0]).toContain('net.ipv4.tcp_sack');
  });

  test('every row can be set to its own default, and to nothing outside its range', () => {
    const s = new Sysctl();
    for (const row of listSysctls(s)) {
      expect(s.set(row.name, row.default), row.name).toEqual(ok);
      expect(s.get(row.name)).toBe(row.default);
      expect(row.description).not.toBe('');
      const range = /^(-?\d+)\.\.(\d+)$/.exec(row.range);
      if (range && !row.default.includes('\t')) {
        expect(s.set(row.name, String(Number(range[1]) - 1)).ok, row.name).toBe(false);
        expect(s.set(row.name, range[1]!), row.name).toEqual(ok);
      }
      s.reset(row.name);
      expect(s.get(row.name)).toBe(row.default);
    }
    expect(new Set(listSysctls(s).map(r => r.name)).size).toBe(Object.keys(new SysctlValues()).length);
  });

  test('two hosts do not share values', () => {
    const a = new Sysctl();
    const b = new Sysctl();
    a.set('tcp_rmem', '1 2 3');
    expect(b.values.tcp_rmem[0]).toBe(4096);
    expect(listSysctls(a).find(r => r.name === 'net.ipv4.tcp_rmem')?.default).toBe('4096\t131072\t33554432');
  });

  test('no name and no value can throw', () => {
    const s = new Sysctl();
    const names = listSysctls(s).map(r => r.name);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom(...names)), fc.string(), (name, value) => {
        s.get(name);
        s.set(name, value);
      }),
    );
  });
});
