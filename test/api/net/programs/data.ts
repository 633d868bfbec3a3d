import { type Program, program } from '../kit.ts';

const noop = (): void => {};

/** Bytes: writing, reading, backpressure. */
export const data: Program[] = [
  program('a thousand writes before connect', async t => {
    let got = '';
    const s = await t.server({}, p => {
      p.on('data', d => (got += d));
      p.on('end', () => t.log('peer', got.length, got.slice(0, 20), got.slice(-8)));
    });
    const c = t.keep(t.net.connect(s.port, '127.0.0.1'));
    let called = 0;
    for (let i = 0; i < 1000; i++) c.write(`${i},`, () => called++);
    t.log('c', c.writableLength, c.bytesWritten);
    c.end();
    c.resume();
    await t.when(c, 'close');
    t.log('c', called, c.bytesWritten);
    await t.pause(5);
  }),
  program('zero-length writes', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    t.watch('p', peer);
    peer.on('data', noop);
    t.log(
      'c',
      client.write('', () => t.log('c', 'empty string')),
    );
    t.log(
      'c',
      client.write(Buffer.alloc(0), () => t.log('c', 'empty buffer')),
    );
    client.end('', () => t.log('c', 'ended'));
    await t.when(peer, 'end');
    await t.pause(5);
    t.log('p', peer.bytesRead);
  }),
  program('encodings', async t => {
    const { client, peer } = await t.pair();
    peer.setEncoding('hex');
    t.watch('p', peer);
    peer.on('data', noop);
    client.write('ff00', 'hex');
    client.write('/+8=', 'base64');
    client.write('é', 'latin1');
    client.write('é', 'utf8');
    client.write('é', 'utf16le');
    client.write('é', 'ascii');
    client.write(new Uint8Array([1, 2]));
    t.log('c', client.bytesWritten);
    client.end();
    await t.when(peer, 'end');
  }),
  program('setEncoding keeps characters whole', async t => {
    const { client, peer } = await t.pair();
    peer.setEncoding('utf8');
    t.watch('p', peer);
    peer.on('data', noop);
    const b = Buffer.from('€€');
    client.write(b.subarray(0, 2));
    await t.pause(10);
    client.end(b.subarray(2));
    await t.when(peer, 'end');
  }),
  program('wrong things to write', async t => {
    const { client } = await t.pair();
    for (const x of [null, 5, {}, undefined, true]) t.attempt('c', String(x), () => client.write(x as never));
    t.attempt('c', 'encoding', () => client.write('x', 'klingon' as never));
  }),
  program('write callbacks come in order, with finish behind', async t => {
    const { client, peer } = await t.pair();
    peer.resume();
    client.on('finish', () => t.log('c', 'finish'));
    client.write('a', () => {
      t.log('c', 'a');
      process.nextTick(() => t.log('c', 'tick in a'));
    });
    client.write('b', () => t.log('c', 'b'));
    client.end('c', () => t.log('c', 'end'));
    await t.when(client, 'close');
  }),
  program('write after end', async t => {
    const { client } = await t.pair();
    t.watch('c', client);
    client.end();
    t.log(
      'c',
      client.write('x', e => t.log('c', 'callback', e)),
    );
    await t.when(client, 'close');
  }),
  program('write after destroy', async t => {
    const { client } = await t.pair();
    t.watch('c', client);
    client.destroy();
    t.log(
      'c',
      client.write('x', e => t.log('c', 'callback', e)),
    );
    await t.when(client, 'close');
    t.log(
      'c',
      client.write('x', e => t.log('c', 'callback', e)),
    );
    await t.pause(5);
  }),
  program('write after the peer has ended', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    client.resume();
    peer.end();
    await t.when(client, 'end');
    client.once('finish', () => {
      t.log(
        'c',
        client.write('x', e => t.log('c', 'callback', e)),
      );
    });
    await t.when(client, 'close');
  }),
  program('cork and uncork', async t => {
    const { client, peer } = await t.pair();
    t.watch('p', peer);
    peer.on('data', noop);
    client.cork();
    client.write('a');
    client.write('b');
    t.log('c', client.writableCorked, client.writableLength, client.bytesWritten);
    process.nextTick(() => client.uncork());
    client.end();
    await t.when(peer, 'end');
  }),
  program('backpressure: write says false, drain comes', async t => {
    const { client, peer } = await t.pair();
    peer.pause();
    const piece = Buffer.alloc(1 << 20, 'x');
    let ok = true;
    let n = 0;
    while (ok && n < 100) {
      ok = client.write(piece);
      n++;
    }
    t.log('c', 'refused', ok, client.writableNeedDrain);
    while (n++ < 24) client.write(piece);
    await t.pause(30);
    t.log('c', 'still', client.writableNeedDrain, client.writableLength > 0);
    client.on('drain', () => {
      t.log('c', 'drain', client.writableNeedDrain, client.writableLength);
      client.end();
    });
    let got = 0;
    peer.on('data', d => (got += d.length));
    peer.resume();
    await t.when(peer, 'end');
    t.log('p', got, peer.bytesRead);
    t.log('c', client.bytesWritten);
  }),
  program('bytesWritten counts what waits', async t => {
    const { client, peer } = await t.pair();
    peer.pause();
    for (let i = 0; i < 20; i++) client.write(Buffer.alloc(1 << 20));
    client.write('é');
    t.log('c', client.bytesWritten);
    client.destroy();
    t.log('c', client.bytesWritten > 0);
  }),
  program('pause stops the flow, resume goes on', async t => {
    const { client, peer } = await t.pair();
    t.watch('p', peer);
    peer.on('data', noop);
    client.write('one');
    await t.pause(10);
    peer.pause();
    t.log('p', peer.isPaused());
    client.write('two');
    await t.pause(10);
    peer.resume();
    await t.pause(10);
    client.end();
    await t.when(peer, 'close');
  }),
  program('pause around the end', async t => {
    const { client, peer } = await t.pair();
    t.watch('p', peer);
    peer.on('data', noop);
    peer.pause();
    client.end('last');
    await t.pause(20);
    t.log('p', 'paused');
    peer.resume();
    await t.when(peer, 'close');
  }),
  program('pause in data, resume in an immediate', async t => {
    const { client, peer } = await t.pair();
    t.watch('p', peer);
    peer.on('data', () => {
      peer.pause();
      setImmediate(() => peer.resume());
    });
    client.write('a');
    client.end('b');
    await t.when(peer, 'close');
  }),
  program('read by hand', async t => {
    const { client, peer } = await t.pair();
    let text = '';
    peer.on('readable', () => {
      let x: Buffer | null;
      while ((x = peer.read()) !== null) text += x;
    });
    peer.on('end', () => t.log('p', 'end', text));
    client.write('abc');
    await t.pause(5);
    client.end('def');
    await t.when(peer, 'close');
  }),
  program('read n bytes at a time', async t => {
    const { client, peer } = await t.pair();
    client.end('abcdefg');
    await t.pause(15);
    t.log('p', String(peer.read(3)), String(peer.read(3)), String(peer.read(3)), String(peer.read()));
  }),
  program('unshift', async t => {
    const { client, peer } = await t.pair();
    t.watch('p', peer);
    peer.once('data', d => {
      peer.unshift(d);
      peer.on('data', noop);
    });
    client.end('again');
    await t.when(peer, 'close');
  }),
  program('a small highWaterMark', async t => {
    const { client, peer } = await t.pair({ highWaterMark: 4 }, { highWaterMark: 4 } as never);
    t.log('c', client.readableHighWaterMark, client.writableHighWaterMark);
    t.log('c', client.write('123'), client.write('4567'));
    peer.pause();
    await t.pause(10);
    t.log('p', peer.readableLength);
    client.end();
    peer.resume();
    await t.when(peer, 'close');
  }),
  program('highWaterMark stops reading', async t => {
    const { client, peer } = await t.pair();
    client.end(Buffer.alloc(5 << 20));
    await t.pause(30);
    t.log('p', peer.readableLength >= peer.readableHighWaterMark, peer.bytesRead < 5 << 20);
    let n = 0;
    peer.on('data', d => (n += d.length));
    await t.when(peer, 'end');
    t.log('p', n);
  }),
  program('onread with one buffer', async t => {
    const s = await t.server({}, p => {
      p.write('hello');
      setTimeout(() => p.end('world'), 10);
    });
    const buffer = Buffer.alloc(16);
    const c = t.net.connect({
      port: s.port,
      host: '127.0.0.1',
      onread: {
        buffer,
        callback: (n, b) => {
          t.log('c', 'onread', n, b === buffer, String(Buffer.from(b.subarray(0, n))));
          return true;
        },
      },
    });
    t.watch('c', t.keep(c));
    c.on('data', noop);
    await t.when(c, 'close');
    t.log('c', c.bytesRead);
  }),
  program('onread with a function for buffers', async t => {
    const s = await t.server({}, p => {
      p.end('abcdefghij');
    });
    let made = 0;
    let text = '';
    const c = t.net.connect({
      port: s.port,
      host: '127.0.0.1',
      onread: {
        buffer: () => {
          made++;
          return Buffer.alloc(4);
        },
        callback: (n, b) => {
          text += Buffer.from(b.subarray(0, n));
          t.log('c', 'onread', n, b.length);
          return true;
        },
      },
    });
    t.keep(c);
    c.resume();
    await t.when(c, 'close');
    t.log('c', made, text);
  }),
  program('onread that stops, and resume', async t => {
    const s = await t.server({}, p => {
      p.end('abcdefgh');
    });
    let stop = true;
    const c = t.net.connect({
      port: s.port,
      host: '127.0.0.1',
      onread: {
        buffer: Buffer.alloc(4),
        callback: (n, b) => {
          t.log('c', 'onread', String(Buffer.from(b.subarray(0, n))));
          return !stop;
        },
      },
    });
    t.watch('c', t.keep(c));
    await t.pause(30);
    t.log('c', 'resume');
    stop = false;
    c.resume();
    await t.when(c, 'close');
  }),
  program('onread and pause', async t => {
    const s = await t.server({}, p => {
      p.write('first');
      setTimeout(() => p.end('second'), 20);
    });
    const c = t.net.connect({
      port: s.port,
      host: '127.0.0.1',
      onread: {
        buffer: Buffer.alloc(64),
        callback: (n, b) => {
          t.log('c', 'onread', String(Buffer.from(b.subarray(0, n))));
          c.pause();
          return true;
        },
      },
    });
    t.watch('c', t.keep(c));
    await t.pause(50);
    t.log('c', 'resume');
    c.resume();
    await t.pause(20);
    c.resume();
    await t.when(c, 'close');
  }),
  program('bytes of both directions', async t => {
    const { client, peer } = await t.pair();
    client.write('12345');
    peer.end('abc');
    client.resume();
    peer.resume();
    await t.when(client, 'close');
    t.log('c', client.bytesRead, client.bytesWritten);
    t.log('p', peer.bytesRead, peer.bytesWritten);
  }),
  program('a large echo arrives whole', async t => {
    const s = await t.server({ allowHalfOpen: true }, p => p.pipe(p));
    const c = t.keep(t.net.connect(s.port, '127.0.0.1'));
    const all = Buffer.alloc(3 << 20);
    for (let i = 0; i < all.length; i++) all[i] = (i * 31) & 255;
    const got: Buffer[] = [];
    c.on('data', d => got.push(d));
    c.end(all);
    await t.when(c, 'end');
    t.log('c', Buffer.concat(got).equals(all));
  }),
  program('a buffer may be changed when its callback has come', async t => {
    const { client, peer } = await t.pair();
    t.watch('p', peer);
    peer.on('data', noop);
    const b = Buffer.from('first');
    await new Promise<void>(resolve => client.write(b, () => resolve()));
    b.fill('x');
    client.end();
    await t.when(peer, 'close');
  }),
  program('many small writes are one piece after the first', async t => {
    const { client, peer } = await t.pair();
    let got = '';
    peer.on('data', d => (got += d));
    for (let i = 0; i < 50; i++) client.write(`${i} `);
    t.log('c', client.writableLength);
    client.end();
    await t.when(peer, 'end');
    t.log('p', got);
  }),
  program('bufferSize and writableLength', async t => {
    const { client, peer } = await t.pair();
    t.log('c', client.bufferSize, client.writableLength);
    client.write('abc');
    t.log('c', client.bufferSize, client.writableLength);
    await t.pause(5);
    t.log('c', client.bufferSize, client.writableLength);
    client.destroy();
    t.log('c', client.bufferSize);
    peer.destroy();
  }),
];
