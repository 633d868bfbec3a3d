import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/**
 * How long a process lives: as long as something that is referenced is open. Each program runs in two
 * processes, on the kernel's `net` and with `lastack/register`; both end by themselves, or neither does.
 */

const REGISTER = resolve('dist/tools/register/index.js');
/** A program that something keeps alive for so long is not going to end. */
const LONG_MS = 2500;

const HEAD = `
const net = require('net');
const say = (...x) => console.log(...x);
process.on('exit', () => say('exit'));
setTimeout(() => { say('lives'); process.exit(); }, ${LONG_MS}).unref();
const serve = (options, use) => { const s = net.createServer(options, use); s.listen(0, '127.0.0.1'); return s; };
const open = (s, then) => { const c = net.connect(s.address().port, '127.0.0.1'); c.on('connect', () => then && then(c)); return c; };
`;

const PROGRAMS: Readonly<Record<string, string>> = {
  'nothing at all': ``,
  'a server that is only made': `net.createServer()`,
  'a server that listens': `serve({})`,
  'a server that is unreferenced': `serve({}).unref()`,
  'a server that is unreferenced before it listens': `const s = net.createServer().unref(); s.listen(0)`,
  'a server that is unreferenced and referenced again': `serve({}).unref().ref()`,
  'a server that is closed': `const s = serve({}); s.on('listening', () => s.close(() => say('closed')))`,
  'an open pair, server closed': `const s = serve({}, p => p.resume()); s.on('listening', () => open(s, () => s.close()).resume())`,
  'an open pair, everything unreferenced': `const s = serve({}, p => { p.unref(); }); s.unref(); s.on('listening', () => open(s, c => c.unref()))`,
  'an open pair, only the client referenced': `const s = serve({}, p => { p.unref(); p.resume(); }); s.unref(); s.on('listening', () => open(s))`,
  'an exchange that ends': `const s = serve({}, p => { p.end('hi'); s.close(); }); s.on('listening', () => open(s).on('data', d => say(String(d))))`,
  'a socket that is only made': `new net.Socket()`,
  'a client that is refused': `net.connect(9, '127.0.0.1').on('error', e => say(e.code))`,
  'a client that is unreferenced before it connects': `const s = serve({}, p => p.unref()); s.on('listening', () => { const c = open(s, () => say('connected')); c.unref(); s.unref(); })`,
  'a paused socket': `const s = serve({ pauseOnConnect: true }, p => say('accepted')); s.on('listening', () => { const c = open(s, () => { c.pause(); c.unref(); setTimeout(() => s.close(), 50); }); })`,
  'a timer of a socket keeps nothing alive': `const s = serve({}, p => p.unref()); s.on('listening', () => open(s, c => { c.setTimeout(5000); c.unref(); s.unref(); }))`,
  'a write that waits': `const s = serve({ pauseOnConnect: true }); s.on('listening', () => open(s, c => { c.write(Buffer.alloc(32 << 20)); setTimeout(() => { c.unref(); s.unref(); }, 100); }))`,
  'the end after everything is destroyed': `const s = serve({}, p => { p.destroy(); s.close(); }); s.on('listening', () => open(s).on('close', () => say('close')).resume())`,
};

function run(code: string, registered: boolean): Promise<string> {
  const flags = registered ? ['--import', REGISTER] : [];
  const env = { ...process.env, LASTACK_CONTROL: 'off' };
  const child = spawn(process.execPath, [...flags, '-e', `${HEAD}\nsay('begin');\n${code}`], { env });
  let text = '';
  child.stdout.on('data', d => (text += d));
  child.stderr.on('data', d => (text += d));
  return new Promise(done => child.on('close', () => done(text)));
}

describe('a process lives as long on lastack as on the kernel', () => {
  for (const [name, code] of Object.entries(PROGRAMS)) {
    test.concurrent(name, async () => {
      const [kernel, ours] = await Promise.all([run(code, false), run(code, true)]);
      expect(kernel).toMatch(/^begin\n/);
      expect(ours).toBe(kernel);
    });
  }
});

test('the module is there for import and for require, and a name of the loopback', async () => {
  const net = resolve('dist/api/net/index.js');
  const code = `
    const ours = require(${JSON.stringify(net)});
    const s = ours.createServer(c => c.end('from ' + c.remoteAddress)).listen(0, 'localhost', () => {
      ours.connect(s.address().port, 'localhost').on('data', d => { say(String(d)); s.close(); });
    });
    import(${JSON.stringify(net)}).then(m => say(m.Socket === ours.Socket, m.default.connect === ours.connect));`;
  const text = await run(code, false);
  expect(text).toContain('true true');
  expect(text).toContain('from 127.0.0.1');
  expect(text).toMatch(/exit\n$/);
  expect(text).not.toContain('lives');
});
