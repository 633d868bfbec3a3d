/**
 * `node --import lastack/register app.js`: the whole process's `net`, and with it http, https, tls, http2 and
 * every client built on them, runs on lastack hosts. See docs/net.md.
 */
import { isMainThread } from 'node:worker_threads';
import { loadConfig } from './config.ts';
import { openControl } from './control.ts';
import { makeHosts } from './hosts.ts';
import { install } from './install.ts';

const config = await loadConfig(process.env, process.cwd());
const hosts = makeHosts(config);
// Before the module is changed: the control socket is the kernel's.
if (config.control !== false && hosts.list.length > 0 && isMainThread)
  await openControl(hosts.list, process.env);
install(hosts.net);
