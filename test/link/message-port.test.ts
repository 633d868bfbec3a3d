import { MessageChannel, Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { MessagePortLink } from '../../src/link/message-port/link.ts';
import { FramePool } from '../../src/wire/frame.ts';
import { converse, Hosts, until } from './hosts.ts';

const pool = new FramePool();
const frame = (n = 60) => pool.from(new Uint8Array(n).fill(n));

let hosts = new Hosts();
afterEach(async () => {
  await hosts.close();
  hosts = new Hosts();
});

function pair(queue = 1024): [MessagePortLink, MessagePortLink, MessageChannel] {
  const channel = new MessageChannel();
  const options = { clock: hosts.loop, queue };
  return [new MessagePortLink(channel.port1, options), new MessagePortLink(channel.port2, options), channel];
}

describe('a message port link', () => {
  test('joins two hosts: a conversation, its close and TIME_WAIT', async () => {
    const [near, far] = pair();
    const a = hosts.add('A', '10.9.0.1/24', near);
    const b = hosts.add('B', '10.9.0.2/24', far);
    expect(await converse(a, b, '10.9.0.2', 1_000_000)).toMatchObject({ question: 1_000_000, waits: 1 });
  });

  test('has so many frames under way and no more, and says when the other end has taken them', async () => {
    const [near, far] = pair(3);
    const got: number[] = [];
    far.onreceive = f => {
      got.push(f.length);
      f.release();
    };
    let writable = 0;
    near.onwritable = () => writable++;
    expect([21, 22, 23, 24].map(n => near.transmit(frame(n)))).toEqual([true, true, true, false]);
    await until(() => writable === 1);
    expect([got, near.transmit(frame(24))]).toEqual([[21, 22, 23], true]);
    await until(() => got.length === 4);
    near.close();
    far.close();
  });

  test('drops and counts what is no frame', async () => {
    const [near, far, channel] = pair();
    far.onreceive = f => f.release();
    channel.port1.postMessage('hello');
    channel.port1.postMessage({ a: 1 });
    channel.port1.postMessage([new Uint8Array(3), 7, null, new Uint8Array(2000)]);
    channel.port1.postMessage(-1);
    channel.port1.postMessage(Number.NaN);
    near.transmit(frame());
    await until(() => far.counters.received === 1);
    expect(far.counters).toMatchObject({ notBytes: 4, tooShort: 1, tooLong: 1, received: 1 });
    expect(near.transmit(frame(3000))).toBe(true);
    expect(near.counters.unsent).toBe(1);
    near.close();
  });

  test('tells the other end when it closes', async () => {
    const [near, far] = pair();
    let reason = '';
    far.onclose = r => (reason = r);
    near.close();
    await until(() => reason !== '');
    expect(reason).toContain('closed');
    expect([near.transmit(frame()), far.transmit(frame())]).toEqual([false, false]);
  });

  test('crosses into a thread of Node and back', async () => {
    const echo = `
      const { parentPort } = require('node:worker_threads');
      parentPort.on('message', m => {
        if (!Array.isArray(m)) return;
        parentPort.postMessage(m.length);
        parentPort.postMessage(m);
      });`;
    const worker = new Worker(echo, { eval: true });
    const link = new MessagePortLink(worker, { clock: hosts.loop });
    const got: number[] = [];
    let reason = '';
    link.onreceive = f => {
      got.push(f.bytes[f.start]!);
      f.release();
    };
    link.onclose = r => (reason = r);
    link.transmit(frame(33));
    link.transmit(frame(44));
    await until(() => got.length === 2);
    expect(got).toEqual([33, 44]);
    await worker.terminate();
    await until(() => reason !== '');
  });
});
