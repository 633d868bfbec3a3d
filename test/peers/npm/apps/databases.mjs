// pg and ioredis against real servers, which listen on Unix sockets: a forwarder in this process takes TCP
// connections and carries them there, so that what the clients open is TCP.
import { connect, createServer } from 'node:net';
import { Redis } from 'ioredis';
import pg from 'pg';

const [, , kind, path, user] = process.argv;
const forwarder = createServer(client => {
  const server = connect(String(path));
  client.pipe(server).pipe(client);
  client.on('error', () => server.destroy());
  server.on('error', () => client.destroy());
});
await new Promise(resolve => forwarder.listen(0, '127.0.0.1', () => resolve(null)));
const { port } = /** @type {import('node:net').AddressInfo} */ (forwarder.address());
const host = '127.0.0.1';

if (kind === 'pg') {
  const pool = new pg.Pool({ host, port, user, database: 'postgres', max: 3, idleTimeoutMillis: 50 });
  console.log((await pool.query('select 6 * 7 as answer')).rows[0]);
  await pool.query('create temp table if not exists t (n int, s text)');
  const c = await pool.connect();
  await c.query('begin');
  await c.query('create table people (id int, name text)');
  for (let i = 0; i < 50; i++) await c.query('insert into people values ($1, $2)', [i, `name ${i}`]);
  await c.query('commit');
  console.log((await c.query('select count(*)::int as n, max(name) as last from people')).rows[0]);
  await c.query('select nothing').catch(e => console.log(e.code));
  c.release();
  const rows = await Promise.all(
    Array.from({ length: 20 }, (_, i) => pool.query('select $1::int as i', [i])),
  );
  console.log(rows.map(r => r.rows[0].i).join(','));
  console.log((await pool.query("select repeat('x', 2000000) as x")).rows[0].x.length);
  await new Promise(resolve => setTimeout(resolve, 120));
  console.log('idle', pool.idleCount, pool.totalCount);
  await pool.query('drop table people');
  await pool.end();
} else {
  const redis = new Redis({ host, port });
  await redis.set('a', '1');
  console.log(await redis.incr('a'), await redis.get('a'));
  const p = redis.pipeline();
  for (let i = 0; i < 200; i++) p.rpush('list', `x${i}`);
  await p.exec();
  console.log(await redis.llen('list'), (await redis.lrange('list', 0, 2)).join());
  const sub = new Redis({ host, port });
  await sub.subscribe('channel');
  const got = new Promise(resolve => sub.on('message', (c, m) => resolve(`${c} ${m}`)));
  await redis.publish('channel', 'hello');
  console.log(await got);
  await redis.set('big', 'y'.repeat(1_000_000));
  console.log((await redis.get('big'))?.length);
  await redis.call('nonsense').catch(e => console.log(e.message.slice(0, 20)));
  sub.disconnect();
  console.log(await redis.quit());
}
forwarder.close(() => console.log('closed'));
