import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Address, parseAddress } from '../../src/base/address.ts';
import { ARP_REPLY, ARP_REQUEST, ArpPacket, decodeArp, putArp } from '../../src/wire/arp.ts';
import {
  BROADCAST_MAC,
  decodeEthernet,
  EthernetHeader,
  Mac,
  multicastMac,
  parseMac,
  putEthernet,
} from '../../src/wire/ethernet.ts';
import { OK, reasonName } from '../../src/wire/reason.ts';
import { decodeUdp, putUdp, UdpHeader } from '../../src/wire/udp.ts';
import { addressPair, guarded, surrounded, u16, word } from './guard.ts';

const mac = fc.tuple(u16, word).map(([high, low]) => new Mac(high, low));

describe('MAC addresses', () => {
  test('parse and print', () => {
    expect(parseMac('02:00:5e:ff:0a:ff')?.toString()).toBe('02:00:5e:ff:0a:ff');
    expect(parseMac('02-00-5E-FF-0A-FF')?.toString()).toBe('02:00:5e:ff:0a:ff');
    for (const bad of ['', '02:00:5e:ff:0a', '02:00:5e:ff:0a:ff:00', 'g2:00:5e:ff:0a:ff'])
      expect(parseMac(bad)).toBeNull();
    fc.assert(fc.property(mac, m => parseMac(m.toString())?.equals(m) === true));
  });

  test('know broadcast and multicast, and the MAC of a group', () => {
    expect(BROADCAST_MAC.isBroadcast && BROADCAST_MAC.isMulticast).toBe(true);
    expect(parseMac('02:00:00:00:00:01')?.isMulticast).toBe(false);
    expect(multicastMac(parseAddress('224.129.2.3')!).toString()).toBe('01:00:5e:01:02:03');
    expect(multicastMac(parseAddress('ff02::1:ff02:3')!).toString()).toBe('33:33:ff:02:00:03');
  });
});

describe('Ethernet and ARP', () => {
  test('a header comes back as written; fewer than 14 bytes are refused', () => {
    fc.assert(
      fc.property(mac, mac, u16, fc.nat(3), (destination, source, type, at) => {
        fc.pre(type !== 0x8100);
        const bytes = new Uint8Array(at + 14);
        putEthernet(bytes, at, destination, source, type);
        const h = new EthernetHeader();
        expect(decodeEthernet(guarded(bytes, at, at + 14), at, at + 14, h)).toBe(OK);
        expect(h).toMatchObject({ destination, source, type, vlan: -1, at: at + 14 });
        expect(reasonName(decodeEthernet(bytes, at, at + 13, h))).toBe('ethernet-short');
      }),
    );
  });

  test('one VLAN tag is looked through', () => {
    const bytes = new Uint8Array(18);
    putEthernet(bytes, 0, BROADCAST_MAC, new Mac(2, 1), 0x8100);
    bytes.set([0xe0, 0x05, 0x08, 0x00], 14);
    const h = new EthernetHeader();
    expect(decodeEthernet(guarded(bytes, 0, 18), 0, 18, h)).toBe(OK);
    expect([h.vlan, h.type, h.at]).toEqual([5, 0x0800, 18]);
    expect(reasonName(decodeEthernet(bytes, 0, 17, h))).toBe('ethernet-short');
  });

  test('an ARP packet comes back as written; other hardware, lengths and operations are refused', () => {
    const bytes = new Uint8Array(28);
    const [a, b] = [Address.v4(0x0a090001), Address.v4(0x0a090002)];
    putArp(bytes, 0, ARP_REPLY, new Mac(2, 3), a, new Mac(4, 5), b);
    const p = new ArpPacket();
    expect(decodeArp(guarded(bytes, 0, 28), 0, 28, p)).toBe(OK);
    expect(p).toMatchObject({
      operation: ARP_REPLY,
      sender: a,
      target: b,
      senderMac: new Mac(2, 3),
      targetMac: new Mac(4, 5),
    });
    for (let n = 0; n < 28; n++) expect(reasonName(decodeArp(bytes, 0, n, p))).toBe('arp-short');
    for (const [at, value] of [
      [0, 1],
      [1, 6],
      [2, 9],
      [4, 8],
      [5, 16],
      [7, 3],
    ] as const) {
      const bad = bytes.slice();
      bad[at] = value;
      expect(reasonName(decodeArp(bad, 0, 28, p))).toBe('arp-format');
    }
    bytes[7] = ARP_REQUEST;
    expect(decodeArp(bytes, 0, 28, p)).toBe(OK);
  });
});

describe('UDP', () => {
  test('a datagram comes back as written, without what lies behind its own length', () => {
    fc.assert(
      fc.property(
        addressPair,
        u16,
        u16,
        fc.uint8Array({ maxLength: 50 }),
        fc.nat(9),
        ([s, d], sport, dport, data, pad) => {
          const bytes = new Uint8Array(8 + data.length + pad);
          bytes.set(data, 8);
          putUdp(bytes, 0, 8 + data.length, sport, dport, s, d);
          const h = new UdpHeader();
          expect(decodeUdp(guarded(bytes, 0, bytes.length), 0, bytes.length, s, d, h)).toBe(OK);
          expect(h).toMatchObject({ sourcePort: sport, destinationPort: dport, at: 8, end: 8 + data.length });
          bytes[0]! ^= 1;
          expect(reasonName(decodeUdp(bytes, 0, bytes.length, s, d, h))).toBe('udp-checksum');
          expect(decodeUdp(bytes, 0, bytes.length, s, d, h, true)).toBe(OK);
        },
      ),
    );
  });

  test('no checksum is accepted over IPv4 and refused over IPv6; a checksum that comes to 0 is sent as ffff', () => {
    const bytes = Uint8Array.of(0, 1, 0, 2, 0, 8, 0, 0);
    const h = new UdpHeader();
    expect(decodeUdp(bytes, 0, 8, Address.v4(1), Address.v4(2), h)).toBe(OK);
    const six = parseAddress('2001:db8::1')!;
    expect(reasonName(decodeUdp(bytes, 0, 8, six, six, h))).toBe('udp-checksum');
    const zero = new Uint8Array(10);
    for (let i = 0; i < 0x10000; i++) {
      zero[8] = i >> 8;
      zero[9] = i;
      putUdp(zero, 0, 10, 1, 2, Address.v4(1), Address.v4(2));
      expect((zero[6]! << 8) | zero[7]!).not.toBe(0);
      i += 96;
    }
  });

  test('a length below 8 or beyond the packet is refused', () => {
    const h = new UdpHeader();
    for (const length of [0, 7, 9]) {
      const bytes = Uint8Array.of(0, 1, 0, 2, 0, length, 0, 0);
      expect(reasonName(decodeUdp(bytes, 0, 8, Address.v4(1), Address.v4(2), h))).toBe('udp-length');
    }
    for (let n = 0; n < 8; n++) {
      expect(reasonName(decodeUdp(new Uint8Array(8), 0, n, Address.v4(1), Address.v4(2), h))).toBe(
        'udp-short',
      );
    }
  });
});

test('whatever the bytes: Ethernet, ARP and UDP neither throw nor read outside', () => {
  fc.assert(
    fc.property(surrounded(fc.uint8Array({ maxLength: 60 })), addressPair, ({ bytes, at, end }, [s, d]) => {
      const g = guarded(bytes, at, end);
      decodeEthernet(g, at, end, new EthernetHeader());
      decodeArp(g, at, end, new ArpPacket());
      const h = new UdpHeader();
      if (decodeUdp(g, at, end, s, d, h, true) === OK) {
        expect(h.end).toBeLessThanOrEqual(end);
        expect(h.end).toBeGreaterThanOrEqual(h.at);
      }
    }),
    { numRuns: 1000 },
  );
});
