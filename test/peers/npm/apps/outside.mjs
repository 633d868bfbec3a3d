// A client of a server outside this process, by http and by net.
import http from 'node:http';
import { connect } from 'node:net';

const [, , host, port] = process.argv;
const where = { host: String(host), port: Number(port) };
const ask = () =>
  new Promise(resolve => {
    http
      .get({ ...where, path: '/here' }, r => {
        let text = '';
        r.on('data', d => (text += d));
        r.on('end', () => resolve(`${r.statusCode} ${text}`));
      })
      .on('error', e => resolve(/** @type {NodeJS.ErrnoException} */ (e).code));
  });
console.log(await ask());
const c = connect(where);
c.on('connect', () => console.log('connect', c.remoteAddress === host, c.localPort !== undefined));
c.on('error', e => console.log(/** @type {NodeJS.ErrnoException} */ (e).code));
c.end('GET / HTTP/1.0\r\n\r\n');
c.resume();
c.on('close', bad => console.log('close', bad));
